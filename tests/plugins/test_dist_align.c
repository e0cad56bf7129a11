/* The offset of a node's clock from exchanges of any speed: always within the bound that is
 * stated. */
#include "transports/beam/node/align.h"

#include "unit.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)

static unsigned seed = 7;
static int64_t random_to(int64_t n)
{
    return (int64_t)(((uint64_t)rand_r(&seed) << 16 ^ (uint64_t)rand_r(&seed)) % (uint64_t)n);
}

/* One exchange at `now`, with these two ways; the node's clock shows now - offset on arrival. */
static void exchange(struct tap_align *a, int64_t now, int64_t there, int64_t back, int64_t offset)
{
    tap_align_sample(a, now, now + there + back, now + there - offset);
}

static bool right(const struct tap_align *a, int64_t ahead, int64_t offset)
{
    int64_t away = tap_align_offset(a) - offset;
    return (away < 0 ? -away : away) <= tap_align_error(a, ahead);
}

static void the_fastest_exchange_wins(void)
{
    struct tap_align a = {0};
    exchange(&a, 0, 40 * MS, 2 * MS, 3 * SECOND);
    CU_ASSERT(right(&a, 0, 3 * SECOND));
    CU_ASSERT(tap_align_error(&a, 0) > 20 * MS);
    exchange(&a, 50 * MS, 30 * US, 60 * US, 3 * SECOND);
    CU_ASSERT(tap_align_error(&a, 0) < 50 * US);
    exchange(&a, 60 * MS, 9 * MS, 90 * MS, 3 * SECOND);
    CU_ASSERT(tap_align_error(&a, 0) < 400 * US); /* a slow one does little harm */
    CU_ASSERT(right(&a, 0, 3 * SECOND));
}

static void stays_within_the_bound_whatever_the_ways_take(void)
{
    unsigned wrong = 0;
    for (int round = 0; round < 200; round++) {
        struct tap_align a = {0};
        int64_t offset = random_to(20 * SECOND) - 10 * SECOND;
        double drift = ((double)random_to(300) - 150) / 1e6; /* up to 150 ppm */
        for (int64_t now = 0; now < 30 * SECOND; now += SECOND / 4) {
            int64_t there = 20 * US + random_to(10 * MS), back = 20 * US + random_to(10 * MS);
            int64_t true_offset = offset + (int64_t)(drift * (double)now);
            exchange(&a, now, there, back, true_offset);
            wrong += !right(&a, 0, true_offset);
            wrong += !right(&a, SECOND / 2, offset + (int64_t)(drift * (double)(now + SECOND / 2)));
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* The VM makes up for a step of the system clock by running 1 % faster or slower. */
static void a_clock_that_is_corrected_is_followed(void)
{
    struct tap_align a = {0};
    int64_t offset = 0;
    unsigned wrong = 0;
    for (int64_t now = 0; now < 10 * SECOND; now += SECOND / 4) {
        if (now > 2 * SECOND && now < 6 * SECOND)
            offset -= SECOND / 400; /* 1 % of a quarter of a second */
        exchange(&a, now, 50 * US, 50 * US, offset);
        wrong += !right(&a, 0, offset);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(a.contradictions > 0);
    CU_ASSERT(tap_align_error(&a, 0) < 10 * MS);
}

/* Exchanges that are slower than the correction is large do not show it: the bound has to. */
static void a_correction_behind_slow_exchanges_is_within_the_bound(void)
{
    unsigned wrong = 0;
    for (int round = 0; round < 200; round++) {
        struct tap_align a = {0};
        int64_t offset = 0, begins = random_to(5 * SECOND), quarter = SECOND / 4;
        for (int i = 0; i < 4; i++)
            exchange(&a, i * MS, 50 * US, 50 * US, offset);
        int64_t told = tap_align_error(&a, 0);
        for (int64_t now = quarter; now < 10 * SECOND; now += quarter) {
            if (now > begins && now < begins + 4 * SECOND)
                offset -= quarter / 100;
            int64_t away = tap_align_offset(&a) - offset; /* of events up to now */
            exchange(&a, now, 1 * MS + random_to(60 * MS), 1 * MS + random_to(60 * MS), offset);
            wrong += !right(&a, 0, offset);
            told = told > tap_align_error(&a, 0) ? told : tap_align_error(&a, 0);
            wrong += away > told || -away > told;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void a_clock_that_was_set_is_found_again(void)
{
    struct tap_align a = {0};
    for (int i = 0; i < 8; i++)
        exchange(&a, i * MS, 50 * US, 50 * US, SECOND);
    exchange(&a, SECOND, 50 * US, 50 * US, -5 * SECOND);
    CU_ASSERT(right(&a, 0, -5 * SECOND));
    CU_ASSERT_EQUAL(a.contradictions, 1);
}

static void nonsense_is_left_alone(void)
{
    struct tap_align a = {0};
    tap_align_sample(&a, 10, 5, 0);
    tap_align_sample(&a, 0, 10, INT64_MIN);
    tap_align_sample(&a, 0, 10, INT64_MAX);
    CU_ASSERT_EQUAL(a.samples, 0);
    tap_align_sample(&a, 0, 10, INT64_MAX / 9);
    tap_align_sample(&a, 0, 10, -INT64_MAX / 9);
    CU_ASSERT(tap_align_error(&a, INT64_MAX) > 0);
}

UNIT_TESTS("dist_align", UNIT_TEST(the_fastest_exchange_wins),
           UNIT_TEST(stays_within_the_bound_whatever_the_ways_take),
           UNIT_TEST(a_clock_that_is_corrected_is_followed),
           UNIT_TEST(a_correction_behind_slow_exchanges_is_within_the_bound),
           UNIT_TEST(a_clock_that_was_set_is_found_again), UNIT_TEST(nonsense_is_left_alone))
