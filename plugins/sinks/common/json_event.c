/* json_event.c: one JSON object a line, in this order, each key only where the event has such a
 * thing:
 *
 *     ts (a string: nanoseconds do not fit in a double), seq, node, event, pid, module, function,
 *     arity, mfa (with Elixir's syntax: what it calls the function), peer, flow (the same number
 *     for a send and its receive, a spawn and its start), message, metadata, flags (of timeout,
 *     nonexisting, exiting, major, got, moved, tail), of what behaviours say gen (call, cast,
 *     reply), from, request or reply, took_ns (since the call), stack (["m:f/1 (m.erl:12)", ...],
 *     whoever called first; stack_truncated where it was too large), truncated (the true size in
 *     bytes), scheduler; for lost and gap: count (events, nanoseconds) and reason; for node_up:
 *     release (of OTP); for node_down: reason, where it was lost
 *
 * and of function_counters, instead of a message: calls, time_ns, bytes, as far as they are
 * counted.
 *
 * message, metadata, pid and peer are terms as text; node, module and function are bare names.
 */
#include "sinks/common/json_event.h"

#include "beamtap/counters.h"
#include "beamtap/gen.h"
#include "sinks/common/event_text.h"
#include "sinks/common/process_name.h"
#include "sinks/common/stack_text.h"

static char *put_name(struct tap_json *self, const char *key, uint32_t id)
{
    const struct tap_name *name = tap_name_get(self->host, id);
    size_t n = strlen(key);
    char *p = tap_writer_reserve(self->w, n + name->json_len + 1);
    p = tap_text_copy(p, key, n);
    p = tap_text_copy(p, name->json, name->json_len);
    *p++ = '"';
    return self->w->p = p;
}

/* A short text that needs no escapes. */
static void put_plain(struct tap_writer *w, const char *text)
{
    size_t n = strlen(text);
    w->p = tap_text_copy(tap_writer_reserve(w, n), text, n);
}

static void put_number(struct tap_writer *w, const char *key, uint64_t v)
{
    put_plain(w, key);
    w->p = tap_text_u64(tap_writer_reserve(w, 20), v);
}

static void put_message(struct tap_json *self, const struct tap_batch *batch,
                        const struct tap_event *e, const struct tap_print *print)
{
    struct tap_writer *w = self->w;
    const uint8_t *term = batch->arena + e->payload.off;
    put_plain(w, ",\"message\":\"");
    if (e->kind == TAP_FUNCTION_CALL) {
        put_plain(w, "[");
        tap_writer_arguments(w, term, e->payload.len,
                             print->syntax == TAP_PRINT_ELIXIR ? ", " : ",", print);
        put_plain(w, "]\"");
    } else {
        tap_writer_term(w, term, e->payload.len, print);
        put_plain(w, "\"");
    }
}

static void put_flags(struct tap_writer *w, const struct tap_event *e)
{
    const char *before = ",\"flags\":[\"";
    bool any = false;
    for (size_t i = 0; i < sizeof tap_event_flag_texts / sizeof *tap_event_flag_texts; i++)
        if (e->flags & tap_event_flag_texts[i].flag) {
            put_plain(w, before);
            put_plain(w, tap_event_flag_texts[i].text + 1); /* behind its space */
            put_plain(w, "\"");
            before = ",\"";
            any = true;
        }
    if (any)
        put_plain(w, "]");
}

static void put_stack(struct tap_json *self, const struct tap_batch *batch,
                      const struct tap_event *e, const struct tap_print *print)
{
    uint64_t size;
    put_plain(self->w, ",\"stack\":[");
    tap_stack_put(self->w, batch, e, "\"", ",\"", "\"", print, &size);
    put_plain(self->w, "]");
    if (size)
        put_number(self->w, ",\"stack_truncated\":", size);
}

static void put_loss(struct tap_json *self, const struct tap_event *e)
{
    put_number(self->w, ",\"count\":", e->kind == TAP_LOST ? e->lost : e->gap);
    put_plain(self->w, ",\"reason\":\"");
    put_plain(self->w, self->host->reason_name(e->reason));
    put_plain(self->w, "\"");
}

static void put_node(struct tap_json *self, const struct tap_event *e)
{
    const struct tap_node *node = self->host->node(self->host, e->node);
    const char *what = NULL;
    if (e->kind == TAP_NODE_UP)
        what = node ? node->release : "";
    else if (e->reason)
        what = self->host->reason_name(e->reason);
    if (!what)
        return;
    put_plain(self->w, e->kind == TAP_NODE_UP ? ",\"release\":\"" : ",\"reason\":\"");
    put_plain(self->w, what);
    put_plain(self->w, "\"");
}

