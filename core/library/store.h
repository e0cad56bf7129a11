/* store.h: the events of a trace in memory: what tap_trace_events reads and tap_trace_export
 * writes.
 *
 * It is a sink like any other, built in: the bus feeds it through its queue, and its figures obey
 * the same sum. It copies what is its own out of each batch, so that a queue's batches go back to
 * their pool and what filters took away costs nothing. Beyond its bound the oldest events fall out
 * and are counted; what is needed to understand the rest (nodes, names of processes, the plan) is
 * kept of them.
 */
#ifndef TAP_LIBRARY_STORE_H
#define TAP_LIBRARY_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "beamtap/sink.h"
#include "plugin/registry.h"

#define TAP_STORE_KEEP (64u << 20) /* bytes, where nobody says otherwise */

/* Events as they came in one batch, with what they need of its arena. Immutable, reference
 * counted. */
struct tap_chunk {
    struct tap_batch base;
    atomic_uint refs;
    struct tap_chunk *next; /* under the store's lock */
    uint64_t index;         /* one more for each */
    uint64_t before;        /* counted events in all earlier ones, those that fell out too */
    uint32_t counted;       /* of the own events: neither control nor lost nor gap */
    size_t bytes;
    struct tap_event events[];
};

struct tap_store_settings {
    int64_t keep; /* bytes; 0: TAP_STORE_KEEP */
};

/* What fell out of one node's: how many counted events, and which was the first. */
struct tap_fallen {
    uint64_t events, seq;
    int64_t ts;
};
struct tap_fallen_list { /* by node */
    struct tap_fallen *nodes;
    uint32_t count;
};

struct tap_store {
    const struct tap_host *host;
    size_t keep, bytes, header_bytes;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct tap_chunk *head, *tail;          /* what is kept, in order */
    struct tap_chunk *header, *header_tail; /* control events of what fell out */
    uint64_t index, counted, evicted;
    struct tap_fallen *fallen; /* by node */
    uint32_t fallen_count;
    bool ended;
};

/* The sink, as the registry would give it. Its `self` is a struct tap_store. */
extern const struct tap_loaded tap_store_plugin;

/* The one after `current` (NULL: the first), held; NULL when there is none yet. *missed: counted
 * events between the two that fell out. Lets go of `current`, unless it gives NULL. Any thread. */
struct tap_chunk *tap_store_next(struct tap_store *, struct tap_chunk *current, uint64_t *missed);
/* The same; and where something fell out, all that has by then, of which `nodes` are the caller's
 * to free (NULL: out of memory). */
struct tap_chunk *tap_store_next_fallen(struct tap_store *, struct tap_chunk *current,
                                        uint64_t *missed, struct tap_fallen_list *);
/* Likewise for the header. */
struct tap_chunk *tap_store_header(struct tap_store *, struct tap_chunk *current);
/* Waits until something comes after `current`, the end, or the deadline (CLOCK_MONOTONIC, ns).
 * False: nothing will come any more. */
bool tap_store_wait(struct tap_store *, const struct tap_chunk *current, int64_t deadline);
struct tap_chunk *tap_store_hold(struct tap_chunk *);
void tap_store_release(struct tap_chunk *);
/* These events with their spans, in one piece of memory; held once, and in no store. NULL: out of
 * memory. */
struct tap_chunk *tap_store_copy(const struct tap_batch *, const uint32_t *select, size_t n);
/* Nothing more will come. */
void tap_store_end(struct tap_store *);

#endif
