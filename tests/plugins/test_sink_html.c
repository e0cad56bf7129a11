/* The html sink: its sums are those of the events, its bounds hold and say what they left out, and
 * whatever a node calls things the page stays one. What it looks like is told by
 * tests/viewers/test_page.py. */
#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <malloc.h>

#include "beamtap/counters.h"
#include "sink_host.h"
#include "sinks/common/histogram.h"

static char page_path[128];

static struct sink opened(void)
{
    struct sink s;
    strcpy(page_path, temp_path("a.html"));
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "html", "path", page_path, NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    return s;
}

/* The data of the page, which stands in it as a browser would find it: up to the first end of its
 * script. */
static cJSON *data_of(const char *page)
{
    static const char begin[] = "<script type=\"application/json\" id=\"data\">";
    const char *from = strstr(page, begin), *to = from ? strstr(from, "</script>") : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    from += sizeof begin - 1;
    cJSON *data = cJSON_ParseWithLength(from, (size_t)(to - from));
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    return data;
}

static cJSON *ended(struct sink *s)
{
    CU_ASSERT_EQUAL(sink_stop(s), TAP_OK);
    char *page = read_path(page_path);
    cJSON *data = data_of(page);
    free(page);
    return data;
}

static double number(const cJSON *data, const char *key)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(data, key);
    CU_ASSERT(cJSON_IsNumber(n));
    return cJSON_IsNumber(n) ? n->valuedouble : -1;
}
static double left_out(const cJSON *data, const char *key)
{
    return number(cJSON_GetObjectItemCaseSensitive(data, "left_out"), key);
}
static const cJSON *list(const cJSON *data, const char *key)
{
    const cJSON *l = cJSON_GetObjectItemCaseSensitive(data, key);
    CU_ASSERT(cJSON_IsArray(l));
    return l;
}
static double cell(const cJSON *row, int i)
{
    const cJSON *n = cJSON_GetArrayItem(row, i);
    return cJSON_IsNumber(n) ? n->valuedouble : -1e9;
}
/* The row that begins with this text. */
static const cJSON *row_of(const cJSON *data, const char *key, int column, const char *text)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, list(data, key))
    {
        const cJSON *t = cJSON_GetArrayItem(row, column);
        if (cJSON_IsString(t) && strcmp(t->valuestring, text) == 0)
            return row;
    }
    printf("# no row %s in %s\n", text, key);
    CU_FAIL("there is no such row");
    return NULL;
}

static struct tap_event *at(struct sb *b, enum tap_kind kind, uint32_t process, int64_t us)
{
    struct tap_event *e = sb_event(b, kind);
    e->ts = T0 + us * 1000;
    e->pid = sb_pid(process);
    return e;
}
static void call(struct sb *b, enum tap_kind kind, uint32_t process, const char *f, int64_t us)
{
    sb_function(at(b, kind, process, us), "shop", f, 1);
}
static struct tap_event *send_to(struct sb *b, uint32_t from, uint32_t to, int64_t us)
{
    struct tap_event *e = at(b, TAP_MESSAGE_SEND, from, us);
    e->peer_type = TAP_PEER_PID;
    e->peer = sb_pid(to);
    e->payload = sb_atom(b, "hello");
    return e;
}

enum { NAME, CALLS, TOTAL, OWN, WAITED, RAISED, TIMED, P50, P95, P99, MAX, BARS };

