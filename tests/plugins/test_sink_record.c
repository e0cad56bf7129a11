/* The record sink, frame by frame: what is copied, what its headers say of what is missing, and
 * what it survives. That a recording plays as the live run did is tested with live nodes
 * (tests/e2e/test_record.py). */
#include "beamtap/bloom.h"
#include "sink_host.h"

struct recorded {
    struct tap_frame h;
    const uint8_t *body;
};

static uint8_t *file;
static struct recorded all[64];
static size_t count;

static struct tap_block block[64];
static size_t block_at[64], blocks;

/* Past the frames of blocks, and the whole of the index and of what blocks hold, which are put down
 * and held against what they say. */
static size_t pass_blocks(size_t at, size_t len)
{
    while (len - at >= TAP_BLOCK_FRAME && blocks < 64 &&
           tap_block_read(file + at, &block[blocks])) {
        const struct tap_block *b = &block[blocks];
        block_at[blocks] = at;
        at += TAP_BLOCK_FRAME;
        CU_ASSERT_FATAL(len - at >= b->length);
        CU_ASSERT_EQUAL(tap_checksum(file + at, b->length), b->sum);
        CU_ASSERT_EQUAL(b->number, blocks);
        at += b->type == TAP_BLOCK_INDEX || b->type == TAP_BLOCK_BLOOM ? b->length : 0;
        blocks++;
    }
    return at;
}

static bool opens(const struct recorded *r, uint32_t arity, const char *tag, struct tap_cursor *c)
{
    uint32_t n;
    *c = tap_cursor(r->body + 4, r->h.length - 4);
    tap_read_version(c);
    return tap_read_tuple(c, &n) && n == arity && tap_match_atom(c, tag);
}

/* {at, Ns} and {timed, Monotonic}, which stand before others: apart from them. */
static int64_t at_ns[64], timed_ns[64];
static size_t ats, timeds;

static bool is_time(const struct recorded *r)
{
    struct tap_cursor c;
    if (r->h.length < 5 || !(r->h.flags & TAP_FRAME_OWN))
        return false;
    return (opens(r, 2, "at", &c) && ats < 64 && tap_read_i64(&c, &at_ns[ats++])) ||
           (opens(r, 2, "timed", &c) && timeds < 64 && tap_read_i64(&c, &timed_ns[timeds++]));
}

