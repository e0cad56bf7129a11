/* query.h: what nodes answer to a question that is no trace, for the commands that ask one. */
#ifndef TAP_CLI_QUERY_H
#define TAP_CLI_QUERY_H

#include <cjson/cJSON.h>

#include "beamtap/term.h"
#include "session/session.h"

/* Asks `nodes` (separated by commas) for `verb` and adds to `answers`, an object, what each said,
 * under its name. Causes of those that did not go to `err`. The exit code: 0, or 1 or 2 when
 * anything failed. */
int tap_query_ask(const char *nodes, const char *const *sets, size_t set_count, const char *verb,
                  cJSON *answers, struct tap_error *err);
/* The texts of an array, joined: "a, b and 3 more"; at most `most` of them. What is no text prints
 * as JSON. */
void tap_query_list(const cJSON *array, int most, FILE *out);
/* A line where a node says that the agent's module stays there, and why. */
void tap_query_stays(const cJSON *answer);

#endif