static void sums_are_those_of_the_events(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct sink s = opened();
    uint64_t before = sink_written;
    call(b, TAP_FUNCTION_CALL, 100, "outer", 0);
    call(b, TAP_FUNCTION_CALL, 100, "inner", 100);
    call(b, TAP_FUNCTION_RETURN, 100, "inner", 400);
    send_to(b, 100, 101, 500)->flow = 1;
    struct tap_event *e = at(b, TAP_MESSAGE_RECEIVE, 101, 540);
    e->flow = 1, e->payload = sb_atom(b, "hello");
    send_to(b, 101, 100, 600)->flow = 2;
    e = at(b, TAP_MESSAGE_RECEIVE, 100, 700); /* it waited from 500 until 600 */
    e->flow = 2, e->payload = sb_atom(b, "hello"), e->flags = TAP_EVENT_MOVED;
    call(b, TAP_FUNCTION_EXCEPTION, 100, "outer", 1000);
    for (int i = 0; i < 2; i++) { /* both ends tell it */
        e = at(b, TAP_PROCESS_LINK, 100 + (uint32_t)i, 1050);
        e->peer_type = TAP_PEER_PID, e->peer = sb_pid(101 - (uint32_t)i);
        e->flags = i ? TAP_EVENT_LINK_GOT : 0;
    }
    e = at(b, TAP_PROCESS_EXIT, 100, 1100);
    e->payload = sb_atom(b, "killed");
    e = sb_event(b, TAP_LOST);
    e->lost = 7, e->reason = TAP_REASON_QUEUE;
    e = sb_event(b, TAP_GAP);
    e->gap = 5000000, e->reason = TAP_REASON_RATE;
    for (int i = 0; i < 2; i++) {
        e = sb_event(b, TAP_MARK);
        e->ts = T0 + (i ? 7013000 : 500000), e->pid = sb_pid(i ? 0 : 300);
        uint32_t from = sb_from(b);
        tap_write_binary(&b->arena, i ? "stop_on: b" : "start_on: a<", i ? 10 : 12);
        e->payload = sb_span(b, from);
    }
    b->events[b->n - 1].pid = (struct tap_pid){0, 0, 0, 0}; /* that of a mailbox is nobody's */
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    cJSON *d = ended(&s);
    CU_ASSERT_EQUAL(sink_written - before, 11); /* all but lost, gap and marks */
    CU_ASSERT_EQUAL(number(d, "events"), 11);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(list(d, "links")), 2);  /* one pair */
    int64_t begun = T0 + 7013000 - (int64_t)number(d, "span"); /* the last mark is behind all */
    CU_ASSERT_EQUAL(begun, T0);
    const cJSON *one = cJSON_GetArrayItem(list(d, "marks"), 0);
    CU_ASSERT(cell(one, 0) == 0 && cell(one, 1) == 500000);
    CU_ASSERT_STRING_EQUAL(cJSON_GetArrayItem(one, 3)->valuestring, "start_on: a<");
    one =
        cJSON_GetArrayItem(list(d, "processes"), (int)cell(one, 2)); /* it is on the page for it */
    CU_ASSERT_STRING_EQUAL(cJSON_GetArrayItem(one, 0)->valuestring, "<0.300.0>");
    one = cJSON_GetArrayItem(list(d, "marks"), 1);
    CU_ASSERT(cell(one, 1) == 7013000 && cell(one, 2) == -1);
    CU_ASSERT_EQUAL(number(d, "raised"), 1);
    const cJSON *f = row_of(d, "functions", NAME, "shop:outer/1");
    CU_ASSERT_EQUAL(cell(f, CALLS), 1);
    CU_ASSERT_EQUAL(cell(f, TOTAL), 1000000);
    CU_ASSERT_EQUAL(cell(f, WAITED), 100000);
    CU_ASSERT_EQUAL(cell(f, OWN), 600000); /* without inner's 300 and the 100 that it waited */
    CU_ASSERT_EQUAL(cell(f, MAX), 1000000);
    CU_ASSERT_EQUAL(cell(f, RAISED), 1);
    f = row_of(d, "functions", NAME, "shop:inner/1");
    CU_ASSERT_EQUAL(cell(f, OWN), 300000);
    const cJSON *pair = cJSON_GetArrayItem(list(d, "pairs"), 0);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(list(d, "pairs")), 2);
    CU_ASSERT_EQUAL(cell(pair, 2), 1);     /* messages */
    CU_ASSERT_EQUAL(cell(pair, 4), 1);     /* with a time */
    CU_ASSERT_EQUAL(cell(pair, 8), 40000); /* the longest */
    pair = cJSON_GetArrayItem(list(d, "pairs"), 1);
    CU_ASSERT(cell(pair, 2) == 1 && cell(pair, 4) == 0); /* it was moved behind its send */
    CU_ASSERT_EQUAL(cell(row_of(d, "exits", 1, "killed"), 0), 1);
    const cJSON *node = cJSON_GetArrayItem(list(d, "nodes"), 0);
    CU_ASSERT_EQUAL(number(node, "lost"), 7);
    CU_ASSERT_EQUAL(number(node, "gap"), 5000000);
    const cJSON *why = row_of(node, "missing", 0, "queue");
    CU_ASSERT_STRING_EQUAL(cJSON_GetArrayItem(why, 3)->valuestring, "max_queue");
    cJSON_Delete(d);
    sb_free(b);
}

