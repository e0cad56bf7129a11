/* align.h: how far a node's clock is from ours, from exchanges over the connection.
 *
 * We note our time, ask, are told the node's monotonic time, and note our time again: the node read
 * its clock between the two, so each exchange confines the offset to an interval, as wide as the
 * exchange was long. Intervals are intersected: the fastest exchanges win, and slow ones do no
 * harm. Since clocks drift, the interval widens with time, by a little as a rule, and by what the
 * VM's own corrections can make (one percent) once an exchange contradicts what was known. Pure: no
 * I/O.
 */
#ifndef TAP_TRANSPORTS_BEAM_NODE_ALIGN_H
#define TAP_TRANSPORTS_BEAM_NODE_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

struct tap_align {
    int64_t monotonic; /* of the node, when it last answered */
    int64_t low, high; /* the offset, at that time, is between these */
    int64_t drift;     /* assumed, in ns a second */
    unsigned samples, contradictions;
};

/* One exchange: asked at `asked` and answered at `answered`, on our clock (ns since the epoch). */
void tap_align_sample(struct tap_align *, int64_t asked, int64_t answered, int64_t monotonic);
/* The middle of the interval, and what the offset may be away from it until `ahead` ns after the
 * last exchange. */
int64_t tap_align_offset(const struct tap_align *);
int64_t tap_align_error(const struct tap_align *, int64_t ahead);

#endif
