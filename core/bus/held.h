/* held.h: the ring of a window: batches that wait until it is known whether they are wanted. */
#ifndef TAP_BUS_HELD_H
#define TAP_BUS_HELD_H

#include "bus/held_ring.h"
#include "bus/sink.h"

/* Events that had no room, of a stretch of time: a fraction of `keep`. */
#define TAP_HELD_SPANS 256u
struct tap_held_span {
    int64_t first, last;
    uint64_t events; /* as they came */
};
/* The same of one node. */
struct tap_held_node {
    uint32_t node;
    uint64_t next;      /* the number behind its last one */
    bool some, told;    /* there was one; and that has its row */
    uint64_t first;     /* the number that stands for it: what is told by itself is behind that */
    uint64_t *accepted; /* of each span, of each set of filters */
};
struct tap_held {
    struct tap_held_ring ring;
    /* What controls, of batches that are not wanted: from the end of a node on whose lost events
     * may yet be told, for their row goes before it. Copies, so that the batches can go. */
    struct tap_held_ring behind;
    int64_t latest; /* the latest time of all */
    struct tap_held_span spans[TAP_HELD_SPANS];
    uint32_t span; /* the one that is filled */
    struct tap_held_node *nodes;
    uint32_t node_count;
    uint32_t sets;
    int64_t keep;
    size_t memory;
    struct tap_batch_pool *pool;
    struct tap_sink **sinks;
    size_t sink_count;
    void (*relate)(void *arg, struct tap_batch_impl *); /* as in window.h */
    void *relate_arg;
};

/* False: out of memory. Of a zeroed struct that has its last eight fields. */
bool tap_held_init(struct tap_held *);
void tap_held_free(struct tap_held *);
/* One more; what is too old or too much falls out: how many counted events. */
uint64_t tap_held_add(struct tap_held *, struct tap_batch_impl *, uint64_t total);
/* All go to the sinks, but for counted events before `since`, of which *out says how many; and what
 * of the time behind it had no room is told as lost, a row for each node: how many events these
 * were. */
uint64_t tap_held_flush(struct tap_held *, int64_t since, uint64_t *out, uint64_t *kept);
/* All of it is not wanted: how many counted events. */
uint64_t tap_held_drop(struct tap_held *);

#endif
