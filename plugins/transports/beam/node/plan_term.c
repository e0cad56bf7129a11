/* plan_term.c: writes struct tap_plan as an Erlang map. What the user wrote (match specs) is passed
 * on as it is; what beamtap needs besides, the agent adds.
 */
#include "transports/beam/node/plan_term.h"

#include <stdio.h>

#include "transports/beam/node/native_term.h"
#include "transports/beam/protocol.h"

static void put_text(struct tap_buf *b, const char *text)
{
    tap_write_binary(b, text, strlen(text));
}

/* "trace.ini:12", for reports from the node. */
static void put_where(struct tap_buf *b, const struct tap_text *where)
{
    char text[1024];
    if (!where->file)
        text[0] = 0;
    else if (where->line > 0)
        snprintf(text, sizeof text, "%s:%d", where->file, where->line);
    else
        snprintf(text, sizeof text, "%s", where->file);
    put_text(b, text);
}

/* A match spec comes with a version byte, which stands only in front of a whole term. */
static void put_spec(struct tap_buf *b, const uint8_t *spec, size_t len)
{
    if (len > 1 && spec[0] == TAP_EXT_VERSION)
        tap_buf_put(b, spec + 1, len - 1);
    else
        tap_buf_put(b, spec, len);
}

static void put_events(struct tap_buf *b, const struct tap_plan_term *t)
{
    /* Whether a new process is one of ours is decided by its spawn, whoever asked for spawns. */
    uint32_t events =
        t->plan->events | (t->plan->need_spawns ? TAP_KIND_BIT(TAP_PROCESS_SPAWN) : 0);
    events &= TAP_KIND_BIT(TAP_KIND_USER_LAST + 1) - 1;
    uint32_t n = (uint32_t)__builtin_popcount(events);
    if (n)
        tap_write_list(b, n);
    for (unsigned kind = 0; kind <= TAP_KIND_USER_LAST; kind++)
        if (events & TAP_KIND_BIT(kind))
            tap_write_atom(b, t->kind_name(kind));
    tap_write_nil(b);
}

static void put_flags(struct tap_buf *b, uint32_t flags)
{
    static const struct {
        uint32_t flag;
        const char *atom;
    } known[] = {{TAP_PLAN_NAMED, "named"},
                 {TAP_PLAN_RETURN, "return"},
                 {TAP_PLAN_EXCEPTION, "exception"},
                 {TAP_PLAN_CALLER, "caller"},
                 {TAP_PLAN_STACK, "stack"}};
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        n += (flags & known[i].flag) != 0;
    if (n)
        tap_write_list(b, n);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (flags & known[i].flag)
            tap_write_atom(b, known[i].atom);
    tap_write_nil(b);
}

static void put_functions(struct tap_buf *b, const struct tap_plan *plan)
{
    if (plan->function_count)
        tap_write_list(b, (uint32_t)plan->function_count);
    for (size_t i = 0; i < plan->function_count; i++) {
        const struct tap_plan_function *f = plan->functions[i];
        tap_write_tuple(b, 6);
        if (f->module)
            put_text(b, f->module);
        else
            tap_write_atom(b, "any");
        if (f->function)
            put_text(b, f->function);
        else
            tap_write_atom(b, "any");
        if (f->arity >= 0)
            tap_write_i64(b, f->arity);
        else
            tap_write_atom(b, "any");
        if (f->spec_len)
            put_spec(b, f->spec, f->spec_len);
        else
            tap_write_atom(b, "none");
        put_flags(b, f->flags);
        put_where(b, &f->where);
    }
    tap_write_nil(b);
}

