/* held.c: see held.h. */
#include "bus/held.h"

#include <stdlib.h>
#include <string.h>

/* ---- Nodes */

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
    tap_held_ring_free(&h->ring);
    tap_held_ring_free(&h->behind);
    for (uint32_t i = 0; i < h->node_count; i++)
        free(h->nodes[i].accepted);
    free(h->nodes);
    *h = (struct tap_held){0};
}

/* ---- What is not wanted */

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

/* May it be told yet that some of this node's events had no room? */
static bool may_tell(const struct tap_held *h, const struct tap_held_node *n)
{
    for (uint32_t i = 0; i < TAP_HELD_SPANS; i++) {
        const struct tap_held_span *span = &h->spans[i];
        bool old = (__int128)h->latest - span->last > h->keep;
        for (uint32_t set = 0; span->events && !old && set < h->sets; set++)
            if (accepted_of(h, n, i)[set])
                return true;
    }
    return false;
}

/* Where the end of such a node is in the batch; behind all of it: there is none. */
static uint32_t end_in(const struct tap_held *h, const struct tap_batch_impl *batch)
{
    for (uint32_t i = 0; i < batch->base.count; i++) {
        const struct tap_event *ev = &batch->events[i];
        struct tap_held_node *n = ev->kind == TAP_NODE_DOWN ? find(h, ev->node) : NULL;
        if (n && may_tell(h, n))
            return i;
    }
    return batch->base.count;
}

/* A copy of what controls, from `begin` on, which every set of filters has. NULL: there is none, or
 * no memory. */
static struct tap_batch_impl *controls_of(struct tap_held *h, const struct tap_batch_impl *from,
                                          uint32_t begin)
{
    size_t bytes = 0;
    uint32_t count = 0;
    for (uint32_t i = begin; i < from->base.count; i++)
        if (tap_kind_is_control(from->events[i].kind))
            bytes += tap_event_bytes(&from->events[i], true), count++;
    struct tap_arena *arena = count ? tap_arena_get(h->pool, bytes) : NULL;
    struct tap_batch_impl *to = arena ? tap_batch_get(h->pool, arena, arena->size, count) : NULL;
    bool whole = to != NULL;
    if (to)
        to->base.arena_len = 0; /* it is filled by hand */
    for (uint32_t i = begin; whole && i < from->base.count; i++)
        if (tap_kind_is_control(from->events[i].kind))
            whole = tap_batch_copy(to, &from->events[i], from->base.arena, true) != NULL;
    if (!whole || !tap_batch_seal(to)) {
        if (to)
            tap_batch_release(to);
        return NULL;
    }
    for (uint32_t s = 0; s < h->sets; s++) { /* what controls passes all filters */
        struct tap_selection *sel = &to->selections[s];
        for (uint32_t i = 0; i < count; i++)
            sel->index[i] = i;
        sel->count = count;
        sel->accepted = 0;
    }
    return to;
}

/* Before the row of a node's lost events, what controls may not say that it has ended: from there
 * on it goes behind. */
static void go_behind(struct tap_held *h, struct tap_batch_impl *batch)
{
    uint32_t begin = h->behind.count ? 0 : end_in(h, batch);
    struct tap_batch_impl *controls = controls_of(h, batch, begin);
    if (controls && !tap_held_put(&h->behind, (struct tap_held_item){controls, 0, 0})) {
        tap_batch_release(controls);
        controls = NULL;
    }
    for (uint32_t s = 0; controls && s < h->sets; s++) {
        struct tap_selection *sel = &batch->selections[s];
        while (sel->count && sel->index[sel->count - 1] >= begin)
            sel->count--;
    }
}

static void let_out(struct tap_held *h)
{
    struct tap_held_item item = tap_held_take(&h->behind);
    offer(h, &item);
}

/* The first of what is behind: there is too much of it, or nothing is to be told any more. */
static bool may_go(const struct tap_held *h)
{
    const struct tap_batch_impl *first = tap_held_at(&h->behind, 0)->batch;
    return h->behind.bytes > h->memory / 2 || (!h->ring.count && tap_batch_pool_full(h->pool)) ||
           end_in(h, first) == first->base.count;
}