/* Writes the batches, and reads the file's frames. */
static void record(struct sb **batches, size_t n)
{
    struct sink s;
    char path[128];
    size_t len = 0;
    strcpy(path, temp_path("out.btf"));
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "record", "path", path, NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_EQUAL(sink_consume(&s, batches[i]), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    FILE *f = fopen(path, "r");
    free(file);
    file = (uint8_t *)slurp(f, &len);
    fclose(f);
    count = blocks = ats = timeds = 0;
    for (size_t at = 0, number = 0; at < len && count < 64; number++) {
        at = pass_blocks(at, len);
        if (at == len)
            break;
        CU_ASSERT_FATAL(len - at >= TAP_FRAME_HEADER && tap_frame_read(file + at, &all[count].h));
        CU_ASSERT_EQUAL(all[count].h.number, number);
        CU_ASSERT(all[count].h.flags & TAP_FRAME_RECORDED);
        all[count].body = file + at + TAP_FRAME_HEADER;
        at += TAP_FRAME_HEADER + all[count].h.length;
        CU_ASSERT_FATAL(at <= len);
        count += !is_time(&all[count]);
    }
}

/* An event whose message is this atom. */
static struct tap_event *add(struct sb *b, enum tap_kind kind, uint64_t seq, const char *atom)
{
    struct tap_event *e = sb_event(b, kind);
    e->seq = seq;
    if (atom)
        e->raw = sb_atom(b, atom);
    return e;
}

static void frame_is(const struct recorded *r, unsigned flags, uint64_t seq, uint32_t events,
                     uint32_t lost, uint32_t why)
{
    CU_ASSERT_EQUAL(r->h.flags, flags | TAP_FRAME_RECORDED);
    CU_ASSERT_EQUAL(r->h.seq, seq);
    CU_ASSERT_EQUAL(r->h.count, events);
    CU_ASSERT_EQUAL(r->h.lost, lost);
    CU_ASSERT_EQUAL(r->h.why, why);
}

static void messages_are_copied_as_one_list(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct tap_cursor c;
    const uint8_t *name;
    uint32_t len, n;
    add(b, TAP_FUNCTION_CALL, 0, "one");
    add(b, TAP_MESSAGE_SEND, 1, "two");
    record(&b, 1);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT(opens(&all[0], 2, "session", &c));
    CU_ASSERT(opens(&all[1], 2, "node", &c) && tap_read_binary(&c, &name, &len) && len == 9 &&
              !memcmp(name, "shop@web1", 9));
    frame_is(&all[2], TAP_FRAME_ONE_LIST, 0, 2, 0, 0);
    c = tap_cursor(all[2].body, all[2].h.length);
    tap_read_version(&c);
    CU_ASSERT(tap_read_list(&c, &n) && n == 2);
    CU_ASSERT(tap_match_atom(&c, "one") && tap_match_atom(&c, "two") && tap_read_nil(&c) &&
              tap_left(&c) == 0);
    sb_free(b);
}

static void what_is_missing_is_told(void)
{
    struct sb *b = calloc(1, sizeof *b);
    add(b, TAP_FUNCTION_CALL, 3, "after three that a filter took");
    struct tap_event *lost = add(b, TAP_LOST, 6, NULL);
    lost->lost = UINT32_MAX + UINT64_C(5);
    lost->reason = TAP_REASON_RATE;
    add(b, TAP_GAP, lost->seq + lost->lost, "gap");
    record(&b, 1);
    CU_ASSERT_EQUAL_FATAL(count, 7);
    frame_is(&all[2], 0, 3, 0, 3, 0);
    frame_is(&all[3], TAP_FRAME_ONE_LIST, 3, 1, 0, 0);
    frame_is(&all[4], 0, 6, 0, 2, 0);
    frame_is(&all[5], 0, 6 + UINT64_C(0xffffffff) + 5, 0, UINT32_MAX, TAP_REASON_RATE);
    frame_is(&all[6], TAP_FRAME_CONTROL, 6 + UINT64_C(0xffffffff) + 5, 1, 0, 0);
    sb_free(b);
}

/* Where a filter leaves out what times came from, or they were moved, the file says them. */
static void times_that_cannot_be_known_are_told(void)
{
    struct sb *b = calloc(1, sizeof *b);
    add(b, TAP_FUNCTION_CALL, 0, "at ten")->ts = 10;
    add(b, TAP_LOST, 1, NULL)->ts = 10; /* as it is played */
    struct tap_event *lost = add(b, TAP_LOST, 1, NULL);
    lost->ts = 15;
    lost->lost = 3;
    lost->reason = TAP_REASON_RATE;
    struct tap_event *moved = add(b, TAP_FUNCTION_CALL, 4, "moved");
    moved->ts = 20;
    moved->flags = TAP_EVENT_MOVED;
    add(b, TAP_PROCESS_INFO, 5, "info")->ts = 20;
    struct tap_event *clock = add(b, TAP_CLOCK, 5, "align");
    clock->ts = 17;
    clock->clock_before = -5;
    add(b, TAP_NODE_DOWN, 5, NULL)->ts = 20;
    record(&b, 1);
    CU_ASSERT_EQUAL_FATAL(ats, 2);
    CU_ASSERT(at_ns[0] == 15 && at_ns[1] == 20);
    CU_ASSERT_EQUAL_FATAL(timeds, 1);
    CU_ASSERT_EQUAL(timed_ns[0], -5);
    sb_free(b);
}

/* Numbers come from strangers: a gap of any size takes one frame. */
static void any_jump_of_the_numbers_is_one_frame(void)
{
    struct sb *b = calloc(1, sizeof *b);
    add(b, TAP_FUNCTION_CALL, 0, "before");
    add(b, TAP_FUNCTION_CALL, UINT64_C(1) << 62, "behind a gap that a filter made");
    struct tap_event *lost = add(b, TAP_LOST, (UINT64_C(1) << 62) + 1, NULL);
    lost->lost = UINT64_C(1) << 63;
    lost->reason = TAP_REASON_QUEUE;
    record(&b, 1);
    CU_ASSERT_EQUAL_FATAL(count, 6);
    frame_is(&all[3], 0, UINT64_C(1) << 62, 0, UINT32_MAX, 0);
    frame_is(&all[4], TAP_FRAME_ONE_LIST, UINT64_C(1) << 62, 1, 0, 0);
    frame_is(&all[5], 0, (UINT64_C(3) << 62) + 1, 0, UINT32_MAX, TAP_REASON_QUEUE);
    sb_free(b);
}

/* A node that comes back counts from 0 again in the file, as its new relay does. */
static void each_life_counts_from_nought(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct tap_cursor c;
    int64_t reason;
    add(b, TAP_FUNCTION_CALL, 0, "first life");
    add(b, TAP_NODE_DOWN, 1, NULL)->reason = TAP_REASON_CONNECTION;
    add(b, TAP_NODE_UP, 1, "up");
    add(b, TAP_FUNCTION_CALL, 1, "second life");
    record(&b, 1);
    CU_ASSERT_EQUAL_FATAL(count, 6);
    CU_ASSERT(opens(&all[3], 2, "node_down", &c) && tap_read_i64(&c, &reason) &&
              reason == TAP_REASON_CONNECTION);
    frame_is(&all[3], TAP_FRAME_CONTROL | TAP_FRAME_OWN, 1, 1, 0, 0);
    frame_is(&all[4], TAP_FRAME_CONTROL, 0, 1, 0, 0);
    frame_is(&all[5], TAP_FRAME_ONE_LIST, 0, 1, 0, 0);
    sb_free(b);
}

/* What a window had no room for may be told behind the end of its node: that is no life. */
static void a_late_loss_begins_no_life(void)
{
    struct sb *b = calloc(1, sizeof *b);
    add(b, TAP_FUNCTION_CALL, 5, "only life");
    add(b, TAP_NODE_DOWN, 6, NULL);
    struct tap_event *lost = add(b, TAP_LOST, 2, NULL);
    lost->lost = 3;
    lost->reason = TAP_REASON_KEEP;
    record(&b, 1);
    CU_ASSERT_EQUAL_FATAL(count, 5);
    frame_is(&all[3], TAP_FRAME_ONE_LIST, 5, 1, 0, 0);
    frame_is(&all[4], TAP_FRAME_CONTROL | TAP_FRAME_OWN, 6, 1, 0, 0);
    sb_free(b);
}

/* A call as the native tracer sends it, of numbers that are its own; arguments [`argument`]. */
static struct tap_event *add_item(struct sb *b, uint64_t seq, uint32_t process,
                                  const char *function, unsigned argument)
{
    struct tap_event *e = sb_event(b, TAP_FUNCTION_CALL);
    uint32_t from = sb_from(b);
    tap_write_u8(&b->arena, TAP_ITEM_CALL);
    tap_write_u32(&b->arena, 70000 + process), tap_write_u32(&b->arena, 4000000);
    tap_write_list(&b->arena, 1), tap_write_i64(&b->arena, argument), tap_write_nil(&b->arena);
    tap_write_u32(&b->arena, 0), tap_write_u32(&b->arena, 5);
    e->raw = sb_span(b, from);
    e->seq = seq;
    e->pid = sb_pid(process);
    sb_function(e, "m", function, 1);
    return e;
}

/* What a frame has defined so far. */
struct defined {
    uint32_t processes, functions, ids[64];
    char names[64][16];
};

/* Of a frame's next item, its names as they are defined by then; false: it is none. */
static bool read_item(struct tap_cursor *c, struct defined *d, uint32_t *id, const char **function,
                      int64_t *argument)
{
    uint32_t n, len = 0;
    const char *text = "";
    struct tap_pid pid = {0};
    while (tap_left(c) > 9) {
        unsigned item = *c->p++;
        uint32_t number = tap_get_u32(c->p);
        c->p += 4;
        bool latin1;
        if (item == TAP_ITEM_PROCESS && number < 64) {
            CU_ASSERT_EQUAL(number, d->processes++);
            CU_ASSERT_FATAL(tap_read_pid(c, &text, &len, &pid) && len == 9);
            d->ids[number] = pid.id;
        } else if (item == TAP_ITEM_FUNCTION && number < 64) {
            CU_ASSERT_EQUAL(number, d->functions++);
            CU_ASSERT_FATAL(tap_match_atom(c, "m") && tap_read_atom(c, &text, &len, &latin1));
            snprintf(d->names[number], 16, "%.*s", (int)len, text);
        } else {
            CU_ASSERT_FATAL(item == TAP_ITEM_CALL && number < 64 && tap_get_u32(c->p) < 64);
            *id = d->ids[number];
            *function = d->names[tap_get_u32(c->p)];
            c->p += 4;
            CU_ASSERT_FATAL(tap_read_list(c, &n) && n == 1 && tap_read_i64(c, argument));
            CU_ASSERT_FATAL(tap_read_nil(c) && tap_left(c) >= 8 && tap_get_u64(c->p) == 5);
            c->p += 8;
            return true;
        }
    }
    return false;
}

static void items_are(const struct recorded *r, const uint32_t *process, const char *const *name,
                      uint32_t events)
{
    struct tap_cursor c = tap_cursor(r->body, r->h.length);
    struct defined d = {0};
    uint32_t id = 0;
    const char *function = "";
    int64_t argument = 0;
    frame_is(r, TAP_FRAME_NUMBERED, r->h.seq, events, 0, 0);
    for (uint32_t i = 0; i < events; i++) {
        CU_ASSERT_FATAL(read_item(&c, &d, &id, &function, &argument));
        CU_ASSERT_EQUAL(id, process[i]);
        CU_ASSERT_STRING_EQUAL(function, name[i]);
        CU_ASSERT_EQUAL(argument, (int64_t)i);
    }
    CU_ASSERT_EQUAL(tap_left(&c), 0);
}

/* Whatever the numbers were, those of a frame are its own; 256 further is the same place. */
static void items_have_numbers_of_their_frame(void)
{
    static const uint32_t process[] = {5, 6, 5, 5 + 256, 5, 6};
    static const char *const name[] = {"f", "f", "g", "f", "a_longer_one", "g"};
    struct sb *b[2] = {calloc(1, sizeof **b), calloc(1, sizeof **b)};
    sink_host_init();
    for (unsigned i = 0; i < 6; i++)
        add_item(b[0], i, process[i], name[i], i);
    add(b[0], TAP_MESSAGE_SEND, 6, "a message");
    for (unsigned i = 0; i < 6; i++)
        add_item(b[1], 7 + i, process[i], name[i], i);
    sink_written = 0;
    record(b, 2);
    CU_ASSERT_EQUAL_FATAL(count, 5);
    items_are(&all[2], process, name, 6);
    frame_is(&all[3], TAP_FRAME_ONE_LIST, 6, 1, 0, 0);
    items_are(&all[4], process, name, 6);
    CU_ASSERT_EQUAL(all[2].h.length, all[4].h.length);
    CU_ASSERT_EQUAL(sink_written, 13);
    sb_free(b[0]), sb_free(b[1]);
}

static void nodes_and_batches_have_frames_of_their_own(void)
{
    struct sb *two[2] = {calloc(1, sizeof **two), calloc(1, sizeof **two)};
    sink_written = 0;
    add(two[0], TAP_FUNCTION_CALL, 0, "a");
    add(two[0], TAP_FUNCTION_CALL, 0, "b")->node = 1;
    add(two[0], TAP_FUNCTION_CALL, 1, "c");
    add(two[1], TAP_FUNCTION_CALL, 2, "d");
    add(two[1], TAP_FUNCTION_CALL, 3,
        NULL); /* made of nothing that could be kept: not written, and so lost */
    record(two, 2);
    CU_ASSERT_EQUAL(count, 7);
    CU_ASSERT_EQUAL(all[4].h.node, 1);
    CU_ASSERT_EQUAL(sink_written, 4);
    sb_free(two[0]), sb_free(two[1]);
}

/* 4,096 events of 100 bytes are more than one frame should hold, and one of a megabyte is more than
 * the buffer. */
static void frames_stay_small_but_take_what_is_large(void)
{
    struct sb *b = calloc(1, sizeof *b);
    size_t large = 1 << 20;
    char *text = malloc(large);
    memset(text, 'x', large);
    for (uint64_t i = 0; i < 4000; i++)
        add(b, TAP_FUNCTION_CALL, i, NULL)->raw = sb_bytes(b, text, 100);
    add(b, TAP_FUNCTION_CALL, 4000, NULL)->raw = sb_bytes(b, text, large);
    add(b, TAP_FUNCTION_CALL, 4001, "last");
    record(&b, 1);
    uint64_t next = 0;
    for (size_t i = 2; i < count; i++) {
        CU_ASSERT_EQUAL(all[i].h.seq, next);
        CU_ASSERT(all[i].h.length < (64u << 10) + 200 || all[i].h.length > large);
        next += all[i].h.count;
    }
    CU_ASSERT_EQUAL(next, 4002);
    free(text);
    sb_free(b);
}

static void blocks_are_indexed(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct tap_index_entry e;
    for (uint64_t i = 0; i < 20; i++)
        add(b, TAP_FUNCTION_CALL, i, "a")->ts = 1000 + (int64_t)i;
    add(b, TAP_CLOCK, 20, "c");
    for (uint64_t i = 20; i < 30; i++)
        add(b, TAP_FUNCTION_CALL, i, "a")->ts = 2000 - (int64_t)i;
    record(&b, 1);
    /* the session and the node; events; the clock; events; what they hold; the index; the end */
    static const uint8_t types[] = {TAP_BLOCK_REPORTS, TAP_BLOCK_REPORTS, TAP_BLOCK_EVENTS,
                                    TAP_BLOCK_REPORTS, TAP_BLOCK_EVENTS,  TAP_BLOCK_BLOOM,
                                    TAP_BLOCK_INDEX,   TAP_BLOCK_END};
    CU_ASSERT_EQUAL_FATAL(blocks, sizeof types);
    for (size_t i = 0; i < blocks; i++)
        CU_ASSERT_EQUAL(block[i].type, types[i]);
    CU_ASSERT(block[2].events == 20 && block[2].first == 1000 && block[2].last == 1019);
    CU_ASSERT(block[4].events == 10 && block[4].first == 1971 && block[4].last == 1980);
    CU_ASSERT(block[4].reports == 3 && block[4].nodes == 1 && block[7].reports == 3);
    CU_ASSERT_EQUAL((size_t)block[7].first, block_at[6]);
    const uint8_t *entries = file + block_at[6] + TAP_BLOCK_FRAME + TAP_FRAME_HEADER + 19;
    for (size_t i = 0; i < 6; i++) {
        tap_index_entry_read(entries + i * TAP_INDEX_ENTRY, &e);
        CU_ASSERT(e.offset == block_at[i] && e.type == types[i] && e.events == block[i].events &&
                  e.first == block[i].first && e.last == block[i].last);
    }
    sb_free(b);
}

/* ---- What blocks hold */

/* An event of process <0.id.0> in m:f, or of no function. */
static struct tap_event *act(struct sb *b, enum tap_kind kind, uint64_t seq, uint32_t id,
                             const char *module, const char *function)
{
    if (!sink_names)
        sink_host_init();
    struct tap_event *e = add(b, kind, seq, "e");
    e->pid.id = id;
    e->ts = 1000 + (int64_t)seq;
    e->module = module ? name(module) : 0;
    e->function = function ? name(function) : 0;
    return e;
}

static struct tap_bloom_record held[16];
static size_t held_count;

/* The records of the only block of them. */
static void read_held(void)
{
    size_t i = 0;
    held_count = 0;
    while (i < blocks && block[i].type != TAP_BLOCK_BLOOM)
        i++;
    CU_ASSERT_FATAL(i < blocks);
    const uint8_t *p = file + block_at[i] + TAP_BLOCK_FRAME + TAP_BLOOM_FRONT;
    const uint8_t *end = file + block_at[i] + TAP_BLOCK_FRAME + block[i].length;
    for (size_t n; p < end && held_count < 16; p += n) {
        n = tap_bloom_read(p, (size_t)(end - p), &held[held_count++]);
        CU_ASSERT_FATAL(n > 0);
    }
    CU_ASSERT_EQUAL(held_count, block[i].number - (uint32_t)block[i].first);
    CU_ASSERT_EQUAL((size_t)block[i].last, block_at[i] - block_at[(size_t)block[i].first]);
}

static bool may(const struct tap_bloom_record *r, uint64_t key)
{
    return tap_bloom_may(r->bits, r->bits_len, key);
}

static uint64_t function_key(const char *module, const char *function)
{
    return tap_bloom_function(tap_bloom_name(module, strlen(module)),
                              tap_bloom_name(function, strlen(function)));
}

static void blocks_say_what_they_hold(void)
{
    struct sb *b = calloc(1, sizeof *b);
    act(b, TAP_FUNCTION_CALL, 0, 7, "shop_cart", "add");
    act(b, TAP_FUNCTION_RETURN, 1, 7, "shop_cart", "add");
    act(b, TAP_MESSAGE_SEND, 2, 8, NULL, NULL);
    act(b, TAP_PROCESS_SPAWN, 3, 8, "door", "open"); /* no call of it */
    struct tap_event *other = act(b, TAP_FUNCTION_CALL, 0, 9, "shop_cart", "drop");
    other->node = 1;
    other->ts = 1700;
    record(&b, 1);
    read_held();
    const struct tap_bloom_record *first = NULL, *second = NULL;
    for (size_t i = 0; i < held_count; i++)
        if (held[i].bits_len)
            *(first ? &second : &first) = &held[i];
    CU_ASSERT_FATAL(first && second); /* a node is named between them */
    CU_ASSERT_EQUAL(first->kinds,
                    TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) |
                        TAP_KIND_BIT(TAP_MESSAGE_SEND) | TAP_KIND_BIT(TAP_PROCESS_SPAWN));
    CU_ASSERT(first->node_count == 1 && tap_bloom_u16(first->nodes) == 0 &&
              tap_bloom_u16(first->nodes + 2) == 4 && tap_get_u64(first->nodes + 4) == 1003);
    CU_ASSERT(second->node_count == 1 && tap_bloom_u16(second->nodes) == 1 &&
              tap_bloom_u16(second->nodes + 2) == 1 && tap_get_u64(second->nodes + 4) == 1700);
    CU_ASSERT(may(first, tap_bloom_process(7, 0)) && may(first, tap_bloom_process(8, 0)));
    CU_ASSERT(may(first, function_key("shop_cart", "add")) &&
              may(first, tap_bloom_module(tap_bloom_name("shop_cart", 9))));
    CU_ASSERT(!may(first, tap_bloom_process(9, 0)) && !may(first, tap_bloom_process(7, 1)));
    CU_ASSERT(!may(first, function_key("shop_cart", "drop")) &&
              !may(first, function_key("door", "open")) &&
              !may(first, tap_bloom_module(tap_bloom_name("door", 4))));
    CU_ASSERT(may(second, tap_bloom_process(9, 0)) &&
              may(second, function_key("shop_cart", "drop")));
    CU_ASSERT(!may(second, tap_bloom_process(7, 0)) &&
              !may(second, function_key("shop_cart", "add")));
    sb_free(b);
}

