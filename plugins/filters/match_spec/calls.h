/* calls.h: which calls of a process are open, and what was decided of each: returns and exceptions
 * follow their call's verdict. */
#ifndef TAP_FILTERS_MATCH_SPEC_CALLS_H
#define TAP_FILTERS_MATCH_SPEC_CALLS_H

#include "beamtap/filter.h"

struct ms_calls;

struct ms_calls *ms_calls_new(void);
void ms_calls_free(struct ms_calls *);
/* A call that will return; `kinds`: TAP_KIND_BITs of what is kept of its end. */
void ms_calls_begin(struct ms_calls *, const struct tap_event *, uint32_t kinds, bool sure);
/* Its end. False: no such call is open, nothing is known of it. */
bool ms_calls_end(struct ms_calls *, const struct tap_event *, uint32_t *kinds);
/* What was open may have ended unseen: of a process, of a node. */
void ms_calls_forget(struct ms_calls *, const struct tap_event *);
void ms_calls_forget_node(struct ms_calls *, uint32_t node);

#endif
