/* held_ring.h: a queue of batches that wait, which grows. */
#ifndef TAP_BUS_HELD_RING_H
#define TAP_BUS_HELD_RING_H

#include "decode/batch.h"

struct tap_held_item {
    struct tap_batch_impl *batch;
    uint64_t total; /* counted events that came with it */
    int64_t last;   /* the latest time in it */
};
/* Zeroed it is empty. */
struct tap_held_ring {
    struct tap_held_item *items;
    size_t cap, head, count, bytes;
};

/* The i-th of those that are in it. */
struct tap_held_item *tap_held_at(const struct tap_held_ring *, size_t i);
/* The first, out of it. */
struct tap_held_item tap_held_take(struct tap_held_ring *);
/* One more, last, with the caller's reference to its batch; false: out of memory. */
bool tap_held_put(struct tap_held_ring *, struct tap_held_item);
void tap_held_ring_free(struct tap_held_ring *);

#endif
