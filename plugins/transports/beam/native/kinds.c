/* kinds.c: see kinds.h. The kinds that are most often met are asked for first. */
#include "transports/beam/native/kinds.h"

#include <stdlib.h>

#define RECORDS_SINCE 29 /* the release that has native records */

bool tap_kinds_each;

void tap_kinds_load(void)
{
    ErlNifSysInfo info = {0};
    enif_system_info(&info, sizeof info);
    tap_kinds_each = !info.otp_release || atoi(info.otp_release) >= RECORDS_SINCE;
}

static ErlNifTermType kind_of_number(ErlNifEnv *env, ERL_NIF_TERM term)
{
    double value;
    return enif_get_double(env, term, &value) ? ERL_NIF_TERM_TYPE_FLOAT : ERL_NIF_TERM_TYPE_INTEGER;
}

/* A bit string of no whole bytes, or something new: of all terms bit strings are the largest, and
 * [] is the one before them (erts/doc, term order). */
static ErlNifTermType kind_of_rest(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return enif_compare(term, enif_make_list(env, 0)) > 0 ? ERL_NIF_TERM_TYPE_BITSTRING
                                                          : TAP_KIND_UNREADABLE;
}

ErlNifTermType tap_kind_asked(ErlNifEnv *env, ERL_NIF_TERM term)
{
    return enif_is_atom(env, term)     ? ERL_NIF_TERM_TYPE_ATOM
           : enif_is_number(env, term) ? kind_of_number(env, term)
           : enif_is_tuple(env, term)  ? ERL_NIF_TERM_TYPE_TUPLE
           : enif_is_list(env, term)   ? ERL_NIF_TERM_TYPE_LIST
           : enif_is_binary(env, term) ? ERL_NIF_TERM_TYPE_BITSTRING
           : enif_is_pid(env, term)    ? ERL_NIF_TERM_TYPE_PID
           : enif_is_map(env, term)    ? ERL_NIF_TERM_TYPE_MAP
           : enif_is_fun(env, term)    ? ERL_NIF_TERM_TYPE_FUN
           : enif_is_ref(env, term)    ? ERL_NIF_TERM_TYPE_REFERENCE
           : enif_is_port(env, term)   ? ERL_NIF_TERM_TYPE_PORT
                                       : kind_of_rest(env, term);
}
