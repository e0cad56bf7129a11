/* call_stacks.h: the stacks of traced calls, process by process, as their events tell them.
 *
 * Returns come last in first out; one that is not the innermost call's means that those above it
 * were left by an exception that nobody traced, and pops to its function. A turn of a loop that is
 * told as a tail call (TAP_EVENT_TAIL) stands in the frame that the loop began with. What was open
 * at a loss or gap, when its node went, or when its process began anew, has ended nobody knows
 * when: process by process in the order in which they began to have open calls. Calls whose returns
 * are not traced, or no longer (returns_off.h), end where they begin.
 */
#ifndef TAP_SINKS_COMMON_CALL_STACKS_H
#define TAP_SINKS_COMMON_CALL_STACKS_H

#include "beamtap/sink.h"

#define TAP_STACKS_DEPTH 512u       /* deeper calls are counted, not told apart */
#define TAP_STACKS_PROCESSES 65536u /* with open calls; of more, calls end where they begin */

enum tap_call_end {
    TAP_CALL_RETURNED,
    TAP_CALL_THREW,
    TAP_CALL_UNWOUND, /* left by an exception of an outer call's, at the latest then */
    TAP_CALL_EXITED,  /* its process ended */
    TAP_CALL_POINT,   /* its end is not traced: it has no length */
    TAP_CALL_UNKNOWN  /* what would tell was lost: it has no length either */
};

/* A call that has ended, and the calls around it. */
struct tap_call {
    const struct tap_mfa *stack; /* from the outermost; the last one is its own */
    uint32_t depth;              /* at least 1 */
    struct tap_pid pid;
    uint32_t node; /* index */
    enum tap_call_end end;
    int64_t start, total, own; /* ns; own: without the calls inside. Below 0 never */
    uint64_t tag, outer;       /* the sink's word for it and for the call around it; 0: none */
};

struct tap_call_stacks;

/* `ended` is told of each call once. NULL: out of memory. */
struct tap_call_stacks *tap_call_stacks_new(const struct tap_host *,
                                            bool (*ended)(void *arg, const struct tap_call *),
                                            void *arg);
void tap_call_stacks_free(struct tap_call_stacks *);
/* Every event, of any kind. False: out of memory, or `ended` said so. */
bool tap_call_stacks_take(struct tap_call_stacks *, const struct tap_event *);
/* The same for a sink that has a word of its own for a call, such as its number, which is not 0;
 * `ended` hears it again. */
bool tap_call_stacks_take_as(struct tap_call_stacks *, const struct tap_event *, uint64_t tag);
/* The tag of the innermost call of this process that is open; 0: none is. */
uint64_t tap_call_stacks_inside(const struct tap_call_stacks *, const struct tap_pid *);
/* The run is over: what is open still ends as unknown. */
bool tap_call_stacks_finish(struct tap_call_stacks *);

struct tap_writer;
/* Writes the functions of a stack as flame graphs have them: shop_cart:add/2;shop_cart:price/2. A ;
 * within a name becomes a comma. */
void tap_call_stack_put(struct tap_writer *, const struct tap_mfa *stack, size_t depth);

#endif
