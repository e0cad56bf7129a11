/* text.c: one line an event, for people: when, (where,) who, what.
 *
 *     0.001234  <0.123.0>    -> shop_cart:add(1, apple)
 *     0.001240  <0.123.0>    <- shop_cart:add/2 = ok
 *     0.001240  <0.123.0>(shop_till)              <- shop_cart:add/2 = ok      with names = true
 *
 * Whatever the traced node sent, a line stays a line and cannot move the terminal's cursor: control
 * characters that a term did not escape become question marks.
 */
#include "sinks/common/traced_returns.h"
#include "sinks/stdout/stdout.h"

#include <time.h>

/* Of constants, mostly, whose length is known when this is compiled. */
static inline __attribute__((always_inline)) void put(struct tap_writer *w, const char *text)
{
    size_t n = strlen(text);
    w->p = tap_text_copy(tap_writer_reserve(w, n), text, n);
}

static void pad(struct tap_writer *w, size_t from, size_t width)
{
    size_t have = tap_writer_here(w) - from;
    if (have < width) {
        memset(tap_writer_reserve(w, width - have), ' ', width - have);
        w->p += width - have;
    }
}

static void sanitize(struct tap_writer *w, size_t from)
{
    char *s = tap_writer_begun(w) + from;
    while (s < w->p && (s += tap_scan_control(s, (size_t)(w->p - s))) < w->p) {
        bool c1 = (unsigned char)*s == 0xc2 && s + 1 < w->p && (unsigned char)s[1] >= 0x80 &&
                  (unsigned char)s[1] < 0xa0;
        if ((unsigned char)*s != 0xc2 || c1)
            *s = '?';
        if (c1)
            s[1] = '?';
        s++;
    }
}

/* ---- When, where, who */

static char *relative_time(char *p, int64_t ns)
{
    char text[32], *t = text;
    uint64_t us = (ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns) / 1000;
    if (ns < 0)
        *t++ = '-';
    t = tap_text_u64(t, us / 1000000);
    *t++ = '.';
    t = tap_text_fixed(t, (uint32_t)(us % 1000000), 6);
    size_t n = (size_t)(t - text), blank = n < 11 ? 11 - n : 0;
    memset(p, ' ', blank);
    memcpy(p + blank, text, n);
    return p + blank + n;
}

static char *absolute_time(struct out *self, char *p, int64_t ns)
{
    int64_t second = ns / 1000000000 - (ns % 1000000000 < 0);
    if (second != self->second || !self->second_len) {
        time_t t = (time_t)second;
        struct tm tm;
        memset(&tm, 0, sizeof tm);
        gmtime_r(&t, &tm);
        self->second = second;
        self->second_len =
            (uint8_t)strftime(self->second_text, sizeof self->second_text, "%FT%T.", &tm);
    }
    memcpy(p, self->second_text, self->second_len);
    p = tap_text_fixed(p + self->second_len, (uint32_t)((ns - second * 1000000000) / 1000), 6);
    *p++ = 'Z';
    return p;
}

static void put_process_name(struct out *self, const struct tap_pid *pid)
{
    const struct tap_process_facts *known = tap_process_table_find(self->called, pid);
    if (!known)
        return;
    put(&self->w, "(");
    if (tap_process_facts_put(known, &self->w))
        put(&self->w, ")");
    else
        self->w.p--;
}

static void put_prefix(struct out *self, const struct tap_event *e,
                       const struct tap_sink_node *node, const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    char *p = tap_writer_reserve(w, 96);
    if (self->settings->time == OUT_ABSOLUTE)
        p = absolute_time(self, p, e->ts);
    else
        p = relative_time(p, e->ts - self->host->run_info->started);
    p = tap_text_lit(p, "  ");
    w->p = p;
    if (self->host->run_info->several_nodes) {
        const struct tap_name *name = tap_name_get(self->host, node->name_id);
        if (name->len > self->node_width)
            self->node_width = name->len;
        size_t at = tap_writer_here(w);
        tap_writer_put(w, name->text, name->len);
        pad(w, at, self->node_width + 2);
    }
    size_t at = tap_writer_here(w);
    if (e->pid.node || e->pid.id || e->pid.serial)
        tap_writer_pid(w, &e->pid, print);
    if (self->called)
        put_process_name(self, &e->pid);
    pad(w, at, (print->syntax == TAP_PRINT_ELIXIR ? 16 : 12) + (self->called ? 20u : 0));
    put(w, " ");
}

