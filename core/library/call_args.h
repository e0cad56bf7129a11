/* call_args.h: what a call's texts mean: names and arguments, in Erlang's or Elixir's syntax. */
#ifndef TAP_LIBRARY_CALL_ARGS_H
#define TAP_LIBRARY_CALL_ARGS_H

#include "base/error.h"
#include "beamtap/beamtap.h"
#include "beamtap/term_write.h"

struct tap_call_args {
    enum tap_print_syntax syntax;
    struct tap_buf arguments; /* an external term without version byte */
    char *module, *function;
};

/* Into a zeroed struct. False: see `err`. */
bool tap_call_args_read(struct tap_call_args *, const struct tap_call *, struct tap_error *err);
void tap_call_args_free(struct tap_call_args *);

#endif
