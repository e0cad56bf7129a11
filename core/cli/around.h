/* around.h: where in a recording something happened. */
#ifndef TAP_CLI_AROUND_H
#define TAP_CLI_AROUND_H

#include <stdint.h>

#include "cli/cli.h"

/* Plays the recordings up to the first event that the pattern, a line of the match spec filter,
 * accepts: *ts is its time, *started when the run began, both in ns since the epoch. The exit code;
 * anything but 0 has been told. */
int tap_cli_around(const struct tap_cli_args *files, const char *pattern, int64_t *ts,
                   int64_t *started);

#endif
