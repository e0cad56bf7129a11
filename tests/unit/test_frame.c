/* test_frame.c: a frame whose messages are one list says the same as one whose messages stand one
 * by one, whole or broken; every sequence number is received or lost; and what an event costs does
 * not grow with the stream. */
#include "decode/frame.h"

#include "frames.h"
#include "names/atom_cache.h"
#include "unit.h"

static struct tap_intern *intern;
static struct tap_atom_cache *atoms;
static struct tap_batch_pool pool;
static struct tap_stream stream;
static struct tap_frames frames;

static void on_up(void *arg, uint32_t node, const struct tap_node_facts *facts)
{
    (void)arg, (void)node, (void)facts;
}
static void on_log(void *arg, uint32_t node, enum tap_log_level level, const char *said,
                   uint32_t len)
{
    (void)arg, (void)node, (void)level, (void)said, (void)len;
}

static void fresh_stream(void)
{
    memset(&stream, 0, sizeof stream);
    tap_node_clock_set(&stream.clock, 1700000000000000000);
}
static void begin(void)
{
    fresh_stream();
    intern = tap_intern_new(0);
    atoms = tap_atom_cache_new(intern);
    frames = (struct tap_frames){atoms, NULL, on_up, on_log, NULL, NULL, false};
    CU_ASSERT_EQUAL_FATAL(tap_batch_pool_init(&pool, 1, 1 << 30), TAP_OK);
}
static void end(void)
{
    tap_batch_pool_destroy(&pool);
    tap_atom_cache_free(atoms);
    tap_intern_free(intern);
}

/* The same messages with their lengths in front, or as one list. */
static struct frame as_list(const struct frame *items)
{
    struct frame f;
    frame_begin(&f, TAP_FRAME_ONE_LIST, tap_get_u64(items->buf.data + 16), 0, 0);
    tap_write_version(&f.buf);
    tap_write_list(&f.buf, items->count);
    for (size_t at = TAP_FRAME_HEADER; at < items->buf.len;) {
        uint32_t len = tap_get_u32(items->buf.data + at);
        tap_buf_put(&f.buf, items->buf.data + at + 5, len - 1);
        at += 4 + len;
    }
    tap_write_nil(&f.buf);
    f.count = items->count;
    return f;
}

/* Decodes it; the batch is the caller's. */
static struct tap_batch_impl *decode(struct frame *f, uint32_t *ignored)
{
    struct tap_arena *arena = tap_arena_get(&pool, f->buf.len);
    frame_end(f);
    memcpy(arena->data, f->buf.data, f->buf.len);
    struct tap_batch_impl *batch = tap_batch_get(&pool, arena, f->buf.len, f->count);
    *ignored = tap_frame_decode(&frames, &stream, batch, 0, (uint32_t)f->buf.len);
    CU_ASSERT_EQUAL(stream.figures.received + stream.figures.lost + stream.left_out, stream.next);
    return batch;
}

static void write_mixture(struct frame *f, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i % 7 == 3)
            frame_exit(f, 10 + i, 1000 + i);
        else
            frame_call(f, 10 + i, i, 1000 + i);
    }
}

static void a_list_says_what_items_say(void)
{
    struct frame items, list;
    uint32_t ignored;
    begin();
    frame_begin(&items, 0, 0, 0, 0);
    write_mixture(&items, 200);
    list = as_list(&items);
    struct tap_batch_impl *a = decode(&items, &ignored);
    fresh_stream();
    struct tap_batch_impl *b = decode(&list, &ignored);
    CU_ASSERT_EQUAL(a->base.count, 200);
    CU_ASSERT_EQUAL_FATAL(a->base.count, b->base.count);
    for (uint32_t i = 0; i < a->base.count; i++) {
        struct tap_event x = a->events[i], y = b->events[i];
        CU_ASSERT_EQUAL_FATAL(x.payload.len, y.payload.len);
        CU_ASSERT(memcmp(a->base.arena + x.payload.off, b->base.arena + y.payload.off,
                         x.payload.len) == 0);
        CU_ASSERT_EQUAL_FATAL(x.raw.len, y.raw.len);
        CU_ASSERT(memcmp(a->base.arena + x.raw.off, b->base.arena + y.raw.off, x.raw.len) == 0);
        x.payload.off = y.payload.off = x.raw.off = y.raw.off = 0;
        CU_ASSERT(memcmp(&x, &y, sizeof x) == 0);
    }
    CU_ASSERT_EQUAL(stream.next, 200);
    tap_batch_release(a);
    tap_batch_release(b);
    tap_buf_free(&items.buf);
    tap_buf_free(&list.buf);
    end();
}

