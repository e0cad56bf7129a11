/* told.h: what a recording says of itself, in frames of its own (beamtap/frame.h). */
#ifndef TAP_TRANSPORTS_FILE_TOLD_H
#define TAP_TRANSPORTS_FILE_TOLD_H

#include "beamtap/frame.h"
#include "beamtap/transport.h"

/* When a run may have begun: others count from there, forth and back. */
#define TAP_TOLD_STARTED_MAX (INT64_MAX / 2)
static inline int64_t tap_told_started(int64_t ns)
{
    return ns < 1 ? 1 : ns < TAP_TOLD_STARTED_MAX ? ns : TAP_TOLD_STARTED_MAX;
}

/* The one term of a control frame of the file's own, opened as a tuple of `arity`, after its tag.
 */
bool tap_told_term(const struct tap_frame *, const uint8_t *frame, uint32_t arity, const char *tag,
                   struct tap_cursor *);
/* What {session, Map} says, in memory of its own; NULL, 0: it does not. */
struct tap_told {
    char *run, *config;
    struct tap_plan_function *returned; /* as in struct tap_run_info */
    size_t returned_count;
};
/* Reads it, at the cursor, and says it in the run's facts. */
bool tap_told_session(const struct tap_host *, struct tap_cursor *, struct tap_run_info *,
                      struct tap_told *);
void tap_told_free(struct tap_told *);

#endif
