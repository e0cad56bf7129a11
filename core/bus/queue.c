/* queue.c: a ring of items under one lock. What is dropped is turned into remnants under that lock
 * too: that is rare, and short. */
#include "bus/queue.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum tap_status tap_queue_init(struct tap_queue *q, struct tap_batch_pool *pool, size_t limit,
                               enum tap_on_full on_full)
{
    memset(q, 0, sizeof *q);
    q->pool = pool;
    q->limit = limit;
    q->on_full = on_full;
    q->credit = true;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int bad = pthread_mutex_init(&q->lock, NULL) || pthread_cond_init(&q->more, &attr);
    pthread_condattr_destroy(&attr);
    return bad ? TAP_ERROR : TAP_OK;
}

static struct tap_queue_item *at(struct tap_queue *q, size_t i)
{
    return &q->ring[(q->head + i) % q->cap];
}

static void clear(struct tap_queue *q)
{
    for (size_t i = 0; i < q->count; i++) {
        tap_batch_release(at(q, i)->batch);
        free(at(q, i)->last);
    }
    q->count = q->bytes = q->remnant_bytes = 0;
}

void tap_queue_destroy(struct tap_queue *q)
{
    clear(q);
    free(q->ring);
    pthread_cond_destroy(&q->more);
    pthread_mutex_destroy(&q->lock);
}

/* Room for one more item; false when out of memory. */
static bool room(struct tap_queue *q)
{
    if (q->count < q->cap)
        return true;
    size_t cap = q->cap ? q->cap * 2 : 16;
    struct tap_queue_item *ring = malloc(cap * sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < q->count; i++)
        ring[i] = *at(q, i);
    free(q->ring);
    q->ring = ring;
    q->cap = cap;
    q->head = 0;
    return true;
}

/* ---- Remnants */

/* Copies a span of the dropped batch behind the remnant's own bytes. Above the limit payloads stay
 * behind. */
static struct tap_span keep_span(struct tap_queue *q, struct tap_batch_impl *to,
                                 const struct tap_batch *from, struct tap_span span)
{
    struct tap_span none = {0, 0};
    if (!span.len || q->remnant_bytes > q->limit)
        return none;
    struct tap_arena *arena = &to->arena->base;
    uint8_t *data = realloc(arena->data, arena->size + span.len);
    if (!data)
        return none;
    memcpy(data + arena->size, from->arena + span.off, span.len);
    struct tap_span kept = {(uint32_t)arena->size, span.len};
    arena->data = data;
    arena->size += span.len;
    to->base.arena = data;
    to->base.arena_len = (uint32_t)arena->size;
    q->remnant_bytes += span.len;
    return kept;
}

/* Where the last row stands that is like this one; NULL: nobody keeps that. */
static uint32_t *last_like(struct tap_queue_item *to, const struct tap_event *ev)
{
    if ((ev->kind != TAP_LOST && ev->kind != TAP_GAP) || ev->reason >= TAP_REASON_COUNT)
        return NULL;
    if (ev->node >= to->last_nodes) {
        uint32_t nodes = ev->node + 8;
        void *more = realloc(to->last, nodes * sizeof *to->last);
        if (!more)
            return NULL;
        to->last = more;
        memset(to->last + to->last_nodes, 0, (nodes - to->last_nodes) * sizeof *to->last);
        to->last_nodes = nodes;
    }
    return &to->last[ev->node][ev->reason + (ev->kind == TAP_GAP ? TAP_REASON_COUNT : 0)];
}

/* Beyond the limit a loss or a gap goes to the last row that is like it: what they count stays
 * right, and where most of it was. */
static bool join_row(const struct tap_queue *q, struct tap_queue_item *to,
                     const struct tap_event *ev)
{
    const uint32_t *last = q->remnant_bytes > q->limit ? last_like(to, ev) : NULL;
    if (!last || !*last)
        return false;
    struct tap_event *row = &to->batch->events[*last - 1];
    if (ev->kind == TAP_LOST) {
        row->lost += ev->lost;
        return true;
    }
    row->gap += ev->gap;
    if (memcmp(&row->pid, &ev->pid, sizeof row->pid) != 0)
        row->pid = (struct tap_pid){0}; /* of several */
    return true;
}

/* A sink that hangs for hours must not collect clock reports for ever. */
static bool may_keep(const struct tap_queue *q, const struct tap_event *ev)
{
    bool row = tap_kind_has_row(ev->kind), joins = ev->kind == TAP_LOST || ev->kind == TAP_GAP;
    return joins || q->remnant_bytes <= q->limit + (row ? TAP_QUEUE_ROWS : 0);
}