/* A message that is none is lost alone when its end can be found. */
static void one_bad_message_is_lost_alone(void)
{
    struct frame items, list;
    uint32_t ignored;
    begin();
    frame_begin(&items, 0, 0, 0, 0);
    write_mixture(&items, 2);
    frame_item(&items);
    tap_write_tuple(&items.buf, 2);
    tap_write_atom(&items.buf, "no");
    tap_write_atom(&items.buf, "message");
    frame_item_end(&items);
    write_mixture(&items, 3);
    list = as_list(&items);
    struct tap_batch_impl *batch = decode(&list, &ignored);
    CU_ASSERT_EQUAL(batch->base.count, 6);
    CU_ASSERT_EQUAL(batch->events[2].kind, TAP_LOST);
    CU_ASSERT_EQUAL(batch->events[2].reason, TAP_REASON_UNREADABLE);
    CU_ASSERT_EQUAL(stream.figures.received, 5);
    CU_ASSERT_EQUAL(stream.figures.lost, 1);
    tap_batch_release(batch);
    tap_buf_free(&items.buf);
    tap_buf_free(&list.buf);
    end();
}

/* An atom of more characters than a VM has in one is no name: the message is lost, and counted.
 * Where it is a part of a term that is only printed it is no harm. */
static void an_atom_that_is_too_long_loses_its_message(void)
{
    static char node[3000], function[3000];
    struct frame f;
    uint32_t ignored;
    memset(node, 'n', sizeof node - 1);
    memset(function, 'f', 300);
    begin();
    frame_begin(&f, 0, 0, 0, 0);
    frame_call(&f, 10, 1, 1000);
    frame_item(&f);
    tap_write_tuple(&f.buf, 5);
    tap_write_atom(&f.buf, "trace_ts");
    write_pid(&f.buf, node, 10);
    tap_write_atom(&f.buf, "exit");
    tap_write_atom(&f.buf, "normal");
    tap_write_i64(&f.buf, 1001);
    frame_item_end(&f);
    frame_call_of(&f, 10, function, 1, 1002);
    frame_item(&f);
    write_head(&f.buf, 5, 10, "exit");
    tap_write_atom(&f.buf, node);
    tap_write_i64(&f.buf, 1003);
    frame_item_end(&f);
    struct tap_batch_impl *batch = decode(&f, &ignored);
    CU_ASSERT_EQUAL_FATAL(batch->base.count, 3);
    CU_ASSERT_EQUAL(batch->events[1].kind, TAP_LOST);
    CU_ASSERT_EQUAL(batch->events[1].reason, TAP_REASON_UNREADABLE);
    CU_ASSERT_EQUAL(batch->events[1].lost, 2);
    CU_ASSERT_EQUAL(batch->events[2].kind, TAP_PROCESS_EXIT);
    CU_ASSERT_EQUAL(batch->events[2].payload.len, 3 + sizeof node - 1);
    CU_ASSERT_EQUAL(stream.figures.received, 2);
    CU_ASSERT_EQUAL(stream.figures.lost_by[TAP_REASON_UNREADABLE], 2);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    end();
}

/* The pid of a gap is read like any other: a name in latin1, as nodes before OTP 26 write it, is
 * that name; one that is none makes no row. */
static void the_pid_of_a_gap_has_a_name(void)
{
    static char node[300];
    struct frame f;
    uint32_t ignored;
    memset(node, 'n', sizeof node - 1);
    begin();
    frame_begin(&f, TAP_FRAME_CONTROL, 0, 0, 0);
    for (int i = 0; i < 2; i++) {
        frame_item(&f);
        tap_write_tuple(&f.buf, 6);
        tap_write_atom(&f.buf, "gap");
        tap_write_i64(&f.buf, 1);
        tap_write_i64(&f.buf, 2);
        tap_write_i64(&f.buf, TAP_REASON_TERM);
        tap_write_binary(&f.buf, "why", 3);
        if (i == 0) {
            write_pid(&f.buf, node, 7);
        } else {
            tap_buf_put(&f.buf, (const uint8_t[]){TAP_EXT_NEW_PID, TAP_EXT_SMALL_ATOM, 3}, 3);
            tap_buf_put(&f.buf, "\xE9@h", 3);
            tap_write_u32(&f.buf, 7);
            tap_write_u32(&f.buf, 0);
            tap_write_u32(&f.buf, 1);
        }
        frame_item_end(&f);
    }
    struct tap_batch_impl *batch = decode(&f, &ignored);
    uint32_t rows = 0;
    for (uint32_t i = 0; i < batch->base.count; i++) {
        const struct tap_event *ev = &batch->events[i];
        if (ev->kind != TAP_GAP)
            continue;
        rows++;
        CU_ASSERT_EQUAL(ev->pid.node, tap_intern_name(intern, "\xC3\xA9@h", 4));
    }
    CU_ASSERT(rows > 0);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    end();
}

