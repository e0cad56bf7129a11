/* trial_events.c: what a trial's plugin is told: a run of two nodes, first as it should be, then
 * with all that can be missing, then as nobody would send it.
 */
#include "cli/trial.h"

#include <stdio.h>
#include <string.h>

static uint32_t name(const struct tap_batch_plan *p, const char *text)
{
    return p->host->intern(p->host, text, strlen(text));
}

static void function(const struct tap_batch_plan *p, struct tap_event *e, const char *m,
                     const char *f, int arity)
{
    e->module = name(p, m);
    e->function = name(p, f);
    e->arity = arity;
}

/* [1, apple] */
static struct tap_span arguments(struct tap_batch_plan *p)
{
    size_t from = p->arena.len;
    tap_write_list(&p->arena, 2);
    tap_write_i64(&p->arena, 1);
    tap_write_atom(&p->arena, "apple");
    tap_write_nil(&p->arena);
    return tap_plan_span(p, from);
}

static struct tap_span atom(struct tap_batch_plan *p, const char *text)
{
    size_t from = p->arena.len;
    tap_write_atom(&p->arena, text);
    return tap_plan_span(p, from);
}

static struct tap_span pair(struct tap_batch_plan *p, const char *a, const char *b)
{
    size_t from = p->arena.len;
    tap_write_tuple(&p->arena, 2);
    tap_write_atom(&p->arena, a);
    tap_write_atom(&p->arena, b);
    return tap_plan_span(p, from);
}

/* {M, F, []} */
static struct tap_span begun_with(struct tap_batch_plan *p, const char *m, const char *f)
{
    size_t from = p->arena.len;
    tap_write_tuple(&p->arena, 3);
    tap_write_atom(&p->arena, m);
    tap_write_atom(&p->arena, f);
    tap_write_nil(&p->arena);
    return tap_plan_span(p, from);
}

static void pid_term(struct tap_batch_plan *p, const struct tap_pid *pid)
{
    const struct tap_name *node = tap_name_get(p->host, pid->node);
    tap_write_u8(&p->arena, TAP_EXT_NEW_PID);
    tap_write_atom_n(&p->arena, node->text, node->len);
    tap_write_u32(&p->arena, pid->id);
    tap_write_u32(&p->arena, pid->serial);
    tap_write_u32(&p->arena, pid->creation);
}

static struct tap_event *call(struct tap_batch_plan *p, uint32_t node, uint32_t id, const char *f)
{
    struct tap_event *e = tap_plan_event(p, node, TAP_FUNCTION_CALL, id);
    function(p, e, "shop_cart", f, 2);
    e->payload = arguments(p);
    return e;
}

static struct tap_event *leave(struct tap_batch_plan *p, uint32_t node, uint32_t id, const char *f,
                               bool thrown)
{
    struct tap_event *e =
        tap_plan_event(p, node, thrown ? TAP_FUNCTION_EXCEPTION : TAP_FUNCTION_RETURN, id);
    function(p, e, "shop_cart", f, 2);
    e->payload = thrown ? pair(p, "error", "badarg") : atom(p, "ok");
    return e;
}

static void message(struct tap_batch_plan *p, uint32_t from, uint32_t to, uint64_t flow)
{
    struct tap_event *send = tap_plan_event(p, 0, TAP_MESSAGE_SEND, from);
    send->peer_type = TAP_PEER_PID;
    send->peer = tap_plan_pid(p, 0, to);
    send->payload = pair(p, "order", "apple");
    send->flow = flow;
    struct tap_event *taken = tap_plan_event(p, 0, TAP_MESSAGE_RECEIVE, to);
    taken->payload = p->events[p->count - 2].payload;
    taken->flow = flow;
}

/* ---- A run as it should be */

static void node_up(struct tap_batch_plan *p, uint32_t node)
{
    tap_plan_event(p, node, TAP_NODE_UP, 0);
    struct tap_event *clock = tap_plan_event(p, node, TAP_CLOCK, 0);
    clock->clock_offset = node ? -1500 : 0;
    clock->clock_error = node ? 40000 : 0;
}

