/* One order over several nodes: by time within a window, by the streams alone, and no effect before
 * its cause, nor earlier (settle.h). */
#include "base/clock.h"
#include "correlate/merge.h"
#include "correlate/settle.h"

#include "unit.h"

static struct tap_batch_pool pool;
static struct tap_merge *merge;
static struct tap_settle *settle;

#define WINDOW 100
#define DRIFT 2000000 /* ns that merge.c allows for on top of what the clocks may err */
/* What came out: node, ts and seq of each. */
static struct tap_event out[4096];
static uint32_t out_count;

/* ns that the nodes' clocks may err, as they say with each batch; 0: unknown */
static int64_t bound;

static void begin(void)
{
    bound = 0;
    CU_ASSERT_EQUAL_FATAL(tap_batch_pool_init(&pool, 1, 1 << 20), TAP_OK);
    merge = tap_merge_new(WINDOW);
    settle = tap_settle_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(merge);
    CU_ASSERT_PTR_NOT_NULL_FATAL(settle);
    out_count = 0;
}

static void drain(void)
{
    const struct tap_event *ev;
    const uint8_t *arena;
    while ((ev = tap_merge_next(merge, &arena)) && out_count < 4096) {
        out[out_count] = *ev;
        tap_settle_event(settle, &out[out_count++]);
    }
}

static void end(void)
{
    tap_merge_end(merge);
    drain();
    tap_merge_free(merge);
    tap_settle_free(settle);
    tap_batch_pool_destroy(&pool);
}

static struct tap_event event(uint32_t node, uint32_t pid, int64_t ts)
{
    return (struct tap_event){
        .ts = ts, .node = node, .kind = TAP_FUNCTION_CALL, .pid = {.node = node + 1, .id = pid}};
}

static struct tap_event flow(uint32_t node, uint32_t pid, int64_t ts, unsigned kind, uint64_t id)
{
    struct tap_event ev = event(node, pid, ts);
    ev.kind = (uint8_t)kind;
    ev.flow = id;
    return ev;
}

static void add_all(const struct tap_event *events, uint32_t n, int64_t mark)
{
    struct tap_batch_impl *batch = tap_batch_get(&pool, NULL, 0, n);
    for (uint32_t i = 0; i < n; i++)
        *tap_batch_add(batch) = events[i];
    CU_ASSERT(tap_merge_add(merge, batch, n ? events[0].node : 0,
                            &(struct tap_merge_progress){mark, bound}));
}

static void add(struct tap_event ev)
{
    add_all(&ev, 1, 0);
}

static void mark(uint32_t node, int64_t ts)
{
    struct tap_merge_progress word = {ts, bound};
    CU_ASSERT(tap_merge_add(merge, tap_batch_get(&pool, NULL, 0, 0), node, &word));
}

static bool in_order(const int64_t *expected, uint32_t n)
{
    bool same = out_count == n;
    for (uint32_t i = 0; same && i < n; i++)
        same = out[i].ts == expected[i];
    for (uint32_t i = 0; !same && i < out_count; i++)
        fprintf(stderr, "%u: node %u ts %lld\n", i, out[i].node, (long long)out[i].ts);
    return same;
}

static void the_earlier_goes_first(void)
{
    begin();
    add(event(0, 1, 1010));
    add(event(0, 1, 1030));
    add(event(1, 1, 1020));
    add(event(2, 1, 1000));
    drain();
    CU_ASSERT_EQUAL(out_count, 0);
    end();
    CU_ASSERT(in_order((const int64_t[]){1000, 1010, 1020, 1030}, 4));
}

static void an_event_waits_for_the_window_only(void)
{
    begin();
    add(event(0, 1, 1000));
    add(event(1, 1, 1099));
    drain();
    CU_ASSERT_EQUAL(out_count, 0);
    mark(1, 1100);
    drain();
    CU_ASSERT(in_order((const int64_t[]){1000}, 1));
    add(event(2, 1, 990)); /* too late for its place */
    drain();
    CU_ASSERT(in_order((const int64_t[]){1000, 990}, 2));
    CU_ASSERT_EQUAL(tap_merge_late(merge), 1);
    end();
    CU_ASSERT(in_order((const int64_t[]){1000, 990, 1099}, 3));
}

