/* clock.h: this machine's clocks, in ns. A node's are in decode/node_clock.h. */
#ifndef TAP_BASE_CLOCK_H
#define TAP_BASE_CLOCK_H

#include <stdint.h>

#define TAP_SECOND INT64_C(1000000000)
/* Times of events are within 1 .. TAP_TIME_MAX ns since the epoch (the year 2116), so that what is
 * between two of them, and what is two of them together, fits in an int64_t wherever it is worked
 * out. */
#define TAP_TIME_MAX (INT64_MAX / 2)

/* Since the epoch, and one that never jumps. Any thread. */
int64_t tap_clock_now(void);
int64_t tap_clock_steady(void);

#endif
