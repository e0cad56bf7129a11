/* event.h: one trace event, as the VM hands it to a tracer, to the message that a process would
 * have been sent: {trace_ts, Pid, Tag, A [, B] [, Extra] [, Scheduler], Time} (beamtap/frame.h).
 *
 * Each payload is cut on its own; who, what and how many arguments stay true.
 */
#ifndef TAP_NATIVE_EVENT_H
#define TAP_NATIVE_EVENT_H

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
};
void tap_native_atoms_make(struct tap_native_atoms *, ErlNifEnv *);

/* What enabled/3 and trace/5 are called with, and when. */
struct tap_native_event {
    ERL_NIF_TERM tag, tracee, term, options;
    int64_t time; /* ns of monotonic time */
};
/* Writes it at e->p. max_term: bytes of each payload. False: not even cut does it fit. */
bool tap_event_encode(struct tap_encoder *, const struct tap_native_atoms *,
                      const struct tap_native_event *, size_t max_term);

#endif