/* It is not wanted; what it controls is. */
static uint64_t dismiss(struct tap_held *h, struct tap_held_item item)
{
    number(h, item.batch);
    narrow(h, item.batch, INT64_MAX);
    go_behind(h, item.batch);
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
    if (!tap_held_put(&h->ring, item)) {
        remember(h, &item);
        return dismiss(h, item);
    }
    while (h->ring.count && (__int128)h->latest - tap_held_at(&h->ring, 0)->last > h->keep)
        out += dismiss(h, tap_held_take(&h->ring));
    while (h->ring.count &&
           (h->ring.bytes + h->behind.bytes > h->memory || tap_batch_pool_full(h->pool))) {
        remember(h, tap_held_at(&h->ring, 0));
        out += dismiss(h, tap_held_take(&h->ring));
    }
    while (h->behind.count && may_go(h))
        let_out(h);
    return out;
}

/* One row that says so of a node, in this set's sinks, before the first event that is still there;
 * their figures, which had them as filtered, too. */
static void tell_lost(struct tap_held *h, uint32_t set, uint64_t lost,
                      const struct tap_held_node *node, const struct tap_event *before)
{
    struct tap_batch_impl *batch = lost ? tap_batch_get(h->pool, NULL, 0, 1) : NULL;
    struct tap_event *ev = batch ? tap_batch_add(batch) : NULL;
    if (ev) {
        ev->kind = TAP_LOST;
        ev->reason = TAP_REASON_KEEP;
        ev->lost = lost;
        ev->node = node->node;
        ev->ts = before ? before->ts : h->latest;
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

static bool is_counted(const struct tap_event *ev)
{
    return !tap_kind_is_control(ev->kind);
}

static bool has_row(const struct tap_event *ev)
{
    return tap_kind_has_row(ev->kind);
}

static const struct tap_event *first_event(const struct tap_held_ring *r,
                                           bool (*is)(const struct tap_event *))
{
    for (size_t i = 0; i < r->count; i++) {
        const struct tap_batch_impl *batch = tap_held_at(r, i)->batch;
        for (uint32_t k = 0; k < batch->base.count; k++)
            if (is(&batch->events[k]))
                return &batch->events[k];
    }
    return NULL;
}

/* Is its end held back? */
static bool ends(const struct tap_held *h, uint32_t node)
{
    for (size_t i = 0; i < h->behind.count; i++) {
        const struct tap_batch_impl *batch = tap_held_at(&h->behind, i)->batch;
        for (uint32_t k = 0; k < batch->base.count; k++)
            if (batch->events[k].kind == TAP_NODE_DOWN && batch->events[k].node == node)
                return true;
    }
    return false;
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
    return lost;
}

static void tell_of(struct tap_held *h, const struct tap_held_node *node,
                    const struct tap_event *before)
{
    for (uint32_t set = 0; set < h->sets; set++)
        tell_lost(h, set, lost_of(h, node, set), node, before);
}

/* In the order of their times: of nodes that have ended, what controls, and of the others. */
static void tell(struct tap_held *h)
{
    const struct tap_event *first = first_event(&h->behind, has_row);
    for (uint32_t i = 0; i < h->node_count; i++) {
        h->nodes[i].told = ends(h, h->nodes[i].node);
        if (h->nodes[i].told)
            tell_of(h, &h->nodes[i], first);
    }
    while (h->behind.count)
        let_out(h);
    first = first_event(&h->ring, is_counted);
    for (uint32_t i = 0; i < h->node_count; i++)
        if (!h->nodes[i].told)
            tell_of(h, &h->nodes[i], first);
}

uint64_t tap_held_flush(struct tap_held *h, int64_t since, uint64_t *out, uint64_t *kept)
{
    uint64_t lost = lost_since(h, since);
    tell(h);
    while (h->ring.count) {
        struct tap_held_item item = tap_held_take(&h->ring);
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
    while (h->ring.count)
        out += dismiss(h, tap_held_take(&h->ring));
    while (h->behind.count)
        let_out(h);
    return out;
}
