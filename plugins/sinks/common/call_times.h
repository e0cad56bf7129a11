/* call_times.h: calls and their times, for sinks that count: how often each function was called,
 * how long its calls took in all, how much of that was its own, and how they are spread.
 *
 * Times are those of the clock, and tracing is in them. A call's own time is its length without
 * that of the traced calls in it, and without what its process waited meanwhile, as far as that is
 * told:
 *
 *     schedule_in, schedule_out   exactly: whatever time the process was not running
 *     message_receive             from the last event of the process to its receive, where the
 *                                 message was not there before (also one that timed out); where its
 *                                 send was seen, until that. What the process does meanwhile and
 *                                 nobody traces cannot be told from waiting: the VM tells that a
 *                                 message was fetched, not since when it was waited for. So own
 *                                 time is the least that it can be
 *     neither                     not at all: own time is that of the clock
 *
 * A return pops to its function: what lies above was left by an exception that nobody traced. A
 * call within a call of the same function counts for `own` alone.
 */
#ifndef TAP_SINKS_COMMON_CALL_TIMES_H
#define TAP_SINKS_COMMON_CALL_TIMES_H

#include "beamtap/returns_off.h"
#include "sinks/common/flow_times.h"
#include "sinks/common/histogram.h"
#include "sinks/common/map.h"

#define TAP_CALL_FUNCTIONS 65536u /* calls of what comes after them are counted as one, the first */
#define TAP_CALL_DEPTH 1000000u   /* frames of one process */

struct tap_call_function {
    uint32_t module, function;
    int32_t arity;
    bool returns; /* a return of it was seen, or all are traced: its calls have a length */
    uint64_t calls, returned, thrown;
    int64_t total, own, waited; /* ns */
    struct tap_histogram lengths;
};

struct tap_call_frame {
    uint32_t function;
    bool inside;  /* of a call of the same function */
    uint32_t tag; /* the sink's */
    int64_t start, inner, waited;
};

/* The open calls of one process; all zero at first. */
struct tap_call_stack {
    uint32_t depth, cap, epoch;
    uint64_t beyond; /* calls deeper than frames are kept */
    struct tap_call_frame *frames;
    int64_t last, out;  /* ts of its last event, and since when it does not run; 0: none */
    uint64_t unwinding; /* the exception that goes through it, as a hash; 0: none */
};

struct tap_call_times {
    const struct tap_host *host;
    bool returns; /* all are traced */
    bool no_memory;
    bool scheduled, received; /* such events were seen: what own times are without */
    bool sent;                /* and the sends of some of what was received */
    struct tap_map function_at, active;
    struct tap_call_function *functions; /* 0 stands for all that were too many */
    uint32_t function_count;
    struct tap_returns_off returns_off;
    uint64_t exceptions; /* each once, however many frames it went through */
    /* What a sink wants to know besides; NULL: nothing. `begun` has the frame on the stack, `ended`
     * has it taken off, with its length and what of it was its own (< 0: unknown). */
    void *context;
    void (*begun)(void *context, uint32_t process, struct tap_call_stack *);
    void (*ended)(void *context, uint32_t process, const struct tap_call_stack *,
                  const struct tap_call_frame *, int64_t length, int64_t own);
};

bool tap_call_times_init(struct tap_call_times *, const struct tap_host *);
void tap_call_times_free(struct tap_call_times *);

/* Each event of a process, and first of all: waiting. `sent` is when the message that it takes was
 * sent; 0: unknown, or it takes none. */
void tap_call_times_event(struct tap_call_times *, struct tap_call_stack *,
                          const struct tap_event *, int64_t sent);
/* process: its index, for `begun` and `ended`; 0 stands for many, which have no stack. */
void tap_call_times_call(struct tap_call_times *, struct tap_call_stack *, uint32_t process,
                         const struct tap_event *);
/* A return or an exception. True: an exception that was not told yet, for it begins here. */
bool tap_call_times_end(struct tap_call_times *, struct tap_call_stack *, uint32_t process,
                        const struct tap_batch *, const struct tap_event *);
/* Forgets the frames of a process, whose ends nobody will see. */
void tap_call_times_clear(struct tap_call_times *, struct tap_call_stack *, uint32_t process);

/* What `own` is in this trace, for people, and what is not sure about it; "": nothing. */
const char *tap_call_times_own(const struct tap_call_times *);
const char *tap_call_times_doubt(const struct tap_call_times *);

#endif