/* Cut anywhere, and with any byte of it changed, every number is accounted for. */
static void broken_lists_lose_what_they_lose(void)
{
    struct frame items, list;
    uint32_t ignored, whole = 0;
    begin();
    frame_begin(&items, 0, 0, 0, 0);
    write_mixture(&items, 5);
    list = as_list(&items);
    size_t len = list.buf.len;
    for (size_t n = TAP_FRAME_HEADER; n < len; n++) {
        fresh_stream();
        list.buf.len = n;
        tap_batch_release(decode(&list, &ignored));
        CU_ASSERT_EQUAL(stream.next, 5);
        CU_ASSERT(stream.figures.received >= whole);
        whole = (uint32_t)stream.figures.received;
    }
    CU_ASSERT_EQUAL(whole, 5); /* but for the nil */
    list.buf.len = len;
    for (size_t n = TAP_FRAME_HEADER; n < len; n++) {
        fresh_stream();
        list.buf.data[n] ^= 0x55;
        tap_batch_release(decode(&list, &ignored));
        CU_ASSERT_EQUAL(stream.next, 5);
        list.buf.data[n] ^= 0x55;
    }
    list.count = 6; /* the list says otherwise */
    fresh_stream();
    tap_batch_release(decode(&list, &ignored));
    CU_ASSERT_EQUAL(stream.figures.lost, 6);
    tap_buf_free(&items.buf);
    tap_buf_free(&list.buf);
    end();
}

static void numbers_taken_before_are_not_taken_again(void)
{
    struct frame items, list;
    uint32_t ignored;
    begin();
    frame_begin(&items, 0, 0, 0, 0);
    write_mixture(&items, 10);
    list = as_list(&items);
    stream.next = 4;
    stream.figures.received = 4;
    struct tap_batch_impl *batch = decode(&list, &ignored);
    CU_ASSERT_EQUAL(batch->base.count, 6);
    CU_ASSERT_EQUAL(batch->events[0].seq, 4);
    CU_ASSERT_EQUAL(batch->events[0].pid.id, 14);
    tap_batch_release(batch);
    tap_buf_free(&items.buf);
    tap_buf_free(&list.buf);
    end();
}

/* It is as if they had been decoded, and no sink had wanted them. */
static void what_a_replay_did_not_read_was_received(void)
{
    struct frame f;
    uint32_t ignored;
    begin();
    frame_begin(&f, TAP_FRAME_RECORDED | TAP_FRAME_PASSED, 10, 7, 0);
    tap_write_u32(&f.buf, 0);
    tap_write_u32(&f.buf, 12345);
    struct tap_batch_impl *batch = decode(&f, &ignored);
    CU_ASSERT(batch->base.count == 1 && batch->events[0].kind == TAP_LOST &&
              batch->events[0].lost == 3); /* nobody told of three of ten */
    CU_ASSERT(ignored == 7 && stream.figures.received == 7 && stream.next == 10);
    CU_ASSERT(stream.left_out == 0 && stream.figures.lost == 3);
    CU_ASSERT(stream.last_ts == 12345 && stream.passed_ts == 12345);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    frame_begin(&f, TAP_FRAME_RECORDED | TAP_FRAME_PASSED, 10, 7, 0); /* once more, and no time */
    batch = decode(&f, &ignored);
    CU_ASSERT(batch->base.count == 0 && ignored == 0 && stream.next == 10);
    CU_ASSERT(stream.last_ts == 12345);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    end();
}

