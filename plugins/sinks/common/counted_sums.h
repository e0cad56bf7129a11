/* counted_sums.h: a profile's rows (beamtap/counters.h) added up, by function and by process. */
#ifndef TAP_SINKS_COMMON_COUNTED_SUMS_H
#define TAP_SINKS_COMMON_COUNTED_SUMS_H

#include "beamtap/counters.h"
#include "sinks/common/map.h"

#define TAP_COUNTED_FUNCTIONS 65536u /* what comes after them is counted as one */

/* What the VM has counted of a function, or in a process. What it did not count is 0. */
struct tap_counted_sum {
    int64_t calls, ns, bytes;
    uint32_t module, function; /* 0: all functions that were too many */
    uint32_t process;          /* the sink's index; 0: all that have none */
    int32_t arity;
    bool is_process;
};

/* All zero at first. */
struct tap_counted_sums {
    struct tap_map at;
    struct tap_counted_sum *rows, all; /* rows: in the order in which they came first */
    uint32_t count, functions;         /* functions: how many of the rows are one */
    unsigned counts;                   /* enum tap_counters: what was in the rows */
};

void tap_counted_sums_free(struct tap_counted_sums *);

/* One more row. False: no memory. */
bool tap_counted_sums_add(struct tap_counted_sums *, uint32_t process, const struct tap_batch *,
                          const struct tap_event *);

/* What rows are compared by: time, else memory, else calls, as far as it was counted. */
static inline int64_t tap_counted_value(const struct tap_counted_sums *s,
                                        const struct tap_counted_sum *row)
{
    return s->counts & TAP_COUNT_TIME     ? row->ns
           : s->counts & TAP_COUNT_MEMORY ? row->bytes
                                          : row->calls;
}

#endif
