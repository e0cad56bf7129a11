/* plugin.c: the record sink: what came, as it came, for transport file and `beamtap export` to play
 * again.
 *
 * The file is a sequence of frames in blocks (beamtap/frame.h) and nothing else. Trace messages and
 * reports are copied byte for byte, but for the numbers of the native tracer's items; only the
 * frames around them are new, because what a filter took out of a frame must be told, and what was
 * lost stands in the stream as events.
 */
#include "beamtap/term_write.h"
#include "sinks/record/block.h"
#include "sinks/record/items.h"
#include "sinks/record/session.h"

#define FRAME_BYTES (64u << 10)
#define FRAME_EVENTS 4096u
#define LIST_HEADER 6u                          /* version byte, tag, length */
#define EVENT_MORE (2 * TAP_ITEM_DEFINED + 64u) /* bytes beside an event's own, at the most */
#define OWN (TAP_FRAME_CONTROL | TAP_FRAME_OWN)

_Static_assert(FRAME_EVENTS <= TAP_ITEM_RECORDED, "each may define one of each kind");

enum record_compress { RECORD_PLAIN, RECORD_ZSTD };

struct record_settings {
    const char *path;
    int compress;
};

struct record_node {
    bool named, ended;
    uint64_t base;  /* the node's number that its present life began with */
    uint64_t next;  /* the number of this life that comes next in the file */
    int64_t ts;     /* of its event before, as it is played; 0: unknown */
    int64_t latest; /* of its life's events so far */
};

struct record {
    const struct tap_host *host;
    const struct record_settings *settings;
    struct tap_writer w;
    struct tap_blocks blocks;
    struct record_node *nodes;
    uint32_t node_count;
    uint32_t number;
    /* The frame of events that is being written, with one node's; count 0: there is none. */
    uint32_t count, node;
    uint64_t first;
    size_t begun;  /* where it begins in its block */
    bool numbered; /* it has items, else trace messages */
    struct tap_items items;
};

/* ---- Frames */

static struct record_node *node_get(struct record *r, uint32_t index)
{
    if (index >= r->node_count) {
        uint32_t count = index + 16;
        struct record_node *more = realloc(r->nodes, count * sizeof *more);
        if (!more)
            return NULL;
        memset(more + r->node_count, 0, (count - r->node_count) * sizeof *more);
        r->nodes = more;
        r->node_count = count;
    }
    return &r->nodes[index];
}

/* A whole frame without events: a report, or only what its header says. */
static void put_frame(struct record *r, struct tap_frame f, const void *term, uint32_t len)
{
    tap_blocks_frame(&r->blocks,
                     f.flags & TAP_FRAME_CONTROL ? TAP_BLOCK_REPORTS : TAP_BLOCK_EVENTS);
    char *p = tap_writer_reserve(&r->w, TAP_FRAME_HEADER + 5);
    f.flags |= TAP_FRAME_RECORDED;
    f.number = r->number++;
    f.count = term != NULL;
    f.length = term ? len + 5 : 0;
    tap_frame_write((uint8_t *)p, &f);
    r->w.p += TAP_FRAME_HEADER;
    if (term) {
        tap_put_u32((uint8_t *)r->w.p, len + 1);
        r->w.p[4] = (char)TAP_EXT_VERSION;
        r->w.p += 5;
        tap_writer_put(&r->w, term, len);
    }
}

/* Numbers up to `seq` are not in the file: `why` says whether they were lost or only left out. One
 * frame, however many they are: a stream may claim any number. */
static void put_missing(struct record *r, uint32_t node, struct record_node *n, uint64_t seq,
                        uint32_t why)
{
    if (n->next >= seq)
        return;
    uint64_t missing = seq - n->next;
    n->next = seq;
    tap_blocks_frame(&r->blocks, TAP_BLOCK_EVENTS);
    r->blocks.bloom.unknown = true;
    put_frame(r,
              (struct tap_frame){.why = why,
                                 .lost = missing < TAP_FRAME_LOST_ALL ? (uint32_t)missing
                                                                      : TAP_FRAME_LOST_ALL,
                                 .node = node,
                                 .seq = seq},
              NULL, 0);
}

