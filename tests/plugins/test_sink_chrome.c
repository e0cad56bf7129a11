/* test_sink_chrome.c: calls, their times and their names, as the chrome sink draws them.
 *
 * Each test ends in chrome_close, which checks every rule of the format; what is asserted here is
 * what the stream means.
 */
#include "chrome_check.h"

#define KIND(k) TAP_KIND_BIT(TAP_##k)
#define CALLS (KIND(FUNCTION_CALL) | KIND(FUNCTION_RETURN) | KIND(FUNCTION_EXCEPTION))

static void finish(struct chrome_stream *s, cJSON *root)
{
    cJSON_Delete(root);
    chrome_free(s);
}

/* ---- Calls */

static void nested_calls(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    CALL(s, 1000, 100, "add", 2);
    CALL(s, 1500, 100, "price", 1);
    RETURN(s, 1700, 100, "price", 1);
    RETURN(s, 2000, 100, "add", 2);
    cJSON *root = chrome_close(s);
    const cJSON *add = chrome_find(root, 'X', "shop:add/2", 0),
                *price = chrome_find(root, 'X', "shop:price/1", 0);
    CU_ASSERT_EQUAL(chrome_ns(add, "ts"), 1000);
    CU_ASSERT_EQUAL(chrome_ns(add, "dur"), 1000);
    CU_ASSERT_EQUAL(chrome_ns(price, "ts"), 1500);
    CU_ASSERT_EQUAL(chrome_ns(price, "dur"), 200);
    CU_ASSERT_STRING_EQUAL(chrome_arg(add, "args"), "[1000,1001]");
    CU_ASSERT_STRING_EQUAL(chrome_arg(add, "result"), "ok");
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, add), "<0.100.0>");
    CU_ASSERT_EQUAL(chrome_num(add, "pid"), 1);
    CU_ASSERT_EQUAL(chrome_num(add, "tid"), 1000);
    finish(s, root);
}

static void tail_calls_return_last_first(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    CALL(s, 100, 100, "a", 0);
    CALL(s, 200, 100, "b", 0);
    CALL(s, 300, 100, "c", 0);
    RETURN(s, 400, 100, "c", 0);
    RETURN(s, 400, 100, "b", 0);
    RETURN(s, 400, 100, "a", 0);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:c/0", 0), "dur"), 100);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:b/0", 0), "dur"), 201);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:a/0", 0), "dur"), 302);
    finish(s, root);
}

static void exception_through_fifty(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    for (int i = 0; i < 50; i++)
        CALL(s, 100 + i, 100, i % 2 ? "odd" : "even", i);
    for (int i = 50; i-- > 0;)
        THROW(s, 1000, 100, i % 2 ? "odd" : "even", i);
    cJSON *root = chrome_close(s);
    char name[32];
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "shop:%s/%d", i % 2 ? "odd" : "even", i);
        CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', name, 0), "exception"),
                               "{error,badarg}");
    }
    CU_ASSERT_EQUAL(chrome_total(root, 'i', "exception"), 1);
    CU_ASSERT_EQUAL(chrome_figure(s, "slices"), 50);
    finish(s, root);
}

static void catch_and_rethrow(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    CALL(s, 100, 100, "outer", 0);
    CALL(s, 200, 100, "middle", 0);
    CALL(s, 300, 100, "inner", 0);
    /* middle catches, does something, throws again; outer catches */
    THROW(s, 400, 100, "inner", 0);
    CALL(s, 500, 100, "log", 1);
    RETURN(s, 600, 100, "log", 1);
    THROW(s, 700, 100, "middle", 0);
    CALL(s, 800, 100, "log", 1);
    RETURN(s, 900, 100, "log", 1);
    RETURN(s, 1000, 100, "outer", 0);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_total(root, 'i', "exception"), 2);
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "shop:outer/0", 0), "result"), "ok");
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:outer/0", 0), "dur"), 900);
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "shop:middle/0", 0), "exception"),
                           "{error,badarg}");
    finish(s, root);
}

static void return_without_exceptions_unwinds(void)
{
    struct chrome_stream *s = chrome_open(KIND(FUNCTION_CALL) | KIND(FUNCTION_RETURN), NULL);
    CALL(s, 100, 100, "outer", 0);
    CALL(s, 200, 100, "thrown1", 0);
    CALL(s, 300, 100, "thrown2", 0);
    RETURN(s, 400, 100, "outer", 0);
    cJSON *root = chrome_close(s);
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "shop:thrown2/0", 0), "end"),
                           "unwound");
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "shop:thrown1/0", 0), "end"),
                           "unwound");
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "shop:outer/0", 0), "result"), "ok");
    CU_ASSERT_EQUAL(chrome_figure(s, "unwound"), 2);
    finish(s, root);
}

