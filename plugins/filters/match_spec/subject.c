/* subject.c: see subject.h. What the envelope does not have as a term is read from the trace
 * message that the event was made of (beamtap/frame.h). */
#include "filters/match_spec/subject.h"

/* {trace | trace_ts, Pid, Tag, A [, B] [, Extra] [, Scheduler] [, Time]}: the cursor stands on A,
 * and *left says how many elements are left, the time not counted. */
static bool open_message(const struct tap_batch *b, const struct tap_event *e, struct tap_cursor *c,
                         struct ms_value *pid, uint32_t *left)
{
    uint32_t arity;
    *c = tap_cursor(b->arena + e->raw.off, e->raw.len);
    tap_read_version(c);
    if (e->raw.len == 0 || !tap_read_tuple(c, &arity) || arity < 4)
        return false;
    bool timed = tap_match_atom(c, "trace_ts");
    if (!timed && !tap_match_atom(c, "trace"))
        return false;
    *pid = ms_value_read(c);
    *left = arity - 3 - timed;
    return tap_skip(c) && tap_skip(c);
}

static struct ms_value span_value(const struct tap_batch *b, struct tap_span span)
{
    struct tap_cursor c = tap_cursor(b->arena + span.off, span.len);
    return span.len ? ms_value_read(&c) : ms_value_unknown();
}

/* A list of `n` values that stand in items[]. */
static struct ms_value list_of(struct ms_value *items, uint32_t n)
{
    items[n] = (struct ms_value){.type = MS_NIL};
    return n ? (struct ms_value){.type = MS_LIST, .source = MS_MADE, .length = n, .made = items}
             : items[n];
}

/* {'$beamtap_from', Node, Sender [, X]}, where it is among the elements left. */
static void read_from(struct tap_cursor *c, uint32_t left, struct ms_value *items)
{
    for (; left > 0 && !c->bad; left--) {
        struct tap_cursor t = *c;
        uint32_t arity;
        if (tap_peek(&t) == TAP_EXT_SMALL_TUPLE && tap_read_tuple(&t, &arity) && arity >= 3 &&
            tap_match_atom(&t, "$beamtap_from")) {
            items[0] = ms_value_read(&t);
            if (tap_skip(&t))
                items[1] = ms_value_read(&t);
            return;
        }
        tap_skip(c);
    }
}

static void arguments(const struct tap_batch *b, const struct tap_event *e, struct ms_value *items,
                      struct ms_subject *s)
{
    bool carried =
        e->kind == TAP_FUNCTION_CALL && !(e->flags & (TAP_EVENT_ARITY_ONLY | TAP_EVENT_TRUNCATED));
    if (carried && e->payload.len) {
        s->whole = span_value(b, e->payload);
        s->unread = s->whole.type == MS_UNKNOWN;
    }
    if (s->whole.type != MS_UNKNOWN || e->arity < 0 || e->arity > MS_SUBJECT_ITEMS)
        return;
    for (int32_t i = 0; i < e->arity; i++)
        items[i] = ms_value_unknown();
    s->whole = list_of(items, (uint32_t)e->arity);
}

void tap_ms_subject(const struct tap_host *host, const struct tap_batch *b,
                    const struct tap_event *e, struct ms_value *items, struct ms_subject *s)
{
    const struct tap_node *node = host->node(host, e->node);
    struct tap_cursor c;
    uint32_t left;
    *s = (struct ms_subject){.whole = ms_value_unknown(), .self = ms_value_unknown()};
    s->node = node && node->name ? ms_value_atom(node->name) : ms_value_unknown();
    s->release = node && node->release ? atoi(node->release) : 0;
    bool read = open_message(b, e, &c, &s->self, &left);
    if (e->kind == TAP_FUNCTION_CALL || e->kind == TAP_FUNCTION_RETURN ||
        e->kind == TAP_FUNCTION_EXCEPTION) {
        arguments(b, e, items, s);
        return;
    }
    bool send = e->kind == TAP_MESSAGE_SEND;
    struct ms_value message =
        e->flags & TAP_EVENT_TRUNCATED ? ms_value_unknown() : span_value(b, e->payload);
    s->unread = message.type == MS_UNKNOWN && !(e->flags & TAP_EVENT_TRUNCATED);
    items[0] = items[1] = ms_value_unknown();
    items[send ? 1 : 2] = message;
    if (read && tap_skip(&c) && send)
        items[0] = ms_value_read(&c);
    else if (read && !send)
        read_from(&c, left - 1, items);
    s->whole = list_of(items, send ? 2 : 3);
}

/* Is it what another tool traced, which says nothing of ends? A trace port does not tell the
 * release. */
static bool is_others(const struct tap_host *host, const struct tap_event *e)
{
    const struct tap_node *node = host->node(host, e->node);
    return !node || !node->release || !*node->release;
}

bool tap_ms_returns(const struct tap_host *host, const struct tap_batch *b,
                    const struct tap_event *e, bool *sure)
{
    struct tap_cursor c;
    struct ms_value pid;
    uint32_t left, n;
    *sure = false;
    if (!open_message(b, e, &c, &pid, &left))
        return true;
    if (left < 2 || !tap_skip(&c) || !tap_read_tuple(&c, &n))
        return is_others(host, e); /* nothing beside the call, or a scheduler's number */
    if (n == 3 && tap_match_atom(&c, "$beamtap_stack") &&
        (!tap_skip(&c) || !tap_read_tuple(&c, &n)))
        return is_others(host, e);
    *sure = tap_match_atom(&c, "$beamtap_tail");
    return *sure || tap_match_atom(&c, "$beamtap_caller") || is_others(host, e);
}
