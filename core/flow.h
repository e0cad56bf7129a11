/* flow.h: pairs what belongs together: a send with its receive, a spawn with the child's start.
 *
 * Both events of a pair carry the same flow id, so that a sink can draw an arrow. Pairing knows the sender, the message
 * and, where the send names a pid, the receiver; per sender and receiver the VM delivers first in, first out, so among
 * equal messages the oldest open one wins. Sends to names and aliases need no resolving: the message confirms them. Events of
 * different processes reach the relay in any order, so a receive may also wait for its send.
 *
 * What is open is bounded: the oldest gives way and is counted as unpaired. One thread.
 */
#ifndef TAP_FLOW_H
#define TAP_FLOW_H

#include "beamtap/plugin.h"

struct tap_flow;

struct tap_flow_stats {
    uint64_t paired;        /* pairs */
    uint64_t sends_open;    /* sends whose receive has not been seen (yet) */
    uint64_t receives_open; /* receives whose send has not been seen (yet) */
    uint64_t sends_evicted, receives_evicted;
    uint64_t no_sender; /* receives that name no sender: timers, monitors, ports */
    uint64_t spawned;   /* spawns paired with their starts */
};

/* At most `max_open` (rounded up to a power of two) events wait. NULL when out of memory. */
struct tap_flow *tap_flow_new(size_t max_open);
void tap_flow_free(struct tap_flow *);
/* Gives the event its flow id, where it has one. Every send and spawn gets one; a receive or start only when it is paired or
 * may still be. The event's spans point into `arena`. */
void tap_flow_event(struct tap_flow *, struct tap_event *, const uint8_t *arena);
void tap_flow_read_stats(const struct tap_flow *, struct tap_flow_stats *);

#endif
