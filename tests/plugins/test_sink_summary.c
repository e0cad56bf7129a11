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
static struct tap_event *message(struct sb *b, enum tap_kind kind, bool reply, int64_t ts)
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
    return e;
}

/* What a summary says of these events; it is given back by free. */
static char *summary_of(struct sb *b)
{
    struct sink s;
    const char *path = temp_path("c.txt");
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "summary", "path", path, NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    sb_free(b);
    return read_path(path);
}

static void sums_of_any_times_fit(void)
{
    struct sb *b = calloc(1, sizeof *b);
    if (!sink_names)
        sink_host_init();
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
    char *text = summary_of(b);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " 5 9223372036.9 s")); /* alone, in all, and no more */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "15 9223372036.9 s")); /* inner */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Slowest gen_server calls, of 5"));
    CU_ASSERT_PTR_NULL(strstr(text, " -4"));
    free(text);
}

/* Server 200 passes the request of 100 on as it is, 201 answers: one call, of 100, from its send
 * on. */
static void a_request_that_is_passed_on_is_one_call(void)
{
    struct sb *b = calloc(1, sizeof *b);
    message(b, TAP_MESSAGE_SEND, false, T0);
    message(b, TAP_MESSAGE_RECEIVE, false, T0 + 1000000)->pid = sb_pid(200);
    message(b, TAP_MESSAGE_SEND, false, T0 + 2000000)->pid = sb_pid(200);
    message(b, TAP_MESSAGE_RECEIVE, false, T0 + 3000000)->pid = sb_pid(201);
    message(b, TAP_MESSAGE_SEND, true, T0 + 7000000)->pid = sb_pid(201);
    message(b, TAP_MESSAGE_RECEIVE, true, T0 + 8000000);
    char *text = summary_of(b);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Slowest gen_server calls, of 1\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "  8000.0 us   3000.0 us   4000.0 us  <0.100.0> -> <0.201.0>: request\n"));
    free(text);
}

/* The text of a call that took so long, and a gap of the same. */
static char *report(int64_t ns)
{
    struct sb *b = calloc(1, sizeof *b);
    if (!sink_names)
        sink_host_init();
    struct tap_event *e = sb_event(b, TAP_FUNCTION_CALL);
    int64_t begin = e->ts;
    sb_function(e, "shop", "add", 0);
    e = sb_event(b, TAP_FUNCTION_RETURN);
    e->ts = begin + ns;
    sb_function(e, "shop", "add", 0);
    e = sb_event(b, TAP_GAP);
    e->ts = begin + ns;
    e->gap = ns;
    return summary_of(b);
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

/* With -> return behind one pattern: that function's first call, and those that are open when the
 * first of them returns, have a length as all others. */
static void what_the_plan_returns_is_timed_from_the_first(void)
{
    static const struct tap_plan_function pay = {
        .module = "shop", .function = "pay", .arity = 1, .flags = TAP_PLAN_RETURN};
    struct sb *b = calloc(1, sizeof *b);
    struct sink s;
    char path[128];
    const uint32_t events = sink_session.events;
    sink_session.events = TAP_KIND_BIT(TAP_FUNCTION_CALL);
    sink_session.returned = &pay;
    sink_session.returned_count = 1;
    strcpy(path, temp_path("summary.txt"));
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "summary", "path", path, NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    call(b, TAP_FUNCTION_CALL, "pay", T0);
    call(b, TAP_FUNCTION_CALL, "other", T0 + 1);
    call(b, TAP_FUNCTION_RETURN, "pay", T0 + 2 * TAP_SECOND);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    char *text = read_path(path);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " 1   2000.0 ms   2000.0 ms"));
    free(text);
    sb_free(b);
    sink_session.events = events;
    sink_session.returned = NULL;
    sink_session.returned_count = 0;
}

