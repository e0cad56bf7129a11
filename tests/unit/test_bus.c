/* test_bus.c: what a commit makes of an arena: events of several frames, selections by sets of
 * filters, flows, and what is kept of the memory. No threads: the queues are read by hand. */
#include "bus/bus.h"

#include "frames.h"
#include "session_fakes.h"

static struct tap_bus *bus;
static struct tap_bus_node node;
static struct tap_intern *intern;
static struct tap_sink sinks[3], *list[3] = {&sinks[0], &sinks[1], &sinks[2]};
/* Sink 0: no filter; sink 1: odd pids; sink 2: odd pids and calls of an argument above 5. */
static const bool uses[3 * 2] = {false, false, true, false, true, true};

static void big_judge(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    (void)self;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct tap_event *ev = tap_batch_event(batch, i);
        struct tap_cursor c = tap_cursor(batch->arena + ev->payload.off, ev->payload.len);
        uint32_t n;
        int64_t v;
        if (ev->kind == TAP_FUNCTION_CALL && tap_read_list(&c, &n) && tap_read_i64(&c, &v) &&
            v <= 5)
            keep[i] = 0;
    }
}
static const struct tap_filter_ops big_ops = {sizeof big_ops, filter_create, filter_plan, big_judge,
                                              filter_destroy};

static void on_up(void *arg, uint32_t index, const struct tap_node_facts *facts)
{
    (void)arg, (void)index, (void)facts;
}
static void on_log(void *arg, uint32_t index, enum tap_log_level level, const char *said,
                   uint32_t len)
{
    (void)arg, (void)index, (void)level, (void)said, (void)len;
}

static void begin_with(struct tap_bus_options o)
{
    const struct tap_bus_filter filters[] = {{.ops = &filter_ops}, {.ops = &big_ops}};
    o.intern = intern = tap_intern_new(0);
    o.frames = (struct tap_frames){NULL, NULL, on_up, on_log, NULL, NULL, false};
    o.filters = filters;
    o.filter_count = 2;
    o.uses = uses;
    o.sinks = list;
    o.sink_count = 3;
    CU_ASSERT_PTR_NOT_NULL_FATAL(bus = tap_bus_new(&o));
    for (uint32_t s = 0; s < 3; s++) {
        CU_ASSERT_EQUAL(sinks[s].set, s);
        CU_ASSERT_EQUAL_FATAL(
            tap_queue_init(&sinks[s].queue, tap_bus_pool(bus), 1 << 20, TAP_DROP_NEWEST), TAP_OK);
    }
}
static void begin(uint32_t events, size_t memory)
{
    begin_with((struct tap_bus_options){.events = events, .memory = memory});
}
static size_t alive(void)
{
    return atomic_load(&tap_bus_pool(bus)->alive);
}
static void end(void)
{
    for (uint32_t s = 0; s < 3; s++)
        tap_queue_destroy(&sinks[s].queue);
    CU_ASSERT_EQUAL(alive(), 0);
    tap_bus_free(bus);
    tap_intern_free(intern);
}

/* Commits these frames in one arena. */
static void commit(struct frame *frames, size_t n)
{
    struct tap_arena *arena = tap_arena_get(tap_bus_pool(bus), TAP_ARENA_SIZE);
    uint32_t at[8], len = 0;
    for (size_t i = 0; i < n; i++) {
        frame_end(&frames[i]);
        memcpy(arena->data + len, frames[i].buf.data, frames[i].buf.len);
        at[i] = len;
        len += (uint32_t)frames[i].buf.len;
        tap_buf_free(&frames[i].buf);
    }
    tap_bus_commit(bus, &node, arena, at, n);
}

/* A frame of so many calls, with this argument. */
static void commit_calls(uint64_t seq, uint32_t n, int64_t argument)
{
    struct frame f;
    frame_begin(&f, 0, seq, 0, 0);
    for (uint32_t i = 0; i < n; i++)
        frame_call(&f, 1, argument, 1);
    commit(&f, 1);
}

static struct tap_queue_item take(int sink)
{
    struct tap_queue_item item;
    bool eased;
    CU_ASSERT_EQUAL_FATAL(tap_queue_pop(&sinks[sink].queue, &item, tap_clock_steady(), &eased),
                          TAP_POPPED);
    return item;
}

