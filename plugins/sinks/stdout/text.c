/* text.c: one line an event, for people: when, (where,) who, what.
 *
 *     0.001234  <0.123.0>    -> shop_cart:add(1, apple)
 *     0.001240  <0.123.0>    <- shop_cart:add/2 = ok
 *     0.001240  <0.123.0>(shop_till)              <- shop_cart:add/2 = ok      with names = true
 *
 *     0.001250  <0.123.0>    -> shop_cart:add(1, apple)                                a stack
 *                     by shop_till:scan/2 (src/shop_till.erl:31)
 *
 * What (text_body.c) has a function a kind of event; the rest of the line is here.
 *
 * Whatever the traced node sent, a line stays a line and cannot move the terminal's cursor: control
 * characters that a term did not escape become question marks.
 */
#include "sinks/common/event_text.h"
#include "sinks/common/stack_text.h"
#include "sinks/common/call_rules.h"
#include "sinks/stdout/text.h"

#include <time.h>

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
    if (tap_event_has_pid(e))
        tap_writer_pid(w, &e->pid, print);
    if (self->called)
        put_process_name(self, &e->pid);
    pad(w, at, (print->syntax == TAP_PRINT_ELIXIR ? 16 : 12) + (self->called ? 20u : 0));
    put(w, " ");
}

/* ---- Behind it, and the line */

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

/* A line for each frame, whoever called first. */
static void put_stack(struct out *self, const struct tap_batch *batch, const struct tap_event *e,
                      const struct tap_print *print)
{
    static const char before[] = "\n                 by ";
    uint64_t size;
    tap_stack_put(&self->w, batch, e, before, before, "", print, &size);
    if (size) {
        put(&self->w, " (stack left out: ");
        self->w.p = tap_text_u64(tap_writer_reserve(&self->w, 20), size);
        put(&self->w, " bytes)");
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

void out_text_event(struct out *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_writer *w = &self->w;
    const struct tap_sink_node *node = tap_sink_nodes_get(&self->nodes, self->host, e->node);
    struct tap_print print = out_print(self, node);
    put_prefix(self, e, node, &print);
    sanitize(w, 0);
    if (self->colour)
        put(w, colour_of(e->kind));
    size_t body = tap_writer_here(w);
    if (self->depths && !tap_kind_is_control(e->kind)) {
        /* a call without a return has nothing in it */
        bool returns = e->kind == TAP_FUNCTION_CALL &&
                       tap_call_has_end(self->host, &self->returns_off, &self->returns_known, e);
        unsigned depth = out_depths_step(self->depths, e, returns);
        pad(w, body, 2u * (depth < INDENT_MAX ? depth : INDENT_MAX));
    } else if (self->depths && tap_event_breaks_stacks(e)) {
        out_depths_lost(self->depths, e->node);
    }
    out_text_body(self, batch, e, &print);
    if (e->metadata.len || (e->flags & ~(uint32_t)TAP_EVENT_ARITY_ONLY) || e->scheduler || e->gen)
        put_remarks(self, batch, e, &print);
    sanitize(w, body);
    if (e->flags & TAP_EVENT_STACK)
        put_stack(self, batch, e, &print);
    put(w, self->colour ? "\033[0m\n" : "\n");
}
