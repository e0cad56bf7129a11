/* flow.h: pairs what belongs together: a send with its receive, a spawn with the child's start, on
 * one node or between two.
 *
 * Both events of a pair carry the same flow id, so that a sink can draw an arrow. What is compared:
 *
 *   the message     always, all of it (message_hash.h); of one that was cut in the node its size,
 *                   and then no other may be meant, see below
 *   the receiver    where the send names a pid; a name counts as the pid that it was last known for
 *                   (registered_names.h), but only to choose among several; an alias is confirmed
 *                   by the message, which holds it
 *   the sender      where the receive names it; from another node the VM tells only which node, and
 *                   then that is compared
 *
 * Per sender and receiver the VM delivers first in, first out, so among equal ones the oldest open
 * one wins. Events of different processes reach the collector in any order, so a receive may also
 * wait for its send, but not for one that is later by their clock. What cannot be told apart: equal
 * messages to one receiver from several processes of one other node.
 *
 * Messages that were cut at max_term may be alike in size and differ: which of two it is cannot be
 * told (one with priority overtakes, one may have gone unseen). So a cut message is paired only
 * where a single open end fits, and nothing that was sent since may have been missed; otherwise
 * both ends stay unpaired, and are counted as that.
 *
 * What is open is bounded: the oldest gives way and is counted as unpaired. One thread.
 */
#ifndef TAP_CORRELATE_FLOW_H
#define TAP_CORRELATE_FLOW_H

#include "names/atom_cache.h"

struct tap_flow;

struct tap_flow_stats {
    uint64_t paired;        /* messages: pairs */
    uint64_t sends_open;    /* sends whose receive was not seen: not fetched, or not traced */
    uint64_t receives_open; /* receives whose send was not seen */
    uint64_t sends_evicted, receives_evicted; /* too many were open */
    uint64_t to_ports, to_nobody;             /* sends that no process can receive */
    /* receives that no process sent: timers, monitors, ports */
    uint64_t no_sender;
    /* Of those that are open: the other end is a process of which no message was seen at all, so it
     * is not traced, or does nothing. A few of many thousand may be missing here. */
    uint64_t sends_unseen, receives_unseen;
    /* Of those that are open: cut, and another of that size could be meant as well. */
    uint64_t sends_cut, receives_cut;
    uint64_t spawned; /* spawns paired with their starts */
    uint64_t spawns_open, starts_open;
};

/* At most `max_open` (rounded up to a power of two) ends wait. NULL when out of memory. */
struct tap_flow *tap_flow_new(size_t max_open, struct tap_atom_cache *);
void tap_flow_free(struct tap_flow *);
/* Gives the event its flow id, where it has one, and learns names. Every send to a process and
 * every spawn gets one; a receive or start only when it is paired or may still be. A receive from
 * another node, which tells only that, is told its sender where the send came before it. Losses
 * and gaps it has to know too. The event's spans point into `arena`. */
void tap_flow_event(struct tap_flow *, struct tap_event *, const uint8_t *arena);
void tap_flow_read_stats(const struct tap_flow *, struct tap_flow_stats *);

#endif