static void each_set_of_filters_has_its_selection(void)
{
    struct frame f[3];
    begin(TAP_KIND_BIT(TAP_FUNCTION_CALL), 1 << 30);
    frame_begin(&f[0], TAP_FRAME_CONTROL, 0, 0, 0);
    frame_node_up(&f[0], 1700000000000000000);
    frame_begin(&f[1], 0, 0, 0, 0);
    for (uint32_t i = 0; i < 10; i++)
        frame_call(&f[1], i, i, i);
    frame_begin(&f[2], 0, 12, 2, TAP_REASON_QUEUE);
    frame_exit(&f[2], 1, 100); /* not asked for */
    commit(f, 3);
    static const uint32_t counted[] = {10, 5, 2}; /* 2: pids and arguments 7 and 9 */
    struct tap_batch_impl *shared = NULL;
    for (int s = 0; s < 3; s++) {
        struct tap_queue_item item = take(s);
        CU_ASSERT(!shared || item.batch == shared);
        shared = item.batch;
        CU_ASSERT_EQUAL(item.selection->accepted, counted[s]);
        CU_ASSERT_EQUAL(item.selection->count, counted[s] + 2); /* node_up and lost */
        CU_ASSERT_EQUAL(atomic_load(&sinks[s].given), counted[s]);
        CU_ASSERT_EQUAL(atomic_load(&sinks[s].filtered), 11 - counted[s]);
        CU_ASSERT_EQUAL(tap_batch_event(&item.batch->base, item.selection->index[0])->kind,
                        TAP_NODE_UP);
        const struct tap_event *last =
            tap_batch_event(&item.batch->base, item.selection->index[item.selection->count - 1]);
        CU_ASSERT(last->kind == TAP_LOST && last->lost == 2 && last->seq == 10 &&
                  last->reason == TAP_REASON_QUEUE);
        CU_ASSERT_EQUAL(last->ts, 1700000000000000009);
        tap_batch_release(item.batch);
    }
    CU_ASSERT_EQUAL(node.stream.next, 13);
    end();
}

static void frame_message(struct frame *f, const char *tag, uint32_t pid, uint32_t peer)
{
    struct tap_buf *b = &f->buf;
    frame_item(f);
    write_head(b, 6, pid, tag);
    tap_write_atom(b, "hello");
    if (tag[0] == 'r') {
        tap_write_tuple(b, 3);
        tap_write_atom(b, "$beamtap_from");
        tap_write_atom(b, "n@h");
    }
    write_pid(b, "n@h", peer);
    tap_write_i64(b, 5);
    frame_item_end(f);
}

static void a_send_and_its_receive_share_a_flow(void)
{
    struct frame f;
    begin(TAP_KIND_BIT(TAP_MESSAGE_SEND) | TAP_KIND_BIT(TAP_MESSAGE_RECEIVE), 1 << 30);
    frame_begin(&f, 0, 0, 0, 0);
    frame_message(&f, "send", 1, 2);
    frame_message(&f, "send", 1, 3);
    frame_message(&f, "receive", 3, 1);
    frame_message(&f, "receive", 2, 1);
    commit(&f, 1);
    struct tap_queue_item item = take(0);
    const struct tap_event *ev = item.batch->events;
    CU_ASSERT_EQUAL_FATAL(item.batch->base.count, 4);
    CU_ASSERT(ev[0].flow != 0 && ev[0].flow == ev[3].flow && ev[1].flow == ev[2].flow &&
              ev[0].flow != ev[1].flow);
    CU_ASSERT(ev[2].peer_type == TAP_PEER_PID && ev[2].peer.id == 1);
    tap_batch_release(item.batch);
    end();
}

static void let_go(void)
{
    struct tap_queue_item item;
    bool eased;
    for (int s = 0; s < 3; s++)
        while (tap_queue_pop(&sinks[s].queue, &item, tap_clock_steady(), &eased) == TAP_POPPED)
            tap_batch_release(item.batch);
}

/* Also when it comes after a burst, whose memory is there to be used again. */
static void a_trickle_of_small_frames_keeps_little_memory(void)
{
    begin(TAP_KIND_BIT(TAP_FUNCTION_CALL), 1 << 30);
    for (uint32_t burst = 0; burst < 4; burst++)
        commit_calls(burst * 600, 600, 1);
    let_go();
    CU_ASSERT_EQUAL(alive(), 0);
    for (uint32_t i = 0; i < 50; i++)
        commit_calls(2400 + i, 1, 1);
    CU_ASSERT(alive() < 50 * 12000); /* not 256 KiB each */
    CU_ASSERT_EQUAL(atomic_load(&sinks[0].dropped), 0);
    end();
}

static void above_the_pools_limit_nothing_is_handed_over(void)
{
    begin(TAP_KIND_BIT(TAP_FUNCTION_CALL), 20000);
    for (uint32_t i = 0; i < 50; i++)
        commit_calls(i * 4, 4, 9);
    CU_ASSERT(alive() < 60000);
    for (int s = 0; s < 3; s++) {
        CU_ASSERT(atomic_load(&sinks[s].dropped) > 150);
        CU_ASSERT_EQUAL(atomic_load(&sinks[s].given), 200);
    }
    end();
}

