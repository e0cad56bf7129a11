/* plugin.c: the transport that plays recordings (sink record), and what trace ports wrote, into any
 * sinks, as fast as they take it.
 *
 * Frames go to the core as a node's would. source.c reads one file, of either format; player.c
 * hands over what all of them hold.
 */
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "syntax/wall_time.h"
#include "transports/file/asked.h"
#include "transports/file/player.h"

/* Clocks of several nodes, and the order that events are brought into: so much more is played. */
#define MARGIN INT64_C(1000000000)

struct file_settings {
    const char *path;
    struct tap_text_list with;
    int64_t from, to;
    const char *since, *until;
    int pace;
};
enum { PACE_FAST, PACE_REAL };

struct file {
    const struct tap_host *host;
    const struct file_settings *settings;
    struct tap_player player;
    int64_t since, until;               /* ns since the epoch; 0: no bound */
    struct tap_plan_function *returned; /* of all files; their texts are the sources' */
    struct tap_asked asked;
    uint64_t owed; /* events lost in files that are passed over, and not told yet */
};

/* ---- What the files say of themselves */

/* Of two bounds for one end the narrower holds. */
static void open_window(struct file *f, int64_t started)
{
    const struct file_settings *s = f->settings;
    int64_t from = f->since, to = f->until ? f->until : INT64_MAX;
    int64_t at;
    if (s->from && __builtin_add_overflow(started, s->from, &at))
        at = INT64_MAX;
    if (s->from && at > from)
        from = at;
    if (s->to && !__builtin_add_overflow(started, s->to, &at) && at < to)
        to = at;
    for (size_t i = 0; i < f->player.source_count && (from > MARGIN || to < INT64_MAX); i++)
        tap_reader_window(&f->player.sources[i].reader, from - MARGIN,
                          to < INT64_MAX - MARGIN ? to + MARGIN : INT64_MAX);
}

/* Of one recording at full speed blocks that hold nothing of what is asked for need not be read: of
 * several each event has its place among the others', and at its own pace it takes its time. */
static void ask(struct file *f)
{
    struct tap_player *p = &f->player;
    if (p->source_count == 1 && !p->sources[0].port && !p->real &&
        tap_asked_make(&f->asked, f->host->plan))
        tap_reader_ask(&p->sources[0].reader, &f->asked);
}

/* Where nobody knows when a node's clock began, its pieces at least count from one moment. */
static void join_clocks(struct tap_player *p, size_t at)
{
    struct tap_port_file *own = p->sources[at].port;
    for (size_t i = 0; i < at && own && own->frames.clock == TAP_PORT_MONOTONIC; i++) {
        const struct tap_port_file *o = p->sources[i].port;
        if (!o || o->frames.clock != TAP_PORT_MONOTONIC ||
            strcmp(o->frames.node, own->frames.node) != 0)
            continue;
        tap_port_file_like(own, o);
        p->sources[at].time = p->sources[at].started = own->started;
        return;
    }
}

/* Two sinks of one run, or parts of what one wrote. */
static void join_runs(struct tap_player *p, size_t at)
{
    struct tap_source *own = &p->sources[at];
    for (size_t i = 0; i < at && own->told.run; i++)
        if (p->sources[i].told.run && strcmp(p->sources[i].told.run, own->told.run) == 0)
            own->joint = p->sources[i].joint = true;
}

/* Of several it is told what holds for all of them; the run and its configuration are the
 * first's. */
static void join(struct tap_run_info *all, const struct tap_run_info *one, size_t at)
{
    if (at == 0) {
        *all = *one;
        return;
    }
    all->started = one->started < all->started ? one->started : all->started;
    all->events |= one->events;
    all->several_nodes = true;
}

static bool join_returned(struct file *f, struct tap_run_info *all)
{
    size_t n = 0;
    for (size_t i = 0; i < f->player.source_count; i++)
        n += f->player.sources[i].told.returned_count;
    f->returned = calloc(n + 1, sizeof *f->returned);
    for (size_t i = n = 0; f->returned && i < f->player.source_count; i++) {
        const struct tap_told *told = &f->player.sources[i].told;
        for (size_t k = 0; k < told->returned_count; k++)
            f->returned[n++] = told->returned[k];
    }
    all->returned = f->returned;
    all->returned_count = n;
    return f->returned;
}

