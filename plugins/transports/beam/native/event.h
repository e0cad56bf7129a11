/* event.h: one trace event, as the VM hands it to a tracer, to the message that a process would
 * have been sent: {trace_ts, Pid, Tag, A [, B] [, Extra] [, Scheduler], Time} (beamtap/frame.h),
 * but for its last element: whoever sends it knows the time by the node's clock.
 *
 * Each payload is cut on its own; who, what and how many arguments stay true.
 */
#ifndef TAP_NATIVE_EVENT_H
#define TAP_NATIVE_EVENT_H

#include "beamtap/term.h"
#include "transports/beam/native/encode.h"

#define TAP_EVENT_FIXED 16384 /* bytes of a message beside its two payloads, at the most */

/* The atoms that the VM's calls are told by. Made once, when the library is loaded. */
enum tap_native_tag {
    TAP_TAG_CALL,
    TAP_TAG_RETURN_FROM,
    TAP_TAG_SEND,
    TAP_TAG_RECEIVE,
    TAP_TAG_EXCEPTION_FROM,
    TAP_TAG_SPAWN,
    TAP_TAG_SPAWNED,
    TAP_TAG_SEND_TO_NOBODY,
    TAP_TAG_OTHER
};
struct tap_native_atoms {
    ERL_NIF_TERM tags[TAP_TAG_OTHER];
    ERL_NIF_TERM extra, match_spec_result, scheduler_id;
    ERL_NIF_TERM from, stack, x; /* what the agent's match specs say */
};
void tap_native_atoms_make(struct tap_native_atoms *, ErlNifEnv *);

/* What enabled/3 and trace/5 are called with, and when. */
struct tap_native_event {
    ERL_NIF_TERM tag, tracee, term, options;
    int64_t time; /* ns by the machine's clock */
};
/* Writes it at e->p. max_term: bytes of each payload. False: not even cut does it fit. */
bool tap_event_encode(struct tap_encoder *, const struct tap_native_atoms *,
                      const struct tap_native_event *, size_t max_term);

#define TAP_EVENT_TIME 11u         /* bytes of a Time */
#define TAP_EVENT_TIME_NUMBERED 8u /* and of one that is no term */
static inline void tap_event_put_time(uint8_t *p, int64_t time, bool numbered)
{
    if (numbered) {
        tap_put_u64(p, (uint64_t)time);
        return;
    }
    uint64_t magnitude = time < 0 ? 0 - (uint64_t)time : (uint64_t)time;
    p[0] = 110, p[1] = 8, p[2] = time < 0;
    for (int i = 0; i < 8; i++)
        p[3 + i] = (uint8_t)(magnitude >> 8 * i);
}

#endif
