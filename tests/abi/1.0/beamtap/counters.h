/* beamtap/counters.h: a row of a profile (TAP_FUNCTION_COUNTERS): what the VM has counted of one
 * function, in one process or in all of them, since the row before.
 *
 *     {Calls, Nanoseconds | none, Bytes | none}
 *
 * Time is the function's own: without what functions that are counted too took within it, and
 * without what its process waited. Memory is what it took of the heap. The sum of a function's rows
 * is what the VM's counter says.
 */
#ifndef BEAMTAP_COUNTERS_H
#define BEAMTAP_COUNTERS_H

#include "event.h"
#include "term.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is counted in a run, joined by or (tap_plan.counters). */
enum tap_counters { TAP_COUNT_CALLS = 1, TAP_COUNT_TIME = 2, TAP_COUNT_MEMORY = 4 };

struct tap_counted {
    int64_t calls, ns, bytes; /* ns, bytes: -1: not counted */
};

static inline bool tap_counted_one(struct tap_cursor *c, int64_t *value)
{
    *value = -1;
    return tap_match_atom(c, "none") || (tap_read_i64(c, value) && *value >= 0);
}

/* False: it is no such term (without version byte). */
static inline bool tap_counted_read(const uint8_t *term, size_t len, struct tap_counted *row)
{
    struct tap_cursor c = tap_cursor(term, len);
    uint32_t n;
    return tap_read_tuple(&c, &n) && n == 3 && tap_read_i64(&c, &row->calls) && row->calls >= 0 &&
           tap_counted_one(&c, &row->ns) && tap_counted_one(&c, &row->bytes);
}

#ifdef __cplusplus
}
#endif
#endif
