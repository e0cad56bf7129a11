/* stack_guard.h: functions whose calls pile up on a process's stack.
 *
 * Where returns are traced each call leaves a few words on the stack until it returns, and a
 * function that goes on by a tail call never does: its process grows for as long as it loops. So
 * calls less returns are counted for each process and function; at TAP_STACK_GUARD_OPEN the
 * transport is told, has the node look at the process's stack (a call that an untraced exception
 * ended leaves nothing there, but counts here) and take the function's return trace away. Each
 * asking doubles what must be open before the next.
 *
 * Memory is bounded: beyond it, a process that calls much takes the place of one that calls seldom.
 */
#ifndef TAP_CORRELATE_STACK_GUARD_H
#define TAP_CORRELATE_STACK_GUARD_H

#include "beamtap/transport.h"

#define TAP_STACK_GUARD_OPEN 1000u

struct tap_stack_guard;

struct tap_stack_guard *tap_stack_guard_new(void);
void tap_stack_guard_free(struct tap_stack_guard *);
/* Counts a call, a return or an exception; TAP_RETURNS_OFF: this function is no longer looked for,
 * until its node is up again. Other events are of no concern. */
void tap_stack_guard_event(struct tap_stack_guard *, const struct tap_event *);
/* The next function to trace without its returns in this node; false: none. */
bool tap_stack_guard_take(struct tap_stack_guard *, uint32_t node, struct tap_deep_stack *);
/* The i-th function of a node whose returns were switched off, as its event; false beyond the
 * last. */
bool tap_stack_guard_done(const struct tap_stack_guard *, uint32_t node, size_t i,
                          struct tap_event *);

#endif
