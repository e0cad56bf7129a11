/* stream.c: a node's stream: a life of it, and what stands in it beside its events. */
#include "decode/frame.h"

void tap_stream_again(struct tap_stream *s)
{
    s->base = s->next;
    s->clock = (struct tap_node_clock){0};
}

struct tap_event *tap_stream_event(struct tap_stream *s, struct tap_batch_impl *batch,
                                   unsigned kind, int64_t ts)
{
    struct tap_event *ev = tap_batch_add(batch);
    if (!ev)
        return NULL;
    ev->kind = (uint8_t)kind;
    ev->node = s->node;
    ev->seq = s->next;
    ev->ts = ts;
    return ev;
}