/* [{Pid, [{registered_name, till}, {label, "x"}]}] */
static void process_info(struct tap_batch_plan *p, uint32_t node, uint32_t id)
{
    struct tap_pid pid = tap_plan_pid(p, node, id);
    struct tap_event *e = tap_plan_event(p, node, TAP_PROCESS_INFO, 0);
    size_t from = p->arena.len;
    tap_write_list(&p->arena, 1);
    tap_write_tuple(&p->arena, 2);
    pid_term(p, &pid);
    tap_write_list(&p->arena, 2);
    pair(p, "registered_name", "till");
    tap_write_tuple(&p->arena, 2);
    tap_write_atom(&p->arena, "label");
    tap_write_binary(&p->arena, "a \"label\"", 9);
    tap_write_nil(&p->arena);
    tap_write_nil(&p->arena);
    e->payload = tap_plan_span(p, from);
}

static void mailbox(struct tap_batch_plan *p, uint32_t node, uint32_t id)
{
    struct tap_pid pid = tap_plan_pid(p, node, id);
    struct tap_event *e = tap_plan_event(p, node, TAP_MAILBOX, 0);
    size_t from = p->arena.len;
    tap_write_list(&p->arena, 1);
    tap_write_tuple(&p->arena, 2);
    pid_term(p, &pid);
    tap_write_i64(&p->arena, 12);
    tap_write_nil(&p->arena);
    e->payload = tap_plan_span(p, from);
}

static void births(struct tap_batch_plan *p, uint32_t node, uint32_t id)
{
    struct tap_event *e = tap_plan_event(p, node, TAP_PROCESS_SPAWN, id);
    e->peer_type = TAP_PEER_PID;
    e->peer = tap_plan_pid(p, node, id + 1);
    e->payload = begun_with(p, "proc_lib", "init_p");
    e->flow = 100 + id;
    e = tap_plan_event(p, node, TAP_PROCESS_START, id + 1);
    e->peer_type = TAP_PEER_PID;
    e->peer = tap_plan_pid(p, node, id);
    e->payload = begun_with(p, "shop_cart", "init");
    e->flow = 100 + id;
    e = tap_plan_event(p, node, TAP_PROCESS_LINK, id);
    e->peer_type = TAP_PEER_PID;
    e->peer = tap_plan_pid(p, node, id + 1);
    e = tap_plan_event(p, node, TAP_PROCESS_REGISTER, id + 1);
    e->payload = atom(p, "till");
}

static void work(struct tap_batch_plan *p, uint32_t node, uint32_t id)
{
    struct tap_event *e = tap_plan_event(p, node, TAP_SCHEDULE_IN, id);
    function(p, e, "shop_cart", "loop", 1);
    e->scheduler = 3;
    call(p, node, id, "add");
    e = call(p, node, id, "price");
    e->flags |= TAP_EVENT_ARITY_ONLY;
    e->payload = (struct tap_span){0, 0};
    tap_plan_event(p, node, TAP_GC_START, id)->payload = pair(p, "heap_size", "k");
    tap_plan_event(p, node, TAP_GC_END, id)->flags |= TAP_EVENT_GC_MAJOR;
    leave(p, node, id, "price", true);
    leave(p, node, id, "add", false);
    e = call(p, node, id, "loop");
    e->flags |= TAP_EVENT_TAIL;
    e->metadata = atom(p, "asked");
    e = tap_plan_event(p, node, TAP_SCHEDULE_OUT, id);
    function(p, e, "shop_cart", "loop", 1);
}

/* A send to each sort of peer. */
static void sends(struct tap_batch_plan *p, uint32_t node, uint32_t id)
{
    for (int type = TAP_PEER_NONE; type <= TAP_PEER_TERM; type++) {
        struct tap_event *e = tap_plan_event(p, node, TAP_MESSAGE_SEND, id);
        e->payload = pair(p, "order", "pear");
        e->peer_type = (uint8_t)type;
        if (type == TAP_PEER_PID)
            e->peer = tap_plan_pid(p, 1 - node, 9);
        else if (type == TAP_PEER_NAME)
            e->peer_name = name(p, "till");
        else if (type == TAP_PEER_PORT)
            e->peer_port = (struct tap_port){e->pid.node, 7, 5};
        else if (type == TAP_PEER_MFA)
            e->caller = (struct tap_mfa){name(p, "shop"), name(p, "buy"), 1};
        else if (type == TAP_PEER_TERM)
            e->peer_term = atom(p, "alias");
        e->flags |= type == TAP_PEER_NAME ? TAP_EVENT_NONEXISTING : 0;
    }
    tap_plan_event(p, node, TAP_MESSAGE_RECEIVE, id)->flags |= TAP_EVENT_TIMEOUT;
}