static void events_begin(struct record *r, uint32_t node, struct record_node *n, bool numbered)
{
    tap_blocks_frame(&r->blocks, TAP_BLOCK_EVENTS);
    tap_writer_reserve(&r->w, TAP_FRAME_HEADER + LIST_HEADER);
    r->begun = tap_writer_here(&r->w);
    r->w.p += TAP_FRAME_HEADER + (numbered ? 0 : LIST_HEADER);
    r->numbered = numbered;
    if (numbered)
        tap_items_begin(&r->items);
    r->node = node;
    r->first = n->next;
}

static void events_end(struct record *r)
{
    struct tap_writer *w = &r->w;
    if (r->count == 0)
        return;
    if (!r->numbered) {
        *tap_writer_reserve(w, 1) = (char)TAP_EXT_NIL;
        w->p++;
    }
    uint32_t count = r->count;
    r->count = 0;
    if (__builtin_expect(w->failed, 0))
        return; /* the block is dropped as a whole */
    uint8_t *head = (uint8_t *)tap_writer_begun(w) + r->begun;
    unsigned flags = r->numbered ? TAP_FRAME_NUMBERED : TAP_FRAME_ONE_LIST;
    struct tap_frame f = {.flags = (uint8_t)(flags | TAP_FRAME_RECORDED),
                          .number = r->number++,
                          .count = count,
                          .node = r->node,
                          .length = (uint32_t)(tap_writer_here(w) - r->begun) - TAP_FRAME_HEADER,
                          .seq = r->first};
    tap_frame_write(head, &f);
    tap_bloom_node(&r->blocks.bloom, r->node, count, r->nodes[r->node].ts);
    if (r->numbered)
        return;
    head += TAP_FRAME_HEADER;
    head[0] = TAP_EXT_VERSION;
    head[1] = TAP_EXT_LIST;
    tap_put_u32(head + 2, count);
}

/* ---- Events */

/* A frame of the file's own, and the end of its term. */
static void put_own(struct record *r, uint32_t node, uint64_t seq, struct tap_buf *b)
{
    if (!b->oom)
        put_frame(r, (struct tap_frame){.flags = OWN, .node = node, .seq = seq}, b->data,
                  (uint32_t)b->len);
    tap_buf_free(b);
}

/* {node, Name} of this node, once, and of those with a smaller index: so that nodes have the same
 * order when it is played. */
static void put_names(struct record *r, uint32_t index)
{
    for (uint32_t i = 0; i <= index; i++) {
        const struct tap_node *node = r->host->node(r->host, i);
        struct tap_buf b = {0};
        if (r->nodes[i].named)
            continue;
        const char *name = node ? node->name : "?";
        tap_write_tuple(&b, 2);
        tap_write_atom(&b, "node");
        tap_write_binary(&b, name, strlen(name));
        put_own(r, i, 0, &b);
        r->nodes[i].named = true;
    }
}

static void put_number(struct record *r, const struct tap_event *e, const struct record_node *n,
                       const char *tag, int64_t number)
{
    struct tap_buf b = {0};
    tap_write_tuple(&b, 2);
    tap_write_atom(&b, tag);
    tap_write_i64(&b, number);
    put_own(r, e->node, n->next, &b);
}

/* What cannot be known from what the file has of this node alone: the times of what has none of its
 * own, and how far a clock had been used. A filter may have left out what they came from. */
static void put_times(struct record *r, const struct tap_event *e, struct record_node *n)
{
    if (e->kind == TAP_CLOCK && e->raw.len)
        put_number(r, e, n, "timed", e->clock_before);
    bool own = e->kind == TAP_CLOCK || e->kind == TAP_MAILBOX || e->kind == TAP_NODE_UP;
    if (!own && e->ts != n->ts)
        put_number(r, e, n, "at", e->ts);
    if (!own || e->kind == TAP_NODE_UP)
        n->ts = e->ts;
}

