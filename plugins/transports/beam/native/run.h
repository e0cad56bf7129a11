/* run.h: what the tracer's callbacks, the thread that sends, and the agent share of one run.
 *
 * A node may have a few runs at once. A run is known by a small number that its traced processes
 * carry as their tracer's state, with the run's generation in it, so that a number of an earlier
 * run means nothing.
 *
 *     agent (agent/native.hrl)      scheduler threads                 the sending thread
 *     tap_run_open   ------------------------------------------------> drain.c: connects
 *     gate is open                  tracer.c: encode into a ring ----> drain.c: frames, in time
 *     tap_run_control ------------- reports, in time ----------------> and order
 *     tap_run_finish --------------------------------------------------> the rest, figures
 *     tap_run_control (last) ------------------------------------------> the final report; ends
 */
#ifndef TAP_NATIVE_RUN_H
#define TAP_NATIVE_RUN_H

#include <pthread.h>
#include <time.h>

#include "transports/beam/native/event.h"
#include "transports/beam/native/ring.h"

#define TAP_RUNS 8        /* at once in one node: a power of two */
#define TAP_THREADS 4096  /* of the VM that have ever had an event; the first is for all others */
#define TAP_HOST_TEXT 256 /* bytes of an address */
#define TAP_LOCAL 108     /* bytes of a Unix socket's name, as sockaddr_un has it */
#define TAP_TOKEN 16      /* bytes, as TAP_STREAM_TOKEN */
#define TAP_OWN 32        /* processes of beamtap's that were met and still carry our flags */
enum { TAP_CARRIER_REX, TAP_CARRIER_DIST, TAP_CARRIERS }; /* rex, net_kernel */
#define TAP_WHY_TEXT 256

/* What a tracer's callback does with an event. */
enum tap_gate {
    TAP_GATE_ENDED, /* the run is over: its flags are taken off whoever still has them */
    TAP_GATE_OPEN,
    TAP_GATE_PAUSED
};
enum tap_native_overload { TAP_NATIVE_PAUSE, TAP_NATIVE_DROP, TAP_NATIVE_STOP };
/* As enum tap_reason in beamtap/event.h says them. */
enum {
    TAP_WHY_CREDIT = 1,
    TAP_WHY_RATE = 3,
    TAP_WHY_MEMORY = 4,
    TAP_WHY_LIMIT = 6,
    TAP_WHY_CONNECTION = 9
};

struct tap_run_options {
    uint8_t local[TAP_LOCAL]; /* tried first */
    size_t local_len;         /* 0: there is none */
    char host[TAP_HOST_TEXT]; /* "": there is none */
    uint16_t port;
    int64_t timeout, lease;                              /* ns */
    uint8_t token[2 * TAP_TOKEN], answer[2 * TAP_TOKEN]; /* over TCP, over the Unix socket */
    uint64_t max_memory, max_term, max_events, max_rate, credit;
    uint32_t threads; /* that may have events */
    enum tap_native_overload overload;
    bool numbered; /* frames are TAP_FRAME_NUMBERED */
};

struct tap_control {
    struct tap_control *next;
    int64_t time;
    bool last; /* the final report */
    uint32_t len;
    uint8_t bytes[];
};

struct tap_run {
    atomic_uint gate;               /* enum tap_gate */
    atomic_uint generation;         /* of whoever has this place; 0: nobody yet */
    atomic_uint_fast64_t credit;    /* bytes that may have been sent by now */
    atomic_int_fast64_t resumed_at; /* ns: when the last pause ended */
    atomic_int_fast64_t clock;      /* what the node's clock is ahead of the machine's, ns */
    atomic_int_fast64_t clock_read; /* ns: when that was looked at */
    atomic_int_fast64_t clock_good; /* ns: when a look was last taken for good */
    atomic_uint reports;            /* that wait: whoever looks for one need not take the lock */
    atomic_uint own_high;           /* of `own`, places that may be taken */
    atomic_uint own_news;           /* how many were taken so far */
    _Atomic(ERL_NIF_TERM) own[TAP_OWN], carriers[TAP_CARRIERS];
    _Atomic(struct tap_ring *) rings[TAP_THREADS];
    atomic_uint_fast64_t memory;  /* bytes that rings have taken */
    atomic_uint_fast64_t no_ring; /* events of threads for whose ring there was no memory */
    bool looks;                   /* for what is beamtap's own: there are carriers */
    size_t ring_size;