static void deep_recursion(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    const int deep = 100000;
    for (int i = 0; i < deep; i++)
        CALL(s, i * 10, 100, i % 2 ? "odd" : "even", 1);
    for (int i = deep; i-- > 0;)
        RETURN(s, 2000000 - i, 100, i % 2 ? "odd" : "even", 1);
    CALL(s, 3000000, 100, "later", 0); /* the stack is right again */
    RETURN(s, 3000010, 100, "later", 0);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_figure(s, "too_deep"), deep - 500);
    CU_ASSERT_EQUAL(chrome_figure(s, "slices"), 501);
    CU_ASSERT_EQUAL(chrome_figure(s, "unfinished"), 0);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:later/0", 0), "dur"), 10);
    finish(s, root);
}

static void tail_loop_is_counted(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    const int rounds = 10000;
    for (int i = 0; i < rounds; i++) {
        CALL(s, i * 100, 100, "loop", 1);
        CALL(s, i * 100 + 10, 100, "handle", 1);
        RETURN(s, i * 100 + 20, 100, "handle", 1);
    }
    for (int i = 0; i < rounds; i++)
        RETURN(s, rounds * 100 + i, 100, "loop", 1);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_figure(s, "collapsed"), rounds - 32);
    CU_ASSERT_EQUAL(chrome_figure(s, "slices"), rounds + 32);
    const cJSON *loop = chrome_find(root, 'X', "shop:loop/1", 0);
    CU_ASSERT_EQUAL(chrome_num(cJSON_GetObjectItem(loop, "args"), "collapsed_calls"), rounds - 32);
    finish(s, root);
}

static void open_frames_at_the_end(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    CALL(s, 100, 100, "outer", 1);
    CALL(s, 200, 100, "inner", 0);
    CALL(s, 250, 100, "done", 0);
    RETURN(s, 300, 100, "done", 0);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_total(root, 'B', "shop:outer/1"), 1);
    CU_ASSERT_EQUAL(chrome_total(root, 'B', "shop:inner/0"), 1);
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'B', "shop:outer/1", 0), "args"), "[1000]");
    CU_ASSERT_EQUAL(chrome_figure(s, "unfinished"), 2);
    finish(s, root);
}

static void without_returns_calls_are_points(void)
{
    struct chrome_stream *s = chrome_open(KIND(FUNCTION_CALL), NULL);
    CALL(s, 100, 100, "a", 2);
    CALL(s, 200, 100, "b", 0)->flags = TAP_EVENT_ARITY_ONLY;
    RETURN(s, 300, 100, "c", 0); /* somebody asked for this one's returns */
    CALL(s, 400, 100, "c", 0);
    RETURN(s, 500, 100, "c", 0);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:a/2", 0), "dur"), 1);
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "shop:a/2", 0), "args"),
                           "[1000,1001]");
    CU_ASSERT_PTR_NULL(cJSON_GetObjectItem(chrome_find(root, 'X', "shop:b/0", 0), "args"));
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:c/0", 0), "dur"), 100);
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'i', "return", 0), "function"), "shop:c/0");
    finish(s, root);
}

static void plan_names_who_returns(void)
{
    struct chrome_stream *s = chrome_open(KIND(FUNCTION_CALL), NULL);
    const struct tap_plan_function f = {.module = "sh*",
                                        .function = "a",
                                        .arity = -1,
                                        .flags = TAP_PLAN_RETURN},
                                   *const list[] = {&f};
    const struct tap_plan plan = {
        .struct_size = sizeof plan, .functions = list, .function_count = 1};
    s->host.plan = &plan;
    CALL(s, 100, 100, "a", 1);
    CALL(s, 200, 100, "b", 1);
    RETURN(s, 300, 100, "a", 1);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:a/1", 0), "dur"), 200);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:b/1", 0), "dur"), 1);
    finish(s, root);
}

static void callers_metadata_and_cuts(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    struct tap_event *ev = CALL(s, 100, 100, "a", 1);
    ev->peer_type = TAP_PEER_MFA;
    ev->caller = (struct tap_mfa){chrome_name(s, "shop_door"), chrome_name(s, "open"), .arity = 3};
    ev->metadata.off = (uint32_t)s->arena.len;
    tap_write_atom(&s->arena, "noted");
    ev->metadata.len = (uint32_t)s->arena.len - ev->metadata.off;
    ev = CALL(s, 200, 100, "b", 1);
    ev->flags = TAP_EVENT_TRUNCATED;
    ev->true_size = 123456;
    cJSON *root = chrome_close(s);
    const cJSON *a = chrome_find(root, 'B', "shop:a/1", 0),
                *b = chrome_find(root, 'B', "shop:b/1", 0);
    CU_ASSERT_STRING_EQUAL(chrome_arg(a, "caller"), "shop_door:open/3");
    CU_ASSERT_STRING_EQUAL(chrome_arg(a, "metadata"), "noted");
    CU_ASSERT_EQUAL(chrome_num(cJSON_GetObjectItem(b, "args"), "cut_in_node_bytes"), 123456);
    CU_ASSERT_PTR_NULL(cJSON_GetObjectItem(cJSON_GetObjectItem(b, "args"), "args"));
    finish(s, root);
}

/* ---- Times and names */

