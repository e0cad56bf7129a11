/* test_sink_chrome_life.c: processes, messages, schedulers, nodes and losses, as the chrome sink
 * draws them; the file that it makes; and any stream at all.
 */
#include "chrome_gen.h"
#include "chrome_check.h"

#define KIND(k) TAP_KIND_BIT(TAP_##k)
#define CALLS (KIND(FUNCTION_CALL) | KIND(FUNCTION_RETURN) | KIND(FUNCTION_EXCEPTION))

static void finish(struct chrome_stream *s, cJSON *root)
{
    cJSON_Delete(root);
    chrome_free(s);
}

/* ---- Processes */

/* {M,F,Args} of a gen_server's process: proc_lib:init_p(P, A, gen, init_it, [gen_server, S, P,
 * Name, Mod, Args, Opts]) */
static void gen_server_payload(struct chrome_stream *s, struct tap_event *ev, const char *module,
                               bool supervisor)
{
    struct tap_buf *b = &s->arena;
    chrome_begin(s, ev);
    tap_write_tuple(b, 3);
    tap_write_atom(b, "proc_lib");
    tap_write_atom(b, "init_p");
    tap_write_list(b, 5);
    tap_write_atom(b, "parent");
    tap_write_nil(b);
    tap_write_atom(b, "gen");
    tap_write_atom(b, "init_it");
    tap_write_list(b, 7);
    tap_write_atom(b, "gen_server");
    tap_write_atom(b, "starter");
    tap_write_atom(b, "parent");
    tap_write_atom(b, "name");
    tap_write_atom(b, supervisor ? "supervisor" : module);
    if (supervisor) {
        tap_write_tuple(b, 3);
        tap_write_atom(b, "self");
        tap_write_atom(b, module);
        tap_write_nil(b);
    } else {
        tap_write_nil(b);
    }
    tap_write_nil(b);
    tap_write_nil(b);
    tap_write_nil(b);
    chrome_end(s, ev);
}

static void spawn(struct chrome_stream *s, int64_t ts, uint32_t parent, uint32_t child,
                  const char *module, bool sup)
{
    struct tap_event *ev = chrome_event(s, TAP_PROCESS_SPAWN, ts, 0, parent);
    ev->peer = (struct tap_pid){s->nodes[0].name_id, child, 0, 1};
    ev->peer_type = TAP_PEER_PID;
    gen_server_payload(s, ev, module, sup);
    ev = chrome_event(s, TAP_PROCESS_START, ts + 10, 0, child);
    ev->peer = (struct tap_pid){s->nodes[0].name_id, parent, 0, 1};
    ev->peer_type = TAP_PEER_PID;
    gen_server_payload(s, ev, module, sup);
}

static void life_of_a_process(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    spawn(s, 1000, 100, 200, "shop_door", false);
    spawn(s, 1100, 100, 201, "shop_sup", true);
    CALL(s, 2000, 200, "work", 1);
    chrome_atom(s, chrome_event(s, TAP_PROCESS_EXIT, 3000, 0, 200), "killed");
    cJSON *root = chrome_close(s);
    const cJSON *life = chrome_find(root, 'X', "shop_door:init/1", 0);
    CU_ASSERT_EQUAL(chrome_ns(life, "ts"), 1010);
    CU_ASSERT_STRING_EQUAL(chrome_arg(life, "exit"), "killed");
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, life), "shop_door:init/1 <0.200.0>");
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "shop:work/1", 0), "end"),
                           "process exit");
    const cJSON *sup = chrome_find(root, 'B', "shop_sup:init/1", 0); /* still alive */
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, sup), "shop_sup:init/1 <0.201.0>");
    CU_ASSERT_EQUAL(chrome_total(root, 's', "spawn"), 2);
    CU_ASSERT_EQUAL(chrome_total(root, 'f', "spawn"), 2);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 's', "spawn", 0), "ts"), 1000);
    finish(s, root);
}