/* The first selection of sink 0, after all that waits has gone on: [9, ...]'s bytes are the same
 * whether the message that they came in was carried or not. */
static void merged_events_have_their_pieces(void)
{
    for (int raw = 0; raw < 2; raw++) {
        struct frame f[2];
        node = (struct tap_bus_node){0};
        begin_with((struct tap_bus_options){.events = TAP_KIND_BIT(TAP_FUNCTION_CALL),
                                            .memory = 1 << 30,
                                            .several = true,
                                            .in_order = true,
                                            .reorder = TAP_SECOND,
                                            .raw = raw});
        frame_begin(&f[0], TAP_FRAME_CONTROL, 0, 0, 0);
        frame_node_up(&f[0], 1700000000000000000);
        frame_begin(&f[1], 0, 0, 0, 0);
        frame_call(&f[1], 1, 9, 1);
        commit(f, 2);
        tap_bus_flush(bus);
        struct tap_queue_item item = take(0);
        uint32_t last = item.batch->base.count - 1;
        const struct tap_event *up = &item.batch->events[0], *call = &item.batch->events[last];
        CU_ASSERT_FATAL(last > 0 && call->kind == TAP_FUNCTION_CALL);
        const uint8_t *arena = item.batch->base.arena;
        CU_ASSERT(up->kind == TAP_NODE_UP && up->payload.len > 0);
        struct tap_cursor map = tap_cursor(arena + up->payload.off, up->payload.len),
                          given = tap_cursor(arena + call->payload.off, call->payload.len);
        uint32_t pairs, n;
        int64_t first;
        CU_ASSERT(tap_read_map(&map, &pairs));
        CU_ASSERT(tap_read_list(&given, &n) && tap_read_i64(&given, &first) && first == 9);
        CU_ASSERT_EQUAL(up->raw.len > 0, raw);
        CU_ASSERT_EQUAL(call->raw.len > 0, raw);
        if (raw)
            CU_ASSERT(call->payload.off > call->raw.off &&
                      call->payload.off + call->payload.len < call->raw.off + call->raw.len);
        tap_batch_release(item.batch);
        end();
    }
}

/* A call at this time, of the node at hand, which begins with its first. */
static void commit_call_at(uint64_t seq, uint32_t pid, int64_t time)
{
    struct frame f[2];
    size_t n = 0;
    if (!seq) {
        frame_begin(&f[0], TAP_FRAME_CONTROL, 0, 0, 0);
        frame_node_up(&f[n++], 1700000000000000000);
    }
    frame_begin(&f[n], 0, seq, 0, 0);
    frame_call(&f[n++], pid, 9, time);
    commit(f, n);
}

/* Calls of several nodes, brought into one order. */
static void begin_in_order(bool recorded, int64_t reorder)
{
    begin_with((struct tap_bus_options){.events = TAP_KIND_BIT(TAP_FUNCTION_CALL),
                                        .memory = 1 << 30,
                                        .several = true,
                                        .in_order = true,
                                        .recorded = recorded,
                                        .reorder = reorder});
}

/* What went out: calls by processes 1, 2 and so on, in this order. */
static void calls_are_by_pid(uint32_t n)
{
    for (uint32_t calls = 0; calls < n;) {
        struct tap_queue_item item = take(0);
        for (uint32_t i = 0; i < item.batch->base.count; i++)
            if (item.batch->events[i].kind == TAP_FUNCTION_CALL)
                CU_ASSERT_EQUAL(item.batch->events[i].pid.id, ++calls);
        tap_batch_release(item.batch);
    }
}

/* All that waits goes out. */
static void calls_went_by_pid(uint32_t n)
{
    tap_bus_flush(bus);
    calls_are_by_pid(n);
}

/* Two nodes were recorded, one of which did nothing more: what it did before goes out in its place
 * and not when the file ends. */
static void a_node_that_is_silent_in_a_recording_keeps_its_place(void)
{
    struct tap_bus_node one = {0}, two = {.stream.node = 1};
    begin_in_order(true, TAP_SECOND / 10);
    node = one;
    commit_call_at(0, 1, 1000);
    one = node;
    node = two;
    commit_call_at(0, 2, 2000);
    commit_call_at(1, 3, 5 * (int64_t)TAP_SECOND);
    commit_call_at(2, 4, 10 * (int64_t)TAP_SECOND);
    calls_went_by_pid(4);
    end();
}

