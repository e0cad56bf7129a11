/* chain.h: one chain of messages, from the first through every process that it leads to
 * ([session] follow = message).
 *
 * Of the chain are: the first message; what a process sends while it is in the chain; whom it
 * spawns. A process is in it from when such a message came: of a gen_server call until it has
 * replied to it, else until a message came that is not of the chain. A reply is of the chain when
 * its call was, whatever its process does meanwhile. What nobody can see from outside: which of
 * several messages in its mailbox a process works on; between two that are no calls the line is
 * drawn where they came.
 *
 * Everything is bounded: what has no room is left out of the chain, and counted. One thread.
 */
#ifndef TAP_BUS_CHAIN_H
#define TAP_BUS_CHAIN_H

#include "beamtap/event.h"

struct tap_chain;
struct tap_chain_stats {
    uint64_t messages;  /* of the chain, that were sent */
    uint64_t processes; /* that came into it, or were spawned on its way; again each time */
    uint64_t forgotten; /* messages and processes that there was no room for */
};

/* NULL: out of memory. */
struct tap_chain *tap_chain_new(void);
void tap_chain_free(struct tap_chain *);
/* The chain begins with this event: its message, or else what its process does from here on. */
void tap_chain_begin(struct tap_chain *, const struct tap_event *, const uint8_t *arena);
bool tap_chain_begun(const struct tap_chain *);
/* Is this event of the chain? In their order, and after messages were paired. */
bool tap_chain_event(struct tap_chain *, const struct tap_event *, const uint8_t *arena);
void tap_chain_read_stats(const struct tap_chain *, struct tap_chain_stats *);

#endif
