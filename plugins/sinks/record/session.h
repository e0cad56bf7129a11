/* session.h: what a recording says first: of the run that it is of. */
#ifndef TAP_SINKS_RECORD_SESSION_H
#define TAP_SINKS_RECORD_SESSION_H

#include "beamtap/plugin.h"
#include "beamtap/term_write.h"

/* {session, Map} (beamtap/frame.h). */
void tap_record_session(const struct tap_host *, struct tap_buf *);

#endif
