/* clock.h: the clocks of the nodes, and this machine's.
 *
 * A trace message carries its node's monotonic time, which is usually negative and means nothing elsewhere. The
 * node tells its time_offset when tracing begins and again now and then; adding it gives nanoseconds since the
 * Unix epoch. An offset that changes while tracing (time warp) counts from the place in the stream where it was
 * told.
 */
#ifndef TAP_CLOCK_H
#define TAP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define TAP_SECOND INT64_C(1000000000)

struct tap_clock {
    int64_t offset; /* ns to add to the node's monotonic time */
    bool told;      /* the node itself said so; else it is a guess from this machine's clock */
    bool guessed;
};

/* The node's time_offset in ns. Transport thread. */
void tap_clock_set(struct tap_clock *, int64_t offset);
/* Before the node has told anything: as if `monotonic` were now. Does nothing once an offset is known. */
void tap_clock_guess(struct tap_clock *, int64_t monotonic);

/* ns since the Unix epoch. Wraps rather than overflows: the bytes come from outside. */
static inline int64_t tap_clock_ns(const struct tap_clock *clock, int64_t monotonic)
{
    return (int64_t)((uint64_t)monotonic + (uint64_t)clock->offset);
}

/* This machine's clocks, in ns: since the epoch, and one that never jumps. Any thread. */
int64_t tap_clock_now(void);
int64_t tap_clock_steady(void);

#endif
