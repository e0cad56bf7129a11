/* own.h: what is beamtap's own in the node is in nobody's trace (agent/own.hrl says what that is).
 *
 * A carrier is rex or net_kernel: their spawns are looked at, and nothing else of them is told. Who
 * turns out to be beamtap's is not told of from here on; the agent hears of it, takes its flags
 * away, and has it forgotten.
 */
#ifndef TAP_NATIVE_OWN_H
#define TAP_NATIVE_OWN_H

#include "transports/beam/native/run.h"

/* In a callback: true: the event is not to be told. */
bool tap_own_event(struct tap_run *, ErlNifEnv *, const struct tap_native_event *);
void tap_own_forget(struct tap_run *, ERL_NIF_TERM pid);
/* In a callback: has this process been met as beamtap's? */
static inline bool tap_own_is(const struct tap_run *r, ERL_NIF_TERM tracee)
{
    unsigned n = atomic_load_explicit(&r->own_high, memory_order_relaxed);
    for (unsigned i = 0; __builtin_expect(i < n, 0); i++)
        if (atomic_load_explicit(&r->own[i], memory_order_relaxed) == tracee)
            return true;
    return false;
}

#endif