/* ---- What */

static void put_span(struct out *self, const struct tap_batch *batch, struct tap_span span,
                     const struct tap_print *print)
{
    if (span.len)
        tap_writer_term(&self->w, batch->arena + span.off, span.len, print);
}

/* The atom after a module: Elixir writes it without its colon. */
static void put_function_term(struct out *self, const uint8_t *term, size_t len,
                              const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    size_t n = tap_writer_term(w, term, len, print);
    if (n > 1 && print->syntax == TAP_PRINT_ELIXIR && w->p[-(ptrdiff_t)n] == ':') {
        memmove(w->p - n, w->p - n + 1, n - 1);
        w->p--;
    }
}

static void put_function(struct out *self, const struct tap_event *e)
{
    const struct tap_name *m = tap_name_get(self->host, e->module),
                          *f = tap_name_get(self->host, e->function);
    bool elixir = self->settings->syntax == TAP_PRINT_ELIXIR;
    char *p = tap_writer_reserve(
        &self->w, (size_t)(elixir ? m->elixir_len + f->elixir_len : m->atom_len + f->atom_len) + 1);
    if (elixir) {
        unsigned colon = f->elixir_len > 1 && f->elixir[0] == ':';
        p = tap_text_copy(p, m->elixir, m->elixir_len);
        *p++ = '.';
        p = tap_text_copy(p, f->elixir + colon, f->elixir_len - colon);
    } else {
        p = tap_text_copy(p, m->atom, m->atom_len);
        *p++ = ':';
        p = tap_text_copy(p, f->atom, f->atom_len);
    }
    self->w.p = p;
}

static void put_arity(struct tap_writer *w, int32_t arity)
{
    char *p = tap_writer_reserve(w, 24);
    *p++ = '/';
    w->p = tap_text_i64(p, arity);
}

/* {M, F, Args} as m:f(args); anything else as it is. */
static void put_mfa(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
                    const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    struct tap_cursor c = tap_cursor(batch->arena + e->payload.off, e->payload.len);
    const uint8_t *m, *f, *args;
    uint32_t n = 0, len;
    bool latin1;
    const char *text;
    if (!e->payload.len && e->module) { /* cut in the node */
        put_function(self, e);
        put_arity(w, e->arity);
        return;
    }
    if (!tap_read_tuple(&c, &n) || n != 3 || (m = c.p, !tap_read_atom(&c, &text, &len, &latin1)) ||
        (f = c.p, !tap_read_atom(&c, &text, &len, &latin1)) || (args = c.p, !tap_skip(&c))) {
        put_span(self, batch, e->payload, print);
        return;
    }
    tap_writer_term(w, m, (size_t)(f - m), print);
    put(w, print->syntax == TAP_PRINT_ELIXIR ? "." : ":");
    put_function_term(self, f, (size_t)(args - f), print);
    int tag = *args;
    bool list = tag == TAP_EXT_LIST || tag == TAP_EXT_NIL || tag == TAP_EXT_STRING;
    put(w, list ? "(" : "/");
    if (list)
        tap_writer_arguments(w, args, (size_t)(c.p - args), ", ", print);
    else
        tap_writer_term(w, args, (size_t)(c.p - args), print);
    if (list)
        put(w, ")");
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
    put_function(self, e);
    if (e->kind == TAP_FUNCTION_CALL && e->payload.len) {
        put(w, "(");
        tap_writer_arguments(w, batch->arena + e->payload.off, e->payload.len, ", ", print);
        put(w, ")");
        return;
    }
    put_arity(w, e->arity);
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
        put(&self->w, e->reason ? "node down: the connection was lost" : "node down");
        return;
    }
    put(&self->w, "node up (OTP ");
    put(&self->w, node ? node->release : "");
    put(&self->w, ")");
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
        put_arity(w, e->arity);
    } else if (e->payload.len) {
        if (e->peer_type != TAP_PEER_NONE)
            put(w, " ");
        put_span(self, batch, e->payload, print);
    }
}