/* Each in a block of its own, between two that are told of. */
static void what_has_to_be_read_is_not_told(void)
{
    for (int what = 0; what < 4; what++) {
        struct sb *b = calloc(1, sizeof *b);
        act(b, TAP_FUNCTION_CALL, 0, 7, "m", "f");
        add(b, TAP_CLOCK, 1, "c");
        struct tap_event *e = act(b, TAP_FUNCTION_CALL, what == 2 ? 5 : 1, 7, "m", "f");
        if (what == 0)
            e->flags = TAP_EVENT_MOVED;
        if (what == 1)
            e->ts = 999; /* too late for its place */
        if (what == 3) {
            struct tap_event *lost = add(b, TAP_LOST, 2, NULL);
            lost->ts = e->ts;
            lost->lost = 3;
            lost->reason = TAP_REASON_RATE;
        }
        add(b, TAP_CLOCK, 6, "c");
        act(b, TAP_FUNCTION_CALL, 6, 7, "m", "f");
        record(&b, 1);
        read_held();
        size_t told = 0, silent = 0;
        for (size_t i = 0; i < held_count; i++) {
            told += held[i].bits_len > 0;
            silent += block[i].type == TAP_BLOCK_EVENTS && held[i].bits_len == 0;
        }
        CU_ASSERT(silent >= 1 && told == 2);
        sb_free(b);
    }
}

