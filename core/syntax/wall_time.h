/* wall_time.h: a time as people write it. */
#ifndef TAP_SYNTAX_WALL_TIME_H
#define TAP_SYNTAX_WALL_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* YYYY-MM-DDTHH:MM:SS[.FRACTION][Z], UTC, in nanoseconds since the Unix epoch. False: it is
 * none. */
bool tap_wall_time(const char *text, int64_t *ns);

#endif
