/* outputs.h: -o FILE: the sink that writes it goes by the ending of its name. */
#ifndef TAP_CLI_OUTPUTS_H
#define TAP_CLI_OUTPUTS_H

#include "cli/cli.h"

struct tap_cli_outputs {
    const char *command;  /* as the user writes it */
    const char *standard; /* the sink of the file - */
    bool elixir;          /* terms are written so, where a sink can */
    const char *const *files;
    size_t count;
};

/* Adds a sink for each file. `args`: what --set says of where plugins are. The exit code; anything
 * but 0 has been told. */
int tap_cli_outputs(const struct tap_cli_outputs *, const struct tap_cli_args *args,
                    struct tap_cli_sets *);

#endif
