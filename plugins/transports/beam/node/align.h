/* align.h: how far a node's clock is from ours, from exchanges over the connection.
 *
 * We note our time, ask, are told the node's monotonic time, and note our time again: the node read
 * its clock between the two, so each exchange confines the offset to an interval, as wide as the
 * exchange was long. Intervals are intersected: the fastest exchanges win, and slow ones do no
 * harm. Since clocks drift, an interval widens with time. Two are kept: the likely one widens as
 * quartz clocks drift, and its middle is the offset that is used; the sure one widens by what the
 * VM's own corrections can make (one percent), and says how wrong the offset can be. Slow exchanges
 * alone would not contradict a VM that has begun to correct its time. Pure: no I/O.
 */
#ifndef TAP_TRANSPORTS_BEAM_NODE_ALIGN_H
#define TAP_TRANSPORTS_BEAM_NODE_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

/* The offset is between these, ns; both included. */
struct tap_align_range {
    int64_t low, high;
};

struct tap_align {
    int64_t monotonic; /* of the node, when it last answered; the ranges are of that time */
    struct tap_align_range likely, sure;
    int64_t drift; /* assumed for the likely one, in ns a second */
    int64_t
        behind; /* how wrong the offset before the last one was by then, where more than was said */
    unsigned samples, contradictions;
};

/* One exchange: asked at `asked` and answered at `answered`, on our clock (ns since the epoch). */
void tap_align_sample(struct tap_align *, int64_t asked, int64_t answered, int64_t monotonic);
/* The middle of what is likely, and what the true offset may be away from it until `ahead` ns after
 * the last exchange, or was from the one before. */
int64_t tap_align_offset(const struct tap_align *);
int64_t tap_align_error(const struct tap_align *, int64_t ahead);

#endif
