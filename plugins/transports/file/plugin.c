/* plugin.c: the transport that plays a recording (sink record) into any sinks, as fast as they take
 * it.
 *
 * Frames go to the core as a node's would; what the file says of itself (beamtap/frame.h) becomes
 * what a live transport would tell: nodes that come and go. A file may be torn or hostile: what is
 * whole before that is played.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "syntax/wall_time.h"
#include "transports/file/pace.h"
#include "transports/file/reader.h"
#include "transports/file/told.h"

/* Clocks of several nodes, and the order that events are brought into: so much more is played. */
#define MARGIN INT64_C(1000000000)
#define ARENA_SIZE (256u << 10)
#define FRAMES_MAX 256u
#define NODES_MAX 1024u

struct file_settings {
    const char *path;
    int64_t from, to;
    const char *since, *until;
    int pace;
};
enum { PACE_FAST, PACE_REAL };

struct file_node {
    bool known, alive;
    bool left_out;    /* events before its next frame were passed over, nobody lost them */
    uint64_t damaged; /* but for so many at the most */
    uint32_t index;
    struct tap_pace pace;
    uint64_t next; /* of its present life: the number that comes next */
};

struct file {
    const struct tap_host *host;
    const struct file_settings *settings;
    struct tap_reader reader;
    struct file_node nodes[NODES_MAX]; /* by their index in the file */
    struct tap_arena *arena;           /* frames of one node, not handed over yet */
    size_t used, count;
    uint32_t frames[FRAMES_MAX];
    uint32_t node;        /* theirs, by its index in the file */
    char *run, *config;   /* as the file tells them; NULL: it does not */
    bool loss;            /* the last of them only tells of a loss */
    int64_t since, until; /* ns since the epoch; 0: no bound */
    uint64_t damages;
};

static enum tap_status file_fail(const struct file *f, const char *what)
{
    return TAP_FAIL(f->host, TAP_ERROR, "%s: %s at byte %llu", f->settings->path, what,
                    (unsigned long long)f->reader.offset);
}

static enum tap_status file_bad(const struct file *f)
{
    return file_fail(
        f, "what stands there is no frame of a recording: nothing is played from there on,");
}

/* ---- What the file says of itself */

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
    if (from > MARGIN || to < INT64_MAX)
        tap_reader_window(&f->reader, from - MARGIN, to < INT64_MAX ? to + MARGIN : to);
}

static enum tap_status file_facts(void *self, struct tap_run_info *session)
{
    struct file *f = self;
    const char *path = f->settings->path;
    struct tap_frame header;
    const uint8_t *frame;
    struct tap_cursor c;
    if (!tap_reader_open(&f->reader, path))
        return TAP_FAIL(f->host, TAP_ERROR, "cannot open %s: %s", path, strerror(errno));
    enum tap_reader_got got = tap_reader_next(&f->reader, &header, &frame);
    if (got == TAP_READER_ERROR)
        return TAP_FAIL(f->host, TAP_ERROR, "cannot read %s: %s", path, strerror(errno));
    if (got != TAP_READER_FRAME || !tap_told_term(&header, frame, 2, "session", &c) ||
        !tap_told_session(f->host, &c, session, &f->run, &f->config))
        return TAP_FAIL(f->host, TAP_ERROR, "%s is not a recording (of the sink record)", path);
    open_window(f, session->started);
    return TAP_OK;
}

/* ---- Handing over */

static void file_commit(struct file *f)
{
    if (!f->arena)
        return;
    while (!f->host->transport->may_grant(f->host) && f->host->transport->stopping(f->host) < 2)
        f->host->transport->wait(f->host, NULL, 0, 100);
    f->host->transport->commit(f->host, f->arena, f->nodes[f->node].index, f->frames, f->count);
    f->arena = NULL;
    f->used = f->count = 0;
    f->loss = false;
}

/* A live run's sinks were told of losses one by one: two that came apart stay apart. */
static bool is_loss(const struct tap_frame *h)
{
    return h->count == 0 && h->lost > 0 && h->why > 0;
}

static enum tap_status file_take(struct file *f, const struct tap_frame *h, const uint8_t *frame)
{
    size_t size = TAP_FRAME_HEADER + (size_t)h->length;
    struct file_node *n = &f->nodes[h->node];
    if (!n->alive) {
        f->host->transport->node_state(f->host, n->index, TAP_NODE_CONNECTING, NULL);
        f->host->transport->node_state(f->host, n->index, TAP_NODE_TRACING, NULL);
        n->alive = true;
        n->next = 0;
    }
    if (f->arena && (f->node != h->node || f->count == FRAMES_MAX ||
                     f->arena->size - f->used < size || (f->loss && is_loss(h))))
        file_commit(f);
    if (!f->arena &&
        !(f->arena = f->host->transport->reserve(f->host, size > ARENA_SIZE ? size : ARENA_SIZE)))
        return TAP_FAIL(f->host, TAP_ERROR, "out of memory");
    memcpy(f->arena->data + f->used, frame, size);
    f->frames[f->count++] = (uint32_t)f->used;
    f->used += size;
    f->node = h->node;
    f->loss = is_loss(h);
    n->next = h->seq + (h->flags & TAP_FRAME_CONTROL ? 0 : h->count);
    return TAP_OK;
}

