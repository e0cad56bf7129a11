/* tell.c: what the agent hears from the sending thread, as messages to the relay. */
#include <string.h>

#include "transports/beam/native/drain.h"

void tap_drain_tell(const struct tap_drain *d, const char *what, const char *text)
{
    tap_run_tell(d->run, what, text);
}

void tap_run_tell(const struct tap_run *r, const char *what, const char *text)
{
    ErlNifEnv *env = enif_alloc_env();
    ERL_NIF_TERM said = enif_make_atom(env, what), bin;
    size_t len = text ? strlen(text) : 0;
    if (text) {
        memcpy(enif_make_new_binary(env, len, &bin), text, len);
        said = enif_make_tuple2(env, said, bin);
    }
    enif_send(NULL, &r->owner, env,
              enif_make_tuple3(env, enif_make_atom(env, "beamtap_native"),
                               enif_make_uint(env, r->number), said));
    enif_free_env(env);
}

void tap_drain_ended(struct tap_drain *d, uint32_t why, const char *what, const char *text)
{
    unsigned open = TAP_GATE_OPEN;
    if (d->ended)
        return;
    d->ended = why;
    d->pause.why = 0;
    d->pause.asked = false;
    atomic_compare_exchange_strong(&d->run->gate, &open, TAP_GATE_PAUSED);
    tap_drain_tell(d, what, text);
}

void tap_drain_tell_own(const struct tap_drain *d)
{
    for (unsigned i = 0; i < TAP_OWN; i++) {
        ERL_NIF_TERM pid = atomic_load(&d->run->own[i]);
        if (pid == 0)
            continue;
        ErlNifEnv *env = enif_alloc_env();
        enif_send(NULL, &d->run->owner, env,
                  enif_make_tuple3(env, enif_make_atom(env, "beamtap_native"),
                                   enif_make_uint(env, d->run->number),
                                   enif_make_tuple2(env, enif_make_atom(env, "own"), pid)));
        enif_free_env(env);
    }
}