static void times_are_rounded_in_their_unit(void)
{
    says(1465400000, " events in 1.465 s:",
         " 1   1465.4 ms   1465.4 ms   1465.4 ms   1465.4 ms   1465.4 ms   1465.4 ms  shop:add/0\n",
         "not traced for 1.465 s\n");
    says(1250, " events in 0.000 s:",
         " 1      1.3 us      1.3 us      1.3 us      1.3 us      1.3 us      1.3 us  shop",
         " for 0.000 s\n");
    says(9999949, "in 0.010 s:",
         " 1   9999.9 us   9999.9 us   9999.9 us   9999.9 us   9999.9 us   9999.9 us  shop",
         " for 0.010 s\n");
    says(9999999, "in 0.010 s:",
         " 1  10000.0 us  10000.0 us  10000.0 us  10000.0 us  10000.0 us  10000.0 us  shop",
         " for 0.010 s\n");
    says(123456789012, "in 123.457 s:",
         " 1     123.5 s     123.5 s     123.5 s     123.5 s     123.5 s     123.5 s  shop",
         " 123.457 s\n");
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
        CU_ASSERT_PTR_NOT_NULL(strstr(text, " 2      0.5 us      0.5 us      0.5 us      0.5 us    "
                                            "  0.5 us      0.5 us  shop:add/1\n"));
        free(text);
        sb_free(b);
    }
}

static struct sb *begin(void)
{
    if (!sink_names)
        sink_host_init();
    return calloc(1, sizeof(struct sb));
}

static void holds(const char *text, const char *what)
{
    CU_ASSERT_PTR_NOT_NULL(strstr(text, what));
    if (!strstr(text, what))
        printf("# no '%s' in %s\n", what, text);
}

static struct tap_event *at(struct sb *b, enum tap_kind kind, int64_t us)
{
    struct tap_event *e = sb_event(b, kind);
    e->ts = us * 1000;
    return e;
}

/* wait/1 takes 1 ms, and is on no scheduler from 200 to 700 us. */
static void own_time_is_what_it_ran(void)
{
    struct sb *b = begin();
    call(b, TAP_FUNCTION_CALL, "wait", 1000000);
    at(b, TAP_SCHEDULE_OUT, 1200);
    at(b, TAP_MESSAGE_RECEIVE, 1650)->payload = sb_atom(b, "go"); /* while it is not running */
    at(b, TAP_SCHEDULE_IN, 1700);
    call(b, TAP_FUNCTION_RETURN, "wait", 2000000);
    char *text = summary_of(b);
    holds(text, "by their own time (what it ran, by the scheduler); all times have tracing in");
    holds(text, " 1   1000.0 us    500.0 us   1000.0 us");
    free(text);
}

/* Without scheduling receives tell it: from the last event on, unless the message was there. */
static void own_time_is_without_what_was_waited_in_receive(void)
{
    struct sb *b = begin();
    call(b, TAP_FUNCTION_CALL, "wait", 1000000);
    struct tap_event *e = at(b, TAP_MESSAGE_SEND, 1100);
    e->payload = sb_atom(b, "first"), e->flow = 1, e->pid = sb_pid(101);
    e = at(b, TAP_MESSAGE_SEND, 1200); /* its own last event */
    e->payload = sb_atom(b, "hello");
    e = at(b, TAP_MESSAGE_RECEIVE, 1300); /* sent at 1100: it was there */
    e->payload = sb_atom(b, "first"), e->flow = 1;
    e = at(b, TAP_MESSAGE_RECEIVE, 1400); /* 100 us */
    e->payload = sb_atom(b, "second");
    e = at(b, TAP_MESSAGE_RECEIVE, 1700); /* 300 us, in vain */
    e->payload = sb_atom(b, "timeout"), e->flags = TAP_EVENT_TIMEOUT;
    call(b, TAP_FUNCTION_CALL, "inner", 1800000);
    e = at(b, TAP_MESSAGE_RECEIVE, 1850); /* inner's 50, not wait's */
    e->payload = sb_atom(b, "third");
    call(b, TAP_FUNCTION_RETURN, "inner", 1900000);
    call(b, TAP_FUNCTION_RETURN, "wait", 2000000);
    char *text = summary_of(b);
    holds(text, "(without what was waited in receive, at the least)");
    holds(text, "\nWaiting is what lies between a process's last event and the sending of ");
    holds(text, " 1   1000.0 us    500.0 us   1000.0 us");
    holds(text, " 1    100.0 us     50.0 us    100.0 us");
    free(text);
}

