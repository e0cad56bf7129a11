/* text_body.c: what happened, for people: -> shop_cart:add(1, apple), send <0.9.0> ! hello. */
#include "beamtap/counters.h"
#include "sinks/common/marks.h"
#include "sinks/stdout/text.h"

static void put_function(struct out *self, const struct tap_event *e)
{
    tap_function_put_as(&self->w, e->module, e->function, e->arity,
                        (enum tap_print_syntax)self->settings->syntax, false);
}

/* Two atoms, and something whole behind them. */
static bool is_call(struct tap_cursor c)
{
    const char *text;
    uint32_t len;
    bool latin1;
    return tap_read_atom(&c, &text, &len, &latin1) && tap_read_atom(&c, &text, &len, &latin1) &&
           tap_skip(&c);
}

/* {M, F, Args} as m:f(args); anything else as it is. */
static void put_mfa(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
                    const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    struct tap_cursor c = tap_cursor(batch->arena + e->payload.off, e->payload.len);
    const uint8_t *args;
    uint32_t n = 0;
    struct tap_function_text text;
    if (!e->payload.len && e->module) { /* cut in the node */
        put_function(self, e);
        return;
    }
    if (!tap_read_tuple(&c, &n) || n != 3 || !is_call(c) ||
        !tap_function_begin_terms(w, &c, print, &text)) {
        put_span(self, batch, e->payload, print);
        return;
    }
    args = c.p;
    tap_skip(&c);
    int tag = *args;
    bool list = tag == TAP_EXT_LIST || tag == TAP_EXT_NIL || tag == TAP_EXT_STRING;
    put(w, list ? "(" : "/");
    if (list)
        tap_writer_arguments(w, args, (size_t)(c.p - args), ", ", print);
    else
        tap_writer_term(w, args, (size_t)(c.p - args), print);
    if (list)
        put(w, ")");
    tap_function_end(w, &text, false);
}

/* {Class, Reason} as class:reason. */
static void put_raised(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
                       const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    struct tap_cursor c = tap_cursor(batch->arena + e->payload.off, e->payload.len);
    const uint8_t *class, *reason;
    uint32_t n = 0;
    if (!tap_read_tuple(&c, &n) || n != 2 || (class = c.p, !tap_skip(&c)) ||
        (reason = c.p, !tap_skip(&c))) {
        put_span(self, batch, e->payload, print);
        return;
    }
    tap_writer_term(w, class, (size_t)(reason - class), print);
    put(w, print->syntax == TAP_PRINT_ELIXIR ? ", " : ":");
    tap_writer_term(w, reason, (size_t)(c.p - reason), print);
}

static void put_call(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
                     const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    put(w, e->kind == TAP_FUNCTION_CALL ? "-> " : e->kind == TAP_FUNCTION_RETURN ? "<- " : "!! ");
    if (e->kind == TAP_FUNCTION_CALL && e->payload.len) {
        struct tap_function_text text =
            tap_function_begin(w, e->module, e->function, print->syntax, false);
        put(w, "(");
        tap_writer_arguments(w, batch->arena + e->payload.off, e->payload.len, ", ", print);
        put(w, ")");
        tap_function_end(w, &text, false);
        return;
    }
    put_function(self, e);
    if (e->kind == TAP_FUNCTION_CALL || !e->payload.len)
        return;
    put(w, e->kind == TAP_FUNCTION_RETURN ? " = " : " raised ");
    if (e->kind == TAP_FUNCTION_RETURN)
        put_span(self, batch, e->payload, print);
    else
        put_raised(self, batch, e, print);
}

static void put_peer(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
                     const char *before, const struct tap_print *print)
{
    if (e->peer_type == TAP_PEER_NONE)
        return;
    put(&self->w, before);
    tap_writer_peer(&self->w, batch, e, print);
}

