/* histogram.h: how times are spread, in bounded memory and whatever their size: percentiles of any
 * number of them are right within 1.6 %.
 *
 * As HdrHistogram does it (no package of it for C is at hand): each power of two is cut into
 * TAP_HISTOGRAM_STEPS equal steps, and those from the smallest to the largest that were seen are
 * kept.
 */
#ifndef TAP_SINKS_COMMON_HISTOGRAM_H
#define TAP_SINKS_COMMON_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define TAP_HISTOGRAM_BITS 5
#define TAP_HISTOGRAM_STEPS (1u << TAP_HISTOGRAM_BITS)

struct tap_histogram {
    uint64_t count;
    int64_t min, max;
    uint64_t *at;        /* counts of the steps from `first` on; NULL: none yet */
    uint32_t first, len; /* whole powers of two */
};

/* Of what is below 0 it takes 0. False: no memory; the value is in `count`, `min` and `max`. */
bool tap_histogram_add(struct tap_histogram *, int64_t value);
/* Adds all that another one holds. False: no memory. */
bool tap_histogram_merge(struct tap_histogram *, const struct tap_histogram *other);
/* The value that `percent` of all are not above; the middle of its step, and within min..max. 0: it
 * is empty. */
int64_t tap_histogram_percentile(const struct tap_histogram *, double percent);
/* The step of a value, and the smallest value of a step. */
uint32_t tap_histogram_step(int64_t value);
int64_t tap_histogram_low(uint32_t step);
void tap_histogram_free(struct tap_histogram *);

#endif
