/* Calls of gen_server as the chrome sink draws them: as slices where they nest with all else on the
 * track, apart where they do not, and never so that a viewer bends them.
 */
#include "chrome_gen.h"
#include "chrome_check.h"

#define KIND(k) TAP_KIND_BIT(TAP_##k)
#define EVENTS                                                                                     \
    (KIND(FUNCTION_CALL) | KIND(FUNCTION_RETURN) | KIND(FUNCTION_EXCEPTION) | KIND(MESSAGE_SEND) | \
     KIND(MESSAGE_RECEIVE))

static struct chrome_stream *begin(void)
{
    return chrome_open(EVENTS, NULL);
}

static void finish(struct chrome_stream *s, cJSON *root)
{
    cJSON_Delete(root);
    chrome_free(s);
}

static void figures(const struct chrome_stream *s, int64_t slices, int64_t apart)
{
    CU_ASSERT_EQUAL(chrome_figure(s, "gen"), slices);
    CU_ASSERT_EQUAL(chrome_figure(s, "gen_apart"), apart);
}

static void spans(const cJSON *ev, int64_t start, int64_t end)
{
    CU_ASSERT_EQUAL(chrome_ns(ev, "ts"), start);
    CU_ASSERT_EQUAL(chrome_ns(ev, "ts") + chrome_ns(ev, "dur"), end);
}

static int64_t number(const cJSON *ev, const char *key)
{
    return chrome_num(cJSON_GetObjectItem(ev, "args"), key);
}

/* 100 calls 200, which calls 300 while it handles that. Around each message there is a slice. */
static void a_call_in_a_call(void)
{
    struct chrome_stream *s = begin();
    chrome_atom(s, chrome_event(s, TAP_PROCESS_REGISTER, 10, 0, 200), "shop_till");
    CALL(s, 900, 100, "pay", 1);
    ASK(s, 1000, 100, 200, 1);
    TAKE(s, 1100, 200, 100, 1);
    CALL(s, 1200, 200, "handle_call", 3);
    ASK(s, 1210, 200, 300, 2);
    TAKE(s, 1220, 300, 200, 2);
    ANSWER(s, 1230, 300, 200, 2);
    GET(s, 1240, 200, 2);
    RETURN(s, 1300, 200, "handle_call", 3);
    ANSWER(s, 1400, 200, 100, 1);
    GET(s, 1500, 100, 1);
    RETURN(s, 1600, 100, "pay", 1);
    cJSON *root = chrome_close(s);
    const cJSON *call = chrome_find(root, 'X', "call shop_till: pay", 0),
                *handle = chrome_find(root, 'X', "handle pay", 1);
    spans(call, 1000, 1502);
    CU_ASSERT_STRING_EQUAL(chrome_str(call, "cat"), "gen");
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, call), "<0.100.0>");
    CU_ASSERT_STRING_EQUAL(chrome_arg(call, "server"), "shop_till");
    CU_ASSERT_STRING_EQUAL(chrome_arg(call, "from"), "<0.100.0>");
    CU_ASSERT_STRING_EQUAL(chrome_arg(call, "request"), "{pay,1}");
    CU_ASSERT_STRING_EQUAL(chrome_arg(call, "reply"), "{paid,1}");
    CU_ASSERT_EQUAL(number(call, "took_ns"), 77);
    spans(handle, 1100, 1402);
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, handle), "shop_till <0.200.0>");
    CU_ASSERT_STRING_EQUAL(chrome_arg(handle, "request"), "{pay,1}");
    CU_ASSERT_STRING_EQUAL(chrome_arg(handle, "reply"), "{paid,1}");
    CU_ASSERT_EQUAL(number(handle, "in_mailbox_ns"), -1);
    spans(chrome_find(root, 'X', "handle pay", 0), 1220, 1232);
    spans(chrome_find(root, 'X', "call <0.300.0>: pay", 0), 1210, 1242);
    figures(s, 4, 0);
    finish(s, root);
}

/* A server takes three calls out of its mailbox at once and handles one after the other. */
static void calls_in_the_mailbox(void)
{
    struct chrome_stream *s = begin();
    for (uint32_t i = 0; i < 3; i++)
        TAKE(s, 100 + 10 * i, 200, 100 + i, i);
    for (uint32_t i = 0; i < 3; i++) {
        CALL(s, 200 + 100 * i, 200, "handle_call", 3);
        RETURN(s, 250 + 100 * i, 200, "handle_call", 3);
        ANSWER(s, 260 + 100 * i, 200, 100 + i, i);
    }
    cJSON *root = chrome_close(s);
    spans(chrome_find(root, 'X', "handle pay", 0), 100, 262);
    spans(chrome_find(root, 'X', "handle pay", 1), 263, 362);
    spans(chrome_find(root, 'X', "handle pay", 2), 363, 462);
    CU_ASSERT_EQUAL(number(chrome_find(root, 'X', "handle pay", 2), "in_mailbox_ns"), 363 - 120);
    figures(s, 3, 0);
    finish(s, root);
}

