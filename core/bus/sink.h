/* sink.h: one sink at work: its queue, its thread, its life and its figures.
 *
 * The thread starts the plugin, takes batches from the queue and hands them over, flushes it at
 * least each second from when the run has begun, and stops it at the end. A sink that fails is
 * stopped once, its queue is let go, and its thread ends; the others do not notice. A call that
 * does not come back after the end was asked for is given up together with its thread, as is one
 * that crashed.
 */
#ifndef TAP_BUS_SINK_H
#define TAP_BUS_SINK_H

#include "beamtap/sink.h"
#include "bus/queue.h"
#include "plugin/operation.h"

/* ns between flushes: at most, so that a second holds one */
#define TAP_SINK_FLUSH INT64_C(750000000)
/* ns that one call, or what is between two of them, may take after the end was asked for */
#define TAP_SINK_DEADLINE INT64_C(10000000000)

enum tap_sink_end {
    TAP_SINK_DONE,
    TAP_SINK_GONE, /* nobody reads its output any more (TAP_ENDED) */
    TAP_SINK_FAILED
};

struct tap_sink {
    const struct tap_sink_ops *ops;
    void *self;
    const char *section, *file; /* whose it is, for people */
    uint32_t set;               /* its filters: which of a batch's selections is its own */
    struct tap_queue queue;
    pthread_t thread;
    bool started, threaded;
    atomic_bool abandoned; /* its thread was left behind */

    /* Written by one thread each, read by any. */
    atomic_uint_fast64_t given, filtered, dropped; /* events */
    atomic_uint_fast64_t written, bytes;           /* by the plugin, through the host */
    /* Its thread's: counted events that it was handed; the operation that it is in, or was in last,
     * which others read once it crashed. */
    uint64_t taken;
    const char *operation;
    bool wrote_beyond; /* it has said that it wrote more: from then on it fails; its thread's */
    /* when the call that it is in began, 0: in none; and when the last one ended */
    atomic_int_fast64_t call_since, call_left;
    atomic_bool failed, done;
    atomic_bool opened;  /* its start has succeeded */
    atomic_bool crashed; /* its thread does not come back (tap_operation.crashed) */
    atomic_bool begun;   /* the transport has started: there is a trace, be it empty */

    void *arg;
    /* the transport may grant credit again */
    void (*eased)(void *arg);
    /* on the sink's thread, last of all */
    void (*ended)(void *arg, struct tap_sink *, enum tap_sink_end);
};

/* The plugin says that so much more is written. False: that is more than it was handed, and only
 * that is counted. On its thread. */
bool tap_sink_written(struct tap_sink *, uint64_t events, uint64_t bytes);
enum tap_sink_begun {
    TAP_SINK_STARTED,
    TAP_SINK_REFUSED, /* its start failed: it was stopped, and counts as failed */
    TAP_SINK_LATE,    /* or did not come back in time: its thread was left behind */
    TAP_SINK_CRASHED, /* likewise */
    TAP_SINK_THREAD   /* there is no thread for it: see errno */
};
/* Its thread, and on it the plugin's start, which is waited for. */
enum tap_sink_begun tap_sink_start(struct tap_sink *);
/* The plugin is waiting for something in its start, and may: its time begins anew. */
void tap_sink_waits(struct tap_sink *);
/* The start has succeeded: from now on it is flushed, once at least. */
void tap_sink_begin(struct tap_sink *);
/* What came in a batch: `accepted` of `total` counted events were for this sink. Transport
 * thread. */
void tap_sink_offer(struct tap_sink *, struct tap_batch_impl *, uint64_t total, bool full);
/* Its thread crashed, and nobody has been told: it counts as failed from here on, and its queue
 * takes nothing more. On the session's thread. */
bool tap_sink_crashed(struct tap_sink *);
/* After the queue was closed: waits for the thread, up to the deadline of one call. False: given
 * up. */
bool tap_sink_join(struct tap_sink *);

#endif
