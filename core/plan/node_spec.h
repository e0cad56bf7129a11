/* node_spec.h: a match spec as a node is given it: what the user wrote, and what beamtap adds. */
#ifndef TAP_PLAN_NODE_SPEC_H
#define TAP_PLAN_NODE_SPEC_H

#include "beamtap/plan.h"
#include "beamtap/term_write.h"

enum tap_spec_target { TAP_SPEC_CALLS, TAP_SPEC_SENDS, TAP_SPEC_RECEIVES };

/* Writes the term (no version byte). `flags`: TAP_PLAN_RETURN, _EXCEPTION, _CALLER and _STACK, what
 * the entry and the run's events ask for. False: `spec` is none, or out of memory. */
bool tap_node_spec_write(struct tap_buf *, enum tap_spec_target, const uint8_t *spec, size_t len,
                         uint32_t flags);

#endif