static const char *loss_reason(unsigned reason)
{
    static const char *const texts[TAP_REASON_COUNT] = {
        [TAP_REASON_NONE] = "no reason given",
        [TAP_REASON_CREDIT] = "the collector was too slow",
        [TAP_REASON_QUEUE] = "node's queue",
        [TAP_REASON_RATE] = "max_rate",
        [TAP_REASON_MEMORY] = "node's memory",
        [TAP_REASON_TERM] = "a term above max_term",
        [TAP_REASON_LIMIT] = "max_events",
        [TAP_REASON_SINK_QUEUE] = "this sink's queue",
        [TAP_REASON_SINK_FAILED] = "the sink failed",
        [TAP_REASON_CONNECTION] = "connection broken",
        [TAP_REASON_UNREADABLE] = "unreadable",
        [TAP_REASON_SEQUENCE] = "missing on the way",
        [TAP_REASON_CODE] = "code that was loaded",
        [TAP_REASON_KEEP] = "keep_memory",
    };
    return reason < TAP_REASON_COUNT && texts[reason] ? texts[reason] : "unknown reason";
}

/* What is left out, as the node says it, and for how long it was. */
static void put_part_gap(struct out *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_writer *w = &self->w;
    struct tap_cursor c = tap_cursor(batch->arena + e->payload.off, e->payload.len);
    const uint8_t *text;
    uint32_t len;
    put(w, e->gap ? "gap ends: " : "gap begins: ");
    if (tap_read_binary(&c, &text, &len))
        tap_writer_put(w, (const char *)text, len);
    if (!e->gap)
        return;
    put(w, ", for ");
    char *p = tap_text_u64(tap_writer_reserve(w, 64), e->gap / 1000000000);
    *p++ = '.';
    p = tap_text_fixed(p, (uint32_t)(e->gap % 1000000000 / 1000), 6);
    w->p = tap_text_lit(p, " s");
}

static void put_loss(struct out *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_writer *w = &self->w;
    if (tap_event_is_part_gap(e)) {
        put_part_gap(self, batch, e);
        return;
    }
    put(w, e->kind == TAP_LOST ? "lost " : "gap ");
    char *p = tap_writer_reserve(w, 64);
    if (e->kind == TAP_LOST) {
        p = tap_text_u64(p, e->lost);
        w->p = e->lost == 1 ? tap_text_lit(p, " event") : tap_text_lit(p, " events");
    } else {
        p = tap_text_u64(p, e->gap / 1000000000);
        *p++ = '.';
        p = tap_text_fixed(p, (uint32_t)(e->gap % 1000000000 / 1000), 6);
        w->p = tap_text_lit(p, " s without tracing");
    }
    put(w, " (");
    put(w, loss_reason(e->reason));
    put(w, ")");
}

static void put_node(struct out *self, const struct tap_event *e)
{
    const struct tap_node *node = self->host->node(self->host, e->node);
    if (e->kind == TAP_NODE_DOWN) {
        bool traced = node && *node->release; /* told with its first word */
        put(&self->w, !e->reason ? "node down"
                      : traced   ? "node down: the connection was lost"
                                 : "node down: nothing was traced there");
        return;
    }
    put(&self->w, "node up (OTP ");
    put(&self->w, node ? node->release : "");
    put(&self->w, ")");
}

static void put_returns_off(struct out *self, const struct tap_event *e)
{
    put_function(self, e);
    put(&self->w, " is traced without its returns from here on");
}

/* Where the window of start_on and stop_on begins or ends. */
static void put_mark(struct out *self, const struct tap_batch *batch, const struct tap_event *e)
{
    char text[TAP_MARK_TEXT];
    put(&self->w, "-- ");
    tap_writer_put(&self->w, text, tap_mark_text(text, batch, e));
}

