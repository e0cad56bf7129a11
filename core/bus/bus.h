/* bus.h: from a transport's arena to every sink's queue: decode, pair, merge, filter, select, hand
 * over.
 *
 * All of it happens on the thread that commits, once for all sinks: each filter that must filter
 * live sees a batch once; each distinct set of filters makes one selection; sinks with the same
 * filters share it.
 */
#ifndef TAP_BUS_BUS_H
#define TAP_BUS_BUS_H

#include "bus/sink.h"
#include "bus/window.h"
#include "correlate/unnamed.h"
#include "decode/frame.h"

struct tap_bus;

struct tap_bus_options {
    struct tap_intern *intern;
    struct tap_frames frames; /* the bus makes their cache of atoms */
    uint32_t events;          /* TAP_KIND_BITs asked for */
    bool several;    /* there are several nodes, or will be: else there is nothing to merge */
    bool in_order;   /* by time; else events go on in the order in which they came */
    int64_t reorder; /* ns, as [session] has it */
    bool raw;        /* someone looks at what events were made of */
    bool recorded;   /* what comes was in one order of all nodes already */
    bool guarded;    /* returns that pile up are noticed (stack_guard.h) */
    size_t memory;   /* bytes of batches that may be alive */
    const struct tap_bus_filter *filters;
    size_t filter_count;
    /* sinks * filters: which of them filter for which sink */
    const bool *uses;
    struct tap_sink **sinks; /* outlive the bus */
    size_t sink_count;
    /* start_on, stop_on, keep; its sinks, sets and pool are the bus's. No triggers: no window */
    struct tap_window_options window;
};

/* NULL: out of memory. The sinks still need their queues, in the bus's pool. */
struct tap_bus *tap_bus_new(const struct tap_bus_options *);
/* The queues must be empty, and no batch held. NULL is none. */
void tap_bus_free(struct tap_bus *);
/* Where arenas and batches come from. */
struct tap_batch_pool *tap_bus_pool(struct tap_bus *);

/* What the bus knows of one node. Zeroed but for stream.node. */
struct tap_bus_node {
    struct tap_stream stream;
    struct tap_unnamed *unnamed; /* NULL: nobody will ask for them */
};

/* Decodes and hands over the frames of one node; takes the arena over. */
void tap_bus_commit(struct tap_bus *, struct tap_bus_node *, struct tap_arena *,
                    const uint32_t *frames, size_t n);
/* A node's end: the numbers up to `next` that never came (0: unknown), and node_down, failed or
 * not. */
void tap_bus_node_down(struct tap_bus *, struct tap_bus_node *, uint64_t next, bool failed);
/* Merged events go on in batches that are worth their handling, or after so many ms: true while
 * some wait, then this has to be called again. */
#define TAP_BUS_PATIENCE 5
bool tap_bus_tick(struct tap_bus *);
/* Everything that waits for its place goes on. Nothing more may come. */
void tap_bus_flush(struct tap_bus *);
/* The same where a thread that was left behind may bring more: nothing of that counts. False: it is
 * in here, and all that waits stays. */
bool tap_bus_abandon(struct tap_bus *);
/* As unnamed and deep_stack of host->transport (beamtap/transport.h). */
size_t tap_bus_unnamed(struct tap_bus *, struct tap_bus_node *, struct tap_pid *pids, size_t max);
bool tap_bus_deep_stack(struct tap_bus *, uint32_t node, struct tap_deep_stack *);
/* A node that had ended is back: see tap_stream_again; its pids mean other processes. */
void tap_bus_node_again(struct tap_bus *, struct tap_bus_node *);

/* Before anything comes: it is a recording, of events of these kinds. `in_order`: they keep the
 * order that they have there. False: out of memory. */
bool tap_bus_recorded(struct tap_bus *, uint32_t events, bool in_order);

/* Figures of flow.h, gen_calls.h, merge.h and settle.h, false where the trace has none; and, as
 * long as there is an i-th, a function whose returns were switched off (stack_guard.h). Once
 * nothing more comes, or on the thread that commits. */
bool tap_bus_window(const struct tap_bus *, struct tap_window_stats *);
struct tap_flow_stats;
struct tap_gen_stats;
struct tap_settle_stats;
bool tap_bus_flows(const struct tap_bus *, struct tap_flow_stats *);
bool tap_bus_gen(const struct tap_bus *, struct tap_gen_stats *);
bool tap_bus_order(const struct tap_bus *, uint64_t *late, struct tap_settle_stats *);
bool tap_bus_returns_off(const struct tap_bus *, uint32_t node, size_t i, struct tap_event *);

#endif
