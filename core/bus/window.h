/* window.h: what of the stream is wanted at all: from start_on to stop_on, with what came shortly
 * before ([session] keep).
 *
 * It stands behind the one order of all nodes and before the sinks, so that it sees what they would
 * see, live and of a recording alike, and costs the nodes nothing. Each line is judged by a filter
 * of its own. Where a line comes true a TAP_MARK is put into the stream.
 *
 * Batches that may still be wanted wait in a ring, as they are, with what each set of filters chose
 * of them. What falls out of it for its age counts as filtered. What falls out because there is no
 * more room is remembered by its time, and counts as lost when it is missed in the end. Of either
 * the control events go on to the sinks, for what comes later needs them. On the bus's thread.
 */
#ifndef TAP_BUS_WINDOW_H
#define TAP_BUS_WINDOW_H

#include "bus/chain.h"
#include "bus/filter.h"
#include "bus/sink.h"
#include "config/config.h"

struct tap_window_trigger {
    const struct tap_trigger *trigger;
    struct tap_bus_filter filter; /* ops NULL: none is needed */
};
struct tap_window_options {
    struct tap_window_trigger *triggers; /* outlive the window */
    size_t trigger_count;
    int64_t keep;  /* ns */
    bool follow;   /* only what is of one chain passes from where it is open (chain.h) */
    size_t memory; /* bytes that may wait for it */
    struct tap_sink **sinks;
    size_t sink_count;
    uint32_t sets; /* of filters */
    /* Before the sinks are given a batch that was held, with what is chosen of it. */
    void (*relate)(void *arg, struct tap_batch_impl *);
    void *relate_arg;
    /* One of them came true; it may ask for the end of the run. */
    void (*fired)(void *arg, const struct tap_trigger *);
    void *arg;
};
/* Figures at the end. */
struct tap_window_stats {
    const struct tap_trigger *started, *stopped; /* NULL: never */
    int64_t started_at, stopped_at;              /* ts; 0: never */
    bool waits;                                  /* nothing was written until something came true */
    uint64_t before; /* events that were not written, since they came too early */
    uint64_t behind; /* likewise, too late */
    uint64_t lost;   /* of those before: there was no room for them */
    uint64_t kept;   /* events from before that were written */
    bool follows;
    uint64_t astray; /* events that were not written, since they were not of the chain */
    struct tap_chain_stats chain;
};

struct tap_window;
struct tap_batch_pool;
/* NULL: out of memory. */
struct tap_window *tap_window_new(const struct tap_window_options *, struct tap_batch_pool *);
/* Lets go of what waits. NULL is none. */
void tap_window_free(struct tap_window *);

/* What becomes of a batch. */
enum tap_window_way {
    TAP_WINDOW_GO,   /* it goes to the sinks */
    TAP_WINDOW_HOLD, /* it may be wanted later: tap_window_hold */
    TAP_WINDOW_OPEN  /* what was held goes first: tap_window_flush; then it */
};
/* Looks at a batch that nobody has seen yet, puts marks into it, and says of each of its counted
 * events whether it passes: *pass, valid until the next batch. */
enum tap_window_way tap_window_look(struct tap_window *, struct tap_batch_impl *,
                                    const uint8_t **pass);
/* `batch` has been sealed, and its selections are made. `total`: what came with it. Takes a
 * reference of its own. */
void tap_window_hold(struct tap_window *, struct tap_batch_impl *, uint64_t total);
void tap_window_flush(struct tap_window *);
/* Nothing more comes: what still waits is not wanted. */
void tap_window_end(struct tap_window *);
void tap_window_read_stats(const struct tap_window *, struct tap_window_stats *);

#endif
