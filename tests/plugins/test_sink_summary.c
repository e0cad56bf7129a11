/* The summary sink's sums, with times at both ends of what an event may have: under the sanitizers
 * an overflow ends the test. What the tables say of real nodes is tested live
 * (tests/e2e/test_summary.py). */
#include "base/clock.h"
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
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " 5 9223372036.9 s")); /* outer, in all, and no more */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "15 9223372036.9 s")); /* inner */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Slowest gen_server calls, of 5"));
    CU_ASSERT_PTR_NULL(strstr(text, "-"));
    free(text);
    sb_free(b);
}

UNIT_TESTS("sink_summary", UNIT_TEST(sums_of_any_times_fit))
