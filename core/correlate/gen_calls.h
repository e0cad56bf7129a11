/* gen_calls.h: which messages are calls, casts and replies of OTP's behaviours (beamtap/gen.h), and
 * how long a reply took.
 *
 * A call is known by the reference in it, from its send or its receive, whichever comes first, and
 * is the same one where a server passes it on; a reply that carries the reference of a call that
 * was seen is one, and knows the time since: at the caller that is what the call took, by one
 * clock. What is remembered is bounded: a newer one may take the place of an older one, whose reply
 * then is a plain message.
 */
#ifndef TAP_CORRELATE_GEN_CALLS_H
#define TAP_CORRELATE_GEN_CALLS_H

#include "beamtap/event.h"

struct tap_gen_calls;

struct tap_gen_stats {
    uint64_t calls, casts;    /* sends */
    uint64_t replies;         /* at the callers */
    uint64_t took, took_most; /* ns: of all replies together, and the longest */
};

struct tap_gen_calls *tap_gen_calls_new(void);
void tap_gen_calls_free(struct tap_gen_calls *);
/* Marks a send or receive: gen, and of a reply took. Its spans point into `arena`. */
void tap_gen_calls_event(struct tap_gen_calls *, struct tap_event *, const uint8_t *arena);
void tap_gen_calls_stats(const struct tap_gen_calls *, struct tap_gen_stats *);

#endif