/* Numbers of blocks that were passed over: a frame says that they were left out. What it does not
 * speak of is lost. */
static enum tap_status file_pass(struct file *f, const struct tap_frame *h)
{
    uint8_t bytes[TAP_FRAME_HEADER];
    struct file_node *n = &f->nodes[h->node];
    struct tap_frame left_out = {
        .flags = TAP_FRAME_RECORDED, .lost = TAP_FRAME_LOST_ALL, .node = h->node};
    uint64_t missing = n->alive && h->seq > n->next ? h->seq - n->next : 0;
    bool some = n->left_out && missing > n->damaged;
    left_out.seq = some ? h->seq - n->damaged : 0;
    n->left_out = false;
    n->damaged = 0;
    tap_frame_write(bytes, &left_out);
    return some ? file_take(f, &left_out, bytes) : TAP_OK;
}

/* ---- Nodes */

static enum tap_status node_named(struct file *f, const struct tap_frame *h, struct tap_cursor *c)
{
    const uint8_t *text;
    uint32_t len;
    char name[1024];
    struct file_node *n = &f->nodes[h->node];
    if (!tap_read_binary(c, &text, &len) || len == 0 || len >= sizeof name || n->known)
        return file_bad(f);
    for (uint32_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] == 127) /* it goes to terminals as it is */
            return file_bad(f);
    memcpy(name, text, len);
    name[len] = 0;
    n->index = f->host->transport->node_add(f->host, name);
    n->known = n->index != UINT32_MAX;
    return n->known ? TAP_OK : TAP_ERROR;
}

static void node_end(struct file *f, struct file_node *n, bool failed)
{
    struct tap_node_final final = {.struct_size = sizeof final, .produced = n->next};
    if (n->alive)
        f->host->transport->node_state(f->host, n->index, failed ? TAP_NODE_FAILED : TAP_NODE_DONE,
                                       &final);
    n->alive = false;
    n->pace.known = false; /* its next life has another clock */
}

static enum tap_status node_down(struct file *f, const struct tap_frame *h, struct tap_cursor *c)
{
    struct file_node *n = &f->nodes[h->node];
    int64_t reason;
    if (!n->known || !tap_read_i64(c, &reason))
        return file_bad(f);
    if (file_pass(f, h) != TAP_OK)
        return TAP_ERROR;
    file_commit(f);
    if (reason && n->alive)
        f->host->log(f->host, TAP_LOG_WARNING, "%s was lost during the recording",
                     f->host->node(f->host, n->index)->name);
    if (!n->alive) { /* it was never traced */
        f->host->transport->node_state(f->host, n->index, TAP_NODE_CONNECTING, NULL);
        n->alive = true;
        n->next = 0;
    }
    n->next = h->seq > n->next ? h->seq : n->next;
    node_end(f, n, reason);
    return TAP_OK;
}

static enum tap_status file_frame(struct file *f, const struct tap_frame *h, const uint8_t *frame)
{
    struct tap_cursor c;
    if (h->node >= NODES_MAX)
        return file_bad(f);
    if (h->flags & TAP_FRAME_OWN) {
        if (tap_told_term(h, frame, 2, "node", &c))
            return node_named(f, h, &c);
        if (tap_told_term(h, frame, 2, "node_down", &c))
            return node_down(f, h, &c);
        return TAP_OK; /* of a later version */
    }
    if (!f->nodes[h->node].known)
        return file_bad(f);
    enum tap_status status = file_pass(f, h);
    return status == TAP_OK ? file_take(f, h, frame) : status;
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
    if ((s->since && !tap_wall_time(s->since, &f->since)) ||
        (s->until && !tap_wall_time(s->until, &f->until))) {
        free(f);
        return TAP_FAIL(host, TAP_INVALID,
                        "since, until: a time is written as 2026-11-28T10:00:00");
    }
    f->reader.fd = -1;
    *self = f;
    return TAP_OK;
}

static enum tap_status file_start(void *self)
{
    (void)self; /* facts opened it */
    return TAP_OK;
}