    /* Set when it begins, and then only read. */
    struct tap_run_options options;
    ErlNifPid owner;
    ErlNifTid thread;
    int wake; /* an eventfd: a ring is half full, or the agent has something to say */
    uint32_t number;

    pthread_mutex_t lock; /* of what follows */
    bool busy;            /* it has a thread that was not joined */
    bool over;            /* which has nothing more to do */
    bool aborted, finishing;
    int64_t finished_at; /* ns: when it was finishing */
    int64_t finish_by;
    struct tap_control *controls, **controls_end, *urgent, **urgent_end;

    /* What was sent, for whoever asks: produced, sent, lost, frames. */
    atomic_uint_fast64_t produced, sent, lost, frames;
};

/* A thread of the VM, for as long as the library is there. `busy` is 0, or 1 while it is in a
 * callback and has not read the clock yet, or then its event's time, of which bit 1 is set. */
struct tap_thread {
    _Alignas(TAP_RING_LINE) atomic_int_fast64_t busy;
};
extern struct tap_thread tap_threads[TAP_THREADS];
extern atomic_uint tap_thread_count; /* below TAP_THREADS */
extern struct tap_native_atoms tap_atoms;

/* The run of a tracer's state; NULL: it is over. Who is not in a callback holds the runs as long as
 * it uses what it has found. */
struct tap_run *tap_run_find(uint32_t number);
static inline bool tap_run_is(const struct tap_run *r, uint32_t number)
{
    return atomic_load_explicit(&r->generation, memory_order_relaxed) == number / TAP_RUNS;
}
void tap_runs_hold(bool hold);
/* Begins one, for the process that calls, with a thread (drain.c) that connects and says
 * {beamtap_native, Number, connected}, {..., {connected, Text}} where it is not by the first way
 * and the text says why, or {..., {failed, Text}}. NULL: *why says it. */
struct tap_run *tap_run_open(ErlNifEnv *, const struct tap_run_options *, void *(*thread)(void *),
                             const char **why);
/* The ring of a thread, made if need be; NULL: there is no memory. On that thread alone. */
struct tap_ring *tap_run_ring(struct tap_run *, unsigned thread);
/* A report of the agent's, an external term, in its place by time or before everything else. False:
 * there is no memory. */
bool tap_run_control(struct tap_run *, const uint8_t *bytes, size_t len, bool urgent, bool last);
/* A pause is over, from here on. */
void tap_run_resume(struct tap_run *);
/* What waits may be sent until then; figures are told when nothing waits any more. */
void tap_run_finish(struct tap_run *, int64_t patience);
/* Ends it at once; nothing more is sent. */
void tap_run_abort(struct tap_run *);
bool tap_run_is_aborted(struct tap_run *);
/* Has its thread nothing more to do? */
bool tap_run_is_over(struct tap_run *);
/* How many are not over. */
unsigned tap_runs_count(void);
/* Gives back what its rings take: nobody writes there any more. */
void tap_run_free_rings(struct tap_run *);
void tap_run_wake(struct tap_run *);
/* Looks at the node's clock, where that was not done lately. On a scheduler; elsewhere it does
 * nothing. */
void tap_run_look_at_clock(struct tap_run *, int64_t now);
#define TAP_CLOCK_LOOK INT64_C(1000000) /* ns for which a look is good */
/* For the library's end: aborts all, and waits for their threads. */
void tap_runs_end(void);
/* Waits until no thread is in a callback that began before: a few microseconds. */
void tap_threads_pass(void);
/* ---- drain.c: the thread's function. */
void *tap_drain_thread(void *run);

/* The machine's clock, ns: by it all of this is ordered and timed. The node's is what is told: it
 * follows the machine's, but a look at it takes a lock that all schedulers share, and it is told
 * to these alone. So what it is ahead is looked at now and then, and added to what is sent. */
static inline int64_t tap_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

#endif