/* Whatever is in it, what was put into a filter is found there, and a record is a small part of its
 * block. */
static void records_are_small_and_miss_nothing(void)
{
    static char text[100];
    for (uint32_t processes = 1; processes < 4000; processes *= 4) {
        struct sb *b = calloc(1, sizeof *b);
        for (uint32_t i = 0; i < 4000; i++)
            act(b, TAP_FUNCTION_CALL, i, 100 + i % processes, i % 2 ? "m" : "n", "f")->raw =
                sb_bytes(b, text, sizeof text);
        record(&b, 1);
        read_held();
        uint64_t asked = 0, wrong = 0;
        for (size_t i = 0, at = 0; i < held_count; i++) {
            size_t long_is = TAP_BLOOM_RECORD + TAP_BLOOM_NODE + held[i].bits_len;
            if (!held[i].bits_len)
                continue;
            CU_ASSERT(long_is <= block[i].length / 100 || block[i].length < 10000);
            CU_ASSERT(processes > 4 || held[i].bits_len <= 64);
            for (size_t k = 0; k < block[i].events && k < processes; k++)
                CU_ASSERT(
                    may(&held[i], tap_bloom_process(100 + (uint32_t)((at + k) % processes), 0)));
            for (uint32_t k = 0; k < 1000; k++, asked++)
                wrong += may(&held[i], tap_bloom_process(100000 + k, 0));
            at += block[i].events;
        }
        CU_ASSERT(asked > 0 && wrong * 4 < asked);
        CU_ASSERT(processes > 256 || wrong * 10 < asked);
        sb_free(b);
    }
}

