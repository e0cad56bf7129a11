/* node_clock.h: a node's clock: from its time to everybody's.
 *
 * A trace message carries its node's monotonic time, which is usually negative and means nothing
 * elsewhere. What has to be added to it to have nanoseconds since the Unix epoch is learned in one
 * of two ways:
 *
 *   told     the node's own time_offset: right by the node's clock, however wrong that is. An
 *            offset that changes while tracing (time warp) counts from the place in the stream
 *            where it was told.
 *   aligned  the transport measured it against the collector's clock, again and again, with a bound
 *            for its error. A correction is not a step: the offset moves to its new value over a
 *            while of the node's time, never faster than time passes, so that a later event never
 *            has an earlier time than one before it.
 *
 * Once aligned, what the node tells of itself no longer counts.
 */
#ifndef TAP_DECODE_NODE_CLOCK_H
#define TAP_DECODE_NODE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* over so much of the node's time a correction is made, at least */
#define TAP_NODE_CLOCK_SLEW (TAP_SECOND / 5)

/* From `at` to `until` of the node's time the offset goes from `from` to `target`; after that it
 * stays. */
struct tap_node_clock_line {
    int64_t at, until, from, target;
};
struct tap_node_clock {
    struct tap_node_clock_line now, before; /* before: for what is older than now.at */
    int64_t latest;                         /* what was timed so far: corrections begin after it */
    /* an offset is known; else it is a guess from this machine's clock */
    bool told;
    bool guessed, aligned;
};

/* The node's time_offset in ns. Transport thread. */
void tap_node_clock_set(struct tap_node_clock *, int64_t offset);
/* The measured offset, as of the node's time `monotonic`. Transport thread. */
void tap_node_clock_align(struct tap_node_clock *, int64_t monotonic, int64_t offset);
/* Before the node has told anything: as if `monotonic` were now. Does nothing once an offset is
 * known. */
void tap_node_clock_guess(struct tap_node_clock *, int64_t monotonic);
int64_t tap_node_clock_slewing(const struct tap_node_clock *, int64_t monotonic);

/* ns since the Unix epoch, within 1 .. TAP_TIME_MAX whatever the bytes say that come from
 * outside. */
static inline int64_t tap_node_clock_ns(const struct tap_node_clock *clock, int64_t monotonic)
{
    int64_t ns = __builtin_expect(monotonic >= clock->now.until, 1)
                     ? (int64_t)((uint64_t)monotonic + (uint64_t)clock->now.target)
                     : tap_node_clock_slewing(clock, monotonic);
    if (__builtin_expect((uint64_t)ns - 1 >= (uint64_t)TAP_TIME_MAX, 0))
        ns = ns < 1 ? 1 : TAP_TIME_MAX;
    return ns;
}

/* Notes that an event of this time was timed. */
static inline void tap_node_clock_used(struct tap_node_clock *clock, int64_t monotonic)
{
    if (monotonic > clock->latest)
        clock->latest = monotonic;
}

#endif
