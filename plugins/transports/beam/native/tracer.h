/* tracer.h: the callbacks of an erl_tracer. */
#ifndef TAP_NATIVE_TRACER_H
#define TAP_NATIVE_TRACER_H

#include <erl_nif.h>

/* When the library is loaded. */
void tap_tracer_load(ErlNifEnv *);
/* enabled(Tag, State, Tracee), trace(Tag, State, Tracee, Term, Options) */
ERL_NIF_TERM tap_tracer_enabled(ErlNifEnv *, int argc, const ERL_NIF_TERM argv[]);
ERL_NIF_TERM tap_tracer_trace(ErlNifEnv *, int argc, const ERL_NIF_TERM argv[]);

#endif