/* As a trace port may tell it: no frame is longer than one may be. */
static void what_fills_a_frame_has_one(void)
{
    const uint32_t size = TAP_FRAME_MAX - 256;
    uint8_t *bytes = calloc(1, size);
    struct sb *b = calloc(1, sizeof *b);
    bytes[0] = TAP_EXT_BINARY;
    tap_put_u32(bytes + 1, size - 5);
    add(b, TAP_FUNCTION_CALL, 0, "before it");
    add(b, TAP_FUNCTION_CALL, 1, NULL)->raw = sb_bytes(b, bytes, size);
    add(b, TAP_FUNCTION_CALL, 2, "behind it");
    record(&b, 1);
    CU_ASSERT_EQUAL_FATAL(count, 5);
    for (unsigned i = 0; i < 3; i++)
        frame_is(&all[2 + i], TAP_FRAME_ONE_LIST, i, 1, 0, 0);
    free(bytes);
    sb_free(b);
}

UNIT_TESTS("sink_record", UNIT_TEST(blocks_are_indexed), UNIT_TEST(blocks_say_what_they_hold),
           UNIT_TEST(what_has_to_be_read_is_not_told),
           UNIT_TEST(records_are_small_and_miss_nothing),
           UNIT_TEST(messages_are_copied_as_one_list), UNIT_TEST(what_is_missing_is_told),
           UNIT_TEST(times_that_cannot_be_known_are_told),
           UNIT_TEST(any_jump_of_the_numbers_is_one_frame), UNIT_TEST(each_life_counts_from_nought),
           UNIT_TEST(a_late_loss_begins_no_life), UNIT_TEST(items_have_numbers_of_their_frame),
           UNIT_TEST(nodes_and_batches_have_frames_of_their_own),
           UNIT_TEST(what_fills_a_frame_has_one),
           UNIT_TEST(frames_stay_small_but_take_what_is_large))
