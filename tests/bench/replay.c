/* replay.c: a transport that plays a made-up recording at full speed, so that the bench can measure
 * the collector alone.
 *
 * The frames are byte for byte what a relay of OTP 25 sends, or the native tracer. They are made
 * from templates by copying and patching (pid, number, argument, time), which takes about a tenth
 * of what the collector takes for them; the row "generated, then thrown away" of the bench says how
 * much. When a sink is full it waits, so nothing is lost and memory stays what the sink's queue
 * allows.
 */
#include <stdio.h>
#include <stdlib.h>

#include "replay_templates.h"

#define FRAME_EVENTS 256u
#define NAMES_MAX 200000
#define STEP 1000    /* ns from event to event, of all nodes together */
#define TURN 5000000 /* ns: a relay keeps no event for longer */
/* the VM's monotonic clock begins at about minus this */
#define BASE_TIME UINT64_C(576460000000000000)

enum what { WHAT_CALLS, WHAT_RETURNS, WHAT_MESSAGES };
static const char *const whats[] = {"calls", "returns", "messages", NULL};

struct settings {
    int64_t events, pids, nodes, names, payload;
    int what;
    bool exits, decode, native;
};

static const struct tap_option options[] = {
    {"events", TAP_OPT_SIZE, "1M", 0, 0, NULL, "how many events, over all nodes",
     offsetof(struct settings, events), 0},
    {"what", TAP_OPT_CHOICE, "calls", 0, 0, whats,
     "calls, calls and their returns, or sends and receives", offsetof(struct settings, what), 0},
    {"pids", TAP_OPT_INT, "100", 1, 1 << 28, NULL, "processes of a node",
     offsetof(struct settings, pids), 0},
    {"exits", TAP_OPT_BOOL, "false", 0, 0, NULL,
     "processes live one after another and exit, instead of all at once",
     offsetof(struct settings, exits), 0},
    {"native", TAP_OPT_BOOL, "false", 0, 0, NULL,
     "as the native tracer sends them, with numbers for names; not with messages or exits",
     offsetof(struct settings, native), 0},
    {"nodes", TAP_OPT_INT, "1", 1, 64, NULL, "nodes", offsetof(struct settings, nodes), 0},
    {"names", TAP_OPT_INT, "1", 1, NAMES_MAX, NULL, "functions", offsetof(struct settings, names),
     0},
    {"payload", TAP_OPT_INT, "0", 0, 1024, NULL, "bytes of a binary in each event; 0: an atom",
     offsetof(struct settings, payload), 0},
    {"decode", TAP_OPT_BOOL, "true", 0, 0, NULL,
     "false: throw the frames away as soon as they are made", offsetof(struct settings, decode), 0},
};

struct replay_node {
    uint32_t index, number;
    uint64_t seq;
    int64_t next, process_since;
    uint32_t process;
    uint32_t processes, functions; /* that have numbers */
};

struct replay {
    const struct tap_host *host;
    const struct settings *settings;
    struct template first, second, exit; /* call, return; send, receive */
    char (*numbers)[6];                  /* of the functions, as their names end */
    struct replay_node nodes[64];
};

/* ---- Templates */

static void make_templates(struct replay *r)
{
    struct tap_buf b;
    size_t payload = (size_t)r->settings->payload;
    if (r->settings->native) {
        put_numbered(&r->first, TAP_ITEM_CALL, payload);
        put_numbered(&r->second, TAP_ITEM_RETURN, payload);
        return;
    }
    if (r->settings->what == WHAT_MESSAGES) {
        put_head(&b, &r->first, 6, "send");
        put_value(&b, &r->first, payload);
        r->first.peer = put_pid(&b);
        put_end(&b, &r->first);
        put_head(&b, &r->second, 6, "receive");
        put_value(&b, &r->second, payload);
        tap_write_tuple(&b, 3);
        tap_write_atom(&b, "$beamtap_from");
        tap_write_atom(&b, "shop@web01");
        r->second.peer = put_pid(&b);
        put_end(&b, &r->second);
    } else {
        put_head(&b, &r->first, 5, "call");
        put_function(&b, &r->first);
        put_value(&b, &r->first, payload);
        put_end(&b, &r->first);
        put_head(&b, &r->second, 6, "return_from");
        put_function(&b, &r->second);
        tap_write_u8(&b, 97);
        tap_write_u8(&b, 2);
        put_value(&b, &r->second, payload);
        put_end(&b, &r->second);
    }
    put_head(&b, &r->exit, 5, "exit");
    tap_write_atom(&b, "normal");
    put_end(&b, &r->exit);
}

