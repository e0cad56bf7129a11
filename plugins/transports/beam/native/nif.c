/* nif.c: the library's functions, as the module in the node names them (native.erl). */
#include <string.h>

#include "transports/beam/native/own.h"
#include "transports/beam/native/tracer.h"

#define MS UINT64_C(1000000)

static ERL_NIF_TERM atom_ok, atom_error, atom_over;

/* ---- Beginning */

static bool read_bytes(ErlNifEnv *env, ERL_NIF_TERM term, uint8_t *dst, size_t len)
{
    ErlNifBinary bin;
    if (!enif_inspect_binary(env, term, &bin) || bin.size != len)
        return false;
    memcpy(dst, bin.data, len);
    return true;
}

static bool read_host(ErlNifEnv *env, ERL_NIF_TERM term, char host[TAP_HOST_TEXT])
{
    ErlNifBinary bin;
    if (!enif_inspect_binary(env, term, &bin) || bin.size >= TAP_HOST_TEXT)
        return false;
    memcpy(host, bin.data, bin.size);
    host[bin.size] = 0;
    return strlen(host) == bin.size;
}

static bool read_local(ErlNifEnv *env, ERL_NIF_TERM term, struct tap_run_options *o)
{
    ErlNifBinary bin;
    if (!enif_inspect_binary(env, term, &bin) || bin.size > TAP_LOCAL ||
        (bin.size == 0 && !o->host[0]))
        return false;
    memcpy(o->local, bin.data, bin.size);
    o->local_len = bin.size;
    return true;
}

/* {Port, Timeout, Lease, MaxMemory, MaxTerm, MaxEvents, MaxRate, Credit, Threads, Overload,
 * Numbered}, with times in ms */
static bool read_numbers(ErlNifEnv *env, ERL_NIF_TERM term, struct tap_run_options *o)
{
    enum {
        PORT,
        TIMEOUT,
        LEASE,
        MEMORY,
        TERM,
        EVENTS,
        RATE,
        CREDIT,
        THREADS,
        OVERLOAD,
        NUMBERED,
        NUMBERS
    };
    ErlNifUInt64 v[NUMBERS];
    const ERL_NIF_TERM *items;
    int n;
    if (!enif_get_tuple(env, term, &n, &items) || n != NUMBERS)
        return false;
    for (int i = 0; i < NUMBERS; i++)
        if (!enif_get_uint64(env, items[i], &v[i]) || v[i] > INT64_MAX / 2)
            return false;
    if (v[PORT] > 65535 || v[TIMEOUT] > INT32_MAX || v[LEASE] > INT32_MAX ||
        v[THREADS] > TAP_THREADS || v[OVERLOAD] > TAP_NATIVE_STOP || v[NUMBERED] > 1)
        return false;
    o->port = (uint16_t)v[PORT];
    o->timeout = (int64_t)(v[TIMEOUT] * MS);
    o->lease = (int64_t)(v[LEASE] * MS);
    o->max_memory = v[MEMORY], o->max_term = v[TERM], o->max_events = v[EVENTS];
    o->max_rate = v[RATE], o->credit = v[CREDIT];
    o->threads = (uint32_t)v[THREADS];
    o->overload = (enum tap_native_overload)v[OVERLOAD];
    o->numbered = v[NUMBERED];
    return true;
}

/* open(Host, Local, Token, Answer, Numbers) -> {ok, Number, MaxTerm} | {error, Text}; Host or Local
 * may be empty; MaxTerm: bytes of a payload, beyond which it is cut */
static ERL_NIF_TERM nif_open(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    struct tap_run_options o = {0};
    const char *why;
    ERL_NIF_TERM text;
    (void)argc;
    if (!read_host(env, argv[0], o.host) || !read_local(env, argv[1], &o) ||
        !read_bytes(env, argv[2], o.token, 2 * TAP_TOKEN) ||
        !read_bytes(env, argv[3], o.answer, 2 * TAP_TOKEN) || !read_numbers(env, argv[4], &o))
        return enif_make_badarg(env);
    struct tap_run *r = tap_run_open(env, &o, tap_drain_thread, &why);
    if (r)
        return enif_make_tuple3(env, atom_ok, enif_make_uint(env, r->number),
                                enif_make_uint64(env, tap_ring_max_term(r->ring_size, o.max_term)));
    memcpy(enif_make_new_binary(env, strlen(why), &text), why, strlen(why));
    return enif_make_tuple2(env, atom_error, text);
}

/* ---- What is said to a run */

/* `over` for one that is over. */
static ERL_NIF_TERM with_run(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[],
                             ERL_NIF_TERM (*act)(struct tap_run *, ErlNifEnv *,
                                                 const ERL_NIF_TERM *))
{
    unsigned number;
    (void)argc;
    if (!enif_get_uint(env, argv[0], &number))
        return enif_make_badarg(env);
    tap_runs_hold(true);
    struct tap_run *r = tap_run_find(number);
    ERL_NIF_TERM answer = r ? act(r, env, argv) : atom_over;
    tap_runs_hold(false);
    return answer;
}