static void deaths(struct tap_batch_plan *p, uint32_t node, uint32_t id)
{
    struct tap_event *e = tap_plan_event(p, node, TAP_PROCESS_UNLINK, id);
    e->peer_type = TAP_PEER_PID;
    e->peer = tap_plan_pid(p, node, id + 1);
    tap_plan_event(p, node, TAP_PROCESS_UNREGISTER, id + 1)->payload = atom(p, "till");
    tap_plan_event(p, node, TAP_PROCESS_EXIT, id + 1)->payload = atom(p, "normal");
}

void tap_events_every_kind(struct tap_batch_plan *p)
{
    for (uint32_t node = 0; node < 2; node++) {
        node_up(p, node);
        tap_plan_event(p, node, TAP_PLAN, 0)->payload = atom(p, "plan");
        births(p, node, 10);
        process_info(p, node, 11);
        work(p, node, 11);
        sends(p, node, 11);
        message(p, 10, 11, 1000 + node);
        mailbox(p, node, 11);
        struct tap_event *off = tap_plan_event(p, node, TAP_RETURNS_OFF, 0);
        function(p, off, "shop_cart", "loop", 1);
        off->payload = atom(p, "deep");
        tap_plan_event(p, node, TAP_MARK, 11)->payload = atom(p, "start_on");
        deaths(p, node, 10);
    }
}

void tap_events_many(struct tap_batch_plan *p, uint32_t count)
{
    static const char *const names[] = {"add", "price", "remove", "total"};
    for (uint32_t i = 0; i < count; i += 4) {
        uint32_t id = 100 + i / 4 % 100, node = i / 4 % 2;
        call(p, node, id, names[i / 4 % 4]);
        leave(p, node, id, names[i / 4 % 4], false);
        message(p, 100, id, 1 + i);
    }
}

/* ---- What breaks stacks */

void tap_events_stacks(struct tap_batch_plan *p)
{
    for (int i = 0; i < 3000; i++)
        call(p, 0, 20, i % 2 ? "deep" : "deeper");
    leave(p, 0, 20, "deep", false);
    leave(p, 0, 20, "never_called", false);
    leave(p, 0, 21, "alone", true);
    for (int i = 0; i < 50; i++)
        call(p, 0, 22, "loop")->flags |= i ? TAP_EVENT_TAIL : 0;
    leave(p, 0, 22, "loop", false)->flags |= TAP_EVENT_TAIL;
    tap_plan_event(p, 0, TAP_PROCESS_EXIT, 20)->payload = atom(p, "killed");
    tap_plan_event(p, 0, TAP_GC_END, 23);
    tap_plan_event(p, 0, TAP_GC_START, 23);
    tap_plan_event(p, 0, TAP_SCHEDULE_OUT, 23)->flags |= TAP_EVENT_EXITING;
    tap_plan_event(p, 0, TAP_PROCESS_START, 20)->payload = begun_with(p, "shop", "again");
}

void tap_events_losses(struct tap_batch_plan *p)
{
    for (int reason = TAP_REASON_NONE; reason < TAP_REASON_COUNT; reason++) {
        call(p, 0, 30, "waits");
        struct tap_event *e = tap_plan_event(p, 0, TAP_LOST, 0);
        e->reason = (uint8_t)reason;
        e->lost = 3;
        p->seq[0] += 3;
        call(p, 0, 30, "waits");
        e = tap_plan_event(p, 0, TAP_GAP, 0);
        e->reason = (uint8_t)reason;
        e->gap = 5000;
        e->payload = atom(p, "paused");
        leave(p, 0, 30, "waits", false);
    }
    struct tap_event *part = tap_plan_event(p, 0, TAP_GAP, 0);
    part->reason = TAP_REASON_TERM;
    part->pid = tap_plan_pid(p, 0, 30);
    call(p, 1, 31, "waits");
    tap_plan_event(p, 1, TAP_NODE_DOWN, 0)->reason = TAP_REASON_CONNECTION;
    node_up(p, 1);
    leave(p, 1, 31, "waits", false);
    tap_plan_event(p, 1, TAP_NODE_DOWN, 0);
    tap_plan_event(p, 0, TAP_NODE_DOWN, 0);
}

/* ---- As nobody would send it */