static void kill_in_the_middle(void)
{
    struct chrome_stream *s = chrome_open(CALLS | KIND(PROCESS_EXIT), NULL);
    CALL(s, 100, 100, "a", 0);
    CALL(s, 200, 100, "b", 0);
    THROW(s, 300, 100, "b", 0);
    THROW(s, 300, 100, "a", 0);
    chrome_atom(s, chrome_event(s, TAP_PROCESS_EXIT, 301, 0, 100), "killed");
    /* comes after the exit */
    chrome_event(s, TAP_SCHEDULE_OUT, 302, 0, 100)->flags = TAP_EVENT_EXITING;
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_total(root, 'i', "exit"), 1);
    CU_ASSERT_EQUAL(chrome_total(root, 'M', "thread_name"), 1);
    CU_ASSERT_EQUAL(chrome_total(root, 'i', "scheduled out"), 1);
    finish(s, root);
}

static void pids_are_reused(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    CALL(s, 100, 100, "first", 0);
    chrome_atom(s, chrome_event(s, TAP_PROCESS_EXIT, 200, 0, 100), "normal");
    CALL(s, 300, 100, "second", 0); /* the same pid after its exit */
    RETURN(s, 400, 100, "second", 0);
    spawn(s, 500, 99, 100, "third", false); /* and again, its exit not seen */
    CALL(s, 600, 100, "third", 0);
    cJSON *root = chrome_close(s);
    int64_t first = chrome_num(chrome_find(root, 'X', "shop:first/0", 0), "tid");
    int64_t second = chrome_num(chrome_find(root, 'X', "shop:second/0", 0), "tid");
    int64_t third = chrome_num(chrome_find(root, 'B', "shop:third/0", 0), "tid");
    CU_ASSERT(first > 0 && second > 0 && third > 0);
    CU_ASSERT(first != second && second != third && first != third);
    finish(s, root);
}

static void more_processes_than_are_remembered(void)
{
    chrome_processes = 20000;
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    for (uint32_t i = 0; i < 23000; i++)
        CALL(s, i * 10, 1000 + i, "work", 1);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_figure(s, "evicted"), 3000);
    CU_ASSERT_EQUAL(chrome_figure(s, "unfinished"), 20000);
    finish(s, root);
}

/* ---- Messages */

static void message(struct chrome_stream *s, unsigned kind, int64_t ts, uint32_t id, uint32_t peer,
                    uint64_t flow)
{
    struct tap_event *ev = chrome_event(s, kind, ts, 0, id);
    ev->peer = (struct tap_pid){s->nodes[0].name_id, peer, 0, 1};
    ev->peer_type = TAP_PEER_PID;
    ev->flow = flow;
    chrome_atom(s, ev, "hello");
}

/* One frame for all its rounds, from the first on; what it calls stands under it. */
static void a_server_loop_is_one_frame(void)
{
    struct chrome_stream *s = chrome_open(CALLS | KIND(MESSAGE_RECEIVE), NULL);
    const int rounds = 20;
    for (int i = 0; i < rounds; i++) {
        CALL(s, i * 100, 100, "loop", 1);
        message(s, TAP_MESSAGE_RECEIVE, i * 100 + 10, 100, 101, 0);
        CALL(s, i * 100 + 20, 100, "handle", 1);
        RETURN(s, i * 100 + 30, 100, "handle", 1);
    }
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_figure(s, "collapsed"), rounds - 1);
    CU_ASSERT_EQUAL(chrome_figure(s, "slices"), 2 * rounds);
    CU_ASSERT_EQUAL(chrome_figure(s, "unfinished"), 1);
    const cJSON *loop = chrome_find(root, 'B', "shop:loop/1", 0);
    CU_ASSERT_EQUAL(chrome_ns(loop, "ts"), 0);
    CU_ASSERT_PTR_NULL(chrome_find(root, 'B', "shop:loop/1", 1));
    finish(s, root);
}

