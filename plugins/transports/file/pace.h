/* pace.h: playing a recording as it was lived: each node's events so long after its first one as
 * they were then; where several files take turns, all events after the first of all. */
#ifndef TAP_TRANSPORTS_FILE_PACE_H
#define TAP_TRANSPORTS_FILE_PACE_H

#include "beamtap/frame.h"
#include "beamtap/transport.h"

struct tap_pace {
    bool known;
    int64_t there; /* the node's clock at its first frame of events, ns; or the time since 1970 */
    int64_t here;  /* ours then */
};

/* The time of the trace message at the cursor, by the node's clock. False: it says none. */
bool tap_message_time(struct tap_cursor *, int64_t *ns);
/* How long it is until this moment, by the clock of `there`, in ms; 0: it is now. */
int64_t tap_pace_until(struct tap_pace *, int64_t then);
/* How long it is until this frame of events is due; 0 also where it says no time. */
int64_t tap_pace_due(struct tap_pace *, const struct tap_frame *, const uint8_t *frame);

#endif