static size_t path_count(const struct file *f)
{
    return 1 + f->settings->with.count;
}

static const char *path_at(const struct file *f, size_t i)
{
    return i ? f->settings->with.items[i - 1].text : f->settings->path;
}

static bool stat_path(const char *path, struct stat *st)
{
    return (strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, st) : stat(path, st)) == 0;
}

/* The same events twice are two nodes' that nobody has, and of a pipe each gets a part of what is
 * in it. Before any of them is opened. */
static enum tap_status given_twice(const struct file *f)
{
    size_t count = path_count(f);
    struct stat *st = calloc(count, sizeof *st);
    enum tap_status status = st ? TAP_OK : TAP_FAIL(f->host, TAP_ERROR, "out of memory");
    for (size_t i = 0; i < count && status == TAP_OK; i++) {
        bool there = stat_path(path_at(f, i), &st[i]);
        for (size_t k = 0; k < i && there && status == TAP_OK; k++)
            if (st[k].st_ino == st[i].st_ino && st[k].st_dev == st[i].st_dev)
                status = TAP_FAIL(f->host, TAP_INVALID, "%s is given twice (as %s)", path_at(f, i),
                                  path_at(f, k));
    }
    free(st);
    return status;
}

/* Of several files: the newest piece of a wrapped set may have nothing yet. */
static bool is_empty(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

/* What was lost in pieces that are passed over is told in the next one of a trace port, or in the
 * last one before. */
static void give_owed(struct file *f, struct tap_source *s)
{
    if (!s->port || !f->owed)
        return;
    tap_port_drop(&s->port->frames, f->owed);
    f->owed = 0;
}

static enum tap_status add_source(struct file *f, const char *path,
                                  const struct tap_run_info *asked, struct tap_run_info *session)
{
    struct tap_player *p = &f->player;
    struct tap_run_info one = *asked;
    size_t at = p->source_count++;
    if (tap_source_open(&p->sources[at], f->host, path, path_count(f) == 1, &one) != TAP_OK)
        return TAP_ERROR;
    if (p->sources[at].hollow) {
        const struct tap_port_frames *passed = &p->sources[at].port->frames;
        f->owed += passed->dropped + passed->seq; /* what cannot be read has numbers */
        tap_source_close(&p->sources[at]);
        p->source_count--;
        return TAP_OK;
    }
    give_owed(f, &p->sources[at]);
    join_clocks(p, at);
    join_runs(p, at);
    one.started = tap_told_started(p->sources[at].started);
    join(session, &one, at);
    return TAP_OK;
}

static enum tap_status file_facts(void *self, struct tap_run_info *session)
{
    struct file *f = self;
    struct tap_player *p = &f->player;
    size_t count = path_count(f);
    const struct tap_run_info asked = *session;
    enum tap_status status = given_twice(f);
    if (status != TAP_OK)
        return status;
    p->sources = calloc(count, sizeof *p->sources);
    if (!p->sources)
        return TAP_FAIL(f->host, TAP_ERROR, "out of memory");
    for (size_t i = 0; i < count; i++)
        p->sources[i].reader.fd = -1;
    for (size_t i = 0; i < count; i++) {
        const char *path = path_at(f, i);
        if (count > 1 && is_empty(path)) {
            f->host->log(f->host, TAP_LOG_WARNING, "%s is empty", path);
            continue;
        }
        status = add_source(f, path, &asked, session);
        if (status != TAP_OK)
            return status;
    }
    for (size_t i = p->source_count; i-- > 0;)
        give_owed(f, &p->sources[i]);
    if (!p->source_count)
        return TAP_FAIL(f->host, TAP_ERROR, "there is nothing to play in %s and the other files",
                        f->settings->path);
    if (!join_returned(f, session))
        return TAP_FAIL(f->host, TAP_ERROR, "out of memory");
    session->in_order = p->source_count == 1 && !p->sources[0].port;
    open_window(f, session->started);
    ask(f);
    return TAP_OK;
}

/* ---- The plugin */

static enum tap_status file_create(const struct tap_host *host, const void *settings, void **self)
{
    const struct file_settings *s = settings;
    struct file *f = calloc(1, sizeof *f);
    if (!f)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    f->host = host;
    f->settings = settings;
    f->player = (struct tap_player){.host = host, .real = s->pace == PACE_REAL};
    bool good = tap_wall_time_option(host, "since", s->since, &f->since);
    good &= tap_wall_time_option(host, "until", s->until, &f->until);
    if (!good) { /* both are told */
        free(f);
        return TAP_INVALID;
    }
    *self = f;
    return TAP_OK;
}

static enum tap_status file_start(void *self)
{
    (void)self; /* facts opened it */
    return TAP_OK;
}

/* Trace messages are wanted where somebody looks at them, and here where frames are cut or times
 * are looked for. */
static enum tap_status expand(struct file *f)
{
    struct tap_player *p = &f->player;
    const struct tap_plan *plan = f->host->plan;
    enum tap_status status = TAP_OK;
    if (plan && TAP_HAS(plan, numbered) && plan->numbered && p->source_count == 1 && !p->real)
        return TAP_OK;
    for (size_t i = 0; i < p->source_count && status == TAP_OK; i++)
        if (!p->sources[i].port)
            status = tap_source_expand(&p->sources[i]);
    return status;
}

static enum tap_status file_run(void *self)
{
    struct file *f = self;
    enum tap_status status = expand(f);
    if (status == TAP_OK)
        status = tap_player_run(&f->player);
    uint64_t unread = f->player.sources[0].reader.unread_blocks;
    if (unread)
        f->host->count(f->host, "blocks not read", (int64_t)unread);
    return status;
}

static enum tap_status file_stop(void *self)
{
    struct file *f = self;
    for (size_t i = 0; i < f->player.source_count; i++)
        tap_reader_close(&f->player.sources[i].reader);
    return TAP_OK;
}

static void file_destroy(void *self)
{
    struct file *f = self;
    tap_player_free(&f->player);
    tap_asked_free(&f->asked);
    free(f->returned);
    free(f);
}

static const char *const paces[] = {"fast", "real", NULL};

static const struct tap_option file_options[] = {
    {"path", TAP_OPT_PATH, NULL, 0, 0, NULL,
     "the recording to play, or what dbg:trace_port(file, ...) or ttb wrote; - for standard input",
     offsetof(struct file_settings, path), TAP_OPT_REQUIRED},
    {"with", TAP_OPT_LINES, NULL, 0, 0, NULL,
     "another file, and so on: all are merged by their nodes' clocks. A node that is in two of "
     "them at the same time is told as two; the pieces that a trace port wrote are one, and what "
     "several files of one run have is told once",
     offsetof(struct file_settings, with), 0},
    {"from", TAP_OPT_DURATION, "0", 0, 0, NULL,
     "passes over what is surely more than a second before this, from the beginning of the run; "
     "filter:time cuts to the point",
     offsetof(struct file_settings, from), 0},
    {"to", TAP_OPT_DURATION, "0", 0, 0, NULL,
     "passes over what is surely more than a second behind this; 0: to the end",
     offsetof(struct file_settings, to), 0},
    {"since", TAP_OPT_STRING, NULL, 0, 0, NULL, "as from, a time in UTC: 2026-11-28T10:00:00",
     offsetof(struct file_settings, since), 0},
    {"until", TAP_OPT_STRING, NULL, 0, 0, NULL, "as to, a time in UTC",
     offsetof(struct file_settings, until), 0},
    {"pace", TAP_OPT_CHOICE, "fast", 0, 0, paces,
     "real: events come as long after each other as they did then",
     offsetof(struct file_settings, pace), 0},
};

static const struct tap_transport_ops file_ops = {
    .struct_size = sizeof file_ops,
    .create = file_create,
    .start = file_start,
    .run = file_run,
    .stop = file_stop,
    .destroy = file_destroy,
    .facts = file_facts,
};

static const struct tap_plugin file_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_TRANSPORT,
    .name = "file",
    .version = TAP_VERSION,
    .summary =
        "plays recordings (sink record), and files of dbg and ttb, into any sinks, as fast as they "
        "take it",
    .license = "Apache-2.0",
    .options = file_options,
    .option_count = sizeof file_options / sizeof file_options[0],
    .settings_size = sizeof(struct file_settings),
    .ops = &file_ops,
    .flags = TAP_PLUGIN_REPLAYS,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &file_plugin;
}
