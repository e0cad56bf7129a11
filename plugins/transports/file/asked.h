/* asked.h: what a run asks a recording for, by its plan, as keys of what blocks hold. */
#ifndef TAP_TRANSPORTS_FILE_ASKED_H
#define TAP_TRANSPORTS_FILE_ASKED_H

#include "beamtap/plan.h"
#include "transports/file/reader.h"

/* False: for everything, or nobody may say for what. Out of memory: the same. */
bool tap_asked_make(struct tap_asked *, const struct tap_plan *);
void tap_asked_free(struct tap_asked *);

#endif