/* A recording's header: numbers that it left out are no loss, those with a reason are. */
static void what_a_recording_left_out_is_no_loss(void)
{
    struct frame f;
    uint32_t ignored;
    begin();
    frame_begin(&f, TAP_FRAME_RECORDED, 10, 7, 0);
    write_mixture(&f, 2);
    struct tap_batch_impl *batch = decode(&f, &ignored);
    CU_ASSERT_EQUAL(batch->base.count, 3);
    CU_ASSERT_EQUAL(batch->events[0].kind, TAP_LOST); /* three of ten nobody told of */
    CU_ASSERT_EQUAL(batch->events[0].lost, 3);
    CU_ASSERT_EQUAL(batch->events[0].reason, TAP_REASON_SEQUENCE);
    CU_ASSERT_EQUAL(stream.left_out, 7);
    CU_ASSERT_EQUAL(stream.next, 12);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    frame_begin(&f, TAP_FRAME_RECORDED, 20, 8, TAP_REASON_RATE);
    batch = decode(&f, &ignored);
    CU_ASSERT_EQUAL(batch->events[0].reason, TAP_REASON_RATE);
    CU_ASSERT_EQUAL(stream.figures.lost, 11);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    /* More than the header's field can say: all of them. */
    frame_begin(&f, TAP_FRAME_RECORDED, UINT64_C(1) << 62, TAP_FRAME_LOST_ALL, 0);
    batch = decode(&f, &ignored);
    CU_ASSERT_EQUAL(batch->base.count, 0);
    CU_ASSERT_EQUAL(stream.next, UINT64_C(1) << 62);
    CU_ASSERT_EQUAL(stream.figures.lost, 11);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    frame_begin(&f, TAP_FRAME_RECORDED, UINT64_C(1) << 63, TAP_FRAME_LOST_ALL, TAP_REASON_RATE);
    batch = decode(&f, &ignored);
    CU_ASSERT_EQUAL(batch->base.count, 1);
    CU_ASSERT_EQUAL(batch->events[0].reason, TAP_REASON_RATE);
    CU_ASSERT_EQUAL(batch->events[0].lost, UINT64_C(1) << 62);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    end();
}

/* Where an event's whole message stands, and a report's. */
static void events_know_what_they_were_made_of(void)
{
    struct frame f;
    uint32_t ignored;
    begin();
    frame_begin(&f, 0, 0, 0, 0);
    frame_call(&f, 10, 5, 1000);
    struct tap_batch_impl *batch = decode(&f, &ignored);
    struct tap_event ev = batch->events[0];
    CU_ASSERT_EQUAL(ev.raw.off, TAP_FRAME_HEADER + 5);
    CU_ASSERT_EQUAL(ev.raw.len, f.buf.len - TAP_FRAME_HEADER - 5);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    frame_begin(&f, TAP_FRAME_CONTROL, 0, 0, 0);
    frame_gap(&f, 1, 2, TAP_REASON_RATE);
    batch = decode(&f, &ignored);
    CU_ASSERT_EQUAL(batch->events[0].kind, TAP_GAP);
    CU_ASSERT_EQUAL(batch->events[0].raw.off, TAP_FRAME_HEADER + 5);
    CU_ASSERT_EQUAL(batch->events[0].raw.len, f.buf.len - TAP_FRAME_HEADER - 5);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    end();
}

/* What is left out of one process alone: it begins where it begins, and ends where it ends; tracing
 * was not off. */
static void a_gap_in_part_stands_at_both_ends(void)
{
    struct frame f;
    uint32_t ignored;
    begin();
    frame_begin(&f, TAP_FRAME_CONTROL, 0, 0, 0);
    frame_node_up(&f, 1000);
    frame_part_gap(&f, 10, 10, 7);
    frame_part_gap(&f, 10, 50, 7);
    frame_gap(&f, 60, 90, TAP_REASON_RATE);
    struct tap_batch_impl *batch = decode(&f, &ignored);
    const struct tap_event *e = batch->events;
    CU_ASSERT_EQUAL_FATAL(batch->base.count, 4);
    CU_ASSERT_EQUAL(e[1].ts, 1010);
    CU_ASSERT_EQUAL(e[1].gap, 0);
    CU_ASSERT_EQUAL(e[1].pid.id, 7);
    CU_ASSERT(tap_event_is_part_gap(&e[1]) && tap_event_is_part_gap(&e[2]));
    CU_ASSERT_EQUAL(e[2].ts, 1050);
    CU_ASSERT_EQUAL(e[2].gap, 40);
    CU_ASSERT(tap_pid_same(&e[1].pid, &e[2].pid));
    CU_ASSERT_EQUAL(e[3].ts, 1060);
    CU_ASSERT(!tap_event_is_part_gap(&e[3]));
    CU_ASSERT_EQUAL(stream.figures.gap_ns, 30);
    tap_batch_release(batch);
    tap_buf_free(&f.buf);
    end();
}

/* A running trace allocates nothing: every frame's events and bytes lie where those of the first
 * did. */
