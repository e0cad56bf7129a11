/* The summary sink's sums, with times at both ends of what an event may have: under the sanitizers
 * an overflow ends the test. What the tables say of real nodes is tested live
 * (tests/e2e/test_summary.py). */
#include "base/clock.h"
#include "comma_locale.h"
#include "sink_host.h"

static void call(struct sb *b, enum tap_kind kind, const char *function, int64_t ts)
{
    struct tap_event *e = sb_event(b, kind);
    sb_function(e, "shop", function, 1);
    e->ts = ts;
}

/* {'$gen_call', {<0.100.0>, Ref}, request}, {Ref, reply} */
static void message(struct sb *b, enum tap_kind kind, bool reply, int64_t ts)
{
    struct tap_event *e = sb_event(b, kind);
    uint32_t from = sb_from(b);
    struct tap_buf *to = &b->arena;
    e->ts = ts;
    tap_write_tuple(to, reply ? 2 : 3);
    if (!reply) {
        tap_write_atom(to, "$gen_call");
        tap_write_tuple(to, 2);
        tap_write_u8(to, TAP_EXT_NEW_PID);
        tap_write_atom(to, "shop@web1");
        tap_write_u32(to, 100), tap_write_u32(to, 0), tap_write_u32(to, 7);
    }
    tap_write_u8(to, TAP_EXT_NEWER_REFERENCE);
    tap_write_u8(to, 0), tap_write_u8(to, 1);
    tap_write_atom(to, "shop@web1");
    tap_write_u32(to, 7), tap_write_u32(to, 9);
    tap_write_atom(to, reply ? "reply" : "request");
    e->payload = sb_span(b, from);
    e->gen = reply ? TAP_GEN_REPLY : TAP_GEN_CALL;
}

static void sums_of_any_times_fit(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct sink s;
    char path[128];
    strcpy(path, temp_path("summary.txt"));
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "summary", "path", path, NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    for (int i = 0; i < 5; i++) { /* each as long as all the time there is */
        call(b, TAP_FUNCTION_CALL, "outer", 1);
        call(b, TAP_FUNCTION_CALL, "inner", 1);
        call(b, TAP_FUNCTION_RETURN, "inner", TAP_TIME_MAX);
        call(b, TAP_FUNCTION_CALL, "inner", 1);
        call(b, TAP_FUNCTION_RETURN, "inner", TAP_TIME_MAX);
        call(b, TAP_FUNCTION_CALL, "inner", 1);
        call(b, TAP_FUNCTION_RETURN, "inner", TAP_TIME_MAX);
        call(b, TAP_FUNCTION_RETURN, "outer", TAP_TIME_MAX);
        call(b, TAP_FUNCTION_CALL, "alone", 1);
        call(b, TAP_FUNCTION_RETURN, "alone", TAP_TIME_MAX);
        message(b, TAP_MESSAGE_SEND, false, i % 2 ? 1 : TAP_TIME_MAX);
        message(b, TAP_MESSAGE_RECEIVE, false, i % 2 ? TAP_TIME_MAX : 1);
        message(b, TAP_MESSAGE_SEND, true, i % 2 ? 1 : TAP_TIME_MAX);
        message(b, TAP_MESSAGE_RECEIVE, true, TAP_TIME_MAX);
        struct tap_event *gap = sb_event(b, TAP_GAP);
        gap->gap = TAP_TIME_MAX;
    }
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    char *text = read_path(path);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " 5 9223372036.9 s")); /* alone, in all, and no more */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "15 9223372036.9 s")); /* inner */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Slowest gen_server calls, of 5"));
    CU_ASSERT_PTR_NULL(strstr(text, " -4"));
    free(text);
    sb_free(b);
}

/* The text of a call that took so long, and a gap of the same. */
static char *report(int64_t ns)
{
    struct sink s;
    const char *path = temp_path("a.txt");
    struct sb *b = calloc(1, sizeof *b);
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "summary", "path", path, NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    struct tap_event *e = sb_event(b, TAP_FUNCTION_CALL);
    int64_t begin = e->ts;
    sb_function(e, "shop", "add", 0);
    e = sb_event(b, TAP_FUNCTION_RETURN);
    e->ts = begin + ns;
    sb_function(e, "shop", "add", 0);
    e = sb_event(b, TAP_GAP);
    e->ts = begin + ns;
    e->gap = ns;
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    sb_free(b);
    return read_path(path);
}

static void says(int64_t ns, const char *first, const char *row, const char *gap)
{
    char *text = report(ns);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, first));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, row));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, gap));
    if (!strstr(text, first) || !strstr(text, row) || !strstr(text, gap))
        printf("# %s\n", text);
    free(text);
}

static void times_are_rounded_in_their_unit(void)
{
    says(1465400000, " events in 1.465 s:", " 1   1465.4 ms   1465.4 ms  shop:add/0\n",
         "not traced for 1.465 s\n");
    says(1250, " events in 0.000 s:", " 1      1.3 us      1.3 us  shop", " for 0.000 s\n");
    says(9999949, "in 0.010 s:", " 1   9999.9 us   9999.9 us  shop", " for 0.010 s\n");
    says(9999999, "in 0.010 s:", " 1  10000.0 us  10000.0 us  shop", " for 0.010 s\n");
    says(123456789012, "in 123.457 s:", " 1     123.5 s     123.5 s  shop", " 123.457 s\n");
}

static void times_ask_no_locale(void)
{
    comma_locale();
    times_are_rounded_in_their_unit();
}

/* What was open when stacks broke ended at a time that nobody knows: no return after that is
 * believed, also where no call stands between. */
static void a_return_after_a_loss_has_no_time(void)
{
    static const enum tap_kind breaks[] = {TAP_LOST, TAP_GAP, TAP_NODE_DOWN};
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        struct sb *b = calloc(1, sizeof *b);
        struct sink s;
        const char *path = temp_path("b.txt");
        CU_ASSERT_EQUAL_FATAL(sink_create(&s, "summary", "path", path, NULL), TAP_OK);
        CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
        call(b, TAP_FUNCTION_CALL, "add", 1000);
        sb_event(b, breaks[i])->ts = 2000;
        call(b, TAP_FUNCTION_RETURN, "add", 3000);
        call(b, TAP_FUNCTION_CALL, "add", 4000);
        call(b, TAP_FUNCTION_RETURN, "add", 4500);
        CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
        CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
        char *text = read_path(path);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, " 2      0.5 us      0.5 us  shop:add/1\n"));
        free(text);
        sb_free(b);
    }
}

UNIT_TESTS("sink_summary", UNIT_TEST(a_return_after_a_loss_has_no_time),
           UNIT_TEST(sums_of_any_times_fit), UNIT_TEST(times_are_rounded_in_their_unit),
           UNIT_TEST(times_ask_no_locale))