/* "gen": call, cast or reply; from, request or reply, took_ns. */
static void put_gen(struct tap_json *self, const struct tap_batch *batch, const struct tap_event *e,
                    const struct tap_print *print)
{
    static const char *const texts[] = {"", ",\"gen\":\"call\"", ",\"gen\":\"cast\"",
                                        ",\"gen\":\"reply\""};
    struct tap_writer *w = self->w;
    struct tap_gen_parts parts;
    if (!tap_gen_read(batch->arena + e->payload.off, e->payload.len, &parts))
        return;
    put_plain(w, texts[parts.gen]);
    if (parts.from) {
        put_plain(w, ",\"from\":\"");
        tap_writer_term(w, parts.from, parts.from_len, print);
        put_plain(w, "\"");
    }
    put_plain(w, parts.gen == TAP_GEN_REPLY ? ",\"reply\":\"" : ",\"request\":\"");
    tap_writer_term(w, parts.body, parts.body_len, print);
    put_plain(w, "\"");
    if (parts.gen == TAP_GEN_REPLY)
        put_number(w, ",\"took_ns\":", (uint64_t)e->took);
}

/* What few events have. */
static void put_rest(struct tap_json *self, const struct tap_batch *batch,
                     const struct tap_event *e, const struct tap_print *print)
{
    struct tap_writer *w = self->w;
    if (e->metadata.len) {
        put_plain(w, ",\"metadata\":\"");
        tap_writer_term(w, batch->arena + e->metadata.off, e->metadata.len, print);
        put_plain(w, "\"");
    }
    put_flags(w, e);
    if (e->flags & TAP_EVENT_STACK)
        put_stack(self, batch, e, print);
    if (e->gen)
        put_gen(self, batch, e, print);
    if (e->flags & TAP_EVENT_TRUNCATED)
        put_number(w, ",\"truncated\":", e->true_size);
    if (e->scheduler)
        put_number(w, ",\"scheduler\":", e->scheduler);
    if (e->kind == TAP_LOST || e->kind == TAP_GAP)
        put_loss(self, e);
    else if (e->kind == TAP_NODE_UP || e->kind == TAP_NODE_DOWN)
        put_node(self, e);
}

static void put_counted(struct tap_writer *w, const struct tap_batch *batch,
                        const struct tap_event *e)
{
    struct tap_counted row;
    if (!tap_counted_read(batch->arena + e->payload.off, e->payload.len, &row))
        return;
    put_number(w, ",\"calls\":", (uint64_t)row.calls);
    if (row.ns >= 0)
        put_number(w, ",\"time_ns\":", (uint64_t)row.ns);
    if (row.bytes >= 0)
        put_number(w, ",\"bytes\":", (uint64_t)row.bytes);
}

/* What Elixir calls the function: a fun's name alone says little to people. */
static void put_mfa(struct tap_writer *w, const struct tap_event *e)
{
    put_plain(w, ",\"mfa\":\"");
    tap_function_put_as(w, e->module, e->function, e->arity, TAP_PRINT_ELIXIR, true);
    put_plain(w, "\"");
}

/* As a term of that node, escaped. */
static struct tap_print print_for(const struct tap_json *self, const struct tap_sink_node *node)
{
    struct tap_print print = self->print;
    print.printable_unicode = node->printable_unicode;
    print.has_maybe = node->has_maybe;
    print.node_name = node->name_id;
    print.json = true;
    return print;
}

void tap_json_event(struct tap_json *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_writer *w = self->w;
    const struct tap_sink_node *node = tap_sink_nodes_get(self->nodes, self->host, e->node);
    struct tap_print print = print_for(self, node);
    const char *kind = self->host->kind_name(e->kind);
    char *p = tap_writer_reserve(w, 128);
    p = tap_text_lit(p, "{\"ts\":\"");
    p = tap_text_i64(p, e->ts);
    *p++ = '"';
    if (!tap_kind_is_control(e->kind))
        p = tap_text_u64(tap_text_lit(p, ",\"seq\":"), e->seq);
    w->p = p;
    if (node->name_id)
        put_name(self, ",\"node\":\"", node->name_id);
    put_plain(w, ",\"event\":\"");
    put_plain(w, kind);
    put_plain(w, "\"");
    if (tap_event_has_pid(e)) {
        put_plain(w, ",\"pid\":\"");
        tap_writer_pid(w, &e->pid, &print);
        put_plain(w, "\"");
    }
    if (e->module)
        put_name(self, ",\"module\":\"", e->module);
    if (e->function)
        put_name(self, ",\"function\":\"", e->function);
    if (e->arity >= 0)
        put_number(w, ",\"arity\":", (uint64_t)e->arity);
    if (print.syntax == TAP_PRINT_ELIXIR && e->module && e->function && e->arity >= 0)
        put_mfa(w, e);
    if (e->peer_type != TAP_PEER_NONE) {
        put_plain(w, ",\"peer\":\"");
        tap_writer_peer(w, batch, e, &print);
        put_plain(w, "\"");
    }
    if (e->flow)
        put_number(w, ",\"flow\":", e->flow);
    if (e->kind == TAP_FUNCTION_COUNTERS)
        put_counted(w, batch, e);
    else if (tap_event_has_term(e))
        put_message(self, batch, e, &print);
    if (e->metadata.len || (e->flags & ~(uint32_t)TAP_EVENT_ARITY_ONLY) || e->scheduler || e->gen ||
        tap_kind_is_control(e->kind))
        put_rest(self, batch, e, &print);
    put_plain(w, "}\n");
}
