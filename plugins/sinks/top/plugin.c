/* plugin.c: the sink "top": who is busy now: functions, processes, pairs of processes and
 * gen_server calls, on the terminal's whole screen, or as text at the end in a file.
 */
#include "sinks/top/top.h"

/* The terminal is one for the whole process, and so is this. */
static atomic_flag top_taken = ATOMIC_FLAG_INIT;

static enum tap_status top_create(const struct tap_host *host, const void *settings, void **out)
{
    struct top *t = calloc(1, sizeof *t);
    if (!t)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    t->host = host;
    t->settings = settings;
    t->file = strcmp(t->settings->path, TOP_TERMINAL) != 0;
    pthread_mutex_init(&t->lock, NULL);
    enum tap_status status = TAP_OK;
    if (t->file)
        status = tap_writer_claim(&t->w, host, t->settings->path);
    else if (atomic_flag_test_and_set(&top_taken))
        status = TAP_FAIL(host, TAP_INVALID,
                          "another sink has the terminal already: give this one "
                          "a path");
    if (status == TAP_OK)
        *out = t;
    else
        free(t);
    return status;
}

static enum tap_status top_start(void *self)
{
    struct top *t = self;
    if (!top_count_init(t))
        return TAP_FAIL(t->host, TAP_ERROR, "out of memory");
    return t->file ? tap_writer_open(&t->w) : top_screen_start(t);
}

/* How far the sink is, for the core. */
static enum tap_status status_of(struct top *t)
{
    if (t->no_memory)
        return TAP_FAIL(t->host, TAP_ERROR, "out of memory");
    if (t->file)
        return tap_writer_status(&t->w);
    return atomic_load(&t->quit) ? TAP_ENDED : TAP_OK;
}

static enum tap_status top_consume(void *self, const struct tap_batch *batch,
                                   const uint32_t *select, size_t n)
{
    struct top *t = self;
    uint64_t counted = top_count(t, batch, select, n);
    if (!t->file && counted)
        t->host->sink->written(t->host, counted, 0);
    return status_of(t);
}

static enum tap_status top_flush(void *self)
{
    struct top *t = self;
    return t->file ? tap_writer_flush(&t->w) : status_of(t);
}

static enum tap_status top_stop(void *self)
{
    struct top *t = self;
    if (!t->file)
        return top_screen_stop(t);
    enum tap_status status = TAP_OK;
    if (t->w.buf && t->w.marks && !t->no_memory && !top_text_write(t))
        status = TAP_FAIL(t->host, TAP_ERROR, "out of memory");
    enum tap_status closed = tap_writer_close(&t->w);
    return status == TAP_OK ? closed : status;
}

static void top_destroy(void *self)
{
    struct top *t = self;
    if (t->file)
        tap_writer_free(&t->w);
    else if (t->screen)
        return; /* its thread hangs in the terminal: what it uses stays */
    else
        atomic_flag_clear(&top_taken);
    top_count_free(t);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static const struct tap_option top_options[] = {
    {.name = "path",
     .type = TAP_OPT_PATH,
     .def = TOP_TERMINAL,
     .offset = offsetof(struct top_settings, path),
     .help = "the terminal, whose whole screen is taken; or a file (- for standard output), which "
             "gets the tables as text at the end"},
    {.name = "interval",
     .type = TAP_OPT_DURATION,
     .def = "1s",
     .min = 100000000,
     .max = 60 * TOP_SECOND,
     .offset = offsetof(struct top_settings, interval),
     .help = "how often the screen is drawn anew"},
    {.name = "rows",
     .type = TAP_OPT_INT,
     .def = "20",
     .min = 1,
     .max = 1000,
     .offset = offsetof(struct top_settings, rows),
     .help = "of each table in a file; the screen has what fits, and scrolls"},
    {.name = "syntax",
     .type = TAP_OPT_CHOICE,
     .def = "erlang",
     .choices = tap_print_syntaxes,
     .offset = offsetof(struct top_settings, syntax),
     .help = "how requests are written"},
};

static const struct tap_sink_ops top_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = top_create,
    .start = top_start,
    .consume = top_consume,
    .flush = top_flush,
    .stop = top_stop,
    .destroy = top_destroy,
};

static const struct tap_plugin top_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "top",
    .version = TAP_VERSION,
    .summary = "a live screen: calls, processes with their mailboxes, pairs and gen_server calls, "
               "the busiest first",
    .license = "Apache-2.0",
    .options = top_options,
    .option_count = sizeof top_options / sizeof *top_options,
    .settings_size = sizeof(struct top_settings),
    .ops = &top_ops,
    .flags = TAP_PLUGIN_NO_RAW,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &top_plugin;
}
