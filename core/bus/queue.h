/* queue.h: the bounded queue before each sink: batches, counted in bytes.
 *
 * The transport thread pushes and never waits. When the queue is full, what is dropped (the new
 * batch, or the oldest ones) leaves a remnant at its place: a small batch that holds a lost event
 * with the count, and the control, lost and gap events, which sinks need to understand the rest.
 * Remnants that lie side by side are joined; and beyond the queue's own size a loss or a gap goes
 * to the last one of its node and reason, so a sink that hangs for hours costs no more than that.
 */
#ifndef TAP_BUS_QUEUE_H
#define TAP_BUS_QUEUE_H

#include <pthread.h>

#include "base/on_full.h"
#include "decode/batch.h"

/* With on_full = block a full queue only withholds credit; what the nodes were allowed to send by
 * then still fits. */
#define TAP_QUEUE_OVERSHOOT (32u << 20)
/* Bytes beyond its size that rows of other kinds may take: of a node that comes and goes. No run
 * has so many. */
#define TAP_QUEUE_ROWS (16u << 20)

struct tap_queue_item {
    struct tap_batch_impl *batch;
    const struct tap_selection *selection;
    bool remnant;
    /* Of a remnant, by node: where in it the last loss and the last gap of each reason stand, from
     * 1 on; 0: nowhere. */
    uint32_t (*last)[2 * TAP_REASON_COUNT];
    uint32_t last_nodes;
};

struct tap_queue {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct tap_batch_pool *pool;
    struct tap_queue_item *ring;
    size_t cap, head, count;
    size_t bytes, remnant_bytes, limit;
    enum tap_on_full on_full;
    /* none from half full on, until it is down to a quarter: else each batch that leaves would wake
     * the transport */
    bool credit;
    bool closed, dead;
};

enum tap_status tap_queue_init(struct tap_queue *, struct tap_batch_pool *, size_t limit,
                               enum tap_on_full);
void tap_queue_destroy(struct tap_queue *);
/* Takes a reference of its own to what it keeps. Gives back how many counted events it dropped
 * (those of this batch, or of older ones). `full`: drop it whatever there is room for. Transport
 * thread. */
uint64_t tap_queue_push(struct tap_queue *, struct tap_batch_impl *, const struct tap_selection *,
                        bool full);
enum tap_popped { TAP_POPPED, TAP_POP_TIMEOUT, TAP_POP_END };
/* The next item, whose batch is the caller's to release; waits until `deadline` (tap_clock_steady).
 * TAP_POP_END: closed and empty. *eased: a queue with on_full = block has just become free enough
 * for credit. Sink thread. */
enum tap_popped tap_queue_pop(struct tap_queue *, struct tap_queue_item *, int64_t deadline,
                              bool *eased);
/* Nothing more will be pushed. Any thread. */
void tap_queue_close(struct tap_queue *);
/* The sink is gone: lets go of everything and takes nothing more. Any thread. */
void tap_queue_kill(struct tap_queue *);
/* May the nodes have more credit, as far as this queue is concerned? Any thread. */
bool tap_queue_may_grant(struct tap_queue *);

#endif
