/* told.h: what a recording says of itself, in frames of its own (beamtap/frame.h). */
#ifndef TAP_TRANSPORTS_FILE_TOLD_H
#define TAP_TRANSPORTS_FILE_TOLD_H

#include "beamtap/frame.h"
#include "beamtap/transport.h"

/* The one term of a control frame of the file's own, opened as a tuple of `arity`, after its tag.
 */
bool tap_told_term(const struct tap_frame *, const uint8_t *frame, uint32_t arity, const char *tag,
                   struct tap_cursor *);
/* What {session, Map} says, at the cursor. *run and *config, which are the caller's to free, become
 * what stands there. */
bool tap_told_session(const struct tap_host *, struct tap_cursor *, struct tap_run_info *,
                      char **run, char **config);

#endif
