/* own.c: by how a process was spawned it is told whose it is. */
#include "transports/beam/native/own.h"

#include <string.h>

#define SPAWN_BYTES (64u << 10) /* of what was spawned that are looked at */

static bool holds(const uint8_t *bytes, size_t len, const char *name)
{
    return memmem(bytes, len, name, strlen(name)) != NULL;
}

/* What rex spawns for a collector, or net_kernel for a connection: it is a fun, and what it is to
 * do is in its environment, which only the VM can read. */
static bool carries_own(ErlNifEnv *env, ERL_NIF_TERM mfa, bool rex)
{
    ErlNifBinary bin;
    if (!enif_term_to_binary(env, mfa, &bin))
        return false;
    size_t len = bin.size < SPAWN_BYTES ? bin.size : SPAWN_BYTES;
    bool own = rex ? holds(bin.data, len, "beamtap_agent_") ||
                         holds(bin.data, len, "monotonic_time") ||
                         holds(bin.data, len, "time_offset")
                   : holds(bin.data, len, "_dist") || holds(bin.data, len, "dist_util");
    enif_release_binary(&bin);
    return own;
}

/* What an agent spawned: {erlang, apply, [Fun, _]} with a fun of its module, or the timer of a
 * handshake. */
static bool begins_own(ErlNifEnv *env, ERL_NIF_TERM mfa)
{
    int n;
    const ERL_NIF_TERM *parts;
    ERL_NIF_TERM fun, rest;
    char text[64];
    if (!enif_get_tuple(env, mfa, &n, &parts) || n != 3)
        return false;
    if (enif_get_atom(env, parts[0], text, sizeof text, ERL_NIF_LATIN1) > 0 &&
        (strcmp(text, "dist_util") == 0 || strncmp(text, "beamtap_agent_", 14) == 0))
        return true;
    return enif_get_list_cell(env, parts[2], &fun, &rest) && enif_is_fun(env, fun) &&
           enif_snprintf(text, sizeof text, "%T", fun) > 0 &&
           strncmp(text, "#Fun<beamtap_agent_", 19) == 0;
}

/* Up to there are the places that are looked at. */
static void raise_high(struct tap_run *r, unsigned to)
{
    unsigned high = atomic_load(&r->own_high);
    while (high < to && !atomic_compare_exchange_weak(&r->own_high, &high, to))
        ;
}

static void remember(struct tap_run *r, ERL_NIF_TERM pid)
{
    if (tap_own_is(r, pid))
        return;
    for (unsigned i = 0; i < TAP_OWN; i++) {
        ERL_NIF_TERM none = 0;
        if (atomic_compare_exchange_strong(&r->own[i], &none, pid)) {
            raise_high(r, i + 1);
            atomic_fetch_add(&r->own_news, 1);
            return;
        }
    }
    atomic_store(&r->own[pid % TAP_OWN],
                 pid); /* more at once than there ever are: one is told of */
    atomic_fetch_add(&r->own_news, 1);
}

void tap_own_forget(struct tap_run *r, ERL_NIF_TERM pid)
{
    for (unsigned i = 0; i < TAP_OWN; i++) {
        ERL_NIF_TERM found = pid;
        atomic_compare_exchange_strong(&r->own[i], &found, 0);
    }
    for (unsigned high = atomic_load(&r->own_high); high > 0; high--) {
        unsigned was = high;
        if (atomic_load(&r->own[high - 1]) != 0 ||
            !atomic_compare_exchange_strong(&r->own_high, &was, high - 1))
            return;
        if (atomic_load(&r->own[high - 1]) != 0) /* taken just now */
            raise_high(r, high);
    }
}

bool tap_own_event(struct tap_run *r, ErlNifEnv *env, const struct tap_native_event *ev)
{
    ERL_NIF_TERM mfa;
    bool spawned = ev->tag == tap_atoms.tags[TAP_TAG_SPAWNED];
    for (unsigned i = 0; i < TAP_CARRIERS; i++) {
        if (atomic_load_explicit(&r->carriers[i], memory_order_relaxed) != ev->tracee)
            continue;
        if (ev->tag == tap_atoms.tags[TAP_TAG_SPAWN] &&
            enif_get_map_value(env, ev->options, tap_atoms.extra, &mfa) &&
            carries_own(env, mfa, i == TAP_CARRIER_REX))
            remember(r, ev->term);
        return true;
    }
    if (!spawned || !enif_get_map_value(env, ev->options, tap_atoms.extra, &mfa) ||
        !begins_own(env, mfa))
        return false;
    remember(r, ev->tracee);
    return true;
}
