/* clock.h: this machine's clocks, in ns. A node's are in decode/node_clock.h. */
#ifndef TAP_BASE_CLOCK_H
#define TAP_BASE_CLOCK_H

#include <stdint.h>

#define TAP_SECOND INT64_C(1000000000)

/* Since the epoch, and one that never jumps. Any thread. */
int64_t tap_clock_now(void);
int64_t tap_clock_steady(void);

#endif