/* ---- What a node may call things */

static void a_hostile_node_stays_in_its_quotes(void)
{
    static const char evil[] = "</script><script>alert(1)</script>\"\\\n\x01\x7f&<!--";
    static const unsigned char torn[] = {107, 0, 4, 0xff, 0xc3, '<', 0x80}; /* a string of bytes */
    struct sb *b = calloc(1, sizeof *b);
    struct sink s = opened();
    sb_function(at(b, TAP_FUNCTION_CALL, 100, 1), evil, evil, 1);
    sb_function(at(b, TAP_FUNCTION_RETURN, 100, 2), evil, evil, 1);
    at(b, TAP_PROCESS_REGISTER, 100, 3)->payload = sb_atom(b, evil);
    struct tap_event *e = send_to(b, 100, 101, 4);
    e->payload = sb_bytes(b, torn, sizeof torn);
    e = send_to(b, 100, 0, 5);
    e->peer_type = TAP_PEER_NAME, e->peer_name = name(evil), e->peer.node = name("\xe2\x80\xa8@x");
    at(b, TAP_PROCESS_EXIT, 100, 6)->payload = sb_atom(b, evil);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_OK);
    char *page = read_path(page_path);
    cJSON *d = data_of(page);
    const char *from = strstr(page, "id=\"data\">") + 10, *to = strstr(from, "</script>");
    for (const char *p = from; p < to; p++)
        CU_ASSERT_FATAL((unsigned char)*p >= 0x20 && *p != '<' && *p != '>' && *p != '&' &&
                        *p != 0x7f);
    CU_ASSERT_PTR_NULL(strstr(page, "alert(1)</"));
    const cJSON *f = cJSON_GetArrayItem(list(d, "functions"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(cJSON_GetArrayItem(f, 0)->valuestring, "</script><script>"));
    CU_ASSERT_PTR_NOT_NULL(strstr(page, "\\u2028@x")); /* a line's end to JavaScript */
    cJSON_Delete(d);
    free(page);
    sb_free(b);
}

/* ---- Bounds */