/* Link, schedule and garbage collection events: a word, and what there is. */
static void put_other(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
                      const struct tap_print *print)
{
    static const char *const words[TAP_KIND_COUNT] = {
        [TAP_PROCESS_EXIT] = "exit ",     [TAP_PROCESS_LINK] = "link ",
        [TAP_PROCESS_UNLINK] = "unlink ", [TAP_PROCESS_REGISTER] = "register ",
        [TAP_SCHEDULE_IN] = "in ",        [TAP_SCHEDULE_OUT] = "out ",
        [TAP_GC_START] = "gc start ",     [TAP_PROCESS_UNREGISTER] = "unregister ",
        [TAP_GC_END] = "gc end ",
    };
    struct tap_writer *w = &self->w;
    bool got = e->flags & TAP_EVENT_LINK_GOT;
    if (got)
        put(w, e->kind == TAP_PROCESS_LINK ? "linked by " : "unlinked by ");
    else
        put(w, words[e->kind] ? words[e->kind] : self->host->kind_name(e->kind));
    if (e->flags & TAP_EVENT_GC_MAJOR)
        put(w, "major ");
    put_peer(self, batch, e, "", print);
    if (e->module && (e->kind == TAP_SCHEDULE_IN || e->kind == TAP_SCHEDULE_OUT)) {
        put_function(self, e);
    } else if (e->payload.len) {
        if (e->peer_type != TAP_PEER_NONE)
            put(w, " ");
        put_span(self, batch, e->payload, print);
    }
}

/* What the VM has counted: shop_cart:add/2: 5 calls, 12.300 us, 960 bytes */
static void put_counted(struct out *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_writer *w = &self->w;
    struct tap_counted row;
    put(w, "counted ");
    put_function(self, e);
    if (!tap_counted_read(batch->arena + e->payload.off, e->payload.len, &row))
        return;
    put(w, ": ");
    w->p = tap_text_i64(tap_writer_reserve(w, 24), row.calls);
    put(w, row.calls == 1 ? " call" : " calls");
    if (row.ns >= 0) {
        put(w, ", ");
        w->p = tap_text_us(tap_writer_reserve(w, 24), row.ns);
        put(w, " us");
    }
    if (row.bytes >= 0) {
        put(w, ", ");
        w->p = tap_text_i64(tap_writer_reserve(w, 24), row.bytes);
        put(w, " bytes");
    }
}

void out_text_body(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
                   const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    switch (e->kind) {
    case TAP_FUNCTION_CALL:
        put_call(self, batch, e, print);
        put_peer(self, batch, e, " from ", print);
        break;
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION: put_call(self, batch, e, print); break;
    case TAP_MESSAGE_SEND:
        put(w, "send");
        put_peer(self, batch, e, " ", print);
        put(w, e->payload.len ? " ! " : "");
        put_span(self, batch, e->payload, print);
        break;
    case TAP_MESSAGE_RECEIVE:
        put(w, e->flags & TAP_EVENT_TIMEOUT ? "recv timeout" : "recv ");
        if (!(e->flags & TAP_EVENT_TIMEOUT))
            put_span(self, batch, e->payload, print);
        put_peer(self, batch, e, " from ", print);
        break;
    case TAP_PROCESS_SPAWN:
    case TAP_PROCESS_START:
        put(w, e->kind == TAP_PROCESS_SPAWN ? "spawn" : "start");
        put_peer(self, batch, e, e->kind == TAP_PROCESS_SPAWN ? " " : " by ", print);
        put(w, " ");
        put_mfa(self, batch, e, print);
        break;
    case TAP_FUNCTION_COUNTERS: put_counted(self, batch, e); break;
    case TAP_LOST:
    case TAP_GAP: put_loss(self, batch, e); break;
    case TAP_NODE_UP:
    case TAP_NODE_DOWN: put_node(self, e); break;
    case TAP_RETURNS_OFF: put_returns_off(self, e); break;
    case TAP_MARK: put_mark(self, batch, e); break;
    default: put_other(self, batch, e, print); break;
    }
}