/* The end of one node lets all go that it did: of another one, what is due by that goes first. */
static void a_node_that_ends_in_a_recording_overtakes_none(void)
{
    struct tap_bus_node one = {0}, two = {.stream.node = 1};
    const int64_t ms = TAP_SECOND / 1000;
    begin_in_order(true, 100 * ms);
    node = one;
    commit_call_at(0, 1, 95 * ms);
    commit_call_at(1, 3, 193 * ms);
    one = node;
    node = two;
    commit_call_at(0, 2, 96 * ms);
    commit_call_at(1, 4, 197 * ms);
    tap_bus_node_down(bus, &node, 2, false);
    calls_went_by_pid(4);
    end();
}

/* Nobody waits for a node that is over: not its rows, and when the last one went, nothing at all. A
 * node that is back is in order again. */
static void what_ended_nodes_did_waits_for_nothing(void)
{
    struct tap_bus_node one = {0}, two = {.stream.node = 1};
    const int64_t ms = TAP_SECOND / 1000;
    begin_in_order(false, 3600 * TAP_SECOND);
    node = one;
    commit_call_at(0, 1, 10 * ms);
    one = node;
    node = two;
    commit_call_at(0, 2, 20 * ms);
    two = node;
    tap_bus_node_down(bus, &one, 1, false);
    tap_bus_node_down(bus, &two, 1, false);
    while (tap_bus_tick(bus))
        ;
    calls_are_by_pid(2);
    tap_bus_node_again(bus, &one);
    tap_bus_node_again(bus, &two);
    node = one;
    commit_call_at(0, 2, 40 * ms);
    node = two;
    commit_call_at(0, 1, 30 * ms);
    calls_went_by_pid(2);
    end();
}

/* However many are due at once, and though nothing of them needs room beside the event itself. */
static void what_is_due_at_once_goes_on_in_pieces(void)
{
    begin_with((struct tap_bus_options){.events = TAP_KIND_BIT(TAP_PROCESS_EXIT),
                                        .memory = 1 << 30,
                                        .several = true,
                                        .in_order = true,
                                        .reorder = TAP_SECOND});
    for (uint32_t part = 0; part < 10; part++) {
        struct frame f;
        frame_begin(&f, 0, part * 300, 0, 0);
        for (uint32_t i = 0; i < 300; i++)
            frame_exit(&f, 1, 1);
        commit(&f, 1);
    }
    tap_bus_flush(bus);
    uint32_t count = 0;
    for (struct tap_queue_item item; count < 3000; count += item.batch->base.count) {
        item = take(0);
        CU_ASSERT(item.batch->base.count <= 1024 && item.batch->cap <= 1024);
        tap_batch_release(item.batch);
    }
    CU_ASSERT_EQUAL(count, 3000);
    let_go();
    end();
}

static void odd_commits_are_survived(void)
{
    begin(TAP_KIND_BIT(TAP_FUNCTION_CALL), 1 << 30);
    static const uint32_t nowhere[] = {262143, 4000000000u, 0};
    struct tap_arena *arena = tap_arena_get(tap_bus_pool(bus), TAP_ARENA_SIZE);
    memset(arena->data, 0, arena->size);
    tap_bus_commit(bus, &node, arena, nowhere, 3);
    tap_bus_commit(bus, &node, tap_arena_get(tap_bus_pool(bus), TAP_ARENA_SIZE), NULL, 0);
    CU_ASSERT_EQUAL(node.stream.next, 0);
    tap_bus_node_down(bus, &node, 7, true);
    struct tap_queue_item item = take(0);
    CU_ASSERT_EQUAL(item.selection->count, 2);
    CU_ASSERT(item.batch->events[0].kind == TAP_LOST && item.batch->events[0].lost == 7);
    CU_ASSERT(item.batch->events[1].kind == TAP_NODE_DOWN &&
              item.batch->events[1].reason == TAP_REASON_CONNECTION);
    tap_batch_release(item.batch);
    end();
}

UNIT_TESTS("bus", UNIT_TEST(each_set_of_filters_has_its_selection),
           UNIT_TEST(a_send_and_its_receive_share_a_flow),
           UNIT_TEST(a_trickle_of_small_frames_keeps_little_memory),
           UNIT_TEST(above_the_pools_limit_nothing_is_handed_over),
           UNIT_TEST(merged_events_have_their_pieces),
           UNIT_TEST(a_node_that_is_silent_in_a_recording_keeps_its_place),
           UNIT_TEST(a_node_that_ends_in_a_recording_overtakes_none),
           UNIT_TEST(what_ended_nodes_did_waits_for_nothing),
           UNIT_TEST(what_is_due_at_once_goes_on_in_pieces), UNIT_TEST(odd_commits_are_survived))
