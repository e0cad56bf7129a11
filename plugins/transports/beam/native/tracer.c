/* tracer.c: what the VM calls for each event, in whatever thread the traced process runs.
 *
 * enabled/3 is asked first, before the VM builds anything, and answers while the events are off. An
 * event for which there is no room is counted and not encoded. It is not refused before: whether a
 * match spec accepts the call is not known yet, and what it would not have told is no loss.
 *
 * The state is a small integer, so that it lies in the process and nothing is looked up.
 */
#include "transports/beam/native/tracer.h"

#include "transports/beam/native/kinds.h"
#include "transports/beam/native/own.h"

#define WALK_FREE 1024   /* bytes of an event that count as nothing */
#define WALK_TURN 65536u /* that are a whole turn */

static ERL_NIF_TERM atom_trace, atom_discard, atom_remove, atom_ok, atom_trace_status;
/* The place of this thread among tap_threads; 0: it has none yet. */
static _Thread_local unsigned thread_place;
static pthread_mutex_t others_lock = PTHREAD_MUTEX_INITIALIZER;

void tap_tracer_load(ErlNifEnv *env)
{
    atom_trace = enif_make_atom(env, "trace");
    atom_discard = enif_make_atom(env, "discard");
    atom_remove = enif_make_atom(env, "remove");
    atom_trace_status = enif_make_atom(env, "trace_status");
    atom_ok = enif_make_atom(env, "ok");
    tap_native_atoms_make(&tap_atoms, env);
    tap_kinds_load();
}

/* A scheduler has a place of its own; all other threads share the first, one after the other. */
static unsigned thread_find(void)
{
    if (thread_place == 0 && enif_thread_type() != ERL_NIF_THR_UNDEFINED) {
        unsigned next = atomic_load(&tap_thread_count);
        while (next < TAP_THREADS &&
               !atomic_compare_exchange_weak(&tap_thread_count, &next, next + 1))
            ;
        thread_place = next < TAP_THREADS ? next : 0;
    }
    return thread_place;
}

ERL_NIF_TERM tap_tracer_enabled(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    unsigned number;
    (void)argc;
    struct tap_run *r = enif_get_uint(env, argv[1], &number) ? tap_run_find(number) : NULL;
    unsigned gate = r ? atomic_load_explicit(&r->gate, memory_order_relaxed) : TAP_GATE_ENDED;
    if (argv[0] == atom_trace_status) /* nothing else may be answered with remove */
        return gate == TAP_GATE_ENDED ? atom_remove : atom_trace;
    if (gate != TAP_GATE_OPEN || tap_own_is(r, argv[2]))
        return atom_discard;
    return atom_trace;
}

/* A process may go on for 4,000 calls before others have their turn. One whose calls carry much
 * would keep them waiting for a second: so what was walked counts as work of its turn. Only where
 * it is the process itself that runs: the VM ends itself when it is asked elsewhere. */
static void charge(const struct tap_native_event *ev, ErlNifEnv *env, size_t walked)
{
    ErlNifPid self;
    if (walked > WALK_FREE &&
        (ev->tag == tap_atoms.tags[TAP_TAG_CALL] ||
         ev->tag == tap_atoms.tags[TAP_TAG_RETURN_FROM] ||
         ev->tag == tap_atoms.tags[TAP_TAG_EXCEPTION_FROM]) &&
        enif_self(env, &self) && self.pid == ev->tracee)
        enif_consume_timeslice(env, walked < WALK_TURN ? 1 + (int)(walked * 99 / WALK_TURN) : 100);
}

/* The thread's place is busy, with the time of this event. */
static void trace_event(struct tap_run *r, struct tap_ring *ring, ErlNifEnv *env,
                        struct tap_native_event *ev)
{
    bool half;
    struct tap_encoder *e = &ring->encoder;
    uint8_t *begun = tap_ring_room(ring);
    if (!begun)
        return;
    e->env = env;
    e->p = begun;
    e->walked = 0;
    e->end = begun + ring->message_size;
    bool ok = tap_event_encode(e, &tap_atoms, ev, ring->max_term);
    charge(ev, env, e->walked);
    half = false;
    if (!ok)
        tap_ring_lose(ring);
    else
        ok = tap_ring_put(ring, (size_t)(e->p - begun), ev->time, &half);
    if (!ok && e->numbers)
        tap_numbers_forget(e->numbers);
    if (half)
        tap_run_wake(r);
}

static void trace_here(struct tap_run *r, uint32_t number, unsigned place, ErlNifEnv *env,
                       struct tap_native_event *ev)
{
    struct tap_thread *thread = &tap_threads[place];
    /* Before the clock is read, for the sending thread to see: until this is over, it does not send
     * what is later (drain.c). */
    atomic_store(&thread->busy, 1);
    /* It may be another's gate by now: whoever waits for threads to pass did not see this one. */
    if (atomic_load(&r->gate) == TAP_GATE_OPEN && tap_run_is(r, number)) {
        ev->time = tap_now();
        atomic_store_explicit(&thread->busy, ev->time | 2, memory_order_relaxed);
        if (ev->time - atomic_load_explicit(&r->clock_read, memory_order_relaxed) >= TAP_CLOCK_LOOK)
            tap_run_look_at_clock(r, ev->time);
        struct tap_ring *ring = tap_run_ring(r, place);
        if (ring)
            trace_event(r, ring, env, ev);
        else
            atomic_fetch_add(&r->no_ring, 1);
    }
    atomic_store_explicit(&thread->busy, 0, memory_order_release);
}

ERL_NIF_TERM tap_tracer_trace(ErlNifEnv *env, int argc, const ERL_NIF_TERM argv[])
{
    unsigned number, place;
    (void)argc;
    struct tap_run *r = enif_get_uint(env, argv[1], &number) ? tap_run_find(number) : NULL;
    struct tap_native_event ev = {argv[0], argv[2], argv[3], argv[4], 0};
    if (!r || (r->looks && tap_own_event(r, env, &ev)))
        return atom_ok;
    place = thread_find();
    if (place > 0) {
        trace_here(r, number, place, env, &ev);
    } else {
        pthread_mutex_lock(&others_lock);
        trace_here(r, number, 0, env, &ev);
        pthread_mutex_unlock(&others_lock);
    }
    return atom_ok;
}