static void equal_and_descending_times(void)
{
    struct chrome_stream *s = chrome_open(CALLS | KIND(MESSAGE_SEND), NULL);
    for (int i = 0; i < 400; i++)
        CALL(s, 5000 - i * 20, 100, i % 2 ? "odd" : "even", 1); /* also before the session began */
    for (int i = 400; i-- > 0;)
        RETURN(s, 100, 100, i % 2 ? "odd" : "even", 1);
    for (int i = 0; i < 100; i++)
        chrome_int(s, chrome_event(s, TAP_MESSAGE_SEND, 100, 0, 100), i);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_total(root, 'X', "shop:even/1"), 200);
    CU_ASSERT_EQUAL(chrome_total(root, 'X', "send"), 100);
    finish(s, root);
}

/* Each time is a nanosecond later than the one before on its track, however little the clock says;
 * to the nanosecond. */
static void the_picture_of_equal_and_negative_times(void)
{
    struct chrome_stream *s = chrome_open(CALLS | KIND(MESSAGE_SEND), NULL);
    CALL(s, -50, 100, "before", 0); /* before the session began */
    CALL(s, 0, 100, "zero", 0);
    CALL(s, 0, 100, "same", 0);
    RETURN(s, 0, 100, "same", 0);
    CALL(s, -10, 100, "back", 0);
    RETURN(s, -20, 100, "back", 0);
    chrome_int(s, chrome_event(s, TAP_MESSAGE_SEND, 0, 0, 100), 1);
    RETURN(s, 5, 100, "zero", 0);
    CALL(s, 30, 100, "later", 0);
    RETURN(s, 30, 100, "later", 0);
    RETURN(s, 30, 100, "before", 0);
    cJSON *root = chrome_close(s);
    static const struct {
        const char *name;
        int64_t from, to;
    } want[] = {{"shop:before/0", 0, 32}, {"shop:zero/0", 1, 8}, {"shop:same/0", 2, 3},
                {"shop:back/0", 4, 5},    {"send", 6, 7},        {"shop:later/0", 30, 31}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const cJSON *slice = chrome_find(root, 'X', want[i].name, 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(slice);
        CU_ASSERT_EQUAL(chrome_ns(slice, "ts"), want[i].from);
        CU_ASSERT_EQUAL(chrome_ns(slice, "ts") + chrome_ns(slice, "dur"), want[i].to);
        CU_ASSERT_EQUAL(chrome_total(root, 'X', want[i].name), 1);
    }
    finish(s, root);
}

static void names_of_all_sorts(void)
{
    struct chrome_stream *s = chrome_open(KIND(FUNCTION_CALL), NULL);
    chrome_fun(s, TAP_FUNCTION_CALL, 100, 100, "Elixir.Shop.Cart", "add", 2);
    chrome_fun(s, TAP_FUNCTION_CALL, 200, 100, "Elixir.Shop.Cart", "hello world", 0);
    chrome_fun(s, TAP_FUNCTION_CALL, 300, 100, "shop cart", "grüße", 0);
    chrome_fun(s, TAP_FUNCTION_CALL, 400, 100, "shop", "日本\xf0\x9f\x8d\x8e", 0);
    chrome_fun(s, TAP_FUNCTION_CALL, 500, 100, "q\"\\\n", "-add/2-fun-0-", 1);
    cJSON *root = chrome_close(s);
    CU_ASSERT_PTR_NOT_NULL(chrome_find(root, 'X', "Shop.Cart.add/2", 0));
    CU_ASSERT_PTR_NOT_NULL(chrome_find(root, 'X', "Shop.Cart.\"hello world\"/0", 0));
    CU_ASSERT_PTR_NOT_NULL(chrome_find(root, 'X', "'shop cart':grüße/0", 0));
    CU_ASSERT_PTR_NOT_NULL(chrome_find(root, 'X', "shop:'日本\xf0\x9f\x8d\x8e'/0", 0));
    const cJSON *ev;
    bool found = false;
    cJSON_ArrayForEach(ev, cJSON_GetObjectItem(root, "traceEvents")) found |=
        strstr(chrome_str(ev, "name"), ":'-add/2-fun-0-'/1") != NULL;
    CU_ASSERT(found);
    const char *config = chrome_str(cJSON_GetObjectItem(root, "otherData"), "config");
    CU_ASSERT_STRING_EQUAL(config, "[session]\nnodes = \"a\\b\"\n\x01\xef\xbf\xbd");
    finish(s, root);
}

UNIT_TESTS("sink_chrome", UNIT_TEST(nested_calls), UNIT_TEST(tail_calls_return_last_first),
           UNIT_TEST(exception_through_fifty), UNIT_TEST(catch_and_rethrow),
           UNIT_TEST(return_without_exceptions_unwinds), UNIT_TEST(deep_recursion),
           UNIT_TEST(tail_loop_is_counted), UNIT_TEST(open_frames_at_the_end),
           UNIT_TEST(without_returns_calls_are_points), UNIT_TEST(plan_names_who_returns),
           UNIT_TEST(callers_metadata_and_cuts), UNIT_TEST(equal_and_descending_times),
           UNIT_TEST(the_picture_of_equal_and_negative_times), UNIT_TEST(names_of_all_sorts))