static void arrows(void)
{
    struct chrome_stream *s = chrome_open(KIND(MESSAGE_SEND) | KIND(MESSAGE_RECEIVE), NULL);
    message(s, TAP_MESSAGE_SEND, 1000, 100, 101, 1);
    message(s, TAP_MESSAGE_RECEIVE, 2000, 101, 100, 1);
    message(s, TAP_MESSAGE_SEND, 3000, 101, 100, 2);
    message(s, TAP_MESSAGE_RECEIVE, 2990, 100, 101, 2); /* the clocks differ a little */
    message(s, TAP_MESSAGE_SEND, 900000000, 101, 100, 3);
    message(s, TAP_MESSAGE_RECEIVE, 5000, 100, 101, 3);   /* and by far too much */
    message(s, TAP_MESSAGE_SEND, 900001000, 101, 100, 4); /* never received */
    message(s, TAP_MESSAGE_RECEIVE, 6000, 100, 101, 5);   /* its send was not seen */
    chrome_event(s, TAP_MESSAGE_RECEIVE, 7000, 0, 100)->flags = TAP_EVENT_TIMEOUT;
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_total(root, 's', "message"), 2);
    CU_ASSERT_EQUAL(chrome_total(root, 'f', "message"), 2);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'f', "message", 1), "ts"), 3001);
    CU_ASSERT_EQUAL(chrome_figure(s, "unpaired"), 2);
    CU_ASSERT_EQUAL(chrome_total(root, 'X', "send"), 4);
    CU_ASSERT_EQUAL(chrome_total(root, 'X', "receive"), 4);
    CU_ASSERT_EQUAL(chrome_total(root, 'X', "receive timeout"), 1);
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "send", 0), "to"), "<0.101.0>");
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "receive", 0), "from"), "<0.100.0>");
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'X', "receive", 0), "message"), "hello");
    finish(s, root);
}

/* ---- The scheduler */

static void waiting_running_collecting(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    chrome_event(s, TAP_SCHEDULE_IN, 50, 0, 100)->scheduler = 2;
    CALL(s, 100, 100, "ask", 0);
    chrome_event(s, TAP_GC_START, 150, 0, 100)->flags = TAP_EVENT_GC_MAJOR;
    chrome_event(s, TAP_GC_END, 180, 0, 100)->flags = TAP_EVENT_GC_MAJOR;
    chrome_event(s, TAP_SCHEDULE_OUT, 200, 0, 100)->scheduler = 2;
    chrome_event(s, TAP_SCHEDULE_IN, 300, 0, 100)->scheduler = 1;
    RETURN(s, 400, 100, "ask", 0);
    chrome_atom(s, chrome_event(s, TAP_PROCESS_EXIT, 450, 0, 100), "normal");
    chrome_event(s, TAP_SCHEDULE_IN, 900, 0, 101)->scheduler = 1;
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "shop:ask/0", 0), "dur"), 300);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "waiting", 0), "dur"), 100);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'X', "major gc", 0), "dur"), 30);
    const cJSON *run = chrome_find(root, 'X', "<0.100.0>", 0),
                *last = chrome_find(root, 'X', "<0.100.0>", 1);
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, run), "scheduler 2");
    CU_ASSERT_EQUAL(chrome_ns(run, "dur"), 150);
    CU_ASSERT_STRING_EQUAL(chrome_track_name(root, last), "scheduler 1");
    /* the dying send no last out */
    CU_ASSERT(chrome_ns(last, "ts") == 300 && chrome_ns(last, "dur") < 200);
    CU_ASSERT_EQUAL(chrome_total(root, 'B', "<0.101.0>"), 1);
    finish(s, root);
}

/* ---- Losses and nodes */

