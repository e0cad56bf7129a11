/* node_labels.c: see node_labels.h. */
#include "sinks/common/node_labels.h"

const char *const tap_print_syntaxes[] = {
    [TAP_PRINT_ERLANG] = "erlang", [TAP_PRINT_ELIXIR] = "elixir", NULL};
