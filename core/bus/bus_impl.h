/* bus_impl.h: the inside of the bus, shared by bus_new.c (what it is made of) and bus.c (what it
 * does). */
#ifndef TAP_BUS_BUS_IMPL_H
#define TAP_BUS_BUS_IMPL_H

#include "bus/bus.h"
#include "correlate/merge.h"
#include "correlate/node_order.h"
#include "correlate/relations.h"
#include "correlate/stack_guard.h"

struct tap_bus_order {
    struct tap_node_order *order; /* NULL: nothing came of it */
    int64_t bound;                /* as in merge.h */
    bool ended;                   /* nothing comes of it until it is back */
    int64_t latest;               /* of its events, where the bus keeps their order */
};

struct tap_bus {
    pthread_mutex_t lock; /* one commit at a time */
    struct tap_batch_pool pool;
    struct tap_frames frames;
    struct tap_relations relations;      /* of what sinks are given */
    struct tap_flow *flow;               /* of what comes; NULL: nobody has to know */
    struct tap_gen_calls *gen;           /* the same; NULL: no chain of messages is looked for */
    struct tap_stack_guard *stack_guard; /* NULL: no returns */
    struct tap_merge *merge;             /* NULL: events go on in the order in which they came */
    struct tap_bus_order *orders;        /* by node, where there is a merge */
    uint32_t order_count;
    int64_t reorder;            /* as in the options */
    bool raw, several;          /* as in the options */
    bool recorded;              /* as in the options */
    bool keeps;                 /* what comes is in its order already */
    uint64_t late;              /* then: events that are not */
    int64_t told;               /* a recording: how far all nodes' orders know that it is */
    uint32_t only;              /* 1 + the one node that anything came of so far */
    struct tap_batch_impl *out; /* merged events on their way */
    uint32_t out_count;         /* how many there were the last time */
    int64_t out_since;          /* since when, by tap_clock_steady */
    struct tap_window *window;  /* NULL: everything is wanted */
    /* received events that no sink gets, to be said with the next batch */
    uint64_t ignored;
    uint32_t events;
    struct tap_bus_filter *filters;
    uint8_t **keep; /* each filter's verdicts on the batch at hand */
    size_t filter_count;
    bool *set_uses; /* sets * filters */
    uint32_t set_count;
    struct tap_sink **sinks;
    size_t sink_count;
    size_t keep_cap;
    bool closed; /* nothing more is taken */
};

/* Of a batch that comes. */
void tap_bus_pair(struct tap_bus *, struct tap_batch_impl *);
/* For the sinks: of the events of this batch that one of them is given (`arg`: the bus). */
void tap_bus_relate(void *arg, struct tap_batch_impl *);

#endif