static ERL_NIF_TERM act_control(struct tap_run *r, ErlNifEnv *env, const ERL_NIF_TERM *argv)
{
    enum { IN_PLACE, URGENT, LAST };
    ErlNifBinary bin;
    unsigned how;
    if (!enif_inspect_binary(env, argv[1], &bin) || !enif_get_uint(env, argv[2], &how) ||
        how > LAST)
        return enif_make_badarg(env);
    return tap_run_control(r, bin.data, bin.size, how == URGENT, how == LAST) ? atom_ok
                                                                              : atom_error;
}

static ERL_NIF_TERM act_credit(struct tap_run *r, ErlNifEnv *env, const ERL_NIF_TERM *argv)
{
    ErlNifUInt64 total;
    if (!enif_get_uint64(env, argv[1], &total))
        return enif_make_badarg(env);
    if (atomic_load(&r->credit) < total)
        atomic_store(&r->credit, total);
    tap_run_wake(r);
    return atom_ok;
}

/* carriers(Number, [Rex, NetKernel]), each a pid or anything else where there is none */
static ERL_NIF_TERM act_carriers(struct tap_run *r, ErlNifEnv *env, const ERL_NIF_TERM *argv)
{
    ERL_NIF_TERM list = argv[1], head;
    ErlNifPid pid;
    for (unsigned i = 0; i < TAP_CARRIERS && enif_get_list_cell(env, list, &head, &list); i++)
        if (enif_get_local_pid(env, head, &pid)) {
            atomic_store(&r->carriers[i], head);
            r->looks = true;
        }
    return atom_ok;
}

/* resume(Number): the events that it had paused are on again */
static ERL_NIF_TERM act_resume(struct tap_run *r, ErlNifEnv *env, const ERL_NIF_TERM *argv)
{
    (void)env, (void)argv;
    tap_run_resume(r);
    return atom_ok;
}

/* forget(Number, Pid): it is traced no more */
static ERL_NIF_TERM act_forget(struct tap_run *r, ErlNifEnv *env, const ERL_NIF_TERM *argv)
{
    (void)env;
    tap_own_forget(r, argv[1]);
    return atom_ok;
}

static ERL_NIF_TERM act_finish(struct tap_run *r, ErlNifEnv *env, const ERL_NIF_TERM *argv)
{
    ErlNifUInt64 ms;
    if (!enif_get_uint64(env, argv[1], &ms) || ms > INT32_MAX)
        return enif_make_badarg(env);
    tap_run_finish(r, (int64_t)(ms * MS));
    return atom_ok;
}

static ERL_NIF_TERM act_abort(struct tap_run *r, ErlNifEnv *env, const ERL_NIF_TERM *argv)
{
    (void)env, (void)argv;
    tap_run_abort(r);
    return atom_ok;
}

/* figures(Number) -> {Produced, Sent, Lost, Frames, Going} */
static ERL_NIF_TERM act_figures(struct tap_run *r, ErlNifEnv *env, const ERL_NIF_TERM *argv)
{
    (void)argv;
    return enif_make_tuple5(env, enif_make_uint64(env, atomic_load(&r->produced)),
                            enif_make_uint64(env, atomic_load(&r->sent)),
                            enif_make_uint64(env, atomic_load(&r->lost)),
                            enif_make_uint64(env, atomic_load(&r->frames)),
                            enif_make_atom(env, tap_run_is_over(r) ? "false" : "true"));
}

/* runs() -> how many have a thread that has something to do */
static ERL_NIF_TERM nif_runs(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    (void)argc, (void)argv;
    return enif_make_uint(env, tap_runs_count());
}

#define NIF(name)                                                                       \
    static ERL_NIF_TERM nif_##name(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[]) \
    {                                                                                   \
        return with_run(env, argc, argv, act_##name);                                   \
    }
NIF(control)
NIF(credit)
NIF(carriers)
NIF(resume)
NIF(forget)
NIF(finish)
NIF(abort)
NIF(figures)

/* ---- The library */

static int library_load(ErlNifEnv *env, void **priv, ERL_NIF_TERM info)
{
    (void)priv, (void)info;
    atom_ok = enif_make_atom(env, "ok");
    atom_error = enif_make_atom(env, "error");
    atom_over = enif_make_atom(env, "over");
    tap_tracer_load(env);
    return 0;
}

/* The module is purged: what the threads run is about to go. */
static void library_unload(ErlNifEnv *env, void *priv)
{
    (void)env, (void)priv;
    tap_runs_end();
}

static ErlNifFunc functions[] = {{"enabled", 3, tap_tracer_enabled, 0},
                                 {"trace", 5, tap_tracer_trace, 0},
                                 {"open", 5, nif_open, 0},
                                 {"control", 3, nif_control, 0},
                                 {"credit", 2, nif_credit, 0},
                                 {"carriers", 2, nif_carriers, 0},
                                 {"resume", 1, nif_resume, 0},
                                 {"forget", 2, nif_forget, 0},
                                 {"finish", 2, nif_finish, 0},
                                 {"abort", 1, nif_abort, 0},
                                 {"figures", 1, nif_figures, 0},
                                 {"runs", 0, nif_runs, 0}};

#define INIT(module) ERL_NIF_INIT(module, functions, library_load, NULL, NULL, library_unload)
INIT(TAP_NATIVE_MODULE)