static void losses_and_gaps(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    CALL(s, 100, 100, "outer", 0);
    CALL(s, 200, 100, "inner", 0);
    struct tap_event *ev = chrome_event(s, TAP_LOST, 300, 0, 0);
    ev->lost = 12;
    ev->reason = TAP_REASON_QUEUE;
    RETURN(s, 400, 100, "outer", 0); /* of that call, or of one that was lost? */
    CALL(s, 500, 100, "stale", 0);
    ev = chrome_event(s, TAP_GAP, 600, 0, 0);
    ev->gap = 5000;
    ev->reason = TAP_REASON_RATE;
    CALL(s, 6000, 100, "fresh", 0); /* stale may have returned meanwhile */
    RETURN(s, 6100, 100, "fresh", 0);
    RETURN(s, 6200, 100, "stale", 0);
    cJSON *root = chrome_close(s);
    const cJSON *outer = chrome_find(root, 'X', "shop:outer/0", 0),
                *inner = chrome_find(root, 'X', "shop:inner/0", 0);
    CU_ASSERT(strstr(chrome_arg(outer, "end"), "lost") != NULL);
    CU_ASSERT(strstr(chrome_arg(inner, "end"), "lost") != NULL);
    CU_ASSERT_EQUAL(chrome_ns(inner, "ts") + chrome_ns(inner, "dur"), 300);
    CU_ASSERT_EQUAL(chrome_ns(outer, "ts") + chrome_ns(outer, "dur"), 301);
    const cJSON *stale = chrome_find(root, 'X', "shop:stale/0", 0),
                *off = chrome_find(root, 'X', "tracing off", 0);
    CU_ASSERT_EQUAL(chrome_ns(stale, "ts") + chrome_ns(stale, "dur"), 600);
    CU_ASSERT_EQUAL(chrome_total(root, 'i', "return"), 2);
    const cJSON *lost = chrome_find(root, 'i', "events lost", 0);
    CU_ASSERT_STRING_EQUAL(chrome_str(lost, "s"), "p");
    CU_ASSERT_EQUAL(chrome_num(cJSON_GetObjectItem(lost, "args"), "events"), 12);
    CU_ASSERT_STRING_EQUAL(chrome_arg(lost, "reason"), "queue");
    CU_ASSERT_EQUAL(chrome_total(root, 'i', "tracing off"), 1);
    CU_ASSERT_EQUAL(chrome_ns(off, "ts") + chrome_ns(off, "dur"), 5600);
    CU_ASSERT_EQUAL(
        chrome_num(cJSON_GetObjectItem(chrome_find(root, 'C', "lost [1]", 1), "args"), "events"),
        12);
    const cJSON *node =
        cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "otherData"), "nodes"), 0);
    CU_ASSERT_EQUAL(chrome_num(node, "lost"), 12);
    CU_ASSERT_EQUAL(chrome_num(node, "gap_ns"), 5000);
    finish(s, root);
}

/* What was open when a node went has ended there once it is back, and is unfinished else. */
static void a_node_that_comes_back(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    CALL(s, 100, 100, "outer", 0);
    chrome_event(s, TAP_NODE_DOWN, 200, 0, 0);
    chrome_event(s, TAP_NODE_UP, 300, 0, 0);
    RETURN(s, 400, 100, "outer", 0);
    CALL(s, 500, 100, "open", 0);
    chrome_event(s, TAP_NODE_DOWN, 600, 0, 0);
    cJSON *root = chrome_close(s);
    const cJSON *outer = chrome_find(root, 'X', "shop:outer/0", 0);
    CU_ASSERT_EQUAL(chrome_ns(outer, "ts") + chrome_ns(outer, "dur"), 200);
    CU_ASSERT(strstr(chrome_arg(outer, "end"), "unknown") != NULL);
    CU_ASSERT_PTR_NOT_NULL(chrome_find(root, 'B', "shop:open/0", 0));
    finish(s, root);
}

static void two_nodes_and_rates(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    chrome_event(s, TAP_NODE_UP, 0, 1, 0);
    for (int i = 0; i < 200; i++) {
        struct tap_event *ev = CALL(s, i * 1000000, 100, "tick", 0);
        if (i % 2) { /* the same numbers on another node are another process */
            ev->node = 1;
            ev->pid.node = s->nodes[1].name_id;
        }
    }
    cJSON *root = chrome_close(s);
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'M', "process_name", 0), "name"),
                           "shop@web2");
    CU_ASSERT_STRING_EQUAL(chrome_arg(chrome_find(root, 'M', "process_labels", 0), "labels"),
                           "OTP 25");
    CU_ASSERT_EQUAL(chrome_total(root, 'M', "process_name"), 2);
    CU_ASSERT_EQUAL(chrome_total(root, 'M', "thread_name"), 2);
    const cJSON *rate = chrome_find(root, 'C', "events/s [1]", 0);
    CU_ASSERT_EQUAL(chrome_num(cJSON_GetObjectItem(rate, "args"), "events"), 500);
    CU_ASSERT_EQUAL(chrome_ns(chrome_find(root, 'C', "events/s [2]", 1), "ts"), 100000000);
    CU_ASSERT_STRING_EQUAL(chrome_str(cJSON_GetObjectItem(root, "otherData"), "beamtap"), "test");
    CU_ASSERT_EQUAL(
        cJSON_GetArraySize(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "otherData"), "nodes")),
        2);
    finish(s, root);
}

