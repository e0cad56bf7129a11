/* merge.h: one order over all nodes: by time, within a window.
 *
 * Each node's events come in the order of its stream, and keep it: that is the order in which its
 * processes did what they did. Between nodes the earlier goes first. An event waits until every
 * node's stream is beyond it by what their clocks may err, but not when some node's stream is
 * `window` beyond it; what comes later than that is too late for its place, goes at once, and is
 * counted. No clock is read and no timer set: the order depends on the streams alone, and a
 * recording that is played again comes out the same.
 *
 * The nodes' clocks are known within a bound only, so that a message may seem to be received before
 * it was sent. Then the receive goes behind its send (its time is settle.h's). The same for a
 * process that seems to start before it is spawned.
 *
 * Events without time of their own (loss, control) go with their stream. One thread.
 */
#ifndef TAP_CORRELATE_MERGE_H
#define TAP_CORRELATE_MERGE_H

#include "decode/batch.h"

/* bytes of batches that may wait, however short the time that they are of */
#define TAP_MERGE_HELD (32u << 20)

struct tap_merge;

/* `window` in ns. NULL when out of memory. */
struct tap_merge *tap_merge_new(int64_t window);
/* Lets go of what still waits. */
void tap_merge_free(struct tap_merge *);
/* What is known of a node's stream beside its events. */
struct tap_merge_progress {
    int64_t mark;  /* a time that it has passed, without an event; 0: none */
    int64_t bound; /* ns that its times are wrong by at most; 0: unknown */
};

/* Takes over a batch whose events are all of this node (an index below TAP_NODES_MAX), already
 * paired (flow.h). False when out of memory: the batch is still the caller's. */
bool tap_merge_add(struct tap_merge *, struct tap_batch_impl *, uint32_t node,
                   const struct tap_merge_progress *);
/* More will come of this node, of which nothing was added yet. False when out of memory. */
bool tap_merge_expect(struct tap_merge *, uint32_t node);
/* Nothing more will come: all that waits is due. */
void tap_merge_end(struct tap_merge *);
/* The next event that is due, with the arena that its spans point into; both until the next call.
 * NULL: none is. */
const struct tap_event *tap_merge_next(struct tap_merge *, const uint8_t **arena);
/* How many came when later ones of other nodes were gone. */
uint64_t tap_merge_late(const struct tap_merge *);

#endif
