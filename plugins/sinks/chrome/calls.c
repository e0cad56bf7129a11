/* calls.c: calls become slices when they return.
 *
 * Returns come last in first out, tail calls included. A return that is not the top frame's means
 * that the frames above were left without one, by an exception that nobody traced. So every return
 * pops to its function. What was open at a loss ended there (tap_process_get).
 *
 * A function that calls itself directly, again and again, without anything in between, is a loop
 * more often than a recursion that anybody wants to see in depth: after TAP_CHROME_RUN frames the
 * calls are counted in the last one. Where it takes messages itself it is the loop of a server, and
 * its first frame stands for all.
 *
 * Turns of a loop of several functions are told by the core (TAP_EVENT_TAIL): the frames that it
 * began with stand for them.
 *
 * Where returns are not traced a call has no length, and is a slice of 1 ns: unlike an instant it
 * can be selected, has its function's colour, and is counted with its like in the viewers' tables.
 */
#include "sinks/chrome/timeline.h"
#include "sinks/common/call_rules.h"

static void calls_push(struct tap_chrome *c, struct tap_track *t, const struct tap_chrome_in *in,
                       uint32_t label)
{
    struct tap_open *top = tap_stack_top(t);
    struct tap_stack *s = t->stack;
    if (tap_call_is_turn(in->ev, top)) {
        top->collapsed++;
        top->events++;
        c->count.collapsed++;
        return;
    }
    if (top && (s->depth >= TAP_CHROME_DEPTH || s->hidden_len || s->beyond)) {
        tap_stack_hide(c, t, label);
        return;
    }
    if (top && top->label == label && (top->run >= TAP_CHROME_RUN || top->received)) {
        top->collapsed++;
        top->returns++;
        top->events++;
        c->count.collapsed++;
        return;
    }
    tap_emit_arguments(c, in);
    tap_stack_push(c, t, in->ts, TAP_OPEN_CALL, label);
}

void tap_calls_call(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    struct tap_track *t = tap_process_track(c, in);
    const struct tap_label *label = tap_label_get(c, ev->module, ev->function, ev->arity);
    if (!t || !label)
        return;
    t->unwinding = 0;
    tap_stack_close_special(c, t, in->ts);
    if (label->returns && !tap_returns_off_has(&c->returns_off, ev)) {
        calls_push(c, t, in, label->id);
        return;
    }
    tap_emit_point(c, t, in->ts, label->tail, label->tail_len);
    tap_emit_arguments(c, in);
    tap_emit_close(c, 1);
}

/* The frame that an event of this function ends, by its place in the stack; -1: it has none. */
static int64_t calls_find(const struct tap_stack *s, uint32_t label)
{
    for (int64_t i = (int64_t)s->depth - 1; i >= 0; i--)
        if (s->open[i].kind == TAP_OPEN_CALL && s->open[i].label == label)
            return i;
    return -1;
}

/* A return or exception whose call was not seen: before the trace began, or among what was lost. */
static void calls_orphan(struct tap_chrome *c, struct tap_track *t, const struct tap_chrome_in *in,
                         const struct tap_label *label)
{
    bool thrown = in->ev->kind == TAP_FUNCTION_EXCEPTION;
    if (thrown)
        tap_emit_instant(c, t, in->ts, TAP_TAIL("exception", "exception"));
    else
        tap_emit_instant(c, t, in->ts, TAP_TAIL("return", "return"));
    tap_emit_text(c, "function", label->tail + label->name_off, label->name_len);
    tap_emit_term(c, thrown ? "exception" : "result", in, in->ev->payload);
    tap_emit_extras(c, in);
    tap_emit_close(c, 1);
}

/* Where an exception begins: once, at the innermost frame that it leaves. */
static void calls_mark(struct tap_chrome *c, struct tap_track *t, const struct tap_chrome_in *in)
{
    tap_emit_instant(c, t, in->ts, TAP_TAIL("exception", "exception"));
    tap_emit_term(c, "exception", in, in->ev->payload);
    tap_emit_close(c, 0);
}

/* Which exception it is: one that was caught and thrown again as another begins there. Never 0. */
static uint32_t calls_exception(const struct tap_chrome_in *in)
{
    const uint8_t *term = in->batch->arena + in->ev->payload.off;
    uint32_t h = 2166136261u;
    for (uint32_t i = 0; i < in->ev->payload.len && i < 4096; i++)
        h = (h ^ term[i]) * 16777619u;
    return h | 1;
}

void tap_calls_end(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    bool thrown = ev->kind == TAP_FUNCTION_EXCEPTION;
    struct tap_track *t = tap_process_track(c, in);
    struct tap_label *label = tap_label_get(c, ev->module, ev->function, ev->arity);
    if (!t || !label)
        return;
    uint32_t what = thrown ? calls_exception(in) : 0;
    bool begins = thrown && t->unwinding != what;
    t->unwinding = what;
    tap_stack_close_special(c, t, in->ts);
    struct tap_stack *s = t->stack;
    if (tap_call_is_turn(ev, s && s->depth)) {
        if (begins)
            calls_mark(c, t, in);
        tap_stack_top(t)->events++;
        return;
    }
    if (s && (s->hidden_len || s->beyond) && tap_stack_unhide(s, label->id)) {
        tap_stack_top(t)->events++;
        return;
    }
    int64_t place = s ? calls_find(s, label->id) : -1;
    if (place < 0) {
        calls_orphan(c, t, in, label);
        if (!thrown)
            label->returns = true; /* somebody asked for its returns: the next call has a length */
        return;
    }
    if (begins)
        calls_mark(c, t, in);
    tap_stack_forget_hidden(s);
    while (s->depth > (uint32_t)place + 1)
        tap_stack_close(
            c, t, in->ts,
            tap_stack_top(t)->kind == TAP_OPEN_CALL ? TAP_CLOSE_UNWOUND : TAP_CLOSE_PLAIN, NULL, 0);
    struct tap_open *o = &s->open[place];
    if (o->returns) {
        o->returns--;
        o->events++;
        return;
    }
    tap_stack_close(c, t, in->ts, thrown ? TAP_CLOSE_EXCEPTION : TAP_CLOSE_RETURN, in, 1);
}
