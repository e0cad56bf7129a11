/* wall_time.h: a time as people write it. */
#ifndef TAP_SYNTAX_WALL_TIME_H
#define TAP_SYNTAX_WALL_TIME_H

#include "beamtap/plugin.h"

/* YYYY-MM-DDTHH:MM:SS[.FRACTION][Z], UTC, in nanoseconds since the Unix epoch. False: it is
 * none. */
bool tap_wall_time(const char *text, int64_t *ns);
/* The same of an option; without a text *ns stays. False: it is none, and that is told. */
bool tap_wall_time_option(const struct tap_host *, const char *key, const char *text, int64_t *ns);

#endif
