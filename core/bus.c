/* bus.c: see bus.h. */
#include "bus.h"

#include <stdlib.h>
#include <string.h>

/* Each filter's verdict on each event. False when out of memory. */
static bool judge(struct tap_bus *bus, const struct tap_batch_own *batch)
{
    uint32_t n = batch->base.count;
    if (n == 0)
        return true;
    if (n > bus->keep_cap) {
        size_t cap = n < 1024 ? 1024 : (size_t)n * 2;
        for (size_t f = 0; f < bus->filter_count; f++) {
            uint8_t *keep = realloc(bus->filters[f].keep, cap);
            if (!keep)
                return false;
            bus->filters[f].keep = keep;
        }
        bus->keep_cap = cap;
    }
    for (size_t f = 0; f < bus->filter_count; f++) {
        struct tap_bus_filter *filter = &bus->filters[f];
        memset(filter->keep, 1, n);
        filter->ops->judge(filter->self, &batch->base, filter->keep);
    }
    return true;
}

/* What this set of filters lets through. Control, lost and gap events always pass and are not counted. */
static void choose(const struct tap_bus *bus, struct tap_batch_own *batch, uint32_t set)
{
    struct tap_selection *sel = &batch->selections[set];
    const bool *uses = bus->set_uses + set * bus->filter_count;
    const uint8_t *keeps[bus->filter_count + 1];
    size_t n = 0;
    for (size_t f = 0; f < bus->filter_count; f++)
        if (uses[f])
            keeps[n++] = bus->filters[f].keep;
    uint32_t count = 0, judged = 0;
    for (uint32_t i = 0; i < batch->base.count; i++) {
        unsigned kind = batch->events[i].kind;
        bool counted = !tap_kind_is_control(kind), pass = !counted || (bus->events & TAP_KIND_BIT(kind));
        for (size_t k = 0; counted && pass && k < n; k++)
            pass = keeps[k][i];
        sel->index[count] = i;
        count += pass;
        judged += pass && counted;
    }
    sel->count = count;
    sel->judged = judged;
}

static void pair(struct tap_bus *bus, struct tap_batch_own *batch)
{
    if (!bus->flow)
        return;
    for (uint32_t i = 0; i < batch->base.count; i++) {
        unsigned kind = batch->events[i].kind;
        if ((kind >= TAP_MESSAGE_SEND && kind <= TAP_PROCESS_UNREGISTER) || kind == TAP_PROCESS_INFO)
            tap_flow_event(bus->flow, &batch->events[i], batch->base.arena);
    }
}

static uint64_t counted_events(const struct tap_batch_own *batch)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < batch->base.count; i++)
        n += !tap_kind_is_control(batch->events[i].kind);
    return n;
}

/* To every sink; lets go of the batch. `ignored`: received events that no sink gets. */
static void publish(struct tap_bus *bus, struct tap_batch_own *batch, uint64_t ignored)
{
    uint64_t total = counted_events(batch) + ignored;
    bool full = tap_batch_pool_full(&bus->pool);
    pair(bus, batch);
    if (!tap_batch_seal(batch) || !judge(bus, batch)) {
        /* Out of memory: nobody gets it, and every sink's figures say so. */
        for (size_t s = 0; s < bus->sink_count; s++) {
            atomic_fetch_add(&bus->sinks[s]->given, total);
            atomic_fetch_add(&bus->sinks[s]->dropped, total);
        }
    } else {
        for (uint32_t set = 0; set < bus->set_count; set++)
            choose(bus, batch, set);
        for (size_t s = 0; s < bus->sink_count; s++)
            tap_sink_offer(bus->sinks[s], batch, total, full);
    }
    tap_batch_release(batch);
}

/* About how many events the frames hold, by their headers; a wrong count costs nothing. */
static uint32_t expected(const struct tap_arena *arena, const uint32_t *frames, size_t n)
{
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++) {
        struct tap_frame f;
        if (frames[i] <= arena->size && arena->size - frames[i] >= TAP_FRAME_HEADER &&
            tap_frame_read(arena->data + frames[i], &f))
            count += f.count < f.length ? f.count : f.length;
    }
    return count < UINT32_MAX / 8 ? (uint32_t)count : UINT32_MAX / 8;
}

/* Where the frame's own length says that it ends, so that what a batch keeps is what it needs. */
static uint32_t frame_end(const struct tap_arena *arena, uint32_t off)
{
    struct tap_frame f;
    size_t size = arena->size < UINT32_MAX ? arena->size : UINT32_MAX;
    if (off > size || size - off < TAP_FRAME_HEADER)
        return (uint32_t)size;
    if (!tap_frame_read(arena->data + off, &f) || f.length > size - off - TAP_FRAME_HEADER)
        return (uint32_t)size;
    return off + TAP_FRAME_HEADER + f.length;
}

void tap_bus_commit(struct tap_bus *bus, struct tap_stream *stream, struct tap_arena *arena,
                    const uint32_t *frames, size_t n)
{
    if (n == 0) {
        tap_arena_put(&bus->pool, arena);
        return;
    }
    pthread_mutex_lock(&bus->lock);
    uint32_t len = frame_end(arena, frames[n - 1]);
    struct tap_batch_own *batch = tap_batch_get(&bus->pool, arena, len, expected(arena, frames, n));
    if (batch) { /* else its numbers show as missing with the next frame */
        uint64_t ignored = 0;
        for (size_t i = 0; i < n; i++)
            ignored +=
                tap_frame_decode(&bus->frames, stream, batch, frames[i], i + 1 < n ? frames[i + 1] : len);
        publish(bus, batch, ignored);
    }
    pthread_mutex_unlock(&bus->lock);
}

void tap_bus_node_down(struct tap_bus *bus, struct tap_stream *stream, uint64_t next, bool failed)
{
    pthread_mutex_lock(&bus->lock);
    struct tap_batch_own *batch = tap_batch_get(&bus->pool, NULL, 0, 2);
    if (batch) {
        tap_stream_end(stream, batch, next);
        struct tap_event *ev = tap_stream_event(stream, batch, TAP_NODE_DOWN,
                                                stream->last_ts ? stream->last_ts : tap_clock_now());
        if (ev)
            ev->reason = failed ? TAP_REASON_CONNECTION : TAP_REASON_NONE;
        publish(bus, batch, 0);
    }
    pthread_mutex_unlock(&bus->lock);
}

void tap_bus_node_again(struct tap_bus *bus, struct tap_stream *stream)
{
    pthread_mutex_lock(&bus->lock);
    tap_stream_again(stream);
    pthread_mutex_unlock(&bus->lock);
}