static size_t in_use(void)
{
    struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

/* So many lives of processes of their own, each with a function, a pair and a reason of its own. */
static void feed(struct sink *s, uint32_t lives)
{
    static struct sb b;
    static uint32_t next;
    static uint64_t flow;
    for (uint32_t i = 0; i < lives;) {
        b.n = 0;
        b.arena.len = 0;
        for (; i < lives && b.n + 10 < 4096; i++, next++) {
            char f[32];
            int64_t us = (int64_t)next * 20;
            snprintf(f, sizeof f, "f%u", next % 100000);
            call(&b, TAP_FUNCTION_CALL, 1000 + next, f, us);
            call(&b, TAP_FUNCTION_CALL, 1000 + next, "inner", us + 1);
            send_to(&b, 1000 + next, 1000 + next / 3, us + 2);
            send_to(&b, 1000 + next, 1000 + next / 2, us + 2)->flow = ++flow;
            struct tap_event *e = at(&b, TAP_MESSAGE_RECEIVE, 1000 + next / 2, us + 3);
            e->flow = flow, e->payload = sb_atom(&b, "hello");
            call(&b, TAP_FUNCTION_RETURN, 1000 + next, "inner", us + 4 + next % 7);
            call(&b, TAP_FUNCTION_CALL, 1000 + next, "last", us + 11);
            call(&b, TAP_FUNCTION_RETURN, 1000 + next, "last", us + 12);
            call(&b, TAP_FUNCTION_RETURN, 1000 + next, f, us + 12);
            at(&b, TAP_PROCESS_EXIT, 1000 + next, us + 13)->payload = sb_atom(&b, f);
        }
        CU_ASSERT_EQUAL_FATAL(sink_consume(s, &b), TAP_OK);
    }
    free(b.arena.data);
    memset(&b.arena, 0, sizeof b.arena);
}

static void a_long_trace_is_a_small_page(void)
{
    struct sink s = opened();
    feed(&s, 120000);
    size_t before = in_use();
    feed(&s, 300000);
    size_t after = in_use();
    if (after > before + 65536)
        printf("# %zu bytes, then %zu\n", before, after);
    CU_ASSERT(after <= before + 65536);
    cJSON *d = ended(&s);
    struct stat st;
    CU_ASSERT_EQUAL(stat(page_path, &st), 0);
    if (st.st_size > 5 << 20)
        printf("# a page of %ld bytes\n", (long)st.st_size);
    CU_ASSERT(st.st_size < 5 << 20);
    CU_ASSERT_EQUAL(number(d, "events"), 420000.0 * 10);
    /* What the page has, and what it says that it has not, are all. */
    double calls = 0, messages = 0, exits = 0, events = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, list(d, "functions")) calls += cell(row, CALLS);
    cJSON_ArrayForEach(row, list(d, "pairs")) messages += cell(row, 2);
    cJSON_ArrayForEach(row, list(d, "exits")) exits += cell(row, 0);
    cJSON_ArrayForEach(row, list(d, "processes")) events += cell(row, 7);
    CU_ASSERT_EQUAL(calls, 1260000);
    CU_ASSERT_EQUAL(messages + number(d, "pair_messages_left") + left_out(d, "pairs"), 840000);
    CU_ASSERT_EQUAL(exits, 420000);
    CU_ASSERT_EQUAL(events, 420000.0 * 10);
    static const char *const some[] = {"spans",          "messages", "stacks",
                                       "process_events", "pairs",    "pair_times"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        if (!left_out(d, some[i]))
            printf("# none of the %s\n", some[i]);
        CU_ASSERT(left_out(d, some[i]) > 0);
    }
    CU_ASSERT_EQUAL(cJSON_GetArraySize(list(d, "messages")) + left_out(d, "messages"), 840000);
    /* The chart has the longest: each is as long as the least that it says. */
    double least = left_out(d, "span_least") - 1;
    cJSON_ArrayForEach(row, list(d, "spans")) CU_ASSERT_FATAL(cell(row, 3) >= least);
    cJSON_Delete(d);
}

static void deep_recursion_is_bounded(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct sink s = opened();
    for (int i = 0; i < 2000; i++)
        call(b, TAP_FUNCTION_CALL, 100, i % 2 ? "odd" : "even", i);
    for (int i = 1999; i >= 0; i--)
        call(b, TAP_FUNCTION_RETURN, 100, i % 2 ? "odd" : "even", 4000 - i);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    cJSON *d = ended(&s);
    double own = 0;
    const cJSON *row;
    CU_ASSERT_EQUAL(left_out(d, "deep"), 1750);
    cJSON_ArrayForEach(row, list(d, "stacks")) own += cell(row, 4);
    CU_ASSERT_EQUAL(own, 4000000); /* as long as the outermost call */
    cJSON_Delete(d);
    sb_free(b);
}

/* A loop that never ends calls ten thousand different functions, the last of them the longest: the
 * page has that one, and the loop above it. */
static void the_flame_graph_has_what_takes_most_time(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct sink s = opened();
    int64_t us = 0;
    call(b, TAP_FUNCTION_CALL, 100, "loop", us);
    for (int i = 0; i < 10000; i++) {
        char f[32];
        snprintf(f, sizeof f, "f%d", i);
        call(b, TAP_FUNCTION_CALL, 100, f, us += 1);
        call(b, TAP_FUNCTION_RETURN, 100, f, us += i == 9999 ? 500 : 1);
        if (b->n + 2 > 4096 || i == 9999) {
            CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
            b->n = 0;
        }
    }
    cJSON *d = ended(&s);
    const cJSON *row, *longest = NULL, *stacks = list(d, "stacks");
    CU_ASSERT(cJSON_GetArraySize(stacks) > 7000 && cJSON_GetArraySize(stacks) <= 8000);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(stacks) + number(d, "stacks_left"), 10001);
    cJSON_ArrayForEach(row, stacks) longest = cell(row, 3) == 500000 ? row : longest;
    CU_ASSERT_PTR_NOT_NULL_FATAL(longest);
    CU_ASSERT_EQUAL(cell(longest, 0), 0); /* called from the loop, the first row */
    cJSON_Delete(d);
    sb_free(b);
}

