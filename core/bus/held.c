/* held.c: see held.h. */
#include "bus/held.h"

#include <stdlib.h>
#include <string.h>

static struct tap_held_node *find(const struct tap_held *h, uint32_t node)
{
    for (uint32_t i = 0; i < h->node_count; i++)
        if (h->nodes[i].node == node)
            return &h->nodes[i];
    return NULL;
}

/* There is always one to count for: where there is no memory for another one, what it lost is told
 * of that. NULL: there is none at all. */
static struct tap_held_node *node_of(struct tap_held *h, uint32_t node)
{
    struct tap_held_node *known = find(h, node), *more;
    if (known)
        return known;
    more = realloc(h->nodes, (h->node_count + 1) * sizeof *more);
    h->nodes = more ? more : h->nodes;
    uint64_t *accepted = calloc((size_t)TAP_HELD_SPANS * h->sets + 1, sizeof *accepted);
    if (!more || !accepted) {
        free(accepted);
        return h->nodes;
    }
    h->nodes[h->node_count] = (struct tap_held_node){.node = node, .accepted = accepted};
    return &h->nodes[h->node_count++];
}

static uint64_t *accepted_of(const struct tap_held *h, const struct tap_held_node *n, uint32_t span)
{
    return n->accepted + (size_t)span * h->sets;
}

bool tap_held_init(struct tap_held *h)
{
    h->latest = 0; /* every event is later */
    return node_of(h, 0);
}

void tap_held_free(struct tap_held *h)
{
    for (size_t i = 0; i < h->count; i++)
        tap_batch_release(h->ring[(h->head + i) % h->cap].batch);
    free(h->ring);
    for (uint32_t i = 0; i < h->node_count; i++)
        free(h->nodes[i].accepted);
    free(h->nodes);
    *h = (struct tap_held){0};
}

static struct tap_held_item take(struct tap_held *h)
{
    struct tap_held_item item = h->ring[h->head];
    h->head = (h->head + 1) % h->cap;
    h->count--;
    h->bytes -= item.batch->bytes;
    return item;
}

/* Leaves out the counted events before this time. How many of the batch's counted events that
 * are, whether a set of filters had chosen them or not. */
static uint64_t narrow(const struct tap_held *h, struct tap_batch_impl *batch, int64_t since)
{
    uint64_t out = 0;
    for (uint32_t s = 0; s < h->sets; s++) {
        struct tap_selection *sel = &batch->selections[s];
        uint32_t count = 0, accepted = 0;
        for (uint32_t i = 0; i < sel->count; i++) {
            const struct tap_event *ev = &batch->events[sel->index[i]];
            bool counted = !tap_kind_is_control(ev->kind);
            if (counted && ev->ts < since)
                continue;
            sel->index[count++] = sel->index[i];
            accepted += counted;
        }
        sel->count = count;
        sel->accepted = accepted;
    }
    for (uint32_t i = 0; i < batch->base.count; i++)
        out += !tap_kind_is_control(batch->events[i].kind) && batch->events[i].ts < since;
    return out;
}

static void offer(const struct tap_held *h, struct tap_held_item *item)
{
    h->relate(h->relate_arg, item->batch);
    for (size_t s = 0; s < h->sink_count; s++)
        tap_sink_offer(h->sinks[s], item->batch, item->total, false);
    tap_batch_release(item->batch);
}

/* What controls goes before the row of the events that had no room, and must not have numbers
 * behind theirs: a recording would have them as left out. */
static void number(const struct tap_held *h, struct tap_batch_impl *batch)
{
    for (uint32_t i = 0; i < batch->base.count; i++) {
        struct tap_event *ev = &batch->events[i];
        struct tap_held_node *n = tap_kind_is_control(ev->kind) ? find(h, ev->node) : NULL;
        if (!n || !n->some || ev->seq < n->first)
            continue;
        ev->seq = n->first;
        n->first += ev->kind == TAP_LOST ? ev->lost : 0;
    }
}

/* The oldest is not wanted; what it controls is. */
static uint64_t drop(struct tap_held *h)
{
    struct tap_held_item item = take(h);
    number(h, item.batch);
    narrow(h, item.batch, INT64_MAX);
    offer(h, &item);
    return item.total;
}

static void remember_set(struct tap_held *h, const struct tap_selection *sel,
                         const struct tap_event *events, uint32_t set)
{
    struct tap_held_node *n = NULL;
    for (uint32_t i = 0; i < sel->count; i++) {
        const struct tap_event *ev = &events[sel->index[i]];
        if (tap_kind_is_control(ev->kind))
            continue;
        if (!n || n->node != ev->node)
            n = node_of(h, ev->node);
        accepted_of(h, n, h->span)[set]++;
        n->first = n->some && n->first < ev->seq ? n->first : ev->seq;
        n->next = n->some && n->next > ev->seq ? n->next : ev->seq + 1;
        n->some = true;
    }
}

