/* flow_times.c: see flow_times.h. */
#include "sinks/common/flow_times.h"

#include <stdlib.h>

bool tap_flow_times_init(struct tap_flow_times *f)
{
    f->at = calloc(TAP_FLOW_TIMES, sizeof *f->at);
    return f->at != NULL;
}

void tap_flow_times_free(struct tap_flow_times *f)
{
    free(f->at);
    f->at = NULL;
}

static struct tap_flow_time *set_of(struct tap_flow_times *f, uint64_t flow)
{
    return &f->at[flow * 0x9e3779b97f4a7c15ull >> 32 & (TAP_FLOW_TIMES - TAP_FLOW_SET)];
}

struct tap_flow_time *tap_flow_times_put(struct tap_flow_times *f, uint64_t flow, int64_t sent)
{
    struct tap_flow_time *set = set_of(f, flow), *place = set;
    for (struct tap_flow_time *t = set; t < set + TAP_FLOW_SET; t++)
        if (place->flow && (!t->flow || t->sent < place->sent))
            place = t;
    *place = (struct tap_flow_time){.flow = flow, .sent = sent};
    return place;
}

bool tap_flow_times_take(struct tap_flow_times *f, uint64_t flow, struct tap_flow_time *out)
{
    struct tap_flow_time *set = set_of(f, flow);
    for (struct tap_flow_time *t = set; flow && t < set + TAP_FLOW_SET; t++)
        if (t->flow == flow) {
            *out = *t;
            t->flow = 0;
            return true;
        }
    return false;
}

int64_t tap_flow_times_event(struct tap_flow_times *f, const struct tap_event *e)
{
    struct tap_flow_time flow;
    if (e->flow && e->kind == TAP_MESSAGE_SEND)
        tap_flow_times_put(f, e->flow, e->ts);
    else if (e->kind == TAP_MESSAGE_RECEIVE && tap_flow_times_take(f, e->flow, &flow))
        return flow.sent;
    return 0;
}