/* With a window of an hour nothing would come before the end. */
static void what_all_streams_have_passed_waits_no_longer(void)
{
    begin();
    tap_merge_free(merge);
    merge = tap_merge_new(3600 * TAP_SECOND);
    add(event(0, 1, 1000)); /* how wrong its clock is is not known yet */
    bound = 50;
    add(event(1, 1, 1000 + DRIFT + 100));
    drain();
    CU_ASSERT_EQUAL(out_count, 0);
    add(event(0, 1, 1000 + DRIFT + 99));
    drain();
    CU_ASSERT_EQUAL(out_count, 0);
    add(event(0, 1, 1000 + DRIFT + 100));
    drain();
    CU_ASSERT(in_order((const int64_t[]){1000}, 1));
    CU_ASSERT(tap_merge_expect(merge, 2)); /* of this one nobody knows how far it is */
    add(event(0, 1, 1000 + 2 * DRIFT + 200));
    add(event(1, 1, 1000 + 2 * DRIFT + 200));
    drain();
    CU_ASSERT_EQUAL(out_count, 1);
    struct tap_event down = event(2, 0, 2000);
    down.kind = TAP_NODE_DOWN;
    add(down); /* and no more comes of it */
    drain();
    CU_ASSERT(in_order(
        (const int64_t[]){1000, 2000, 1000 + DRIFT + 99, 1000 + DRIFT + 100, 1000 + DRIFT + 100},
        5));
    add(event(2, 1, 3000 + DRIFT)); /* it is back */
    add(event(0, 1, 1000 + 9 * DRIFT));
    add(event(1, 1, 1000 + 9 * DRIFT));
    drain();
    CU_ASSERT_EQUAL(out_count, 5);
    end();
    CU_ASSERT_EQUAL(out_count, 10);
}

/* As what_all_streams_have_passed, and a receive whose send is still on its way, by as much as the
 * clocks may err. */
static void a_cause_on_its_way_is_waited_for(void)
{
    begin();
    tap_merge_free(merge);
    merge = tap_merge_new(3600 * TAP_SECOND);
    bound = 1000;
    add(flow(1, 7, 10000, TAP_MESSAGE_RECEIVE, 5));
    add(event(1, 8, 10000 + DRIFT + 1999));
    add(event(0, 1, 10000 + DRIFT + 1999));
    drain();
    CU_ASSERT_EQUAL(out_count, 0);
    add(flow(0, 2, 11999, TAP_MESSAGE_SEND, 5)); /* of another scheduler */
    add(event(1, 8, 10000 + 3 * DRIFT));
    add(event(0, 1, 10000 + 3 * DRIFT));
    drain();
    end();
    CU_ASSERT_EQUAL_FATAL(out_count, 6);
    uint32_t receive = 0, send = 0;
    for (uint32_t i = 0; i < out_count; i++) {
        receive = out[i].kind == TAP_MESSAGE_RECEIVE ? i : receive;
        send = out[i].kind == TAP_MESSAGE_SEND ? i : send;
    }
    CU_ASSERT(send < receive && out[receive].ts == 12000);
}

static void a_nodes_own_order_is_kept(void)
{
    begin();
    add(event(0, 1, 1050));
    add(event(0, 2, 1040)); /* of another scheduler */
    add(event(1, 1, 1045));
    add(event(1, 1, 1055));
    end();
    CU_ASSERT(in_order((const int64_t[]){1045, 1050, 1040, 1055}, 4));
}

static void the_word_on_a_clock_holds_nothing_up(void)
{
    struct tap_event clock = event(0, 0, 5000);
    clock.kind = TAP_CLOCK;
    begin();
    add(clock); /* it overtook what follows */
    add(event(0, 1, 1000));
    add(event(1, 1, 1010));
    drain();
    CU_ASSERT(in_order((const int64_t[]){5000}, 1));
    end();
    CU_ASSERT(in_order((const int64_t[]){5000, 1000, 1010}, 3));
}

static void a_receive_goes_behind_its_send(void)
{
    struct tap_settle_stats s;
    begin();
    add(flow(1, 7, 1000, TAP_MESSAGE_RECEIVE, 5));
    add(event(1, 7, 1003));
    add(event(1, 8, 1004));
    add(event(1, 7, 1020));
    add(flow(0, 1, 1010, TAP_MESSAGE_SEND, 5));
    tap_merge_end(merge);
    drain();
    CU_ASSERT(in_order((const int64_t[]){1010, 1011, 1011, 1004, 1020}, 5));
    CU_ASSERT_EQUAL(out[0].kind, TAP_MESSAGE_SEND);
    CU_ASSERT(out[1].flags & TAP_EVENT_MOVED && out[2].flags & TAP_EVENT_MOVED && !out[3].flags &&
              !out[4].flags);
    tap_settle_read_stats(settle, &s);
    CU_ASSERT(s.moved == 2 && s.moved_most == 11 && tap_merge_late(merge) == 0);
    end();
}

static void what_is_moved_moves_what_follows_from_it(void)
{
    begin();
    add(flow(0, 1, 1010, TAP_MESSAGE_SEND, 5));
    add(flow(1, 7, 1000, TAP_MESSAGE_RECEIVE, 5));
    add(flow(1, 7, 1001, TAP_MESSAGE_SEND, 6));
    add(flow(2, 9, 1005, TAP_MESSAGE_RECEIVE, 6));
    add(flow(2, 9, 1006, TAP_PROCESS_SPAWN, 7));
    add(flow(0, 2, 1012, TAP_PROCESS_START, 7));
    end();
    CU_ASSERT(in_order((const int64_t[]){1010, 1011, 1011, 1012, 1012, 1013}, 6));
}

