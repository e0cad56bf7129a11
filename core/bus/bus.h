/* bus.h: from a transport's arena to every sink's queue: decode, pair, merge, judge, select, hand
 * over.
 *
 * All of it happens on the thread that commits, once for all sinks: each filter that must judge
 * live judges a batch once; each distinct set of filters makes one selection; sinks with the same
 * filters share it.
 */
#ifndef TAP_BUS_BUS_H
#define TAP_BUS_BUS_H

#include "correlate/flow.h"
#include "decode/frame.h"
#include "correlate/gen_calls.h"
#include "correlate/merge.h"
#include "correlate/stack_guard.h"
#include "bus/sink.h"

struct tap_bus_filter {
    const struct tap_filter_ops *ops;
    void *self;
    uint8_t *keep; /* its verdicts on the batch at hand */
};

struct tap_bus {
    pthread_mutex_t lock; /* one commit at a time */
    struct tap_batch_pool pool;
    struct tap_frames frames;
    struct tap_flow *flow;               /* NULL: nothing to pair */
    struct tap_gen_calls *gen;           /* NULL: no messages */
    struct tap_stack_guard *stack_guard; /* NULL: no returns */
    struct tap_merge *merge;             /* NULL: events go on in the order in which they came */
    bool raw;                            /* someone looks at what events were made of */
    /* there are several nodes, or will be: else there is nothing to merge */
    bool several;
    uint32_t only;              /* 1 + the one node that anything came of so far */
    struct tap_batch_impl *out; /* merged events on their way */
    uint32_t out_count;         /* how many there were the last time */
    int64_t out_since;          /* since when, by tap_clock_steady */
    /* received events that no sink gets, to be said with the next batch */
    uint64_t ignored;
    uint32_t events; /* TAP_KIND_BITs asked for */
    struct tap_bus_filter *filters;
    size_t filter_count;
    bool *set_uses; /* sets * filters */
    uint32_t set_count;
    struct tap_sink **sinks;
    size_t sink_count;
    size_t keep_cap;
};

/* Decodes and hands over the frames of one node; takes the arena over. */
void tap_bus_commit(struct tap_bus *, struct tap_stream *, struct tap_arena *,
                    const uint32_t *frames, size_t n);
/* A node's end: the numbers up to `next` that never came (0: unknown), and node_down, failed or
 * not. */
void tap_bus_node_down(struct tap_bus *, struct tap_stream *, uint64_t next, bool failed);
/* Merged events go on in batches that are worth their handling, or after so many ms: true while
 * some wait, then this has to be called again. */
#define TAP_BUS_PATIENCE 5
bool tap_bus_tick(struct tap_bus *);
/* Everything that waits for its place goes on. Nothing more may come. */
void tap_bus_flush(struct tap_bus *);
/* As host->unnamed (beamtap/plugin.h). */
size_t tap_bus_unnamed(struct tap_bus *, struct tap_stream *, struct tap_pid *pids, size_t max);
/* A node that had ended is back: see tap_stream_again. */
void tap_bus_node_again(struct tap_bus *, struct tap_stream *);

#endif