static bool make_numbers(struct replay *r)
{
    int64_t names = r->settings->names;
    r->numbers = malloc((size_t)names * sizeof *r->numbers);
    for (int64_t i = 0; r->numbers && i < names; i++)
        for (int64_t d = 5, rest = i; d >= 0; d--, rest /= 10)
            r->numbers[i][d] = (char)('0' + rest % 10);
    return r->numbers;
}

/* ---- Frames */

/* One of this node's, whose name ends in two digits. */
static void put_own_pid(const struct replay *r, const struct replay_node *n, uint8_t *at,
                        uint32_t pid)
{
    uint32_t number = (uint32_t)(n - r->nodes) + 1;
    at[-2] = (uint8_t)('0' + number / 10);
    at[-1] = (uint8_t)('0' + number % 10);
    tap_put_u32(at, 100 + pid);
}

static uint8_t *put_item(const struct replay *r, const struct replay_node *n, uint8_t *at,
                         const struct template *t, int64_t i, uint32_t pid, uint32_t peer,
                         int64_t names)
{
    uint64_t time = BASE_TIME - (uint64_t)(i * r->settings->nodes) * STEP;
    memcpy(at, t->bytes, t->len);
    put_own_pid(r, n, at + t->pid, pid);
    if (t->peer)
        put_own_pid(r, n, at + t->peer, peer);
    if (t->number)
        tap_put_u32(at + t->number, 1000 + ((uint32_t)i & 0xffffff));
    memcpy(at + t->time, &time, 8); /* little-endian, as the format has it */
    if (t->name && names > 1)
        memcpy(at + t->name, r->numbers[i / 2 % names], sizeof *r->numbers);
    return at + t->len;
}

/* Processes and functions come in their order: what is the next one has no number yet. */
static uint8_t *define(const struct replay *r, struct replay_node *n, uint8_t *at, uint32_t process,
                       uint32_t function)
{
    struct tap_buf b = {0};
    if (process == n->processes) {
        n->processes++;
        tap_write_u8(&b, TAP_ITEM_PROCESS);
        tap_write_u32(&b, process);
        uint32_t pid = put_pid(&b);
        put_own_pid(r, n, b.data + pid, process);
    }
    if (function == n->functions) {
        n->functions++;
        tap_write_u8(&b, TAP_ITEM_FUNCTION);
        tap_write_u32(&b, function);
        tap_write_atom(&b, "shop_cart");
        tap_write_atom(&b, "add_000000");
        memcpy(b.data + b.len - 6, r->numbers[function], sizeof *r->numbers);
    }
    if (b.len)
        memcpy(at, b.data, b.len);
    free(b.data);
    return at + b.len;
}

static uint8_t *put_native(const struct replay *r, struct replay_node *n, uint8_t *at,
                           const struct template *t, int64_t i, uint32_t process)
{
    uint64_t time = BASE_TIME - (uint64_t)(i * r->settings->nodes) * STEP;
    uint32_t function = (uint32_t)(i / 2 % r->settings->names);
    at = define(r, n, at, process, function);
    memcpy(at, t->bytes, t->len);
    tap_put_u32(at + t->pid, process);
    tap_put_u32(at + t->name, function);
    tap_put_u32(at + t->number, 1000 + ((uint32_t)i & 0xffffff));
    tap_put_u64(at + t->time, 0 - time);
    return at + t->len;
}

