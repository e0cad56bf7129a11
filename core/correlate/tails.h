/* tails.h: loops of functions that call each other last.
 *
 * A server's loop is often two functions: main/1 calls recv/1 last, and that one main/1. Each turn
 * takes the place of the one before on the process's stack; but the VM tells of calls alone, and of
 * all their returns when the loop ends. What tells a tail call is its caller: it is that of the
 * frame which it replaces, and not that frame's function. So a call whose function stands already
 * in such a chain at the top of its process's stack goes on with a loop: it and its end get
 * TAP_EVENT_TAIL.
 *
 * A function that comes again through one that is not traced (walk/1 in lists:map/2) looks the same
 * until it returns: then what called it goes on, and the others have not returned. From there on
 * that function is never taken for a loop again.
 *
 * Memory is bounded: the processes that were silent longest, and what is deeper than a stack has
 * room for, are forgotten. One thread.
 */
#ifndef TAP_CORRELATE_TAILS_H
#define TAP_CORRELATE_TAILS_H

#include "decode/trace_message.h"

struct tap_tails;

struct tap_tails *tap_tails_new(void); /* NULL when out of memory */
void tap_tails_free(struct tap_tails *);
/* Flags the event where it is of a loop's turn, and takes the caller away that nobody asked for. */
void tap_tails_told(struct tap_tails *, struct tap_event *);
static inline void tap_tails_event(struct tap_tails *t, struct tap_event *ev)
{
    /* Where there are returns the node says who called, and without that nothing can be told. */
    if (ev->kind != TAP_FUNCTION_CALL || ev->flags & TAP_DECODE_CALLER)
        tap_tails_told(t, ev);
}

#endif
