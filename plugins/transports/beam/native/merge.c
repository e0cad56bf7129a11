/* merge.c: several rings become one stream, in time.
 *
 * A process wanders between schedulers, and its events with it. Each ring is in order by itself,
 * and a later event of a process has a later time, wherever it is. So the earliest of what the
 * rings have first goes first, but nothing goes before it is sure that no earlier event is still
 * being made: a thread says that it is in a callback before it reads the clock, and its event's
 * time when it has. What is not later than any such time, nor than the time at which that was
 * looked at, is complete.
 */
#include "transports/beam/native/drain.h"

#include <stdlib.h>
#include <string.h>

#define SPINS 64      /* looks at a thread that has not read its clock yet */
#define TELL_EACH 256 /* events after which their ring's writer hears of it */

static int64_t thread_bound(const struct tap_drain *d, const struct tap_thread *t)
{
    int64_t busy = atomic_load(&t->busy);
    for (int i = 0; busy == 1 && i < SPINS; i++)
        busy = atomic_load(&t->busy);
    if (busy == 1)
        return d->horizon; /* it was put to sleep just there */
    return busy == 0 ? INT64_MAX : busy - 4;
}

int64_t tap_drain_time(struct tap_drain *d, int64_t time)
{
    int64_t there = time + atomic_load_explicit(&d->run->clock, memory_order_relaxed);
    d->told = there > d->told ? there : d->told;
    return d->told;
}

int64_t tap_rings_last(const struct tap_drain *d)
{
    int64_t last = d->horizon;
    unsigned count = atomic_load(&tap_thread_count);
    for (unsigned i = 0; i < count && i < TAP_THREADS; i++) {
        struct tap_ring *ring = atomic_load_explicit(&d->run->rings[i], memory_order_acquire);
        int64_t time = ring && tap_ring_used(ring) ? atomic_load(&ring->last) : last;
        last = time > last ? time : last;
    }
    return last;
}

/* No event that is not in its ring by now has an earlier time, nor a report: these read the clock
 * with the lock held. */
static int64_t horizon(const struct tap_drain *d)
{
    pthread_mutex_lock(&d->run->lock);
    int64_t least = tap_now();
    pthread_mutex_unlock(&d->run->lock);
    atomic_thread_fence(memory_order_seq_cst);
    unsigned count = atomic_load(&tap_thread_count);
    for (unsigned i = 0; i < count && i < TAP_THREADS; i++) {
        int64_t bound = thread_bound(d, &tap_threads[i]);
        least = bound < least ? bound : least;
    }
    return least > d->horizon ? least : d->horizon;
}

/* ---- What each ring has first */

void tap_rings_settle(struct tap_drain *d)
{
    unsigned count = atomic_load(&tap_thread_count);
    for (unsigned i = 0; i < count && i < TAP_THREADS; i++) {
        struct tap_ring *ring = atomic_load_explicit(&d->run->rings[i], memory_order_acquire);
        if (ring)
            tap_frames_lose(&d->out, tap_ring_take_lost(ring, NULL), TAP_WHY_MEMORY);
    }
    uint64_t no_ring = atomic_load(&d->run->no_ring);
    tap_frames_lose(&d->out, no_ring - d->no_ring_told, TAP_WHY_MEMORY);
    d->no_ring_told = no_ring;
}

static void collect_heads(struct tap_drain *d)
{
    unsigned count = atomic_load(&tap_thread_count);
    tap_rings_settle(d);
    d->head_count = 0;
    for (unsigned i = 0; i < count && i < TAP_THREADS; i++) {
        struct tap_ring *ring = atomic_load_explicit(&d->run->rings[i], memory_order_acquire);
        struct tap_native_head *head = &d->heads[d->head_count];
        if (!ring || !tap_ring_peek(ring, &head->record))
            continue;
        head->ring = ring;
        d->head_count++;
    }
}

static struct tap_native_head *first_head(struct tap_drain *d)
{
    struct tap_native_head *first = &d->heads[0];
    if (d->head_count == 0)
        return NULL;
    for (size_t i = 1; i < d->head_count; i++)
        if (d->heads[i].record.time < first->record.time)
            first = &d->heads[i];
    return first;
}