/* {node_down, Reason} */
static void put_down(struct record *r, const struct tap_event *e, struct record_node *n)
{
    struct tap_buf b = {0};
    tap_write_tuple(&b, 2);
    tap_write_atom(&b, "node_down");
    tap_write_i64(&b, e->reason);
    put_own(r, e->node, n->next, &b);
    n->ended = true;
    n->latest = 0;
}

/* {mark, Text, Pid}: what put it into the stream did not say of which process it was. */
static void put_mark(struct record *r, const struct tap_batch *batch, const struct tap_event *e,
                     const struct record_node *n)
{
    const struct tap_name *node = tap_name_get(r->host, e->pid.node);
    struct tap_buf b = {0};
    tap_write_tuple(&b, 3);
    tap_write_atom(&b, "mark");
    tap_buf_put(&b, batch->arena + e->payload.off, e->payload.len);
    tap_write_u8(&b, TAP_EXT_NEW_PID);
    tap_write_atom_n(&b, node->text, node->len);
    tap_write_u32(&b, e->pid.id);
    tap_write_u32(&b, e->pid.serial);
    tap_write_u32(&b, e->pid.creation);
    if (!b.oom)
        put_frame(r,
                  (struct tap_frame){.flags = TAP_FRAME_CONTROL, .node = e->node, .seq = n->next},
                  b.data, (uint32_t)b.len);
    tap_buf_free(&b);
}

static void put_other(struct record *r, const struct tap_batch *batch, const struct tap_event *e,
                      struct record_node *n)
{
    bool late = e->kind == TAP_LOST && e->reason == TAP_REASON_KEEP;
    if (n->ended && late)
        return; /* of the life that has ended: it would begin one that nobody saw */
    if (n->ended && e->kind != TAP_NODE_DOWN) {
        n->ended = false;
        n->base = e->seq;
        n->next = 0;
    }
    uint64_t seq = e->seq > n->base ? e->seq - n->base : 0;
    put_missing(r, e->node, n, seq, TAP_REASON_NONE);
    put_times(r, e, n);
    if (e->kind != TAP_CLOCK && e->ts > n->latest)
        n->latest = e->ts;
    if (e->kind == TAP_LOST)
        put_missing(r, e->node, n, seq + e->lost, e->reason ? e->reason : TAP_REASON_SEQUENCE);
    else if (e->kind == TAP_NODE_DOWN)
        put_down(r, e, n);
    else if (e->kind == TAP_MARK && e->pid.node)
        put_mark(r, batch, e, n);
    else if (e->raw.len)
        put_frame(r,
                  (struct tap_frame){.flags = TAP_FRAME_CONTROL, .node = e->node, .seq = n->next},
                  batch->arena + e->raw.off, e->raw.len);
}

static void put_event(struct record *r, const struct tap_batch *batch, const struct tap_event *e)
{
    bool item = tap_items_is(batch, e);
    if (r->count && (r->node != e->node || r->numbered != item || r->count == FRAME_EVENTS ||
                     tap_writer_here(&r->w) - r->begun >= FRAME_BYTES ||
                     e->raw.len + FRAME_BYTES + EVENT_MORE > TAP_FRAME_MAX))
        events_end(r);
    struct record_node *n = node_get(r, e->node);
    bool counted = !tap_kind_is_control(e->kind);
    if (!n || (counted && !e->raw.len))
        return; /* what is not reported as written is lost */
    if (__builtin_expect(!n->named, 0)) {
        events_end(r);
        put_names(r, e->node);
    }
    if (__builtin_expect(!counted, 0)) {
        events_end(r);
        put_other(r, batch, e, n);
        return;
    }
    if (__builtin_expect(e->seq - n->base != n->next, 0)) {
        events_end(r);
        put_missing(r, e->node, n, e->seq - n->base, TAP_REASON_NONE);
    }
    if (r->count == 0)
        events_begin(r, e->node, n, item);
    if (item)
        tap_items_put(&r->items, &r->w, batch, e);
    else
        tap_writer_put(&r->w, batch->arena + e->raw.off, e->raw.len);
    tap_blocks_event(&r->blocks, e->node, e->ts);
    tap_bloom_event(&r->blocks.bloom, e, e->ts < n->latest);
    n->latest = e->ts > n->latest ? e->ts : n->latest;
    n->ts = e->flags & TAP_EVENT_MOVED ? 0 : e->ts;
    n->next++;
    r->count++;
}

