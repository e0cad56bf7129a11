/* node_order.h: one node's events in the order of time.
 *
 * The VM's schedulers hand trace messages to the tracer each at its own pace: those of one process
 * come in their order, those of two processes may be some milliseconds apart. So events are held
 * back until the stream is `window` beyond them, by a later event or by a mark, and go out by time;
 * of two with the same time the one that came first. No clock is read: the order depends on the
 * stream alone. Nothing is copied but the events that have to change places with those of another
 * batch.
 *
 * What has no time of its own (losses, reports) goes behind all that came before it, and gets that
 * time. Sequence numbers are given anew where events change places, so that they count up in the
 * order in which events go out: what was lost or ignored keeps its share of them.
 *
 * One thread.
 */
#ifndef TAP_CORRELATE_NODE_ORDER_H
#define TAP_CORRELATE_NODE_ORDER_H

#include "decode/batch.h"

struct tap_node_order;

/* `window` in ns; `raw`: somebody looks at what events were made of. NULL when out of memory. */
struct tap_node_order *tap_node_order_new(int64_t window, bool raw);
/* Lets go of what still waits. NULL is none. */
void tap_node_order_free(struct tap_node_order *);
/* Takes a batch over, unsealed. `mark`: a time that the stream has passed; 0: none. Out of memory
 * leaves events where they are. */
void tap_node_order_add(struct tap_node_order *, struct tap_batch_impl *, int64_t mark);
/* The next batch that is due, the caller's from then on; NULL: none is. `limit`: bytes that may be
 * held back, what is more is due; 0: all is. */
struct tap_batch_impl *tap_node_order_next(struct tap_node_order *, size_t limit);
/* The stream has passed this time. */
void tap_node_order_mark(struct tap_node_order *, int64_t mark);
/* No event before this time is still to come, but late ones; INT64_MIN: unknown. */
int64_t tap_node_order_passed(const struct tap_node_order *);
/* How many came when later ones were gone: more than `window`, or `limit`, behind. */
uint64_t tap_node_order_late(const struct tap_node_order *);
/* The node is another one now: its time begins anew. Nothing waits. */
void tap_node_order_again(struct tap_node_order *);

#endif