/* A message that was there while its receiver worked was not waited for, as far as its send is
 * seen; where it is not, work cannot be told from waiting, and that is said. */
static void work_before_a_message_is_no_waiting(void)
{
    for (int seen = 0; seen < 2; seen++) {
        struct sb *b = begin();
        call(b, TAP_FUNCTION_CALL, "work", 1000000);
        struct tap_event *e = at(b, TAP_MESSAGE_SEND, 1100);
        e->payload = sb_atom(b, "done"), e->pid = sb_pid(101);
        e->flow = seen ? 1 : 0;
        e = at(b, TAP_MESSAGE_RECEIVE, 1900);
        e->payload = sb_atom(b, "done"), e->flow = 1;
        call(b, TAP_FUNCTION_RETURN, "work", 2000000);
        char *text = summary_of(b);
        holds(text, seen ? " 1   1000.0 us    900.0 us" : " 1   1000.0 us    100.0 us");
        holds(text, seen ? "untraced work in it counts as waited. schedule_in"
                         : "for no sends were seen: untraced work in it counts as waited, however "
                           "long the message was there.");
        free(text);
    }
}

static void own_time_that_includes_waiting_says_so(void)
{
    struct sb *b = begin();
    call(b, TAP_FUNCTION_CALL, "wait", 1000);
    call(b, TAP_FUNCTION_RETURN, "wait", 2000);
    char *text = summary_of(b);
    holds(text, "(by the clock, waiting included: trace message_receive to take it out)");
    free(text);
}

/* {error, boom}, or with `stack` {boom, [{shop, depth, 2, []}]} */
static void reason(struct sb *b, enum tap_kind kind, const char *function, bool stack)
{
    struct tap_event *e = sb_event(b, kind);
    uint32_t from = sb_from(b);
    if (function)
        sb_function(e, "shop", function, 1);
    tap_write_tuple(&b->arena, 2);
    tap_write_atom(&b->arena, stack ? "boom" : "error");
    if (!stack) {
        tap_write_atom(&b->arena, "boom");
    } else {
        tap_write_list(&b->arena, 1);
        tap_write_tuple(&b->arena, 4);
        tap_write_atom(&b->arena, "shop"), tap_write_atom(&b->arena, "depth");
        tap_write_i64(&b->arena, 2);
        tap_write_nil(&b->arena), tap_write_nil(&b->arena);
    }
    e->payload = sb_span(b, from);
}

/* It goes through three calls, is caught, and raised again; then it ends its process. */
static void an_exception_is_told_once(void)
{
    struct sb *b = begin();
    for (int round = 0; round < 2; round++) {
        call(b, TAP_FUNCTION_CALL, "outer", 1000);
        call(b, TAP_FUNCTION_CALL, "middle", 1000);
        call(b, TAP_FUNCTION_CALL, "inner", 1000);
        reason(b, TAP_FUNCTION_EXCEPTION, "inner", false);
        reason(b, TAP_FUNCTION_EXCEPTION, "middle", false);
        reason(b, TAP_FUNCTION_EXCEPTION, "outer", false);
    }
    reason(b, TAP_PROCESS_EXIT, NULL, true);
    char *text = summary_of(b);
    holds(text, ": 6 calls, 2 exceptions, ");
    holds(text, "Exceptions, each once, by reason\n      count  reason\n"
                "          2  error:boom in shop:inner/1, first <0.100.0>\n\n");
    holds(text,
          "Exits, by reason\n      count  reason\n          1  boom in shop:depth/2, <0.100.0>\n");
    free(text);
}