static void put_body(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
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
        put(w, e->flags & TAP_EVENT_TIMEOUT ? "recv timed out" : "recv ");
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
    case TAP_LOST:
    case TAP_GAP: put_loss(self, batch, e); break;
    case TAP_NODE_UP:
    case TAP_NODE_DOWN: put_node(self, e); break;
    default: put_other(self, batch, e, print); break;
    }
}

static void put_remarks(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
                        const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    static const char *const gens[] = {"", " (call)", " (cast)", " (reply after "};
    put(w, gens[e->gen & 3]);
    if (e->gen == TAP_GEN_REPLY) {
        char *p = tap_text_u64(tap_writer_reserve(w, 40), (uint64_t)e->took / 1000);
        w->p = tap_text_lit(p, " us)");
    }
    if (e->flags & TAP_EVENT_NONEXISTING)
        put(w, " (no such process)");
    if (e->flags & TAP_EVENT_EXITING)
        put(w, " (exiting)");
    if (e->flags & TAP_EVENT_TRUNCATED) {
        put(w, " (cut: ");
        w->p = tap_text_u64(tap_writer_reserve(w, 20), e->true_size);
        put(w, " bytes)");
    }
    if (e->scheduler) {
        put(w, " (scheduler ");
        w->p = tap_text_u64(tap_writer_reserve(w, 20), e->scheduler);
        put(w, ")");
    }
    if (e->metadata.len) {
        put(w, "  # ");
        put_span(self, batch, e->metadata, print);
    }
}

static const char *colour_of(unsigned kind)
{
    switch (kind) {
    case TAP_FUNCTION_CALL: return "\033[36m";
    case TAP_FUNCTION_RETURN: return "\033[32m";
    case TAP_FUNCTION_EXCEPTION:
    case TAP_LOST:
    case TAP_GAP: return "\033[1;31m";
    case TAP_MESSAGE_SEND: return "\033[33m";
    case TAP_MESSAGE_RECEIVE: return "\033[35m";
    default: return "\033[2m";
    }
}

#define INDENT_MAX 40u /* levels; deeper calls stand below each other */

/* A call without a return has nothing in it. */
static bool has_return(const struct out *self, const struct tap_event *e)
{
    return e->kind == TAP_FUNCTION_CALL && !tap_returns_off_has(&self->returns_off, e) &&
           tap_returns_traced(self->host, tap_name_get(self->host, e->module)->text,
                              tap_name_get(self->host, e->function)->text, e->arity);
}

void out_text_event(struct out *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_writer *w = &self->w;
    const struct tap_sink_node *node = tap_sink_nodes_get(&self->nodes, self->host, e->node);
    struct tap_print print = out_print(self, node, false);
    put_prefix(self, e, node, &print);
    sanitize(w, 0);
    if (self->colour)
        put(w, colour_of(e->kind));
    size_t body = tap_writer_here(w);
    if (self->depths && e->kind <= TAP_KIND_USER_LAST) {
        unsigned depth = out_depths_step(self->depths, e, has_return(self, e));
        pad(w, body, 2u * (depth < INDENT_MAX ? depth : INDENT_MAX));
    } else if (self->depths && !tap_event_is_part_gap(e)) {
        out_depths_lost(self->depths, e->node);
    }
    put_body(self, batch, e, &print);
    if (e->metadata.len || (e->flags & ~(uint32_t)TAP_EVENT_ARITY_ONLY) || e->scheduler || e->gen)
        put_remarks(self, batch, e, &print);
    sanitize(w, body);
    put(w, self->colour ? "\033[0m\n" : "\n");
}