/* ---- The file */

static void empty_trace(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    cJSON *root = chrome_close(s);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(root, "traceEvents")), 1);
    finish(s, root);
}

static void valid_after_each_flush(void)
{
    struct chrome_stream *s = chrome_open(CALLS, NULL);
    for (int i = 0; i < 30; i++) {
        for (int j = 0; j < i * 40; j++) { /* also more than one buffer */
            CALL(s, (i * 10000 + j) * 10, 100, "work", 3);
            RETURN(s, (i * 10000 + j) * 10 + 5, 100, "work", 3);
        }
        chrome_feed(s);
        if (i % 3)
            CU_ASSERT_EQUAL(s->ops->flush(s->self), TAP_OK);
        cJSON *now = chrome_parse(s->path);
        chrome_check(cJSON_GetObjectItem(now, "traceEvents"));
        if (i % 3)
            CU_ASSERT_EQUAL(s->written, s->fed);
        cJSON_Delete(now);
    }
    finish(s, chrome_close(s));
}

static void pipes_get_the_array_form(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/test_sink_chrome.%d.pipe", (int)getpid());
    CU_ASSERT_EQUAL(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR); /* both ends: nobody waits */
    struct chrome_stream *s = chrome_open(CALLS, path);
    CALL(s, 100, 100, "a", 2);
    RETURN(s, 200, 100, "a", 2);
    CALL(s, 300, 100, "b", 2);
    chrome_feed(s);
    CU_ASSERT_EQUAL(s->ops->stop(s->self), TAP_OK);
    CU_ASSERT_EQUAL(s->written, s->fed);
    char text[16384];
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    CU_ASSERT_EQUAL(strncmp(text, "[{\"", 3), 0);
    const char *end;
    cJSON *root = cJSON_ParseWithOpts(text, &end, 1);
    CU_ASSERT(cJSON_IsArray(root));
    chrome_check(root);
    CU_ASSERT_PTR_NOT_NULL(chrome_find(root, 'X', "shop:a/2", 0));
    CU_ASSERT_PTR_NOT_NULL(chrome_find(root, 'B', "shop:b/2", 0));
    close(fd);
    unlink(path);
    finish(s, root);
}

static void full_disk_is_told_once(void)
{
    struct chrome_stream *s = chrome_open(CALLS, "/dev/full");
    enum tap_status status = TAP_OK;
    for (int i = 0; i < 20 && status == TAP_OK; i++) {
        for (int j = 0; j < 1000; j++)
            CALL(s, i * 1000 + j, 100 + (uint32_t)j, "a", 2);
        status = chrome_feed(s);
        if (status == TAP_OK)
            status = s->ops->flush(s->self);
    }
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT_EQUAL(s->ops->stop(s->self), TAP_ERROR);
    CU_ASSERT_EQUAL(s->failures, 1);
    CU_ASSERT_EQUAL(s->written, 0);
    chrome_free(s);
}

/* ---- Anything at all */

static uint64_t seed = 1;
static uint32_t some(uint32_t n)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return (uint32_t)(seed >> 20) % n;
}

/* A payload that is not a term, or begins like one and is cut: nothing of it may be believed. */
static void random_bytes(struct chrome_stream *s, struct tap_event *ev)
{
    static const uint8_t tags[] = {TAP_EXT_SMALL_TUPLE,
                                   TAP_EXT_LIST,
                                   TAP_EXT_NEW_PID,
                                   TAP_EXT_SMALL_ATOM_UTF8,
                                   TAP_EXT_STRING,
                                   TAP_EXT_NEW_FUN,
                                   TAP_EXT_NIL,
                                   TAP_EXT_SMALL_ATOM,
                                   2,
                                   3,
                                   5,
                                   0};
    if (some(3) == 0) {
        gen_server_payload(s, ev, "shop_door", some(2));
        ev->payload.len = 1 + some(ev->payload.len);
        return;
    }
    chrome_begin(s, ev);
    for (uint32_t n = 1 + some(60); n > 0; n--)
        tap_write_u8(&s->arena, some(2) ? tags[some(sizeof tags)] : some(256));
    chrome_end(s, ev);
}