static void put_process(struct tap_buf *b, const struct tap_plan_process *p)
{
    enum tap_plan_process_type type = p->type;
    if (type == TAP_PROCESS_NEW) {
        tap_write_atom(b, "new");
        return;
    }
    if (type == TAP_PROCESS_TREE_PID || type == TAP_PROCESS_TREE_NAME) {
        tap_write_tuple(b, 2);
        tap_write_atom(b, "tree");
    }
    tap_write_tuple(b, 2);
    if (type == TAP_PROCESS_PID || type == TAP_PROCESS_TREE_PID) {
        tap_write_atom(b, "pid");
        put_text(b, p->text);
    } else {
        tap_write_atom(b, "name");
        tap_write_atom(b, p->text);
    }
}

static void put_processes(struct tap_buf *b, const struct tap_plan *plan)
{
    if (plan->process_count)
        tap_write_list(b, (uint32_t)plan->process_count);
    for (size_t i = 0; i < plan->process_count; i++)
        put_process(b, plan->processes[i]);
    tap_write_nil(b);
}

static void put_messages(struct tap_buf *b, const struct tap_plan_message *const *messages,
                         size_t n)
{
    if (n)
        tap_write_list(b, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        put_spec(b, messages[i]->spec, messages[i]->spec_len);
    tap_write_nil(b);
}

static void put_number(struct tap_buf *b, const char *key, int64_t value)
{
    tap_write_atom(b, key);
    tap_write_i64(b, value);
}

/* Rounded up: what is not zero must not become zero, which means no limit. */
static int64_t milliseconds(int64_t ns)
{
    return ns / 1000000 + (ns % 1000000 > 0);
}

/* Past one term, or past the head of one that has others in it, which follow. *head: of a pid, port
 * or reference the bytes before the name of its node, else 0. False: it cannot be read. */
static bool pass_term(struct tap_cursor *c, size_t *head)
{
    uint32_t n;
    *head = 0;
    switch (tap_peek(c)) {
    case TAP_EXT_SMALL_TUPLE:
    case TAP_EXT_LARGE_TUPLE: return tap_read_tuple(c, &n);
    case TAP_EXT_LIST: return tap_read_list(c, &n);
    case TAP_EXT_MAP: return tap_read_map(c, &n);
    case TAP_EXT_NEW_PID:
    case TAP_EXT_NEW_PORT: *head = 1; return tap_skip(c);
    case TAP_EXT_NEWER_REFERENCE: *head = 3; return tap_skip(c);
    default: return tap_skip(c);
    }
}

/* One of the node's own: the name's end and the term's. */
static void put_own(struct tap_buf *b, const struct tap_plan_term *t, const uint8_t *term,
                    size_t head, const uint8_t *rest, const uint8_t *end)
{
    tap_buf_put(b, term, head);
    tap_write_atom(b, t->node);
    if (*term == TAP_EXT_NEWER_REFERENCE) {
        tap_write_u32(b, t->creation);
        tap_buf_put(b, rest + 4, (size_t)(end - rest) - 4);
    } else {
        tap_buf_put(b, rest, (size_t)(end - rest) - 4);
        tap_write_u32(b, t->creation);
    }
}

/* The arguments, in which the node's own pids, ports and references get its name. */
static void put_arguments(struct tap_buf *b, const struct tap_plan_term *t, const uint8_t *terms,
                          size_t len)
{
    struct tap_cursor c = tap_cursor(terms, len);
    size_t head;
    for (const uint8_t *from; from = c.p, tap_left(&c) > 0;) {
        bool read = pass_term(&c, &head);
        struct tap_cursor name = tap_cursor(from + head, read ? (size_t)(c.p - from) - head : 0);
        if (!read)
            c.p = c.end;
        if (head && tap_match_atom(&name, TAP_PLAN_HOME))
            put_own(b, t, from, head, name.p, c.p);
        else
            tap_buf_put(b, from, (size_t)(c.p - from));
    }
}

static void put_call(struct tap_buf *b, const struct tap_plan_term *t)
{
    const struct tap_plan_call *call = t->plan->call;
    if (!call) {
        tap_write_atom(b, "none");
        return;
    }
    tap_write_tuple(b, 5);
    tap_write_atom(b, call->module);
    tap_write_atom(b, call->function);
    put_arguments(b, t, call->args, call->args_len);
    tap_write_i64(b, milliseconds(call->timeout));
    tap_write_i64(b, milliseconds(call->linger));
}

static void put_counters(struct tap_buf *b, const struct tap_plan *plan)
{
    static const char *const names[] = {"calls", "time", "memory"};
    tap_write_atom(b, "counters");
    tap_write_list(b, (uint32_t)__builtin_popcount(plan->counters & 7u));
    for (unsigned i = 0; i < 3; i++)
        if (plan->counters & 1u << i)
            tap_write_atom(b, names[i]);
    tap_write_nil(b);
    put_number(b, "interval", milliseconds(plan->interval));
}

static void put_stream(struct tap_buf *b, const struct tap_endpoint *i)
{
    tap_write_atom(b, "stream");
    tap_write_map(b, 5 + (i->local_len > 0));
    tap_write_atom(b, "address");
    put_text(b, i->address);
    put_number(b, "port", i->port);
    put_number(b, "timeout", milliseconds(i->timeout));
    tap_write_atom(b, "token");
    tap_write_binary(b, i->token, 2 * TAP_STREAM_TOKEN);
    tap_write_atom(b, "answer");
    tap_write_binary(b, i->answer, 2 * TAP_STREAM_TOKEN);
    if (i->local_len) {
        tap_write_atom(b, "local");
        tap_write_binary(b, i->local, i->local_len);
    }
}

void tap_plan_term_write(struct tap_buf *b, const struct tap_plan_term *t)
{
    static const char *const overloads[] = {"pause", "drop", "stop"};
    const struct tap_plan *plan = t->plan;
    bool native = TAP_HAS(plan, native_arity_only) && plan->collect != TAP_COLLECT_PROCESS;
    bool counted = TAP_HAS(plan, interval) && plan->counters;
    const struct tap_endpoint *stream = t->stream_native ? NULL : t->stream;
    tap_write_map(b, 22 + (stream != NULL) + native + 2 * counted);
    tap_write_atom(b, "run");
    put_text(b, t->run);
    tap_write_atom(b, "collector");
    tap_buf_put(b, t->collector, t->collector_len);
    tap_write_atom(b, "events");
    put_events(b, t);
    tap_write_atom(b, "functions");
    put_functions(b, plan);
    tap_write_atom(b, "processes");
    put_processes(b, plan);
    tap_write_atom(b, "sends");
    put_messages(b, plan->sends, plan->send_count);
    tap_write_atom(b, "receives");
    put_messages(b, plan->receives, plan->receive_count);
    tap_write_atom(b, "include_otp");
    tap_write_atom(b, plan->include_otp ? "true" : "false");
    tap_write_atom(b, "load");
    tap_write_atom(b, plan->leave_unloaded ? "false" : "true");
    put_number(b, "duration", milliseconds(t->duration));
    put_number(b, "lease", milliseconds(plan->lease));
    put_number(b, "max_events", plan->max_events);
    put_number(b, "max_rate", plan->max_rate);
    put_number(b, "max_queue", plan->max_queue);
    put_number(b, "max_memory", plan->max_memory);
    put_number(b, "max_term", plan->max_term);
    tap_write_atom(b, "overload");
    tap_write_atom(b, overloads[plan->overload]);
    put_number(b, "credit", t->credit);
    tap_write_atom(b, "names");
    tap_write_atom(b, plan->names ? "true" : "false");
    put_number(b, "mailbox", milliseconds(plan->mailbox));
    tap_write_atom(b, "arity_only");
    tap_write_atom(b, plan->arity_only ? "true" : "false");
    tap_write_atom(b, "call");
    put_call(b, t);
    if (counted)
        put_counters(b, plan);
    if (native) {
        bool with_stream = t->stream && t->stream_native;
        tap_native_term_write(b, plan, with_stream);
        if (with_stream)
            put_stream(b, t->stream);
    }
    if (stream)
        put_stream(b, stream);
}
