/* run.c: the runs of this node, from their beginning to the end of their threads. */
#include "transports/beam/native/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_LEAST (128u << 10)
#define RING_MOST (1u << 30)
#define CLOCK_EXACT 5000 /* ns: a look at the clock that takes longer was disturbed */

struct tap_thread tap_threads[TAP_THREADS];
atomic_uint tap_thread_count = 1;
struct tap_native_atoms tap_atoms;

static struct tap_run runs[TAP_RUNS];
static pthread_mutex_t runs_lock = PTHREAD_MUTEX_INITIALIZER;

void tap_runs_hold(bool hold)
{
    if (hold)
        pthread_mutex_lock(&runs_lock);
    else
        pthread_mutex_unlock(&runs_lock);
}

struct tap_run *tap_run_find(uint32_t number)
{
    struct tap_run *r = &runs[number & (TAP_RUNS - 1)];
    return tap_run_is(r, number) && number >= TAP_RUNS ? r : NULL;
}

/* ---- Beginning */

/* Each thread may have one, and all together no more than the run may take. */
static size_t ring_size(const struct tap_run_options *o)
{
    uint64_t each = o->max_memory ? o->max_memory / (o->threads ? o->threads : 1) : 16u << 20;
    size_t size = RING_LEAST;
    while (size < RING_MOST && size * 2 + tap_ring_overhead(size * 2, o->max_term) <= each)
        size *= 2;
    return size;
}

void tap_run_free_rings(struct tap_run *r)
{
    for (size_t i = 0; i < TAP_THREADS; i++)
        tap_ring_free(atomic_exchange(&r->rings[i], NULL));
}

static void run_clear(struct tap_run *r)
{
    tap_run_free_rings(r);
    for (struct tap_control *c = r->controls, *next; c; c = next)
        next = c->next, free(c);
    for (struct tap_control *c = r->urgent, *next; c; c = next)
        next = c->next, free(c);
    r->controls = r->urgent = NULL;
    if (r->wake >= 0)
        close(r->wake);
    r->wake = -1;
}

/* Its thread is over: its place is free again. */
static void run_join(struct tap_run *r)
{
    enif_thread_join(r->thread, NULL);
    r->busy = false;
    run_clear(r);
}

static void run_reset(struct tap_run *r, const struct tap_run_options *options)
{
    r->options = *options;
    r->ring_size = ring_size(options);
    r->controls_end = &r->controls;
    r->urgent_end = &r->urgent;
    r->over = r->aborted = r->finishing = false;
    atomic_store(&r->clock, 0), atomic_store(&r->clock_read, INT64_MIN / 2);
    atomic_store(&r->clock_good, INT64_MIN / 2);
    atomic_store(&r->reports, 0);
    atomic_store(&r->credit, options->credit);
    atomic_store(&r->memory, 0);
    atomic_store(&r->no_ring, 0);
    r->looks = false;
    atomic_store(&r->own_high, 0), atomic_store(&r->own_news, 0);
    for (size_t i = 0; i < TAP_CARRIERS; i++)
        atomic_store(&r->carriers[i], 0);
    for (size_t i = 0; i < TAP_OWN; i++)
        atomic_store(&r->own[i], 0);
    atomic_store(&r->produced, 0), atomic_store(&r->sent, 0), atomic_store(&r->lost, 0);
    atomic_store(&r->frames, 0);
}

static bool run_begin(struct tap_run *r, uint32_t place, void *(*thread)(void *))
{
    static bool initialised[TAP_RUNS];
    if (!initialised[place])
        initialised[place] = pthread_mutex_init(&r->lock, NULL) == 0;
    r->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!initialised[place] || r->wake < 0)
        return false;
    uint32_t generation = (atomic_load(&r->generation) + 1) & 0xffffff;
    generation += generation == 0;
    r->number = generation * TAP_RUNS + place;
    /* In this order: who still has the number of an earlier run finds the gate closed, or is told
     * apart behind it (tracer.c). */
    atomic_store(&r->generation, generation);
    atomic_store(&r->gate, TAP_GATE_OPEN);
    r->busy = enif_thread_create((char *)"beamtap", &r->thread, thread, r, NULL) == 0;
    if (!r->busy)
        atomic_store(&r->gate, TAP_GATE_ENDED);
    return r->busy;
}

struct tap_run *tap_run_open(ErlNifEnv *env, const struct tap_run_options *options,
                             void *(*thread)(void *), const char **why)
{
    struct tap_run *r = NULL;
    uint32_t place;
    *why = "too many runs trace natively in this node";
    pthread_mutex_lock(&runs_lock);
    for (place = 0; place < TAP_RUNS && !r; place++) {
        if (runs[place].busy && tap_run_is_over(&runs[place]))
            run_join(&runs[place]);
        r = runs[place].busy ? NULL : &runs[place];
    }
    if (r) {
        run_reset(r, options);
        enif_self(env, &r->owner);
        tap_run_look_at_clock(r, tap_now());
        *why = "no thread or descriptor could be had";
        if (!run_begin(r, place - 1, thread)) {
            run_clear(r);
            r = NULL;
        }
    }
    pthread_mutex_unlock(&runs_lock);
    return r;
}