static uint8_t *put_event(const struct replay *r, struct replay_node *n, uint8_t *at)
{
    const struct settings *s = r->settings;
    int64_t i = n->next++, of_node = s->events / s->nodes, life = of_node / s->pids;
    uint32_t pids = (uint32_t)s->pids, pid, peer;
    if (s->exits) {
        if (i - n->process_since >= life - 1 && n->process + 1 < pids) { /* its last event */
            n->process_since = i + 1;
            return put_item(r, n, at, &r->exit, i, n->process++, 0, 1);
        }
        pid = peer = n->process;
    } else {
        pid = (uint32_t)(i / 2) % pids; /* a call and its return are of one process */
        peer = (pid + 1) % pids;
    }
    bool second = s->what != WHAT_CALLS && i % 2;
    if (s->what == WHAT_CALLS && !s->exits)
        pid = (uint32_t)i % pids;
    if (s->native)
        return put_native(r, n, at, second ? &r->second : &r->first, second ? i - 1 : i, pid);
    if (s->what == WHAT_MESSAGES && second)
        return put_item(r, n, at, &r->second, i, peer, pid, 1);
    return put_item(r, n, at, second ? &r->second : &r->first, second ? i - 1 : i, pid, peer,
                    s->names);
}

static uint8_t *put_frame(struct replay_node *n, uint8_t *at, uint32_t count, uint8_t flags,
                          uint8_t *end)
{
    memset(at, 0, TAP_FRAME_HEADER);
    memcpy(at, TAP_FRAME_MAGIC, 4);
    at[4] = TAP_FRAME_VERSION;
    at[5] = flags;
    tap_put_u32(at + 8, n->number++);
    tap_put_u64(at + 16, n->seq);
    tap_put_u32(at + 24, count);
    tap_put_u32(at + 36, (uint32_t)(end - at) - TAP_FRAME_HEADER);
    if (!(flags & TAP_FRAME_CONTROL))
        n->seq += count;
    return end;
}

static uint32_t put_events(const struct replay *r, struct replay_node *n, uint8_t *at, int64_t left)
{
    uint8_t *p = at + TAP_FRAME_HEADER;
    uint32_t count = 0;
    for (; count < FRAME_EVENTS && count < left && (size_t)(p - at) < 65536; count++)
        p = put_event(r, n, p);
    uint8_t flags = r->settings->native ? TAP_FRAME_NUMBERED : 0;
    return (uint32_t)(put_frame(n, at, count, flags, p) - at);
}

/* A frame of one report, which b holds behind its length. */
static enum tap_status send_report(struct replay *r, struct replay_node *n, struct tap_buf *b,
                                   uint8_t flags)
{
    struct tap_arena *arena = r->host->transport->reserve(r->host, 4096);
    uint32_t at = 0;
    if (arena) {
        tap_put_u32(b->data, (uint32_t)b->len - 4);
        memcpy(arena->data + TAP_FRAME_HEADER, b->data, b->len);
        put_frame(n, arena->data, 1, TAP_FRAME_CONTROL | flags,
                  arena->data + TAP_FRAME_HEADER + b->len);
        r->host->transport->commit(r->host, arena, n->index, &at, 1);
    }
    free(b->data);
    return arena ? TAP_OK : TAP_FAIL(r->host, TAP_ERROR, "out of memory");
}

/* What the collector found of its clock: right within 50 us. */
static enum tap_status send_align(struct replay *r, struct replay_node *n)
{
    struct tap_buf b = {0};
    int64_t offset = INT64_C(1700000000000000000) + (int64_t)BASE_TIME;
    tap_write_u32(&b, 0);
    tap_write_version(&b);
    tap_write_tuple(&b, 5);
    tap_write_atom(&b, "align");
    tap_write_i64(&b, -(int64_t)BASE_TIME);
    tap_write_i64(&b, offset);
    tap_write_i64(&b, 50000);
    tap_write_i64(&b, offset);
    return send_report(r, n, &b, TAP_FRAME_OWN);
}

static enum tap_status send_up(struct replay *r, struct replay_node *n)
{
    struct tap_buf b = {0};
    tap_write_u32(&b, 0);
    tap_write_version(&b);
    tap_write_tuple(&b, 2);
    tap_write_atom(&b, "node_up");
    tap_write_map(&b, 3);
    tap_write_atom(&b, "release");
    tap_write_binary(&b, "25", 2);
    tap_write_atom(&b, "offset");
    tap_write_i64(&b, INT64_C(1700000000000000000) + (int64_t)BASE_TIME);
    tap_write_atom(&b, "monotonic");
    tap_write_i64(&b, -(int64_t)BASE_TIME);
    enum tap_status status = send_report(r, n, &b, 0);
    return status == TAP_OK ? send_align(r, n) : status;
}

