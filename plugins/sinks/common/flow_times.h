/* flow_times.h: when the messages were sent that are on their way, by the number that a send and
 * its receive share (tap_event.flow). Bounded: of TAP_FLOW_TIMES messages under way the one that
 * was sent first makes room in its set.
 */
#ifndef TAP_SINKS_COMMON_FLOW_TIMES_H
#define TAP_SINKS_COMMON_FLOW_TIMES_H

#include "beamtap/sink.h"

#define TAP_FLOW_TIMES 65536u
#define TAP_FLOW_SET 4u /* places for the same numbers */

struct tap_flow_time {
    uint64_t flow; /* 0: free */
    int64_t sent;
    uint32_t from, pair, message; /* what the sink keeps with it */
};

struct tap_flow_times {
    struct tap_flow_time *at;
};

bool tap_flow_times_init(struct tap_flow_times *); /* false: no memory */
void tap_flow_times_free(struct tap_flow_times *);
/* A place for a message that was sent. */
struct tap_flow_time *tap_flow_times_put(struct tap_flow_times *, uint64_t flow, int64_t sent);
/* Takes it out; false: its send was not seen, or is forgotten. */
bool tap_flow_times_take(struct tap_flow_times *, uint64_t flow, struct tap_flow_time *);
/* A send is put in, a receive taken out: when the message that is taken was sent; 0: unknown. */
int64_t tap_flow_times_event(struct tap_flow_times *, const struct tap_event *);

#endif