static void random_event(struct chrome_stream *s, int64_t ts)
{
    static const char *const names[] = {"a", "b", "c", "loop"};
    uint32_t id = 100 + some(5), node = some(8) == 0, dice = some(100);
    if (dice < 60) {
        unsigned kind = some(10) < 5 ? TAP_FUNCTION_CALL
                        : some(8)    ? TAP_FUNCTION_RETURN
                                     : TAP_FUNCTION_EXCEPTION;
        chrome_fun(s, kind, ts, id, "shop", names[some(4)], 1);
        return;
    }
    if (dice < 64) {
        spawn(s, ts, id, 100 + some(5), "shop_door", some(2));
        return;
    }
    if (dice < 74) {
        unsigned send = some(2) ? TAP_MESSAGE_SEND : TAP_MESSAGE_RECEIVE;
        chrome_gen(s, send, ts, id, 100 + some(5), some(2) ? TAP_GEN_CALL : TAP_GEN_REPLY,
                   some(9) ? id : 100 + some(5), some(12));
        return;
    }
    unsigned kind = dice < 96   ? TAP_MESSAGE_SEND + some(TAP_KIND_USER_LAST - TAP_MESSAGE_SEND + 1)
                    : dice < 97 ? TAP_LOST
                    : dice < 98 ? TAP_GAP
                                : TAP_PROCESS_INFO;
    struct tap_event *ev = chrome_event(s, kind, ts, node, id);
    ev->flags = some(6) == 0 ? 1u << some(7) : 0;
    if (kind == TAP_GAP)
        ev->gap = some(5000);
    else
        *(kind == TAP_LOST ? &ev->lost : &ev->true_size) = some(100);
    ev->flow = kind == TAP_MESSAGE_SEND || kind == TAP_MESSAGE_RECEIVE ? 1 + some(20) : 0;
    ev->scheduler = kind == TAP_SCHEDULE_IN || kind == TAP_SCHEDULE_OUT ? some(3) : 0;
    if (some(2)) {
        ev->peer = (struct tap_pid){s->nodes[0].name_id, 100 + some(5), 0, 1};
        ev->peer_type = TAP_PEER_PID;
    }
    if (kind == TAP_PROCESS_INFO || some(5) == 0)
        random_bytes(s, ev);
    else if (some(3))
        chrome_int(s, ev, some(1000));
}

static void any_stream_obeys_the_rules(void)
{
    for (uint64_t round = 1; round <= 60; round++) {
        seed = round * 0x9e3779b97f4a7c15ull;
        struct chrome_stream *s = chrome_open(some(4) ? CALLS : KIND(FUNCTION_CALL), NULL);
        int64_t ts = some(2) ? -500 : 500;
        uint32_t n = 200 + some(5000);
        for (uint32_t i = 0; i < n; i++) {
            ts += some(4) ? some(50) : -(int64_t)some(40);
            random_event(s, ts);
            if (some(300) == 0)
                chrome_feed(s);
        }
        finish(s, chrome_close(s));
    }
}

UNIT_TESTS("sink_chrome_life", UNIT_TEST(life_of_a_process), UNIT_TEST(kill_in_the_middle),
           UNIT_TEST(pids_are_reused), UNIT_TEST(more_processes_than_are_remembered),
           UNIT_TEST(a_server_loop_is_one_frame), UNIT_TEST(arrows),
           UNIT_TEST(waiting_running_collecting), UNIT_TEST(losses_and_gaps),
           UNIT_TEST(a_node_that_comes_back), UNIT_TEST(two_nodes_and_rates),
           UNIT_TEST(empty_trace), UNIT_TEST(valid_after_each_flush),
           UNIT_TEST(pipes_get_the_array_form), UNIT_TEST(full_disk_is_told_once),
           UNIT_TEST(any_stream_obeys_the_rules))
