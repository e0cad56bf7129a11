/* One node's events by time: within batches and over them, with their bytes, their numbers and
 * their losses; and no clock but the stream's. */
#include "correlate/node_order.h"

#include "unit.h"

#define WINDOW 100
#define MANY 20000u

static struct tap_batch_pool pool;
static struct tap_node_order *order;
static struct tap_event out[MANY + 64];
static char text[MANY + 64][8]; /* what stood in each event's payload */
static uint32_t out_count;
static uint64_t seq;

static void begin(void)
{
    CU_ASSERT_EQUAL_FATAL(tap_batch_pool_init(&pool, 1, 1 << 20), TAP_OK);
    order = tap_node_order_new(WINDOW, true);
    CU_ASSERT_PTR_NOT_NULL_FATAL(order);
    out_count = 0;
    seq = 0;
}

static void drain(size_t limit)
{
    struct tap_batch_impl *b;
    while ((b = tap_node_order_next(order, limit))) {
        for (uint32_t i = 0; i < b->base.count && out_count < MANY + 64; i++) {
            const struct tap_event *ev = &b->events[i];
            memset(text[out_count], 0, 8);
            if (ev->payload.len)
                memcpy(text[out_count], b->base.arena + ev->payload.off, ev->payload.len);
            out[out_count++] = *ev;
        }
        tap_batch_release(b);
    }
}

static void end(void)
{
    drain(0);
    tap_node_order_free(order);
    tap_batch_pool_destroy(&pool);
}

/* A batch with events at these times, whose payloads are their times as text, in raw messages of
 * two bytes more. */
static struct tap_batch_impl *batch_of(const int64_t *times, uint32_t n)
{
    struct tap_arena *arena = tap_arena_get(&pool, n * 10 + 1);
    struct tap_batch_impl *b = tap_batch_get(&pool, arena, n * 10 + 1, n);
    for (uint32_t i = 0; i < n; i++) {
        struct tap_event *ev = tap_batch_add(b);
        char number[16];
        int len = snprintf(number, sizeof number, "%d", (int)times[i]);
        memcpy(arena->data + i * 10 + 1, number, (size_t)len);
        ev->ts = times[i];
        ev->seq = seq++;
        ev->pid = (struct tap_pid){1, i, 0, 0};
        ev->raw = (struct tap_span){i * 10, (uint32_t)len + 2};
        ev->payload = (struct tap_span){i * 10 + 1, (uint32_t)len};
    }
    return b;
}

#define ADD(...)                                                                           \
    tap_node_order_add(order,                                                              \
                       batch_of((const int64_t[]){__VA_ARGS__},                            \
                                sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), \
                       0)

