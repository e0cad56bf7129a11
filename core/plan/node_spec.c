/* node_spec.c: what the agent makes of a match spec (agent/spec.hrl), for people to see before a
 * node is asked.
 *
 * Each clause is marked as ours by a constant as its first action, which names the run; what it
 * reports beside the event is always one tagged tuple; returns and exceptions are asked for where
 * the events want them. A live test compares this with what the VM has during a run.
 */
#include "plan/node_spec.h"

struct spec_writer {
    struct tap_buf *out;
    enum tap_spec_target target;
    uint32_t flags;
};

/* As it is tagged that the caller is reported; NULL: it is not. Where returns are wanted it tells a
 * tail call from a call. */
static const char *caller_tag(const struct spec_writer *w)
{
    if (w->flags & TAP_PLAN_CALLER)
        return "$beamtap_caller";
    return w->flags & (TAP_PLAN_RETURN | TAP_PLAN_EXCEPTION) ? "$beamtap_tail" : NULL;
}

/* Is anything said beside the event, whatever the user's body does? */
static bool is_said(const struct spec_writer *w)
{
    return caller_tag(w) || w->flags & TAP_PLAN_STACK;
}

/* {Name} or the head of {Name, ...} */
static void put_call(struct tap_buf *b, const char *name, uint32_t arguments)
{
    tap_write_tuple(b, 1 + arguments);
    tap_write_atom(b, name);
}

/* {const, Atom} */
static void put_const(struct tap_buf *b, const char *atom)
{
    put_call(b, "const", 1);
    tap_write_atom(b, atom);
}

/* The node and the sender, the first two of [Node, Sender, Message]. */
static void put_from(struct tap_buf *b)
{
    put_call(b, "hd", 1);
    tap_write_atom(b, "$_");
    put_call(b, "hd", 1);
    put_call(b, "tl", 1);
    tap_write_atom(b, "$_");
}

/* {{{const, Tag}, ..., X}}, with X when len > 0. */
static void put_said(const struct spec_writer *w, const uint8_t *x, size_t len)
{
    bool receive = w->target == TAP_SPEC_RECEIVES;
    const char *caller = caller_tag(w);
    tap_write_tuple(w->out, 1);
    tap_write_tuple(w->out, (receive ? 3 : caller ? 2 : 1) + (len > 0));
    put_const(w->out, receive ? "$beamtap_from" : caller ? caller : "$beamtap_x");
    if (receive)
        put_from(w->out);
    else if (caller)
        put_call(w->out, "caller", 0);
    tap_buf_put(w->out, x, len);
}

/* {message, Said}, with the stack around it where it is wanted, as it is had since OTP 26. */
static void put_message(const struct spec_writer *w, const uint8_t *x, size_t len)
{
    put_call(w->out, "message", 1);
    if (!(w->flags & TAP_PLAN_STACK)) {
        put_said(w, x, len);
        return;
    }
    tap_write_tuple(w->out, 1);
    tap_write_tuple(w->out, 3);
    put_const(w->out, "$beamtap_stack");
    put_call(w->out, "current_stacktrace", 0);
    if (caller_tag(w) || len)
        put_said(w, x, len);
    else
        put_const(w->out, "none");
}

static bool is_atom(struct tap_cursor c, const char *atom)
{
    return tap_match_atom(&c, atom);
}

static bool is_caller(struct tap_cursor c)
{
    uint32_t arity;
    return tap_read_tuple(&c, &arity) && arity == 1 && tap_match_atom(&c, "caller");
}

/* One action of the user's, and past it. */
static bool put_action(const struct spec_writer *w, struct tap_cursor *c)
{
    struct tap_cursor x = *c;
    const uint8_t *from = c->p;
    uint32_t arity;
    if (!tap_skip(c))
        return false;
    bool message = tap_read_tuple(&x, &arity) && arity == 2 && tap_match_atom(&x, "message");
    bool caller = w->flags & TAP_PLAN_CALLER;
    bool always = is_said(w) || w->target == TAP_SPEC_RECEIVES;
    if (!message || is_atom(x, "false") || (is_atom(x, "true") && !always))
        tap_buf_put(w->out, from, (size_t)(c->p - from));
    else if (is_atom(x, "true") || (caller && is_caller(x)))
        put_message(w, NULL, 0);
    else
        put_message(w, x.p, (size_t)(c->p - x.p));
    return true;
}

static void put_mark(struct tap_buf *b)
{
    put_call(b, "const", 1);
    put_call(b, "beamtap", 1);
    tap_write_atom(b, "run");
}

/* {Head, Conditions, Body}, and past it. */
static bool put_clause(const struct spec_writer *w, struct tap_cursor *c)
{
    uint32_t arity, n = 0;
    const uint8_t *from = c->p;
    if (!tap_read_tuple(c, &arity) || arity != 3 || !tap_skip(c) || !tap_skip(c))
        return false;
    tap_buf_put(w->out, from, (size_t)(c->p - from));
    if (!tap_read_list(c, &n))
        return false;
    bool calls = w->target == TAP_SPEC_CALLS;
    bool first = w->target == TAP_SPEC_RECEIVES || (calls && is_said(w));
    bool last = calls && w->flags & (TAP_PLAN_RETURN | TAP_PLAN_EXCEPTION);
    tap_write_list(w->out, 1 + first + n + last);
    put_mark(w->out);
    if (first)
        put_message(w, NULL, 0);
    for (uint32_t i = 0; i < n; i++)
        if (!put_action(w, c))
            return false;
    if (last)
        put_call(w->out, w->flags & TAP_PLAN_EXCEPTION ? "exception_trace" : "return_trace", 0);
    tap_write_nil(w->out);
    return n == 0 || tap_read_nil(c);
}

bool tap_node_spec_write(struct tap_buf *b, enum tap_spec_target target, const uint8_t *spec,
                         size_t len, uint32_t flags)
{
    struct spec_writer w = {b, target, target == TAP_SPEC_CALLS ? flags : 0};
    size_t skip = len > 0 && spec[0] == TAP_EXT_VERSION;
    struct tap_cursor c = tap_cursor(spec + skip, len - skip);
    uint32_t n;
    if (!tap_read_list(&c, &n) || n == 0)
        return false;
    tap_write_list(b, n);
    for (uint32_t i = 0; i < n; i++)
        if (!put_clause(&w, &c))
            return false;
    tap_write_nil(b);
    return !b->oom && tap_read_nil(&c) && tap_left(&c) == 0;
}
