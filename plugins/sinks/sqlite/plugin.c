/* plugin.c: the sqlite sink: a database of events, calls, messages and processes, to be asked with
 * sqlite3 or from any language. README.md beside it says what is in it.
 */
#include "sinks/sqlite/sqlite.h"

#include <signal.h>

#define DB_EVENTS 20000u /* of a transaction */

static enum tap_status db_create(const struct tap_host *host, const void *settings, void **self)
{
    struct db *d = calloc(1, sizeof *d);
    if (!d)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    d->host = host;
    d->journal_fd = -1;
    d->settings = settings;
    enum tap_status status = tap_file_claim_path(&d->claim, host, d->settings->path, "a database");
    if (status != TAP_OK)
        free(d);
    else
        *self = d;
    return status;
}

static enum tap_status db_start(void *self)
{
    struct db *d = self;
    if (tap_file_claim_open(&d->claim) != TAP_OK)
        return tap_file_claim_status(&d->claim);
    if (!db_rows_start(d))
        return tap_writer_fail(&d->claim.w, "cannot write", "out of memory");
    if (db_prepare(d))
        db_open(d);
    return tap_file_claim_status(&d->claim);
}

/* A limit of the file's size is an error of a write (EFBIG), not the end of the process. */
static void limits_held(sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &set, before);
}

static void limits_restored(const sigset_t *before)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    if (!sigismember(before, SIGXFSZ))
        while (sigtimedwait(&set, NULL, &(struct timespec){0, 0}) > 0)
            ;
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static enum tap_status db_consume(void *self, const struct tap_batch *batch, const uint32_t *select,
                                  size_t n)
{
    struct db *d = self;
    sigset_t before;
    limits_held(&before);
    for (size_t i = 0; i < n && !d->claim.w.failed; i++) {
        if (!db_event(d, batch, tap_batch_event(batch, select[i])))
            tap_writer_fail(&d->claim.w, "cannot write", "out of memory");
        if (d->in_it >= DB_EVENTS)
            db_commit(d, false);
    }
    limits_restored(&before);
    return tap_file_claim_status(&d->claim);
}

static enum tap_status db_flush(void *self)
{
    struct db *d = self;
    sigset_t before;
    limits_held(&before);
    if (db_begin(d))
        db_commit(d, false);
    limits_restored(&before);
    return tap_file_claim_status(&d->claim);
}

static enum tap_status db_stop(void *self)
{
    struct db *d = self;
    sigset_t before;
    limits_held(&before);
    if (d->begun && db_rows_end(d)) /* the last flush has committed: this is one more */
        db_commit(d, true);
    db_close(d);
    limits_restored(&before);
    return tap_file_claim_close(&d->claim);
}

static void db_destroy(void *self)
{
    db_free(self);
}

static const struct tap_option db_options[] = {
    {.name = "path",
     .type = TAP_OPT_PATH,
     .flags = TAP_OPT_REQUIRED,
     .offset = offsetof(struct db_settings, path),
     .help = "the database, a file; made with mode 0600, for traces hold secrets, and emptied when "
             "it exists"},
    {.name = "max_message",
     .type = TAP_OPT_SIZE,
     .def = "64k",
     .flags = TAP_OPT_BYTES,
     .max = INT64_C(256) << 20,
     .offset = offsetof(struct db_settings, max_message),
     .help = "arguments, values and messages are cut with ... after about so many bytes; 0: never"},
};

static const struct tap_sink_ops db_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = db_create,
    .start = db_start,
    .consume = db_consume,
    .flush = db_flush,
    .stop = db_stop,
    .destroy = db_destroy,
};

static const char *const endings[] = {"sqlite", "sqlite3", "db", NULL};

static const struct tap_plugin db_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "sqlite",
    .version = TAP_VERSION,
    .summary = "a database of events, calls, messages and processes, with the usual questions as "
               "views",
    .license = "Apache-2.0",
    .options = db_options,
    .option_count = sizeof db_options / sizeof *db_options,
    .settings_size = sizeof(struct db_settings),
    .ops = &db_ops,
    .flags = TAP_PLUGIN_NO_RAW,
    .endings = endings,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &db_plugin;
}