/* The end of the node is where tracing ended: what is open then is drawn as not ended. Where it
 * came back its processes are others. */
static void what_is_open_at_the_end_is_drawn(void)
{
    for (int back = 0; back < 2; back++) {
        struct sb *b = calloc(1, sizeof *b);
        struct sink s = opened();
        call(b, TAP_FUNCTION_CALL, 100, "stuck", 0);
        call(b, TAP_FUNCTION_CALL, 100, "done", 10);
        call(b, TAP_FUNCTION_RETURN, 100, "done", 20);
        sb_event(b, TAP_NODE_DOWN);
        if (back) {
            sb_event(b, TAP_NODE_UP);
            sb_event(b, TAP_NODE_DOWN);
        }
        CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
        cJSON *d = ended(&s);
        CU_ASSERT_EQUAL(cJSON_GetArraySize(list(d, "spans")), back ? 1 : 2);
        cJSON_Delete(d);
        sb_free(b);
    }
}

static void no_event_is_a_page_too(void)
{
    struct sink s = opened();
    CU_ASSERT_EQUAL(s.ops->flush(s.self), TAP_OK); /* there was a run */
    cJSON *d = ended(&s);
    CU_ASSERT_EQUAL(number(d, "events"), 0);
    cJSON_Delete(d);
}

static void a_full_disk_leaves_no_half_page(void)
{
    struct sink s;
    struct sb *b = calloc(1, sizeof *b);
    uint64_t before = sink_written;
    CU_ASSERT_EQUAL_FATAL(sink_create(&s, "html", "path", "/dev/full", NULL), TAP_OK);
    CU_ASSERT_EQUAL_FATAL(s.ops->start(s.self), TAP_OK);
    call(b, TAP_FUNCTION_CALL, 100, "f", 1);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    CU_ASSERT_EQUAL(sink_stop(&s), TAP_ERROR);
    CU_ASSERT_EQUAL(sink_written, before);
    sb_free(b);
}

/* ---- A profile */

/* A row of a profile, of the functions f0, f1, ... in process `process` (0: in all). */
static void counted(struct sb *b, uint32_t process, unsigned function, int32_t calls, int32_t ns)
{
    char name[16];
    uint8_t term[] = {104, 3, 98, 0, 0, 0, 0, 98, 0, 0, 0, 0, 119, 4, 'n', 'o', 'n', 'e'};
    uint32_t big[] = {htonl((uint32_t)calls), htonl((uint32_t)ns)};
    memcpy(term + 3, &big[0], 4);
    memcpy(term + 8, &big[1], 4);
    snprintf(name, sizeof name, "f%u", function);
    struct tap_event *e = at(b, TAP_FUNCTION_COUNTERS, process, 0);
    if (!process)
        e->pid = (struct tap_pid){0};
    sb_function(e, "shop", name, 1);
    e->payload = sb_bytes(b, term, sizeof term);
}

static double sum(const cJSON *rows, int column)
{
    double all = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) all += cell(row, column);
    return all;
}

static void a_profile_is_added_up(void)
{
    struct sb *b = calloc(1, sizeof *b);
    struct sink s = opened();
    counted(b, 100, 1, 3, 500);
    counted(b, 101, 1, 4, 100);
    counted(b, 101, 2, 1, 900);
    counted(b, 0, 2, 7, 0);
    counted(b, 100, 1, 10, 2000);
    CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
    cJSON *d = ended(&s);
    CU_ASSERT_EQUAL(number(d, "counts"), TAP_COUNT_CALLS | TAP_COUNT_TIME);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(list(d, "counted")), 3);
    const cJSON *row = row_of(d, "counted", NAME, "shop:f1/1");
    CU_ASSERT(cell(row, 1) == 17 && cell(row, 2) == 2600 && cell(row, 3) == 0);
    row = row_of(d, "counted", NAME, "shop:f2/1");
    CU_ASSERT(cell(row, 1) == 8 && cell(row, 2) == 900);
    const cJSON *by = list(d, "counted_by");
    CU_ASSERT_EQUAL(cJSON_GetArraySize(by), 3);
    row = cJSON_GetArrayItem(by, 0); /* of which nobody says in whom */
    CU_ASSERT(cell(row, 0) == 0 && cell(row, 1) == 7);
    row = cJSON_GetArrayItem(by, 1);
    CU_ASSERT(cell(row, 1) == 13 && cell(row, 2) == 2500);
    const cJSON *process = cJSON_GetArrayItem(list(d, "processes"), (int)cell(row, 0));
    CU_ASSERT_STRING_EQUAL(cJSON_GetArrayItem(process, 0)->valuestring, "<0.100.0>");
    CU_ASSERT_EQUAL(number(d, "process_count"), 2); /* none for the rows of all together */
    CU_ASSERT_EQUAL(left_out(d, "process_events"), 0);
    cJSON_Delete(d);
    sb_free(b);
}