/* A new row of the remnant; NULL: none. */
static struct tap_event *add_row(struct tap_queue *q, struct tap_queue_item *to,
                                 const struct tap_event *ev)
{
    struct tap_event *row = tap_batch_add(to->batch);
    /* below the limit nothing is joined, and nobody asks */
    uint32_t *last = row && q->remnant_bytes > q->limit ? last_like(to, ev) : NULL;
    if (last)
        *last = to->batch->base.count;
    if (row) {
        *row = *ev;
        q->remnant_bytes += sizeof *row;
    }
    return row;
}

static void keep_event(struct tap_queue *q, struct tap_queue_item *item,
                       const struct tap_batch *from, const struct tap_event *ev)
{
    struct tap_batch_impl *to = item->batch;
    struct tap_event *copy =
        may_keep(q, ev) && !join_row(q, item, ev) ? add_row(q, item, ev) : NULL;
    if (!copy)
        return;
    /* The payload of a report is a part of it. */
    bool within = ev->raw.len && ev->payload.off >= ev->raw.off &&
                  ev->payload.off - ev->raw.off + ev->payload.len <= ev->raw.len;
    copy->raw = keep_span(q, to, from, ev->raw);
    if (within && ev->payload.len && copy->raw.len)
        copy->payload.off = copy->raw.off + (ev->payload.off - ev->raw.off);
    else
        copy->payload = keep_span(q, to, from, ev->payload);
    copy->metadata = (struct tap_span){0, 0};
}

/* The row that says how many of this node were dropped here: what is dropped of one node is one row
 * up to the next event that stands for itself, so there are never more of them than nodes. */
static struct tap_event *loss_row(const struct tap_batch_impl *to, uint32_t node)
{
    for (uint32_t i = to->base.count; i > 0; i--) {
        struct tap_event *ev = &to->events[i - 1];
        if (ev->kind != TAP_LOST || ev->reason != TAP_REASON_SINK_QUEUE)
            return NULL;
        if (ev->node == node)
            return ev;
    }
    return NULL;
}

static void keep_loss(struct tap_queue *q, struct tap_queue_item *to, const struct tap_event *first,
                      uint64_t n)
{
    const struct tap_event lost = {.kind = TAP_LOST,
                                   .reason = TAP_REASON_SINK_QUEUE,
                                   .lost = n,
                                   .node = first->node,
                                   .seq = first->seq,
                                   .ts = first->ts,
                                   .arity = -1};
    struct tap_event *ev = loss_row(to->batch, first->node);
    if (ev)
        ev->lost += n;
    else if (!join_row(q, to, &lost))
        add_row(q, to, &lost);
}

/* What stands for these events when they are dropped goes to the end of `to`. */
static void keep_rest(struct tap_queue *q, struct tap_queue_item *to,
                      const struct tap_batch_impl *from, const struct tap_selection *selection)
{
    const struct tap_event *first = NULL; /* of those in a row that are one node's */
    uint64_t n = 0;
    for (uint32_t i = 0; i < selection->count; i++) {
        const struct tap_event *ev = &from->events[selection->index[i]];
        bool control = tap_kind_is_control(ev->kind);
        if (n && (control || ev->node != first->node)) {
            keep_loss(q, to, first, n);
            n = 0;
        }
        if (control)
            keep_event(q, to, &from->base, ev);
        else
            first = n++ ? first : ev;
    }
    if (n)
        keep_loss(q, to, first, n);
}

/* What was added to remnant_bytes for this one. */
static size_t remnant_bytes(const struct tap_batch_impl *remnant)
{
    return remnant->base.count * sizeof(struct tap_event) + remnant->base.arena_len;
}

static struct tap_batch_impl *remnant_new(struct tap_queue *q)
{
    /* An arena of its own that grows by realloc, not one of the pool's. */
    struct tap_arena_impl *arena = calloc(1, sizeof *arena);
    return arena ? tap_batch_get(q->pool, &arena->base, 0, 8) : NULL;
}

/* ---- Push and pop */

static bool is_full(const struct tap_queue *q, size_t more)
{
    size_t limit = q->limit + (q->on_full == TAP_BLOCK ? TAP_QUEUE_OVERSHOOT : 0);
    return q->bytes > 0 && q->bytes + more > limit; /* one batch always fits, however large */
}

static uint64_t drop_newest(struct tap_queue *q, struct tap_batch_impl *batch,
                            const struct tap_selection *selection)
{
    struct tap_queue_item rest = {.remnant = true};
    bool join = q->count && at(q, q->count - 1)->remnant;
    if (!join && room(q) && (rest.batch = remnant_new(q))) {
        *at(q, q->count++) = rest;
        join = true;
    }
    if (join)
        keep_rest(q, at(q, q->count - 1), batch, selection);
    return selection->accepted;
}

