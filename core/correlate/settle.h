/* settle.h: no effect at an earlier time than its cause.
 *
 * The nodes' clocks are known within a bound only, so that a message may seem to be received before
 * it was sent, by another node. Then its time is that of its send and a nanosecond; what its
 * process does next is not earlier than that either. Such events have the flag TAP_EVENT_MOVED. The
 * same for a process that seems to start before it is spawned.
 *
 * Events come in their order (merge.h), already paired (flow.h). One thread.
 */
#ifndef TAP_CORRELATE_SETTLE_H
#define TAP_CORRELATE_SETTLE_H

#include "beamtap/event.h"

struct tap_settle;

struct tap_settle_stats {
    uint64_t moved;     /* were given a later time, because of their cause */
    int64_t moved_most; /* ns, at most */
};

/* NULL when out of memory. */
struct tap_settle *tap_settle_new(void);
void tap_settle_free(struct tap_settle *);
void tap_settle_event(struct tap_settle *, struct tap_event *);
void tap_settle_read_stats(const struct tap_settle *, struct tap_settle_stats *);

#endif