static void judge_apart(const cJSON *root, int64_t start, int64_t end, uint32_t tag)
{
    char reply[32];
    snprintf(reply, sizeof reply, "{paid,%u}", tag);
    for (int i = 0;; i++) {
        const cJSON *b = chrome_find(root, 'b', "call <0.200.0>: pay", i), *e = b ? b->next : NULL;
        CU_ASSERT_PTR_NOT_NULL(b);
        if (!b)
            return;
        if (strcmp(chrome_arg(b, "reply"), reply) != 0)
            continue;
        CU_ASSERT_EQUAL(chrome_ns(b, "ts"), start);
        CU_ASSERT_EQUAL(chrome_ns(e, "ts"), end);
        CU_ASSERT_STRING_EQUAL(chrome_str(b, "id"), chrome_str(e, "id"));
        return;
    }
}

/* Two requests under way at once: the replies come in their order, so the two cross; or the other
 * way round. */
static void requests_that_cross(void)
{
    struct chrome_stream *s = begin();
    ASK(s, 100, 100, 200, 1);
    ASK(s, 200, 100, 200, 2);
    GET(s, 300, 100, 1);
    GET(s, 400, 100, 2);
    ASK(s, 500, 100, 200, 3);
    ASK(s, 600, 100, 200, 4);
    GET(s, 700, 100, 4);
    GET(s, 800, 100, 3);
    cJSON *root = chrome_close(s);
    judge_apart(root, 200, 400, 2);
    spans(chrome_find(root, 'X', "call <0.200.0>: pay", 0), 100, 302);
    spans(chrome_find(root, 'X', "call <0.200.0>: pay", 1), 600, 702);
    spans(chrome_find(root, 'X', "call <0.200.0>: pay", 2), 500, 802);
    figures(s, 3, 1);
    finish(s, root);
}

/* The request is sent in one function and the reply taken in another. */
static void a_request_that_crosses_calls(void)
{
    struct chrome_stream *s = begin();
    CALL(s, 100, 100, "ask", 1);
    ASK(s, 200, 100, 200, 1);
    RETURN(s, 300, 100, "ask", 1);
    CALL(s, 400, 100, "wait", 1);
    GET(s, 500, 100, 1);
    RETURN(s, 600, 100, "wait", 1);
    CALL(s, 700, 100, "again", 1); /* into a call that was entered after it */
    CALL(s, 750, 100, "deeper", 1);
    ASK(s, 800, 100, 200, 2);
    RETURN(s, 850, 100, "deeper", 1);
    CALL(s, 860, 100, "deeper", 1); /* as deep as it was, but another */
    GET(s, 900, 100, 2);
    cJSON *root = chrome_close(s);
    judge_apart(root, 200, 500, 1);
    judge_apart(root, 800, 900, 2);
    figures(s, 0, 2);
    finish(s, root);
}

/* A reply that another process sends; one to a call that a server passed on; one after the server's
 * end; and a call without. */
static void replies_from_elsewhere(void)
{
    struct chrome_stream *s = begin();
    TAKE(s, 100, 200, 100, 1);
    ANSWER(s, 300, 201, 100, 1); /* by gen_server:reply in a helper */
    TAKE(s, 400, 200, 100, 2);
    chrome_gen(s, TAP_MESSAGE_SEND, 450, 200, 202, TAP_GEN_CALL, 100, 2);
    TAKE(s, 500, 202, 100, 2);
    ANSWER(s, 600, 202, 100, 2);
    TAKE(s, 700, 203, 100, 3);
    chrome_atom(s, chrome_event(s, TAP_PROCESS_EXIT, 750, 0, 203), "killed");
    ANSWER(s, 800, 204, 100, 3);
    ASK(s, 900, 100, 200, 4);
    cJSON *root = chrome_close(s);
    const cJSON *helped = chrome_find(root, 'b', "handle pay", 0),
                *passed = chrome_find(root, 'X', "handle pay", 0);
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, helped), "<0.200.0>");
    CU_ASSERT_EQUAL(chrome_ns(helped, "ts"), 100);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'e', "handle pay", 0), "ts"), 300);
    spans(passed, 500, 602);
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, passed), "<0.202.0>");
    figures(s, 1, 1);
    finish(s, root);
}

/* More at once than one track, and than the sink remembers: what is told is right, the rest is only
 * not drawn. */
static void more_than_are_remembered(void)
{
    struct chrome_stream *s = begin();
    enum { MANY = 40000 };
    for (uint32_t i = 0; i < MANY; i++)
        ASK(s, 1000 + i * 10, 100 + i % 7, 200, i);
    for (uint32_t i = 0; i < MANY; i++)
        GET(s, 1000000 + i * 10, 100 + i % 7, i);
    cJSON *root = chrome_close(s);
    int64_t drawn = chrome_figure(s, "gen") + chrome_figure(s, "gen_apart");
    CU_ASSERT(drawn > 4000 && drawn <= 8192);
    finish(s, root);
}

UNIT_TESTS("sink_chrome_gen", UNIT_TEST(a_call_in_a_call), UNIT_TEST(calls_in_the_mailbox),
           UNIT_TEST(requests_that_cross), UNIT_TEST(a_request_that_crosses_calls),
           UNIT_TEST(replies_from_elsewhere), UNIT_TEST(more_than_are_remembered))