/* The end of the file, however it came. */
static enum tap_status file_ended(struct file *f, enum tap_reader_got got)
{
    enum tap_status status = TAP_OK;
    if (got == TAP_READER_ERROR)
        status =
            TAP_FAIL(f->host, TAP_ERROR, "cannot read %s: %s", f->settings->path, strerror(errno));
    else if (got == TAP_READER_BAD)
        status = file_bad(f);
    else if (got == TAP_READER_TORN)
        status = file_fail(f, f->reader.blocks ? "the file ends within a block that begins"
                                               : "the file ends within a frame that begins");
    else if (got == TAP_READER_REPORTS)
        status =
            file_fail(f, "what the recording says of its nodes is damaged before this: nothing "
                         "is played from there on,");
    if (f->damages)
        status = TAP_FAIL(f->host, TAP_ERROR,
                          "%s is damaged in %llu places: what was in them is counted as lost",
                          f->settings->path, (unsigned long long)f->damages);
    for (size_t i = 0; i < NODES_MAX; i++) {
        struct file_node *n = &f->nodes[i];
        if (n->alive && got == TAP_READER_END)
            status = TAP_FAIL(f->host, TAP_ERROR,
                              "%s ends before the run of %s did: it was not recorded to its end",
                              f->settings->path, f->host->node(f->host, n->index)->name);
    }
    return status;
}

static void note_damage(struct file *f)
{
    const struct tap_reader *r = &f->reader;
    const struct tap_block *b = r->damaged;
    for (size_t i = 0; i < NODES_MAX; i++) {
        uint64_t lost = !b ? UINT64_MAX : b->nodes >> i % 64 & 1 ? b->events : 0;
        if (__builtin_add_overflow(f->nodes[i].damaged, lost, &f->nodes[i].damaged))
            f->nodes[i].damaged = UINT64_MAX;
    }
    if (f->damages++ < 10)
        f->host->log(f->host, TAP_LOG_WARNING, "%s: %llu bytes from byte %llu on are damaged",
                     f->settings->path, (unsigned long long)(r->offset - r->damage_from),
                     (unsigned long long)r->damage_from);
}

/* The next frame that holds. */
static enum tap_reader_got next_frame(struct file *f, struct tap_frame *h, const uint8_t **frame)
{
    enum tap_reader_got got;
    while ((got = tap_reader_next(&f->reader, h, frame)) == TAP_READER_DAMAGED)
        note_damage(f);
    for (size_t i = 0; f->reader.skipped && i < NODES_MAX; i++)
        f->nodes[i].left_out = true;
    f->reader.skipped = false;
    return got;
}

/* Until the frame is due, what came before it is handed over. False: the run is to end. */
static bool wait_for(struct file *f, const struct tap_frame *h, const uint8_t *frame)
{
    int64_t ms;
    if (f->settings->pace != PACE_REAL || h->node >= NODES_MAX)
        return true;
    while ((ms = tap_pace_due(&f->nodes[h->node].pace, h, frame)) > 0) {
        if (f->host->transport->stopping(f->host))
            return false;
        file_commit(f);
        f->host->transport->wait(f->host, NULL, 0, ms < 100 ? (int)ms : 100);
    }
    return true;
}

static enum tap_status file_run(void *self)
{
    struct file *f = self;
    enum tap_status status = TAP_OK;
    enum tap_reader_got got = TAP_READER_FRAME;
    struct tap_frame header;
    const uint8_t *frame;
    bool stopped = false;
    while (status == TAP_OK && !(stopped = f->host->transport->stopping(f->host)) &&
           (got = next_frame(f, &header, &frame)) == TAP_READER_FRAME)
        if (wait_for(f, &header, frame))
            status = file_frame(f, &header, frame);
    file_commit(f);
    if (status == TAP_OK && !stopped)
        status = file_ended(f, got);
    for (size_t i = 0; i < NODES_MAX; i++)
        node_end(f, &f->nodes[i], !stopped);
    return status;
}

static enum tap_status file_stop(void *self)
{
    tap_reader_close(&((struct file *)self)->reader);
    return TAP_OK;
}

static void file_destroy(void *self)
{
    struct file *f = self;
    tap_reader_close(&f->reader);
    if (f->arena)
        f->host->transport->discard(f->host, f->arena);
    free(f->run);
    free(f->config);
    free(f);
}

static const char *const paces[] = {"fast", "real", NULL};

static const struct tap_option file_options[] = {
    {"path", TAP_OPT_PATH, NULL, 0, 0, NULL, "the recording to play, - for standard input",
     offsetof(struct file_settings, path), TAP_OPT_REQUIRED},
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
    .summary = "plays a recording of the sink record into any sinks, as fast as they take it",
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