static void what_is_no_error_of_clocks_is_left_alone(void)
{
    begin();
    add(flow(0, 1, 2000, TAP_MESSAGE_SEND, 5));
    add(flow(1, 7, 1000, TAP_MESSAGE_RECEIVE, 5)); /* by far: paired wrongly */
    add(flow(0, 1, 2001, TAP_MESSAGE_RECEIVE, 8)); /* each waits for the other */
    add(flow(0, 1, 2003, TAP_MESSAGE_SEND, 9));
    add(flow(1, 7, 2001, TAP_MESSAGE_RECEIVE, 9));
    add(flow(1, 7, 2004, TAP_MESSAGE_SEND, 8));
    end();
    CU_ASSERT_EQUAL(out_count, 6);
    CU_ASSERT(out[0].ts == 1000 && !out[0].flags);
}

/* The same streams, cut into batches in many ways, and with their batches coming in many orders
 * within the window. */
static void the_order_is_that_of_the_streams_alone(void)
{
    enum { NODES = 3, EACH = 300 };
    static struct tap_event streams[NODES][EACH];
    static struct tap_event first[NODES * EACH];
    unsigned seed = 11;
    for (uint32_t n = 0; n < NODES; n++)
        for (uint32_t i = 0; i < EACH; i++) {
            streams[n][i] = event(n, rand_r(&seed) % 5, 10000 + i * 7 + rand_r(&seed) % 40);
            streams[n][i].seq = i;
        }
    for (int round = 0; round < 50; round++) {
        uint32_t at[NODES] = {0}, left = NODES * EACH;
        begin();
        while (left) {
            uint32_t n = (uint32_t)rand_r(&seed) % NODES, k = 1 + (uint32_t)rand_r(&seed) % 4;
            k = k < EACH - at[n] ? k : EACH - at[n];
            bool ahead = false; /* of another by more than the window leaves room for */
            for (uint32_t o = 0; o < NODES; o++)
                ahead |= at[n] > at[o] + 3;
            if (!k || ahead)
                continue;
            add_all(&streams[n][at[n]], k, 0);
            at[n] += k;
            left -= k;
            drain();
        }
        end();
        CU_ASSERT_EQUAL_FATAL(out_count, NODES * EACH);
        if (round == 0)
            memcpy(first, out, sizeof first);
        CU_ASSERT(memcmp(first, out, sizeof first) == 0);
    }
    uint64_t next[NODES] = {0};
    int64_t latest = 0;
    for (uint32_t i = 0; i < out_count; i++) {
        CU_ASSERT_EQUAL(out[i].seq, next[out[i].node]++);
        CU_ASSERT(out[i].ts > latest - 40);
        latest = out[i].ts > latest ? out[i].ts : latest;
    }
}

/* However short the time is that a flood is of, it does not stay in memory. */
static void what_waits_is_bounded(void)
{
    begin();
    uint32_t most = 0, in = 0;
    for (uint32_t i = 0; i < 2 * TAP_MERGE_HELD / sizeof(struct tap_event); i += 100) {
        struct tap_event many[100];
        for (uint32_t k = 0; k < 100; k++)
            many[k] = event(i / 100 % 2, 1, 1000);
        add_all(many, 100, 0);
        in += 100;
        const uint8_t *arena;
        while (tap_merge_next(merge, &arena))
            out_count++;
        most = in - out_count > most ? in - out_count : most;
    }
    CU_ASSERT(most * sizeof(struct tap_event) <= TAP_MERGE_HELD + 200 * sizeof(struct tap_event));
    CU_ASSERT(out_count > 0);
    tap_settle_free(settle);
    tap_merge_free(merge);
    tap_batch_pool_destroy(&pool);
}

UNIT_TESTS("merge", UNIT_TEST(the_earlier_goes_first),
           UNIT_TEST(an_event_waits_for_the_window_only),
           UNIT_TEST(what_all_streams_have_passed_waits_no_longer),
           UNIT_TEST(a_cause_on_its_way_is_waited_for), UNIT_TEST(a_nodes_own_order_is_kept),
           UNIT_TEST(the_word_on_a_clock_holds_nothing_up),
           UNIT_TEST(a_receive_goes_behind_its_send),
           UNIT_TEST(what_is_moved_moves_what_follows_from_it),
           UNIT_TEST(what_is_no_error_of_clocks_is_left_alone),
           UNIT_TEST(the_order_is_that_of_the_streams_alone), UNIT_TEST(what_waits_is_bounded))