/* The oldest batch becomes a remnant, joined with the one before it. */
static uint64_t drop_oldest(struct tap_queue *q)
{
    size_t i = 0;
    while (i < q->count && at(q, i)->remnant)
        i++;
    if (i == q->count)
        return 0;
    struct tap_queue_item item = *at(q, i);
    struct tap_queue_item rest = {.remnant = true};
    bool join = i > 0;
    if (!join)
        rest.batch = remnant_new(q);
    if (join || rest.batch)
        keep_rest(q, join ? at(q, i - 1) : &rest, item.batch, item.selection);
    if (join || !rest.batch) {
        for (; i > 0; i--)
            *at(q, i) = *at(q, i - 1);
        q->head = (q->head + 1) % q->cap;
        q->count--;
    } else {
        *at(q, i) = rest;
    }
    uint64_t dropped = item.selection->accepted;
    q->bytes -= item.batch->bytes;
    tap_batch_release(item.batch);
    return dropped;
}

uint64_t tap_queue_push(struct tap_queue *q, struct tap_batch_impl *batch,
                        const struct tap_selection *selection, bool full)
{
    uint64_t dropped = 0;
    if (selection->count == 0)
        return 0;
    pthread_mutex_lock(&q->lock);
    if (q->dead) {
        dropped = selection->accepted;
    } else {
        while (!full && q->on_full == TAP_DROP_OLDEST && is_full(q, batch->bytes))
            dropped += drop_oldest(q);
        if (full || is_full(q, batch->bytes) || !room(q)) {
            dropped += drop_newest(q, batch, selection);
        } else {
            tap_batch_hold(batch, 1);
            q->bytes += batch->bytes;
            q->credit &= q->bytes <= q->limit / 2;
            *at(q, q->count++) = (struct tap_queue_item){.batch = batch, .selection = selection};
        }
        pthread_cond_signal(&q->more);
    }
    pthread_mutex_unlock(&q->lock);
    return dropped;
}

/* A remnant that leaves the queue no longer changes: all its events are selected. */
static bool finish_remnant(struct tap_queue_item *item)
{
    struct tap_batch_impl *batch = item->batch;
    free(item->last);
    item->last = NULL;
    if (!tap_batch_seal(batch))
        return false;
    struct tap_selection *all = &batch->selections[0];
    for (all->count = 0; all->count < batch->base.count; all->count++)
        all->index[all->count] = all->count;
    item->selection = all;
    return true;
}

/* Some bytes left: is there credit again? */
static bool ease(struct tap_queue *q)
{
    if (q->credit || q->bytes > q->limit / 4)
        return false;
    q->credit = true;
    return q->on_full == TAP_BLOCK;
}

enum tap_popped tap_queue_pop(struct tap_queue *q, struct tap_queue_item *item, int64_t deadline,
                              bool *eased)
{
    struct timespec until = {deadline / TAP_SECOND, deadline % TAP_SECOND};
    enum tap_popped popped = TAP_POPPED;
    *eased = false;
    pthread_mutex_lock(&q->lock);
    for (;;) {
        if (q->count == 0) {
            popped = q->closed || q->dead ? TAP_POP_END : TAP_POP_TIMEOUT;
            if (popped == TAP_POP_END || pthread_cond_timedwait(&q->more, &q->lock, &until))
                break;
            continue;
        }
        *item = *at(q, 0);
        q->head = (q->head + 1) % q->cap;
        q->count--;
        popped = TAP_POPPED;
        if (!item->remnant) {
            q->bytes -= item->batch->bytes;
            *eased = ease(q);
            break;
        }
        q->remnant_bytes -= remnant_bytes(item->batch);
        if (finish_remnant(item))
            break;
        tap_batch_release(item->batch);
    }
    pthread_mutex_unlock(&q->lock);
    return popped;
}

void tap_queue_close(struct tap_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->more);
    pthread_mutex_unlock(&q->lock);
}

void tap_queue_kill(struct tap_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->dead = true;
    clear(q);
    pthread_cond_broadcast(&q->more);
    pthread_mutex_unlock(&q->lock);
}

bool tap_queue_may_grant(struct tap_queue *q)
{
    if (q->on_full != TAP_BLOCK)
        return true;
    pthread_mutex_lock(&q->lock);
    bool may = q->dead || q->credit;
    pthread_mutex_unlock(&q->lock);
    return may;
}