static void mailboxes_and_limits_are_told(void)
{
    struct sb *b = begin();
    call(b, TAP_FUNCTION_CALL, "f", 1000000000);
    static const uint64_t lengths[] = {5, 70, 0};
    for (unsigned i = 0; i < 3; i++) {
        struct tap_event *e = sb_event(b, TAP_MAILBOX);
        uint32_t from = sb_from(b);
        e->ts = 1500000000 + i * 1000000;
        tap_write_list(&b->arena, 1);
        tap_write_tuple(&b->arena, 2);
        tap_write_u8(&b->arena, TAP_EXT_NEW_PID);
        tap_write_atom(&b->arena, "shop@web1");
        tap_write_u32(&b->arena, 100), tap_write_u32(&b->arena, 0), tap_write_u32(&b->arena, 7);
        tap_write_i64(&b->arena, (int64_t)lengths[i]);
        tap_write_nil(&b->arena);
        e->payload = sb_span(b, from);
    }
    struct tap_event *e = sb_event(b, TAP_LOST);
    e->lost = 3, e->reason = TAP_REASON_QUEUE;
    for (int i = 0; i < 2; i++) {
        e = sb_event(b, TAP_GAP);
        e->gap = 250000000, e->reason = TAP_REASON_RATE;
    }
    char *text = summary_of(b);
    holds(text, "   messages   at second  process\n         70    0.501  <0.100.0>\n");
    holds(text,
          "Lost in shop@web1: 3 events; not traced for 0.500 s; limited by max_queue, max_rate\n");
    free(text);
}

static void mark(struct sb *b, const char *text, int64_t ts, uint32_t pid)
{
    struct tap_event *e = sb_event(b, TAP_MARK);
    uint32_t from = sb_from(b);
    tap_write_binary(&b->arena, text, strlen(text));
    e->payload = sb_span(b, from);
    e->ts = ts;
    if (pid)
        e->pid = sb_pid(pid);
}

static void marks_are_told_and_are_no_processes(void)
{
    struct sb *b = begin();
    call(b, TAP_FUNCTION_CALL, "add", 2000000000);
    mark(b, "start_on: shop:add(_)", 2500000000, 77);
    mark(b, "stop_on: mailbox > 3\n", 3250000000, 0);
    char *text = summary_of(b);
    holds(text, "\nMarks: what came true, and where\n"
                "  start_on: shop:add(_), at 0.500 s, <0.77.0>\n"
                "  stop_on: mailbox > 3?, at 1.250 s\n");
    holds(text, "process\n          1           1           0           0  <0.100.0>\n\nMarks");
    free(text);
    b = begin();
    call(b, TAP_FUNCTION_CALL, "add", 1000);
    for (int i = 0; i < 100; i++) /* a run has a few, a recording may have any */
        mark(b, "start_on: exception", 1000, 100);
    text = summary_of(b);
    holds(text, "  and 36 more\n");
    free(text);
}

/* Class and reason are both too long, and of characters of two bytes. */
static void a_long_reason_is_cut_between_characters(void)
{
    struct sb *b = begin();
    char atom[300] = "", class[101];
    memset(class, 'x', 100);
    class[100] = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct tap_event *e = sb_event(b, TAP_FUNCTION_EXCEPTION);
        uint32_t from = sb_from(b);
        sb_function(e, "shop", i ? "first" : "second", 1);
        strcpy(atom, i ? "aa" : "a");
        for (unsigned c = 0; c < 100; c++)
            strcat(atom, "\xC3\xA9");
        tap_write_tuple(&b->arena, 2);
        tap_write_atom(&b->arena, class), tap_write_atom(&b->arena, atom);
        e->payload = sb_span(b, from);
    }
    char *text = summary_of(b);
    holds(text, "xxx...:");
    holds(text, "\xC3\xA9... in shop:first/1");
    holds(text, "\xC3\xA9... in shop:second/1");
    free(text);
}

UNIT_TESTS("sink_summary", UNIT_TEST(a_long_reason_is_cut_between_characters),
           UNIT_TEST(own_time_is_what_it_ran), UNIT_TEST(an_exception_is_told_once),
           UNIT_TEST(own_time_is_without_what_was_waited_in_receive),
           UNIT_TEST(work_before_a_message_is_no_waiting),
           UNIT_TEST(own_time_that_includes_waiting_says_so),
           UNIT_TEST(mailboxes_and_limits_are_told), UNIT_TEST(marks_are_told_and_are_no_processes),
           UNIT_TEST(a_return_after_a_loss_has_no_time), UNIT_TEST(sums_of_any_times_fit),
           UNIT_TEST(what_the_plan_returns_is_timed_from_the_first),
           UNIT_TEST(a_request_that_is_passed_on_is_one_call),
           UNIT_TEST(times_are_rounded_in_their_unit), UNIT_TEST(times_ask_no_locale))