static void a_large_profile_is_a_small_page(void)
{
    enum { MANY = 70000 }; /* more than are kept, of functions as of processes */
    struct sink s = opened();
    for (unsigned from = 0; from < MANY; from += 500) {
        struct sb *b = calloc(1, sizeof *b);
        for (unsigned i = from; i < from + 500; i++)
            counted(b, 100 + i, i, 2, 1 + (int32_t)i);
        CU_ASSERT_EQUAL(sink_consume(&s, b), TAP_OK);
        sb_free(b);
    }
    cJSON *d = ended(&s);
    for (unsigned i = 0; i < 2; i++) {
        const cJSON *rows = list(d, i ? "counted_by" : "counted");
        CU_ASSERT_EQUAL(cJSON_GetArraySize(rows), 2001);
        CU_ASSERT_EQUAL(sum(rows, 1), 2.0 * MANY);
        CU_ASSERT_EQUAL(sum(rows, 2), MANY / 2.0 * (MANY + 1));
        CU_ASSERT(cell(cJSON_GetArrayItem(rows, 1), 2) > cell(cJSON_GetArrayItem(rows, 2), 2));
    }
    CU_ASSERT(left_out(d, "process_events") > 0);
    cJSON_Delete(d);
}

/* ---- The histogram */

static int ascending(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void percentiles_are_right_within_two_percent(void)
{
    static int64_t all[20000];
    struct tap_histogram h = {0}, one = {0}, other = {0};
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        all[i] = (int64_t)(random >> (random % 50 + 10)); /* of all sizes */
        CU_ASSERT(tap_histogram_add(&h, all[i]));
        CU_ASSERT(tap_histogram_add(i % 3 ? &one : &other, all[i]));
    }
    CU_ASSERT(tap_histogram_merge(&one, &other));
    qsort(all, 20000, sizeof *all, ascending);
    for (double p = 0.5; p <= 100; p += 0.5) {
        int64_t want = all[(int)(20000 * p / 100) - 1], got = tap_histogram_percentile(&h, p);
        CU_ASSERT(got >= want - want / 50 - 1 && got <= want + want / 50 + 1);
        CU_ASSERT_EQUAL(tap_histogram_percentile(&one, p), got);
    }
    CU_ASSERT_EQUAL(tap_histogram_percentile(&h, 100), all[19999]);
    CU_ASSERT_EQUAL(one.min, all[0]);
    CU_ASSERT_EQUAL(one.count, 20000);
    for (int64_t v = 1; v > 0 && v < INT64_MAX / 3; v = v * 3 + 1) { /* each value is in its step */
        uint32_t step = tap_histogram_step(v);
        CU_ASSERT(tap_histogram_low(step) <= v && v < tap_histogram_low(step + 1));
    }
    tap_histogram_free(&h);
    tap_histogram_free(&one);
    tap_histogram_free(&other);
    CU_ASSERT_EQUAL(tap_histogram_percentile(&h, 50), 0);
}

UNIT_TESTS("sink_html", UNIT_TEST(sums_are_those_of_the_events),
           UNIT_TEST(a_hostile_node_stays_in_its_quotes), UNIT_TEST(a_long_trace_is_a_small_page),
           UNIT_TEST(deep_recursion_is_bounded),
           UNIT_TEST(the_flame_graph_has_what_takes_most_time), UNIT_TEST(no_event_is_a_page_too),
           UNIT_TEST(what_is_open_at_the_end_is_drawn), UNIT_TEST(a_full_disk_leaves_no_half_page),
           UNIT_TEST(a_profile_is_added_up), UNIT_TEST(a_large_profile_is_a_small_page),
           UNIT_TEST(percentiles_are_right_within_two_percent))