/* The record goes into a frame, or is lost. False: it has to wait, for credit or for the socket. */
static bool give_head(struct tap_drain *d, const struct tap_native_head *head)
{
    struct tap_frames_out *o = &d->out;
    bool numbered = d->run->options.numbered;
    size_t size = head->record.size + (numbered ? TAP_EVENT_TIME_NUMBERED : TAP_EVENT_TIME);
    if (!tap_frames_may(o, size) || tap_frames_waiting(o) >= TAP_FRAMES_OUT)
        return false;
    tap_frames_lose(o, tap_ring_take_lost(head->ring, &head->record), TAP_WHY_MEMORY);
    uint8_t *to = tap_frames_add(o, size);
    if (!to)
        return false;
    memcpy(to, tap_ring_message(head->ring), head->record.size);
    tap_event_put_time(to + head->record.size, tap_drain_time(d, head->record.time), numbered);
    return true;
}

static bool take_head(struct tap_drain *d, struct tap_native_head *head)
{
    struct tap_frames_out *o = &d->out;
    uint64_t most = d->run->options.max_events;
    if (d->ended)
        tap_frames_lose(o, tap_ring_take_lost(head->ring, &head->record) + 1, d->ended);
    else if (!give_head(d, head))
        return false;
    tap_ring_take(head->ring, &head->record);
    if ((o->seq & (TELL_EACH - 1)) == 0)
        tap_ring_told(head->ring);
    if (!tap_ring_peek(head->ring, &head->record)) {
        tap_ring_told(head->ring);
        *head = d->heads[--d->head_count];
    }
    if (most && o->seq >= most)
        tap_drain_ended(d, TAP_WHY_LIMIT, "max_events", "");
    return true;
}

/* ---- Reports */

struct tap_control *tap_control_take(struct tap_run *r, int64_t by, bool urgent)
{
    struct tap_control **from = urgent ? &r->urgent : &r->controls;
    if (atomic_load_explicit(&r->reports, memory_order_acquire) == 0)
        return NULL;
    pthread_mutex_lock(&r->lock);
    struct tap_control *c = *from;
    if (c && c->time <= by) {
        *from = c->next;
        atomic_fetch_sub(&r->reports, 1);
        if (!c->next)
            *(urgent ? &r->urgent_end : &r->controls_end) = from;
    } else {
        c = NULL;
    }
    pthread_mutex_unlock(&r->lock);
    return c;
}

void tap_control_send(struct tap_drain *d, struct tap_control *c)
{
    d->last |= c->last;
    tap_frames_report(&d->out, c->bytes, c->len);
    free(c);
}

/* ---- A round */

void tap_merge_rings(struct tap_drain *d, bool reports_alone)
{
    struct tap_native_head *head;
    struct tap_control *c;
    while ((c = tap_control_take(d->run, INT64_MAX, true)))
        tap_control_send(d, c);
    d->horizon = horizon(d);
    if (reports_alone)
        d->head_count = 0;
    else
        collect_heads(d);
    /* What is full is filled again when half of it is gone, or frames of a few messages go out. */
    d->starved = tap_frames_waiting(&d->out) > TAP_FRAMES_OUT / 2;
    while ((head = first_head(d)) && head->record.time <= d->horizon && !d->starved) {
        while ((c = tap_control_take(d->run, head->record.time - 1, false)))
            tap_control_send(d, c);
        d->starved = !take_head(d, head);
    }
    for (size_t i = 0; i < d->head_count; i++)
        tap_ring_told(d->heads[i].ring);
    while (!d->starved && (c = tap_control_take(d->run, d->horizon, false)))
        tap_control_send(d, c);
    tap_frames_close(&d->out);
}

unsigned tap_rings_fill(const struct tap_drain *d)
{
    uint64_t most = 0;
    unsigned count = atomic_load(&tap_thread_count);
    for (unsigned i = 0; i < count && i < TAP_THREADS; i++) {
        struct tap_ring *ring = atomic_load_explicit(&d->run->rings[i], memory_order_acquire);
        uint64_t used = ring ? tap_ring_used(ring) : 0;
        most = used > most ? used : most;
    }
    return (unsigned)(most * 256 / d->run->ring_size);
}

bool tap_rings_are_empty(struct tap_drain *d)
{
    struct tap_record record;
    unsigned count = atomic_load(&tap_thread_count);
    for (unsigned i = 0; i < count && i < TAP_THREADS; i++) {
        struct tap_ring *ring = atomic_load_explicit(&d->run->rings[i], memory_order_acquire);
        if (ring && tap_ring_peek(ring, &record))
            return false;
    }
    return true;
}
