/* The nodes' clocks: told, aligned, corrected without ever stepping back. */
#include "decode/node_clock.h"

#include "unit.h"

static void a_told_offset_counts_from_where_it_was_told(void)
{
    struct tap_node_clock c = {0};
    tap_node_clock_set(&c, 1000);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, -300), 700);
    tap_node_clock_set(&c, 5000);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, -300), 4700);
}

static void once_aligned_the_nodes_word_no_longer_counts(void)
{
    struct tap_node_clock c = {0};
    tap_node_clock_set(&c, 3 * TAP_SECOND);
    tap_node_clock_align(&c, 100, 7);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, 100), 107);
    tap_node_clock_set(&c, 3 * TAP_SECOND);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, 200), 207);
}

/* As a node has them: monotonic time from -2^59 on, system time of this century. */
static void offsets_of_this_century_count(void)
{
    const int64_t monotonic = -576460752303423488,
                  epochs[] = {INT64_C(1577836800) * TAP_SECOND, INT64_C(3155760000) * TAP_SECOND};
    for (size_t i = 0; i < 2; i++) {
        struct tap_node_clock c = {0};
        tap_node_clock_set(&c, epochs[i] - monotonic + 3 * TAP_SECOND); /* it is 3 s ahead */
        tap_node_clock_align(&c, monotonic, epochs[i] - monotonic);
        CU_ASSERT(c.aligned);
        CU_ASSERT_EQUAL(tap_node_clock_ns(&c, monotonic + 5), epochs[i] + 5);
        tap_node_clock_align(&c, monotonic + TAP_SECOND, epochs[i] - monotonic + 1000);
        CU_ASSERT_EQUAL(tap_node_clock_ns(&c, monotonic + 2 * TAP_SECOND),
                        epochs[i] + 2 * TAP_SECOND + 1000);
    }
}
static void a_correction_is_reached_and_kept(void)
{
    struct tap_node_clock c = {0};
    tap_node_clock_align(&c, 0, 1000);
    tap_node_clock_align(&c, TAP_SECOND, 3000);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, TAP_SECOND), TAP_SECOND + 1000);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, TAP_SECOND + TAP_NODE_CLOCK_SLEW / 2),
                    TAP_SECOND + TAP_NODE_CLOCK_SLEW / 2 + 2000);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, TAP_SECOND + TAP_NODE_CLOCK_SLEW),
                    TAP_SECOND + TAP_NODE_CLOCK_SLEW + 3000);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, 9 * TAP_SECOND), 9 * TAP_SECOND + 3000);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, TAP_SECOND - 5),
                    TAP_SECOND - 5 + 1000); /* what comes late was before it */
}

/* Reports of any size, each some time after the last: a later moment never has an earlier time,
 * also where it is timed after a report that the earlier one was timed before. */
static void time_never_goes_back(void)
{
    static const int64_t offsets[] = {0,           50000, -50000, 4 * TAP_SECOND, 3 * TAP_SECOND,
                                      -TAP_SECOND, 7,     8};
    struct tap_node_clock c = {0};
    int64_t monotonic = -9 * TAP_SECOND, last = INT64_MIN;
    unsigned seed = 1, back = 0;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        tap_node_clock_align(&c, monotonic - (i ? 1000000 : 0), offsets[i]);
        for (int k = 0; k < 2000; k++) {
            int64_t ns = tap_node_clock_ns(&c, monotonic);
            tap_node_clock_used(&c, monotonic);
            back += ns < last;
            last = ns;
            monotonic += rand_r(&seed) % 300000;
        }
    }
    CU_ASSERT_EQUAL(back, 0);
}

static void nonsense_does_not_overflow(void)
{
    struct tap_node_clock c = {0};
    tap_node_clock_align(&c, INT64_MIN, 5);
    CU_ASSERT_FALSE(c.aligned);
    tap_node_clock_align(&c, 0, 5);
    tap_node_clock_align(&c, 5, INT64_MAX);
    tap_node_clock_align(&c, INT64_MAX, 0);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, 10), 15);
    tap_node_clock_align(&c, 20, INT64_MAX / 9);
    /* It wraps, and is cut to what a time may be. */
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, INT64_MAX), 1);
    CU_ASSERT(tap_node_clock_ns(&c, INT64_MIN) >= 1);
}

/* So that whoever takes one time from another, or counts two together, need not look. */
static void times_stay_where_their_differences_fit(void)
{
    static const int64_t odd[] = {INT64_MIN,    INT64_MIN + 1,    -TAP_TIME_MAX, -1,       0, 1,
                                  TAP_TIME_MAX, TAP_TIME_MAX + 1, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
            struct tap_node_clock c = {0};
            tap_node_clock_set(&c, odd[i]);
            int64_t ns = tap_node_clock_ns(&c, odd[k]);
            CU_ASSERT(ns >= 1 && ns <= TAP_TIME_MAX);
        }
    struct tap_node_clock c = {0};
    tap_node_clock_set(&c, TAP_TIME_MAX - 5);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, 5), TAP_TIME_MAX);
    CU_ASSERT_EQUAL(tap_node_clock_ns(&c, -TAP_TIME_MAX + 6), 1);
}

UNIT_TESTS("clock", UNIT_TEST(a_told_offset_counts_from_where_it_was_told),
           UNIT_TEST(once_aligned_the_nodes_word_no_longer_counts),
           UNIT_TEST(offsets_of_this_century_count), UNIT_TEST(a_correction_is_reached_and_kept),
           UNIT_TEST(time_never_goes_back), UNIT_TEST(nonsense_does_not_overflow),
           UNIT_TEST(times_stay_where_their_differences_fit))