static bool came_out(const int64_t *times, uint32_t n)
{
    bool same = n == out_count;
    for (uint32_t i = 0; same && i < n; i++)
        same = out[i].ts == times[i] && (!out[i].payload.len || atoi(text[i]) == times[i]);
    return same;
}
#define CAME_OUT(...)                                  \
    CU_ASSERT(came_out((const int64_t[]){__VA_ARGS__}, \
                       sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

static void in_a_batch_and_over_batches(void)
{
    begin();
    ADD(10, 30, 20);
    ADD(40, 25, 50);
    ADD(5, 60, 22);
    end();
    CAME_OUT(5, 10, 20, 22, 25, 30, 40, 50, 60);
    for (uint32_t i = 0; i < out_count; i++)
        CU_ASSERT_EQUAL(out[i].seq, i);
}

/* More than a batch has room for at first: where the events of two were put among each other, those
 * of a third find their places. */
static void batches_that_overlap_whole(void)
{
    enum { EACH = 6000, BATCHES = 3 };
    begin();
    for (int k = 0; k < BATCHES; k++) {
        int64_t times[EACH];
        for (int i = 0; i < EACH; i++)
            times[i] = (int64_t)i * BATCHES + k;
        tap_node_order_add(order, batch_of(times, EACH), 0);
    }
    end();
    CU_ASSERT_EQUAL(out_count, EACH * BATCHES);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < out_count; i++)
        wrong += out[i].ts != i || out[i].pid.id != i / BATCHES;
    CU_ASSERT_EQUAL(wrong, 0);
}

static void of_equal_ones_the_first_goes_first(void)
{
    begin();
    ADD(10, 20, 20);
    ADD(20, 15, 20);
    end();
    CAME_OUT(10, 15, 20, 20, 20, 20);
    static const uint32_t ids[] = {0, 1, 1, 2, 0, 2};
    for (uint32_t i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(out[i].pid.id, ids[i]);
}

static void what_may_still_be_overtaken_waits(void)
{
    begin();
    ADD(1000, 1010);
    drain(SIZE_MAX);
    CU_ASSERT_EQUAL(out_count, 0);
    ADD(1109);
    drain(SIZE_MAX);
    CU_ASSERT_EQUAL(out_count, 0);
    tap_node_order_add(order, tap_batch_get(&pool, NULL, 0, 0), 1110);
    drain(SIZE_MAX);
    CU_ASSERT_EQUAL(out_count, 2);
    CU_ASSERT_EQUAL(tap_node_order_passed(order), 1010);
    drain(1); /* more than may be held back */
    CU_ASSERT_EQUAL(out_count, 3);
    ADD(990, 1300); /* too late for its place: at once, nothing else is harmed */
    ADD(1200);
    drain(0);
    CU_ASSERT_EQUAL(tap_node_order_late(order), 1);
    end();
    CAME_OUT(1000, 1010, 1109, 990, 1200, 1300);
}

static void losses_keep_their_numbers(void)
{
    begin();
    seq = 7;
    ADD(10, 30);
    struct tap_batch_impl *b = tap_batch_get(&pool, NULL, 0, 1);
    struct tap_event *lost = tap_batch_add(b);
    *lost = (struct tap_event){.kind = TAP_LOST, .lost = 5, .seq = seq, .ts = 25};
    seq += 5;
    tap_node_order_add(order, b, 0);
    seq += 3; /* nobody tells of these */
    ADD(20, 40);
    b = tap_batch_get(&pool, NULL, 0, 1);
    *tap_batch_add(b) = (struct tap_event){.kind = TAP_NODE_DOWN, .seq = seq, .ts = 20};
    tap_node_order_add(order, b, 0);
    end();
    CAME_OUT(10, 20, 30, 30, 40, 40);
    CU_ASSERT_EQUAL(out[3].kind, TAP_LOST);
    uint64_t next = 7;
    for (uint32_t i = 0; i < out_count; i++) {
        CU_ASSERT(out[i].seq >= next);
        next = out[i].seq + (out[i].kind == TAP_LOST ? 5 : out[i].kind == TAP_NODE_DOWN ? 0 : 1);
    }
    CU_ASSERT_EQUAL(next, seq);
}

static void the_word_on_a_clock_stays_where_it_came(void)
{
    begin();
    ADD(10, 20);
    struct tap_batch_impl *b = tap_batch_get(&pool, NULL, 0, 1);
    *tap_batch_add(b) = (struct tap_event){.kind = TAP_CLOCK, .seq = seq, .ts = 500};
    tap_node_order_add(order, b, 0);
    ADD(15, 30);
    end();
    CAME_OUT(10, 15, 20, 500, 30);
}

/* Times that go on, each up to a window back. */
static void a_long_stream_of_any_shape(void)
{
    uint32_t random = 12345, left = MANY;
    int64_t times[400], now = 1000;
    begin();
    while (left) {
        random = random * 1664525u + 1013904223u;
        uint32_t n = 1 + (random >> 16) % 400;
        n = n < left ? n : left;
        for (uint32_t i = 0; i < n; i++) {
            random = random * 1664525u + 1013904223u;
            now += random >> 28;
            times[i] = now - ((random >> 8) % 4 ? 0 : (random >> 12) % WINDOW);
        }
        tap_node_order_add(order, batch_of(times, n), 0);
        left -= n;
        drain(SIZE_MAX);
    }
    CU_ASSERT(out_count > MANY / 2);
    end();
    CU_ASSERT_EQUAL(out_count, MANY);
    uint32_t back = 0, wrong = 0, number = 0;
    for (uint32_t i = 0; i < out_count; i++) {
        back += i && out[i].ts < out[i - 1].ts;
        wrong += atoi(text[i]) != out[i].ts;
        number += out[i].seq != i;
    }
    CU_ASSERT_EQUAL(back, 0);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(number, 0);
}

UNIT_TESTS("node_order", UNIT_TEST(in_a_batch_and_over_batches),
           UNIT_TEST(batches_that_overlap_whole), UNIT_TEST(of_equal_ones_the_first_goes_first),
           UNIT_TEST(what_may_still_be_overtaken_waits), UNIT_TEST(losses_keep_their_numbers),
           UNIT_TEST(the_word_on_a_clock_stays_where_it_came),
           UNIT_TEST(a_long_stream_of_any_shape))