static const enum tap_kind told_terms[] = {TAP_FUNCTION_CALL,
                                           TAP_FUNCTION_RETURN,
                                           TAP_FUNCTION_EXCEPTION,
                                           TAP_MESSAGE_SEND,
                                           TAP_MESSAGE_RECEIVE,
                                           TAP_PROCESS_SPAWN,
                                           TAP_PROCESS_START,
                                           TAP_PROCESS_EXIT,
                                           TAP_PROCESS_REGISTER,
                                           TAP_GC_START,
                                           TAP_GAP,
                                           TAP_CLOCK,
                                           TAP_PROCESS_INFO,
                                           TAP_MAILBOX,
                                           TAP_RETURNS_OFF,
                                           TAP_MARK,
                                           TAP_PLAN};

static void hostile_terms(struct tap_batch_plan *p)
{
    for (unsigned i = 0;; i++) {
        size_t from = p->arena.len;
        if (!tap_terms_hostile(&p->arena, i))
            return;
        struct tap_span span = tap_plan_span(p, from);
        for (size_t k = 0; k < sizeof told_terms / sizeof *told_terms; k++) {
            struct tap_event *e = tap_plan_event(p, 0, told_terms[k], 40);
            if (e->kind <= TAP_FUNCTION_EXCEPTION)
                function(p, e, "shop_cart", "odd", 2);
            e->payload = span;
            e->flags |= k % 2 ? TAP_EVENT_TRUNCATED : 0;
            e->true_size = k % 2 ? UINT64_MAX : 0;
            e->metadata = i % 2 ? span : e->metadata;
            e->gen = e->kind == TAP_MESSAGE_SEND ? (uint8_t)(i % 4) : TAP_GEN_NONE;
        }
    }
}

static void hostile_names(struct tap_batch_plan *p)
{
    static const char *const names[] = {"a\"b",    "a,b\n",         "\x1b[31m", "Elixir.A.B",
                                        "Elixir.", "=cmd|' /C'!A0", "null",     "</script>",
                                        "a;b",     "\xe2\x80\xae"};
    char longest[1021];
    for (size_t i = 0; i < 255; i++)
        memcpy(longest + 4 * i, "\xf0\x9f\x8d\x8e", 4);
    longest[1020] = '\0';
    for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
        const char *text = i < sizeof names / sizeof *names ? names[i] : longest;
        struct tap_event *e = call(p, 0, 41, "odd");
        function(p, e, text, text, 255);
        e = leave(p, 0, 41, "odd", false);
        function(p, e, text, text, 255);
        e = tap_plan_event(p, 0, TAP_MESSAGE_SEND, 41);
        e->peer_type = TAP_PEER_NAME;
        e->peer_name = name(p, text);
        e->peer.node = i % 2 ? name(p, text) : 0;
    }
    uint32_t zero = p->host->intern(p->host, "a\0b", 3);
    struct tap_event *e = call(p, 0, 41, "odd");
    e->module = e->function = zero;
    call(p, 0, 41, "odd")->module = 0;
}

/* Numbers at their bounds, and those that a later version may have. */
static void hostile_numbers(struct tap_batch_plan *p)
{
    const int64_t now = p->ts;
    static const int64_t times[] = {1, INT64_C(1) << 62, 2, (INT64_C(1) << 62) - 1};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        call(p, 0, 42, "when")->ts = times[i];
        leave(p, 0, 42, "when", false)->ts = times[sizeof times / sizeof *times - 1 - i];
    }
    struct tap_event *e = call(p, 0, 42, "odd");
    e->pid = (struct tap_pid){e->pid.node, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    e->flow = UINT64_MAX;
    e->flags = TAP_EVENT_MOVED | TAP_EVENT_EXITING | 1u << 31;
    e = tap_plan_event(p, 0, TAP_LOST, 0);
    e->lost = UINT64_C(1) << 40;
    e->reason = 200;
    e = tap_plan_event(p, 0, TAP_GAP, 0);
    e->gap = UINT64_C(1) << 62;
    e->reason = 201;
    e = tap_plan_event(p, 0, TAP_CLOCK, 0);
    e->clock_offset = INT64_C(1) << 62;
    e->clock_error = UINT64_MAX;
    e = tap_plan_event(p, 0, TAP_MESSAGE_SEND, 42);
    e->peer_type = 77;
    e->gen = 99;
    tap_plan_event(p, 0, (enum tap_kind)(TAP_KIND_USER_LAST + 3), 42);
    tap_plan_event(p, 0, (enum tap_kind)(TAP_KIND_COUNT + 3), 0);
    tap_plan_event(p, 0, (enum tap_kind)255, 0);
    p->ts = now;
}

void tap_events_hostile(struct tap_batch_plan *p)
{
    hostile_terms(p);
    hostile_names(p);
    hostile_numbers(p);
}
