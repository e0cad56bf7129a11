/* kinds.h: of which kind a term is, in every release. */
#ifndef TAP_NATIVE_KINDS_H
#define TAP_NATIVE_KINDS_H

#include <erl_nif.h>
#include <stdbool.h>

/* What enif_term_type may not be asked of, and no other kind is. */
#define TAP_KIND_UNREADABLE ((ErlNifTermType)-1)

/* OTP 29 has native records, of which the interface for NIFs knows nothing: enif_term_type ends the
 * VM when it is asked of one (erl_nif.c, ERTS_INTERNAL_ERROR). So from there on each kind is asked
 * for by itself. When the library is loaded. */
void tap_kinds_load(void);
ErlNifTermType tap_kind_asked(ErlNifEnv *, ERL_NIF_TERM);

extern bool tap_kinds_each; /* tests set it, too */
static inline ErlNifTermType tap_kind_of(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return tap_kinds_each ? tap_kind_asked(env, term) : enif_term_type(env, term);
}

#endif
