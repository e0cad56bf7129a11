/* test_queue.c: what a full queue keeps, in which order, and how much of it. */
#include "bus/queue.h"

#include "base/clock.h"
#include "unit.h"

static struct tap_batch_pool pool;
static struct tap_queue queue;

static void begin(size_t limit, enum tap_on_full on_full)
{
    CU_ASSERT_EQUAL_FATAL(tap_batch_pool_init(&pool, 1, 1 << 30), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(tap_queue_init(&queue, &pool, limit, on_full), TAP_OK);
}
static void end(void)
{
    tap_queue_destroy(&queue);
    CU_ASSERT_EQUAL(atomic_load(&pool.alive), 0);
    tap_batch_pool_destroy(&pool);
}

/* One letter an event: c a call, k clock, l lost of 5, g gap of 7, u node_up with a payload "up"; a
 * digit: what follows is of that node. Pushes it; how many were dropped. */
static uint64_t push(uint32_t node, uint64_t seq, const char *kinds, bool full)
{
    struct tap_arena *arena = tap_arena_get(&pool, 20000);
    memcpy(arena->data, "up", 2);
    struct tap_batch_impl *b = tap_batch_get(&pool, arena, 20000, 8);
    for (const char *k = kinds; *k; k++) {
        if (*k >= '0' && *k <= '9') {
            node = (uint32_t)(*k - '0');
            continue;
        }
        struct tap_event *ev = tap_batch_add(b);
        ev->node = node;
        ev->seq = *k == 'c' ? seq++ : seq;
        ev->kind = *k == 'c'   ? TAP_FUNCTION_CALL
                   : *k == 'k' ? TAP_CLOCK
                   : *k == 'l' ? TAP_LOST
                   : *k == 'g' ? TAP_GAP
                               : TAP_NODE_UP;
        if (*k == 'g') {
            ev->gap = 7;
            ev->reason = TAP_REASON_RATE;
        }
        if (*k == 'l') {
            ev->lost = 5;
            ev->reason = TAP_REASON_CREDIT;
        }
        if (*k == 'u')
            ev->payload = (struct tap_span){0, 2};
    }
    CU_ASSERT_FATAL(tap_batch_seal(b));
    struct tap_selection *sel = &b->selections[0];
    for (sel->count = sel->accepted = 0; sel->count < b->base.count; sel->count++) {
        sel->index[sel->count] = sel->count;
        sel->accepted += b->events[sel->count].kind == TAP_FUNCTION_CALL;
    }
    uint64_t dropped = tap_queue_push(&queue, b, sel, full);
    tap_batch_release(b);
    return dropped;
}

/* All that is in the queue, as text: "call 3" is c3, a loss by the queue -COUNT@SEQ, with :NODE
 * where that is not 0, others their letters. */
static char text[8192];
static const char *drain(void)
{
    struct tap_queue_item item;
    size_t n = 0;
    bool eased;
    text[0] = '\0';
    while (tap_queue_pop(&queue, &item, tap_clock_steady(), &eased) == TAP_POPPED) {
        for (uint32_t i = 0; i < item.selection->count; i++) {
            const struct tap_event *ev =
                tap_batch_event(&item.batch->base, item.selection->index[i]);
            char *to = text + n;
            size_t cap = sizeof text - n;
            if (ev->kind == TAP_FUNCTION_CALL)
                n += (size_t)snprintf(to, cap, "c%d ", (int)ev->seq);
            else if (ev->kind == TAP_LOST && ev->reason == TAP_REASON_SINK_QUEUE)
                n += (size_t)snprintf(to, cap, ev->node ? "-%d@%d:%d " : "-%d@%d ", (int)ev->lost,
                                      (int)ev->seq, (int)ev->node);
            else
                n += (size_t)snprintf(to, cap, "%s ",
                                      ev->kind == TAP_CLOCK  ? "k"
                                      : ev->kind == TAP_LOST ? "l"
                                                             : "u");
            if (ev->kind == TAP_NODE_UP)
                CU_ASSERT(ev->payload.len == 2 &&
                          memcmp(item.batch->base.arena + ev->payload.off, "up", 2) == 0);
        }
        tap_batch_release(item.batch);
    }
    return text;
}

static void newest_leaves_a_mark_at_its_place(void)
{
    begin(100000, TAP_DROP_NEWEST); /* three batches of 30 KB */
    CU_ASSERT_EQUAL(push(0, 0, "ucc", false), 0);
    CU_ASSERT_EQUAL(push(0, 2, "cc", false), 0);
    CU_ASSERT_EQUAL(push(0, 4, "cc", false), 0);
    CU_ASSERT_EQUAL(push(0, 6, "cckcl", false), 3);
    CU_ASSERT_EQUAL(push(0, 9, "ccu", false), 2);
    CU_ASSERT_EQUAL(push(0, 11, "cc", false), 2);
    CU_ASSERT_EQUAL(push(0, 13, "cc", false), 2);
    CU_ASSERT_STRING_EQUAL(drain(), "u c0 c1 c2 c3 c4 c5 -2@6 k -1@8 l -2@9 u -4@11 ");
    CU_ASSERT_EQUAL(push(0, 15, "c", false), 0);
    CU_ASSERT_STRING_EQUAL(drain(), "c15 ");
    end();
}

static void oldest_leaves_a_mark_at_its_place(void)
{
    begin(100000, TAP_DROP_OLDEST);
    uint64_t dropped = 0;
    dropped += push(0, 0, "ucc", false);
    for (unsigned i = 1; i < 10; i++)
        dropped += push(0, i * 2, i % 3 ? "cc" : "ckc", false);
    CU_ASSERT_EQUAL(dropped, 14);
    CU_ASSERT_STRING_EQUAL(drain(), "u -7@0 k -6@7 k -1@13 c14 c15 c16 c17 c18 k c19 ");
    end();
}

static void nodes_are_told_apart(void)
{
    begin(1, TAP_DROP_NEWEST); /* one batch always fits */
    push(0, 0, "c", false);
    push(1, 0, "cc", false);
    push(0, 1, "ccc", false);
    CU_ASSERT_STRING_EQUAL(drain(), "c0 -2@0:1 -3@1 ");
    end();
}

/* Nodes that are merged into one order: each has a row of its own for what was dropped, and one
 * alone, however they take turns. */
static void nodes_in_one_batch_are_told_apart(void)
{
    for (int newest = 0; newest < 2; newest++) {
        begin(20000, newest ? TAP_DROP_NEWEST : TAP_DROP_OLDEST); /* one batch always fits */
        uint64_t dropped = newest ? push(0, 0, "c", false) : 0;
        dropped += push(0, 1, "0c1c0c1c1c", false);
        dropped += push(0, 6, "1c2c0ck0c1c", false);
        for (uint64_t i = 0; i < 1000; i++)
            dropped += push(0, 11 + 2 * i, i % 2 ? "0c1c" : "1c0c", false);
        if (!newest)
            dropped += push(0, 2011, "c", false); /* that one stays */
        CU_ASSERT_EQUAL(dropped, 2010);
        CU_ASSERT_EQUAL(queue.count, 2);
        CU_ASSERT_STRING_EQUAL(drain(), newest ? "c0 -3@1 -4@2:1 -1@7:2 k -1001@9 -1001@10:1 "
                                               : "-3@1 -4@2:1 -1@7:2 k -1001@9 -1001@10:1 c2011 ");
        end();
    }
}

/* A sink that is too slow for hours: what stands for what was dropped leaves the queue with it, and
 * each word of the node is kept up to the last. */
static void a_slow_sink_hears_every_word(void)
{
    struct tap_queue_item item;
    bool eased;
    uint64_t words = 0, heard = 0, lost = 0, dropped = 0;
    begin(64 << 10, TAP_DROP_NEWEST);
    for (unsigned i = 0; i < 20000; i++) {
        for (unsigned k = 0; k < 4; k++, words++)
            dropped += push(0, 2 * words, "cuc", false);
        CU_ASSERT_FATAL(queue.remnant_bytes < queue.limit);
        for (unsigned k = 0; k < 2; k++) { /* never the last one */
            CU_ASSERT_FATAL(queue.count > 1 &&
                            tap_queue_pop(&queue, &item, tap_clock_steady(), &eased) == TAP_POPPED);
            for (uint32_t n = 0; n < item.selection->count; n++) {
                const struct tap_event *ev =
                    tap_batch_event(&item.batch->base, item.selection->index[n]);
                heard += ev->kind == TAP_NODE_UP && ev->payload.len == 2;
                lost += ev->kind == TAP_LOST ? ev->lost : 0;
            }
            tap_batch_release(item.batch);
        }
    }
    CU_ASSERT(dropped > 10000 && lost <= dropped && lost + 20 > dropped);
    CU_ASSERT(heard <= words && heard + 20 > words);
    end();
}

static void a_full_pool_drops_though_there_is_room(void)
{
    begin(1 << 20, TAP_BLOCK);
    CU_ASSERT_EQUAL(push(0, 0, "cc", true), 2);
    CU_ASSERT_STRING_EQUAL(drain(), "-2@0 ");
    end();
}

/* A sink that hangs for ever: marks join, and control events stop being kept when there are too
 * many. */
static void a_hanging_sink_costs_no_memory(void)
{
    begin(64 << 10, TAP_DROP_NEWEST);
    uint64_t dropped = 0, calls = 0;
    for (unsigned i = 0; i < 100000; i++, calls += 2)
        dropped += push(0, calls, i % 10 ? "cc" : "ckc", false);
    CU_ASSERT(queue.count <= 3);
    CU_ASSERT(queue.remnant_bytes < 2 * queue.limit);
    CU_ASSERT(atomic_load(&pool.alive) < 4 * queue.limit);
    struct tap_queue_item item;
    uint64_t got = 0, lost = 0;
    bool eased;
    while (tap_queue_pop(&queue, &item, tap_clock_steady(), &eased) == TAP_POPPED) {
        for (uint32_t i = 0; i < item.selection->count; i++) {
            const struct tap_event *ev =
                tap_batch_event(&item.batch->base, item.selection->index[i]);
            got += ev->kind == TAP_FUNCTION_CALL;
            lost += ev->kind == TAP_LOST ? ev->lost : 0;
        }
        tap_batch_release(item.batch);
    }
    CU_ASSERT_EQUAL(lost, dropped);
    CU_ASSERT_EQUAL(got + lost, calls);
    end();
}

/* What it is told of losses and gaps, by node: of nodes that lose something all the time. */
static void a_hanging_sink_is_told_of_all_losses(void)
{
    for (int newest = 0; newest < 2; newest++) {
        struct tap_queue_item item;
        uint64_t dropped = 0, calls = 0, lost[3] = {0}, gaps[3] = {0}, ups = 0, own = 0, rows = 0;
        bool eased;
        begin(64 << 10, newest ? TAP_DROP_NEWEST : TAP_DROP_OLDEST);
        for (unsigned i = 0; i < 30000; i++, calls += 4)
            dropped += push(0, calls, i % 100 ? "0clcg1cl2cg" : "0clcg1clu2cg", false);
        CU_ASSERT(queue.count <= 5);
        CU_ASSERT(queue.remnant_bytes < 2 * queue.limit);
        while (tap_queue_pop(&queue, &item, tap_clock_steady(), &eased) == TAP_POPPED) {
            for (uint32_t i = 0; i < item.selection->count; i++) {
                const struct tap_event *ev =
                    tap_batch_event(&item.batch->base, item.selection->index[i]);
                if (ev->kind == TAP_LOST && ev->reason == TAP_REASON_SINK_QUEUE)
                    own += ev->lost;
                else if (ev->kind == TAP_LOST)
                    lost[ev->node] += ev->lost;
                else if (ev->kind == TAP_GAP)
                    gaps[ev->node] += ev->gap;
                ups += ev->kind == TAP_NODE_UP;
                rows += ev->kind == TAP_FUNCTION_CALL;
            }
            tap_batch_release(item.batch);
        }
        CU_ASSERT(dropped == own && dropped + rows == calls);
        CU_ASSERT(lost[0] == 150000 && lost[1] == 150000 && lost[2] == 0);
        CU_ASSERT(gaps[0] == 210000 && gaps[1] == 0 && gaps[2] == 210000);
        CU_ASSERT_EQUAL(ups, 300);
        end();
    }
}

static void block_asks_for_no_more_and_eases(void)
{
    struct tap_queue_item item;
    bool eased = false, once = false;
    begin(100000, TAP_BLOCK);
    for (unsigned i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(push(0, i, "c", false), 0);
    CU_ASSERT_FALSE(tap_queue_may_grant(&queue));
    while (tap_queue_pop(&queue, &item, tap_clock_steady(), &eased) == TAP_POPPED) {
        tap_batch_release(item.batch);
        CU_ASSERT(!(eased && once));
        once |= eased;
        CU_ASSERT_EQUAL(tap_queue_may_grant(&queue), once);
    }
    CU_ASSERT(once);
    end();
}

static void closed_and_dead(void)
{
    struct tap_queue_item item;
    bool eased;
    begin(100000, TAP_DROP_NEWEST);
    push(0, 0, "c", false);
    tap_queue_close(&queue);
    CU_ASSERT_EQUAL(tap_queue_pop(&queue, &item, 0, &eased), TAP_POPPED);
    tap_batch_release(item.batch);
    CU_ASSERT_EQUAL(tap_queue_pop(&queue, &item, 0, &eased), TAP_POP_END);
    push(0, 1, "c", false);
    tap_queue_kill(&queue);
    CU_ASSERT_EQUAL(push(0, 2, "cc", false), 2);
    CU_ASSERT_EQUAL(tap_queue_pop(&queue, &item, 0, &eased), TAP_POP_END);
    CU_ASSERT_TRUE(tap_queue_may_grant(&queue));
    end();
}

static void pop_waits_until_its_deadline(void)
{
    struct tap_queue_item item;
    bool eased;
    begin(100000, TAP_DROP_NEWEST);
    int64_t began = tap_clock_steady();
    CU_ASSERT_EQUAL(tap_queue_pop(&queue, &item, began + 50000000, &eased), TAP_POP_TIMEOUT);
    CU_ASSERT(tap_clock_steady() - began >= 50000000);
    end();
}

UNIT_TESTS("queue", UNIT_TEST(newest_leaves_a_mark_at_its_place),
           UNIT_TEST(oldest_leaves_a_mark_at_its_place), UNIT_TEST(nodes_are_told_apart),
           UNIT_TEST(nodes_in_one_batch_are_told_apart), UNIT_TEST(a_slow_sink_hears_every_word),
           UNIT_TEST(a_full_pool_drops_though_there_is_room),
           UNIT_TEST(a_hanging_sink_costs_no_memory),
           UNIT_TEST(a_hanging_sink_is_told_of_all_losses),
           UNIT_TEST(block_asks_for_no_more_and_eases), UNIT_TEST(closed_and_dead),
           UNIT_TEST(pop_waits_until_its_deadline))