static void a_running_stream_takes_no_memory(void)
{
    struct frame items, list;
    uint32_t ignored;
    begin();
    frame_begin(&items, 0, 0, 0, 0);
    write_mixture(&items, 2560); /* an arena is nearly full of them */
    list = as_list(&items);
    struct tap_batch_impl *first = NULL;
    const struct tap_event *events = NULL;
    const uint8_t *arena = NULL;
    for (int round = 0; round < 100; round++) {
        tap_put_u64(list.buf.data + 16, stream.next);
        struct tap_batch_impl *batch = decode(&list, &ignored);
        if (round == 0) {
            first = batch;
            events = batch->events;
            arena = batch->base.arena;
        }
        CU_ASSERT(batch == first && batch->events == events && batch->base.arena == arena);
        tap_batch_release(batch);
    }
    CU_ASSERT_EQUAL(stream.figures.received, 256000);
    tap_buf_free(&items.buf);
    tap_buf_free(&list.buf);
    end();
}

/* More names than a cache holds. */
static void intern_many(uint32_t n)
{
    struct tap_buf b = {0};
    static const uint8_t behind[16];
    char name[16];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "f_%05u", i);
        tap_write_atom(&b, name);
    }
    tap_buf_put(&b, behind, sizeof behind); /* a short one is read together with what follows it */
    struct tap_cursor c = tap_cursor(b.data, b.len);
    for (uint32_t i = 0; i < n; i++)
        CU_ASSERT_FATAL(tap_intern_atom(atoms, &c) != 0);
    CU_ASSERT_EQUAL(tap_left(&c), sizeof behind);
    tap_buf_free(&b);
}

/* Seen before, never seen, and too long for a short one's place. */
static const char *function_of(char *name, uint32_t i)
{
    const char *form = i % 10 == 3   ? "new_%05u"
                       : i % 10 == 7 ? "the_function_number_%05u"
                                     : "f_%05u";
    sprintf(name, form, i * 131 % 40000);
    return name;
}

static void functions_are_found_among_many(void)
{
    struct frame items, list;
    char name[64];
    uint32_t ignored;
    begin();
    intern_many(40000);
    CU_ASSERT(tap_decode_defer_names(atoms));
    tap_decode_deferred_names(atoms, NULL, 0, NULL, 0);
    frame_begin(&items, 0, 0, 0, 0);
    for (uint32_t i = 0; i < 300; i++)
        frame_call_of(&items, 10, function_of(name, i), i, 1000 + i);
    list = as_list(&items);
    for (int as = 0; as < 2; as++) {
        fresh_stream();
        struct tap_batch_impl *batch = decode(as ? &list : &items, &ignored);
        CU_ASSERT_EQUAL_FATAL(batch->base.count, 300);
        for (uint32_t i = 0; i < 300; i++) {
            const struct tap_event *ev = &batch->events[i];
            CU_ASSERT_EQUAL(ev->function,
                            tap_intern_name(intern, name, strlen(function_of(name, i))));
            CU_ASSERT(ev->flow == 0 && ev->arity == 2);
        }
        tap_batch_release(batch);
    }
    /* Wherever it is cut off. */
    for (uint32_t len = TAP_FRAME_HEADER; len < 1000; len++) {
        struct frame part = {.count = 300};
        tap_buf_put(&part.buf, list.buf.data, len);
        fresh_stream();
        struct tap_batch_impl *batch = decode(&part, &ignored);
        for (uint32_t i = 0; i < batch->base.count; i++)
            CU_ASSERT_FATAL(batch->events[i].function != TAP_NAME_DEFERRED &&
                            !batch->events[i].flow);
        tap_batch_release(batch);
        tap_buf_free(&part.buf);
    }
    tap_buf_free(&items.buf);
    tap_buf_free(&list.buf);
    end();
}

UNIT_TESTS("frame", UNIT_TEST(a_list_says_what_items_say), UNIT_TEST(one_bad_message_is_lost_alone),
           UNIT_TEST(an_atom_that_is_too_long_loses_its_message),
           UNIT_TEST(the_pid_of_a_gap_has_a_name), UNIT_TEST(broken_lists_lose_what_they_lose),
           UNIT_TEST(numbers_taken_before_are_not_taken_again),
           UNIT_TEST(what_a_recording_left_out_is_no_loss),
           UNIT_TEST(what_a_replay_did_not_read_was_received),
           UNIT_TEST(events_know_what_they_were_made_of),
           UNIT_TEST(a_gap_in_part_stands_at_both_ends),
           UNIT_TEST(a_running_stream_takes_no_memory), UNIT_TEST(functions_are_found_among_many))