struct tap_ring *tap_run_ring(struct tap_run *r, unsigned thread)
{
    struct tap_ring *ring = atomic_load_explicit(&r->rings[thread], memory_order_relaxed);
    if (ring)
        return ring;
    size_t need = r->ring_size + tap_ring_overhead(r->ring_size, r->options.max_term);
    uint64_t taken = atomic_fetch_add(&r->memory, need);
    if (taken == 0 || !r->options.max_memory || taken + need <= r->options.max_memory)
        ring = tap_ring_new(r->ring_size, r->options.max_term);
    if (!ring)
        atomic_fetch_sub(&r->memory, need);
    else if (r->options.numbered)
        tap_ring_number(ring, thread);
    atomic_store_explicit(&r->rings[thread], ring, memory_order_release);
    return ring;
}

/* ---- The clock */

/* Between the two looks at the machine's clock: it is rather said to be ahead, so that no event is
 * told to be earlier than what the agent has read before it. A disturbed look counts only where the
 * last one that counted is old. */
void tap_run_look_at_clock(struct tap_run *r, int64_t now)
{
    int64_t last = atomic_load_explicit(&r->clock_read, memory_order_relaxed);
    int64_t from = 0, vm = 0;
    if (now - last < TAP_CLOCK_LOOK || !atomic_compare_exchange_strong(&r->clock_read, &last, now))
        return;
    bool old = now - atomic_load(&r->clock_good) >= 1000 * TAP_CLOCK_LOOK, exact = false;
    for (int tries = 0; tries < (old ? 16 : 1) && !exact; tries++) {
        from = tap_now();
        vm = enif_monotonic_time(ERL_NIF_NSEC);
        if (vm == ERL_NIF_TIME_ERROR) {
            atomic_store(&r->clock_read, last);
            return;
        }
        exact = tap_now() - from < CLOCK_EXACT;
    }
    if (exact || old) {
        atomic_store(&r->clock, vm - from);
        atomic_store(&r->clock_good, now);
    }
}

/* ---- What the agent says */

bool tap_run_control(struct tap_run *r, const uint8_t *bytes, size_t len, bool urgent, bool last)
{
    struct tap_control *c = malloc(sizeof *c + len);
    if (!c)
        return false;
    c->next = NULL;
    c->last = last;
    c->len = (uint32_t)len;
    memcpy(c->bytes, bytes, len);
    pthread_mutex_lock(&r->lock);
    c->time = tap_now();
    tap_run_look_at_clock(r, c->time);
    struct tap_control ***end = urgent ? &r->urgent_end : &r->controls_end;
    **end = c;
    *end = &c->next;
    atomic_fetch_add(&r->reports, 1);
    pthread_mutex_unlock(&r->lock);
    tap_run_wake(r);
    return true;
}

void tap_run_resume(struct tap_run *r)
{
    unsigned paused = TAP_GATE_PAUSED;
    atomic_store(&r->resumed_at, tap_now());
    atomic_compare_exchange_strong(&r->gate, &paused, TAP_GATE_OPEN);
    tap_run_wake(r);
}

void tap_run_finish(struct tap_run *r, int64_t patience)
{
    pthread_mutex_lock(&r->lock);
    r->finishing = true;
    r->finished_at = tap_now();
    r->finish_by = r->finished_at + patience;
    pthread_mutex_unlock(&r->lock);
    tap_run_wake(r);
}

void tap_run_abort(struct tap_run *r)
{
    atomic_store(&r->gate, TAP_GATE_ENDED);
    pthread_mutex_lock(&r->lock);
    r->aborted = true;
    pthread_mutex_unlock(&r->lock);
    tap_run_wake(r);
}

bool tap_run_is_aborted(struct tap_run *r)
{
    pthread_mutex_lock(&r->lock);
    bool aborted = r->aborted;
    pthread_mutex_unlock(&r->lock);
    return aborted;
}

bool tap_run_is_over(struct tap_run *r)
{
    pthread_mutex_lock(&r->lock);
    bool over = r->over;
    pthread_mutex_unlock(&r->lock);
    return over;
}

unsigned tap_runs_count(void)
{
    unsigned n = 0;
    pthread_mutex_lock(&runs_lock);
    for (size_t i = 0; i < TAP_RUNS; i++)
        n += runs[i].busy && !tap_run_is_over(&runs[i]);
    pthread_mutex_unlock(&runs_lock);
    return n;
}

void tap_run_wake(struct tap_run *r)
{
    uint64_t one = 1;
    if (write(r->wake, &one, sizeof one) < 0)
        return; /* it is awake, or looks soon by itself */
}

/* ---- The end */

/* The thread is in no callback, or in another one than it was. */
static void thread_pass(const struct tap_thread *t)
{
    static const struct timespec nap = {0, 20000};
    int64_t was, busy;
    while ((busy = atomic_load(&t->busy)) == 1)
        nanosleep(&nap, NULL);
    for (was = busy; busy && busy == was; busy = atomic_load(&t->busy))
        nanosleep(&nap, NULL);
}

void tap_threads_pass(void)
{
    unsigned count = atomic_load(&tap_thread_count);
    for (unsigned i = 0; i < count && i < TAP_THREADS; i++)
        thread_pass(&tap_threads[i]);
}

void tap_runs_end(void)
{
    pthread_mutex_lock(&runs_lock);
    for (size_t i = 0; i < TAP_RUNS; i++)
        if (runs[i].busy) {
            tap_run_abort(&runs[i]);
            run_join(&runs[i]);
        }
    pthread_mutex_unlock(&runs_lock);
    tap_threads_pass();
}
