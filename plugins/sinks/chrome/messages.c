/* messages.c: sends and receives. Both are slices of 1 ns, because an arrow has to stand on a slice
 * at each end. */
#include "sinks/chrome/timeline.h"

void tap_messages_send(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    struct tap_track *t = tap_process_track(c, in);
    if (!t)
        return;
    if (ev->gen == TAP_GEN_CALL)
        tap_gen_request(c, in, t, in->ts);
    int64_t start = ev->flags & TAP_EVENT_NONEXISTING
                        ? tap_emit_point(c, t, in->ts, TAP_TAIL("message", "send to nobody"))
                        : tap_emit_point(c, t, in->ts, TAP_TAIL("message", "send"));
    tap_emit_peer(c, "to", in);
    tap_emit_term(c, "message", in, ev->payload);
    tap_emit_extras(c, in);
    tap_emit_close(c, 1);
    if (ev->flow)
        tap_flow_start(c, ev->flow, TAP_FLOW_MESSAGE, t, start);
    if (ev->gen == TAP_GEN_REPLY)
        tap_gen_replied(c, in, t);
}

void tap_messages_receive(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    struct tap_track *t = tap_process_track(c, in);
    if (!t)
        return;
    int64_t ts = tap_flow_bend(c, ev->flow, in->ts);
    if (ev->gen == TAP_GEN_CALL)
        tap_gen_request(c, in, t, ts);
    int64_t start = ev->flags & TAP_EVENT_TIMEOUT
                        ? tap_emit_point(c, t, ts, TAP_TAIL("message", "receive timeout"))
                        : tap_emit_point(c, t, ts, TAP_TAIL("message", "receive"));
    tap_emit_peer(c, "from", in);
    if (!(ev->flags & TAP_EVENT_TIMEOUT))
        tap_emit_term(c, "message", in, ev->payload);
    tap_emit_extras(c, in);
    tap_emit_close(c, 1);
    tap_flow_end(c, ev->flow, TAP_FLOW_MESSAGE, t, start);
    tap_stack_received(t);
    if (ev->gen == TAP_GEN_REPLY)
        tap_gen_replied(c, in, t);
}