static void remember(struct tap_held *h, const struct tap_held_item *item)
{
    struct tap_held_span *span = &h->spans[h->span];
    if (span->events &&
        (__int128)item->last - span->first > h->keep / (int64_t)(TAP_HELD_SPANS - 1)) {
        h->span = (h->span + 1) % TAP_HELD_SPANS;
        span = &h->spans[h->span];
        span->events = 0;
    }
    if (!span->events) {
        span->first = item->last;
        for (uint32_t i = 0; i < h->node_count; i++)
            memset(accepted_of(h, &h->nodes[i], h->span), 0, h->sets * sizeof(uint64_t));
    }
    span->last = item->last;
    span->events += item->total;
    for (uint32_t s = 0; s < h->sets; s++)
        remember_set(h, &item->batch->selections[s], item->batch->events, s);
}

static bool room(struct tap_held *h)
{
    if (h->count < h->cap)
        return true;
    size_t cap = h->cap ? h->cap * 2 : 64;
    struct tap_held_item *ring = malloc(cap * sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < h->count; i++)
        ring[i] = h->ring[(h->head + i) % h->cap];
    free(h->ring);
    h->ring = ring;
    h->cap = cap;
    h->head = 0;
    return true;
}

uint64_t tap_held_add(struct tap_held *h, struct tap_batch_impl *batch, uint64_t total)
{
    uint64_t out = 0;
    struct tap_held_item item = {batch, total, 0};
    for (uint32_t i = 0; i < batch->base.count; i++)
        if (!tap_kind_is_control(batch->events[i].kind) && batch->events[i].ts > item.last)
            item.last = batch->events[i].ts;
    if (item.last > h->latest)
        h->latest = item.last;
    else if (!item.last)
        item.last = h->latest;
    tap_batch_hold(batch, 1);
    if (!room(h)) {
        remember(h, &item);
        number(h, batch);
        narrow(h, batch, INT64_MAX);
        offer(h, &item);
        return total;
    }
    h->ring[(h->head + h->count++) % h->cap] = item;
    h->bytes += batch->bytes;
    while (h->count && (__int128)h->latest - h->ring[h->head].last > h->keep)
        out += drop(h);
    while (h->count && (h->bytes > h->memory || tap_batch_pool_full(h->pool))) {
        remember(h, &h->ring[h->head]);
        out += drop(h);
    }
    return out;
}

/* One row that says so of a node, in this set's sinks, before the first event that is still there;
 * their figures, which had them as filtered, too. */
static void tell_lost(struct tap_held *h, uint32_t set, uint64_t lost,
                      const struct tap_held_node *node, const struct tap_event *at)
{
    struct tap_batch_impl *batch = lost ? tap_batch_get(h->pool, NULL, 0, 1) : NULL;
    struct tap_event *ev = batch ? tap_batch_add(batch) : NULL;
    if (ev) {
        ev->kind = TAP_LOST;
        ev->reason = TAP_REASON_KEEP;
        ev->lost = lost;
        ev->node = node->node;
        ev->ts = at ? at->ts : h->latest;
        ev->seq = node->next > lost ? node->next - lost : 0;
    }
    bool told = ev && tap_batch_seal(batch);
    for (uint32_t s = 0; told && s < h->sets; s++)
        batch->selections[s].count = batch->selections[s].accepted = 0;
    if (told) {
        batch->selections[set].index[0] = 0;
        batch->selections[set].count = 1;
    }
    for (size_t s = 0; lost && s < h->sink_count; s++) {
        struct tap_sink *sink = h->sinks[s];
        if (sink->set != set)
            continue;
        atomic_fetch_sub(&sink->filtered, lost);
        atomic_fetch_add(&sink->given, lost);
        atomic_fetch_add(&sink->dropped, lost);
        if (told)
            tap_sink_offer(sink, batch, 0, false);
    }
    if (batch)
        tap_batch_release(batch);
}

static const struct tap_event *first_event(const struct tap_held *h)
{
    for (size_t i = 0; i < h->count; i++) {
        const struct tap_batch_impl *batch = h->ring[(h->head + i) % h->cap].batch;
        for (uint32_t k = 0; k < batch->base.count; k++)
            if (!tap_kind_is_control(batch->events[k].kind))
                return &batch->events[k];
    }
    return NULL;
}

static uint64_t lost_of(const struct tap_held *h, const struct tap_held_node *node, uint32_t set)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; i < TAP_HELD_SPANS; i++)
        lost += h->spans[i].events ? accepted_of(h, node, i)[set] : 0;
    return lost;
}

static uint64_t lost_since(struct tap_held *h, int64_t since)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < TAP_HELD_SPANS; i++) {
        if (h->spans[i].events && h->spans[i].last < since)
            h->spans[i].events = 0;
        lost += h->spans[i].events;
    }
    const struct tap_event *at = first_event(h);
    for (uint32_t i = 0; lost && i < h->node_count; i++)
        for (uint32_t set = 0; set < h->sets; set++)
            tell_lost(h, set, lost_of(h, &h->nodes[i], set), &h->nodes[i], at);
    return lost;
}

uint64_t tap_held_flush(struct tap_held *h, int64_t since, uint64_t *out, uint64_t *kept)
{
    uint64_t lost = lost_since(h, since);
    while (h->count) {
        struct tap_held_item item = take(h);
        uint64_t early = narrow(h, item.batch, since);
        *out += early;
        *kept += item.total - early;
        offer(h, &item);
    }
    return lost;
}

uint64_t tap_held_drop(struct tap_held *h)
{
    uint64_t out = 0;
    while (h->count)
        out += drop(h);
    return out;
}