/* ---- The sink */

static enum tap_status record_create(const struct tap_host *host, const void *settings, void **out)
{
    struct record *r = calloc(1, sizeof *r);
    if (!r)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    r->host = host;
    r->settings = settings;
    size_t n = strlen(r->settings->path);
    enum tap_status status = tap_writer_claim(&r->w, host, r->settings->path);
    if (status == TAP_OK && n > 3 && strcmp(r->settings->path + n - 3, ".gz") == 0) {
        tap_writer_free(&r->w);
        status = TAP_FAIL(host, TAP_INVALID,
                          "path %s: a recording is packed by compress = zstd, leave the .gz out",
                          r->settings->path);
    }
    if (status == TAP_OK)
        *out = r;
    else
        free(r);
    return status;
}

static enum tap_status record_start(void *self)
{
    struct record *r = self;
    enum tap_status status = tap_writer_open(&r->w);
    if (status != TAP_OK)
        return status;
    struct tap_buf b = {0};
    if (!tap_blocks_begin(&r->blocks, &r->w, r->host, r->settings->compress == RECORD_ZSTD))
        return TAP_FAIL(r->host, TAP_ERROR, "out of memory");
    tap_record_session(r->host, &b);
    put_own(r, 0, 0, &b);
    tap_blocks_end(&r->blocks);
    return tap_writer_status(&r->w);
}

static enum tap_status record_consume(void *self, const struct tap_batch *batch,
                                      const uint32_t *select, size_t n)
{
    struct record *r = self;
    for (size_t i = 0; i < n; i++)
        put_event(r, batch, tap_batch_event(batch, select[i]));
    events_end(r); /* a frame is one batch's at the most */
    return tap_writer_status(&r->w);
}

static enum tap_status record_flush(void *self)
{
    struct record *r = self;
    tap_blocks_end(&r->blocks);
    return tap_writer_flush(&r->w);
}

static enum tap_status record_stop(void *self)
{
    struct record *r = self;
    if (r->blocks.w)
        tap_blocks_finish(&r->blocks);
    return tap_writer_close(&r->w);
}

static void record_destroy(void *self)
{
    struct record *r = self;
    tap_blocks_free(&r->blocks);
    tap_writer_free(&r->w);
    free(r->nodes);
    free(r);
}

static const char *const compress_choices[] = {"none", "zstd", NULL};

static const struct tap_option record_options[] = {
    {.name = "path",
     .type = TAP_OPT_PATH,
     .flags = TAP_OPT_REQUIRED,
     .offset = offsetof(struct record_settings, path),
     .help = "file to write, - for standard output; made with mode 0600, for traces hold secrets, "
             "and emptied when it exists"},
    {.name = "compress",
     .type = TAP_OPT_CHOICE,
     .def = "none",
     .choices = compress_choices,
     .offset = offsetof(struct record_settings, compress),
     .help = "zstd packs each block: a few times fewer bytes, for some of a core"},
};

static const struct tap_sink_ops record_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = record_create,
    .start = record_start,
    .consume = record_consume,
    .flush = record_flush,
    .stop = record_stop,
    .destroy = record_destroy,
};

static const char *const endings[] = {"btf", NULL};

static const struct tap_plugin record_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "record",
    .version = TAP_VERSION,
    .summary =
        "a recording: what came, as it came, for beamtap export and transport file to play again",
    .license = "Apache-2.0",
    .options = record_options,
    .option_count = sizeof record_options / sizeof *record_options,
    .settings_size = sizeof(struct record_settings),
    .ops = &record_ops,
    .flags = TAP_PLUGIN_ITEMS,
    .endings = endings,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &record_plugin;
}
