/* subject.h: an event as a match spec sees it: [Arguments], [To, Message], [Node, Sender, Message].
 */
#ifndef TAP_FILTERS_MATCH_SPEC_SUBJECT_H
#define TAP_FILTERS_MATCH_SPEC_SUBJECT_H

#include "filters/match_spec/judge.h"
#include "filters/match_spec/spec.h"

enum { MS_SUBJECT_ITEMS = 255 };

/* Makes the subject; `items` has room for MS_SUBJECT_ITEMS + 1 values, in which it may lie. What
 * did not come with the event is unknown in it: of the end of a call all arguments are. */
void tap_ms_subject(const struct tap_host *, const struct tap_batch *, const struct tap_event *,
                    struct ms_value *items, struct ms_subject *);
/* May a return of this call come, as far as the event says? sure: it will, for the node reports a
 * caller by itself then. What another tool traced says nothing of it: it may. */
bool tap_ms_returns(const struct tap_host *, const struct tap_batch *, const struct tap_event *,
                    bool *sure);

#endif
