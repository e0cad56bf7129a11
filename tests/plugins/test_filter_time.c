/* filter:time: which stretch is kept, to its bounds and beyond what a clock can say. */
#include "filters/time/plugin.c"

#include "fake_host.h"

#define SECOND INT64_C(1000000000)
#define BEGAN (INT64_C(1700000000) * SECOND) /* 2023-11-14T22:13:20 */

/* What becomes of events before the run, at its start, a second later, two, and in 2116. */
static const char *kept(const struct time_settings *s)
{
    static const int64_t at[] = {-1, 0, SECOND, 2 * SECOND};
    fake_run.started = BEGAN;
    void *self = fake_create(s);
    if (!self)
        return fake.messages[0];
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++)
        batch_add(TAP_FUNCTION_CALL, 1)->ts = BEGAN + at[i];
    batch_add(TAP_FUNCTION_CALL, 1)->ts = INT64_MAX / 2;
    const char *verdict = fake_filter(self);
    time_destroy(self);
    return verdict;
}

static void keeps_a_stretch_of_time(void)
{
    static const struct {
        struct time_settings s;
        const char *kept;
    } cases[] = {
        {{0, 0, NULL, NULL}, "-++++"},
        {{1, 0, NULL, NULL}, "--+++"},
        {{0, SECOND, NULL, NULL}, "-+---"},
        {{SECOND, 2 * SECOND + 1, NULL, NULL}, "--++-"},
        {{0, 0, "2023-11-14T22:13:21", "2023-11-14T22:13:22"}, "--+--"},
        {{SECOND, 0, NULL, "2023-11-14T22:13:22"}, "--+--"},
        {{2, 1, NULL, NULL}, "it ends before it begins: nothing would be kept"},
        /* 285 years, and all there are */
        {{0, 9000000000 * SECOND, NULL, NULL}, "-++++"},
        {{SECOND, INT64_MAX, NULL, NULL}, "--+++"},
        {{9000000000 * SECOND, 0, NULL, NULL}, "-----"},
        {{9000000000 * SECOND, INT64_MAX, NULL, NULL}, "-----"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_STRING_EQUAL(kept(&cases[i].s), cases[i].kept);
}

UNIT_TESTS("filter_time", UNIT_TEST(keeps_a_stretch_of_time))