/* An arena full of frames of one node. */
static enum tap_status send_frames(struct replay *r, struct replay_node *n, int64_t of_node)
{
    struct tap_arena *arena = r->host->transport->reserve(r->host, 256 << 10);
    uint32_t frames[64], at = 0;
    size_t count = 0;
    if (!arena)
        return TAP_FAIL(r->host, TAP_ERROR, "out of memory");
    size_t room = TAP_FRAME_HEADER + 65536 + ITEM_MAX;
    int64_t turn = TURN / STEP / r->settings->nodes, until = n->next + (turn > 0 ? turn : 1);
    until = until < of_node ? until : of_node;
    while (n->next < until && count < 64 && arena->size - at >= room) {
        frames[count++] = at;
        at += put_events(r, n, arena->data + at, until - n->next);
    }
    if (r->settings->decode)
        r->host->transport->commit(r->host, arena, n->index, frames, count);
    else
        r->host->transport->discard(r->host, arena);
    return TAP_OK;
}

/* ---- The plugin */

static enum tap_status replay_create(const struct tap_host *host, const void *settings, void **self)
{
    struct replay *r = calloc(1, sizeof *r);
    if (!r)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    r->host = host;
    r->settings = settings;
    if (r->settings->native && (r->settings->exits || r->settings->what == WHAT_MESSAGES)) {
        free(r);
        return TAP_FAIL(host, TAP_INVALID, "native: neither exits nor messages");
    }
    make_templates(r);
    if (!make_numbers(r)) {
        free(r);
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    }
    *self = r;
    return TAP_OK;
}

static enum tap_status replay_start(void *self)
{
    struct replay *r = self;
    for (int64_t k = 0; k < r->settings->nodes; k++) {
        char name[32];
        snprintf(name, sizeof name, "shop@web%02d", (int)k + 1);
        r->nodes[k].index = r->host->transport->node_add(r->host, name);
        r->host->transport->node_state(r->host, r->nodes[k].index, TAP_NODE_TRACING, NULL);
    }
    return TAP_OK;
}

static enum tap_status replay_run(void *self)
{
    struct replay *r = self;
    const struct settings *s = r->settings;
    int64_t of_node = s->events / s->nodes;
    enum tap_status status = TAP_OK;
    bool more = true;
    for (int64_t k = 0; k < s->nodes && status == TAP_OK; k++)
        status = send_up(r, &r->nodes[k]);
    while (more && status == TAP_OK && !r->host->transport->stopping(r->host)) {
        more = false;
        for (int64_t k = 0; k < s->nodes && status == TAP_OK; k++) {
            struct replay_node *n = &r->nodes[k];
            while (!r->host->transport->may_grant(r->host) &&
                   !r->host->transport->stopping(r->host))
                r->host->transport->wait(r->host, NULL, 0, 100);
            if (n->next < of_node)
                status = send_frames(r, n, of_node);
            more = more || n->next < of_node;
        }
    }
    for (int64_t k = 0; k < s->nodes; k++) {
        struct tap_node_final final = {sizeof final, s->decode ? r->nodes[k].seq : 0, 0};
        r->host->transport->node_state(r->host, r->nodes[k].index, TAP_NODE_DONE, &final);
    }
    return status;
}

static enum tap_status replay_stop(void *self)
{
    (void)self;
    return TAP_OK;
}

/* The last of all: leaves the process's peak of memory, in kB, in the file "peak". */
static void replay_destroy(void *self)
{
    char line[128];
    FILE *status = fopen("/proc/self/status", "r"), *peak = fopen("peak", "w");
    while (status && peak && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            fprintf(peak, "%ld\n", strtol(line + 6, NULL, 10));
    if (status)
        fclose(status);
    if (peak)
        fclose(peak);
    free(((struct replay *)self)->numbers);
    free(self);
}

static const struct tap_transport_ops ops = {sizeof ops, replay_create, replay_start,
                                             replay_run, replay_stop,   replay_destroy};

static const struct tap_plugin plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_TRANSPORT,
    .name = "replay",
    .version = "1",
    .summary = "plays made-up frames at full speed",
    .license = "Apache-2.0",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .settings_size = sizeof(struct settings),
    .ops = &ops,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &plugin;
}
