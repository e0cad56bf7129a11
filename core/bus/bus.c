/* bus.c: the way of a batch: what a commit, a tick and a node's end make of it. */
#include "bus/bus_impl.h"

#include <stdlib.h>
#include <string.h>

/* Each filter's verdict on each event. False when out of memory. */
static bool filter_live(struct tap_bus *bus, const struct tap_batch_impl *batch)
{
    uint32_t n = batch->base.count;
    if (n == 0)
        return true;
    if (n > bus->keep_cap) {
        size_t cap = n < 1024 ? 1024 : (size_t)n * 2;
        for (size_t f = 0; f < bus->filter_count; f++) {
            uint8_t *keep = realloc(bus->keep[f], cap);
            if (!keep)
                return false;
            bus->keep[f] = keep;
        }
        bus->keep_cap = cap;
    }
    for (size_t f = 0; f < bus->filter_count; f++)
        tap_bus_filter_run(&bus->filters[f], &batch->base, bus->keep[f]);
    return true;
}

/* What this set of filters lets through. Control, lost and gap events always pass and are not
 * counted. */
static void choose(const struct tap_bus *bus, struct tap_batch_impl *batch, uint32_t set,
                   const uint8_t *wanted)
{
    struct tap_selection *sel = &batch->selections[set];
    const bool *uses = bus->set_uses + set * bus->filter_count;
    const uint8_t *keeps[bus->filter_count + 2];
    size_t n = 0;
    if (wanted)
        keeps[n++] = wanted;
    for (size_t f = 0; f < bus->filter_count; f++)
        if (uses[f])
            keeps[n++] = bus->keep[f];
    uint32_t count = 0, accepted = 0;
    for (uint32_t i = 0; i < batch->base.count; i++) {
        unsigned kind = batch->events[i].kind;
        bool counted = !tap_kind_is_control(kind),
             pass = !counted || (bus->events & TAP_KIND_BIT(kind));
        for (size_t k = 0; counted && pass && k < n; k++)
            pass = keeps[k][i];
        sel->index[count] = i;
        count += pass;
        accepted += pass && counted;
    }
    sel->count = count;
    sel->accepted = accepted;
}

/* As they come: a stack that grows does not wait for its place in the order. */
static void guard_stacks(struct tap_bus *bus, const struct tap_batch_impl *batch)
{
    for (uint32_t i = 0; bus->stack_guard && i < batch->base.count; i++)
        tap_stack_guard_event(bus->stack_guard, &batch->events[i]);
}

static uint64_t counted_events(const struct tap_batch_impl *batch)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < batch->base.count; i++)
        n += !tap_kind_is_control(batch->events[i].kind);
    return n;
}

/* To every sink; lets go of the batch. `ignored`: received events that no sink gets. */
static void publish(struct tap_bus *bus, struct tap_batch_impl *batch, uint64_t ignored)
{
    uint64_t total = counted_events(batch) + ignored;
    bool full = tap_batch_pool_full(&bus->pool);
    const uint8_t *wanted = NULL;
    enum tap_window_way way =
        bus->window ? tap_window_look(bus->window, batch, &wanted) : TAP_WINDOW_GO;
    if (way == TAP_WINDOW_OPEN)
        tap_window_flush(bus->window);
    if (!tap_batch_seal(batch) || !filter_live(bus, batch)) {
        /* Out of memory: nobody gets it, and every sink's figures say so. */
        for (size_t s = 0; s < bus->sink_count; s++) {
            atomic_fetch_add(&bus->sinks[s]->given, total);
            atomic_fetch_add(&bus->sinks[s]->dropped, total);
        }
    } else {
        for (uint32_t set = 0; set < bus->set_count; set++)
            choose(bus, batch, set, wanted);
        if (way == TAP_WINDOW_HOLD) {
            tap_window_hold(bus->window, batch, total);
        } else {
            tap_bus_relate(bus, batch);
            for (size_t s = 0; s < bus->sink_count; s++)
                tap_sink_offer(bus->sinks[s], batch, total, full);
        }
    }
    tap_batch_release(batch);
}

/* ---- One order */

/* bytes of batches that all nodes' orders may hold back, however short the time that they are of */
#define ORDER_HELD (16u << 20)

#define OUT_BYTES (64u << 10) /* merged events go on when they fill half of this, */
#define OUT_EVENTS 1024u      /* or are so many */

static void send_out(struct tap_bus *bus)
{
    struct tap_batch_impl *out = bus->out;
    uint64_t ignored = bus->ignored;
    bus->out = NULL;
    bus->ignored = 0;
    if (!out)
        return;
    bus->out_count = out->base.count;
    tap_batch_fit(out);
    publish(bus, out, ignored);
}

/* Room for so many bytes in what goes out. */
static struct tap_batch_impl *out_room(struct tap_bus *bus, size_t bytes)
{
    const struct tap_batch_impl *out = bus->out;
    if (out &&
        (out->base.count >= OUT_EVENTS || out->base.arena_len + bytes > out->arena->base.size))
        send_out(bus);
    if (!bus->out) {
        struct tap_arena *arena = tap_arena_get(&bus->pool, bytes < OUT_BYTES ? OUT_BYTES : bytes);
        bus->out = arena ? tap_batch_get(&bus->pool, arena, arena->size, bus->out_count) : NULL;
        if (!bus->out)
            return NULL;
        bus->out->base.arena_len = 0;
        bus->out_since = tap_clock_steady();
    }
    return bus->out;
}

static void copy_out(struct tap_bus *bus, const struct tap_event *ev, const uint8_t *arena)
{
    struct tap_batch_impl *out = out_room(bus, tap_event_bytes(ev, bus->raw));
    if (out && tap_batch_copy(out, ev, arena, bus->raw))
        return;
    /* out of memory: nobody gets it, and every sink's figures say so */
    for (size_t s = 0; s < bus->sink_count && !tap_kind_is_control(ev->kind); s++) {
        atomic_fetch_add(&bus->sinks[s]->given, 1);
        atomic_fetch_add(&bus->sinks[s]->dropped, 1);
    }
}

static void drain(struct tap_bus *bus)
{
    const struct tap_event *ev;
    const uint8_t *arena;
    while ((ev = tap_merge_next(bus->merge, &arena)))
        copy_out(bus, ev, arena);
}

/* Sixty-four nodes that send a few events each would be sixty-four batches. Gives back whether
 * something waits. */
static bool send_when_due(struct tap_bus *bus)
{
    const struct tap_batch_impl *out = bus->out;
    if (out && (out->base.count >= OUT_EVENTS || out->base.arena_len >= out->arena->base.size / 2 ||
                tap_clock_steady() - bus->out_since >= TAP_BUS_PATIENCE * INT64_C(1000000)))
        send_out(bus);
    return bus->out;
}

bool tap_bus_tick(struct tap_bus *bus)
{
    pthread_mutex_lock(&bus->lock);
    bool waits = send_when_due(bus);
    pthread_mutex_unlock(&bus->lock);
    return waits;
}

/* One node alone is in order as it is. */
static bool merges(struct tap_bus *bus, uint32_t node)
{
    if (!bus->merge)
        return false;
    if (!bus->several && bus->only && bus->only != node + 1)
        bus->several = bus->keeps || tap_merge_expect(bus->merge, bus->only - 1);
    bus->only = node + 1;
    return bus->several;
}

/* A batch of one node's events, in its order. */
static void go_on(struct tap_bus *bus, uint32_t node, struct tap_batch_impl *batch,
                  const struct tap_merge_progress *word)
{
    tap_bus_pair(bus, batch);
    bool several = merges(bus, node);
    if (several && bus->keeps) {
        for (uint32_t i = 0; i < batch->base.count; i++)
            copy_out(bus, &batch->events[i], batch->base.arena);
        tap_batch_release(batch);
        send_when_due(bus);
    } else if (several && tap_merge_add(bus->merge, batch, node, word)) {
        drain(bus);
        send_when_due(bus);
    } else {
        uint64_t ignored = bus->ignored;
        bus->ignored = 0;
        publish(bus, batch, ignored);
    }
}

/* What is due of a node's events. `limit`: see tap_node_order_next. */
static void order_go_on(struct tap_bus *bus, uint32_t node, size_t limit)
{
    struct tap_bus_order *of = &bus->orders[node];
    struct tap_merge_progress word = {tap_node_order_passed(of->order), of->bound};
    struct tap_batch_impl *batch;
    while ((batch = tap_node_order_next(of->order, limit)))
        go_on(bus, node, batch, &word);
    /* And how far it is, for those of other nodes that wait for it; nobody waits for one that is
     * over. */
    if (!of->ended && merges(bus, node) && (batch = tap_batch_get(&bus->pool, NULL, 0, 0)))
        go_on(bus, node, batch, &word);
}

/* The node's place in `orders`; NULL: out of memory. */
static struct tap_bus_order *order_of(struct tap_bus *bus, uint32_t node)
{
    if (node >= bus->order_count) {
        struct tap_bus_order *more = realloc(bus->orders, (node + 1) * sizeof *more);
        if (!more)
            return NULL;
        memset(more + bus->order_count, 0, (node + 1 - bus->order_count) * sizeof *more);
        bus->orders = more;
        bus->order_count = node + 1;
    }
    return &bus->orders[node];
}

/* Has it an order of its own? False: out of memory. */
static bool order_there(struct tap_bus *bus, uint32_t node)
{
    struct tap_bus_order *of = order_of(bus, node);
    return of && (of->order || (of->order = tap_node_order_new(bus->reorder, bus->raw)));
}

/* How much of a recording's time goes by before the nodes that were silent meanwhile hear of it. */
#define RECORDED_STEP 10000000

/* A live node that does nothing says how far it is; a recording holds no such word. But it was
 * written in one order of all nodes: what one has reached there the others have, too, and what they
 * did before need not wait until they do something again. `now`: the node ends, and what it did
 * last is due at once, so that theirs is by then, too, together with what it came with. */
static void tell_others(struct tap_bus *bus, uint32_t node, bool now)
{
    int64_t passed = tap_node_order_passed(bus->orders[node].order);
    if (passed == INT64_MIN ||
        (!now && bus->told != INT64_MIN && passed - bus->told < RECORDED_STEP))
        return;
    bus->told = passed;
    for (uint32_t i = 0; i < bus->order_count; i++) {
        struct tap_bus_order *of = &bus->orders[i];
        if (i == node || !of->order || of->ended)
            continue;
        tap_node_order_mark(of->order, passed + bus->reorder + (now ? bus->reorder / 2 : 0));
        order_go_on(bus, i, ORDER_HELD / bus->order_count);
    }
}

/* What keeps its order had come too late when it was recorded: that can be seen. What was not read
 * stands before what is. */
static void count_late(struct tap_bus *bus, struct tap_stream *stream,
                       const struct tap_batch_impl *batch)
{
    struct tap_bus_order *of = order_of(bus, stream->node);
    if (of && stream->passed_ts > of->latest)
        of->latest = stream->passed_ts;
    stream->passed_ts = 0;
    for (uint32_t i = 0; of && i < batch->base.count; i++) {
        const struct tap_event *ev = &batch->events[i];
        if (ev->kind == TAP_CLOCK)
            continue;
        bus->late += ev->ts < of->latest;
        of->latest = ev->kind == TAP_NODE_DOWN ? 0 : ev->ts > of->latest ? ev->ts : of->latest;
    }
}

/* A batch of one node's events, decoded. */
static void pass_on(struct tap_bus *bus, struct tap_bus_node *node, struct tap_batch_impl *batch,
                    uint64_t ignored)
{
    struct tap_stream *stream = &node->stream;
    bool ends = batch->base.count && batch->events[batch->base.count - 1].kind == TAP_NODE_DOWN;
    bus->ignored += ignored;
    merges(bus, stream->node); /* that it is there, before its events have waited */
    if (node->unnamed)
        tap_unnamed_see(node->unnamed, &batch->base, bus->events);
    guard_stacks(bus, batch);
    if (bus->keeps)
        count_late(bus, stream, batch);
    if (!bus->merge || bus->keeps || !order_there(bus, stream->node)) {
        go_on(bus, stream->node, batch,
              &(struct tap_merge_progress){stream->mark, tap_stream_bound(stream)});
    } else {
        struct tap_bus_order *of = &bus->orders[stream->node];
        of->bound = tap_stream_bound(stream);
        of->ended = ends;
        tap_node_order_add(of->order, batch, stream->mark);
        /* First: this node's next events may be due long after theirs, and at its end all are. */
        if (bus->recorded)
            tell_others(bus, stream->node, ends);
        order_go_on(bus, stream->node, ends ? 0 : ORDER_HELD / bus->order_count);
        if (ends)
            tap_node_order_again(of->order);
    }
    stream->mark = 0;
}

/* Under the lock. */
static void flush(struct tap_bus *bus)
{
    for (uint32_t i = 0; i < bus->order_count; i++)
        if (bus->orders[i].order)
            order_go_on(bus, i, 0);
    if (bus->merge) {
        tap_merge_end(bus->merge);
        drain(bus);
        send_out(bus);
    }
    struct tap_batch_impl *rest = bus->ignored ? tap_batch_get(&bus->pool, NULL, 0, 0) : NULL;
    if (rest)
        publish(bus, rest, bus->ignored);
    bus->ignored = 0;
    if (bus->window)
        tap_window_end(bus->window);
}

void tap_bus_flush(struct tap_bus *bus)
{
    pthread_mutex_lock(&bus->lock);
    flush(bus);
    pthread_mutex_unlock(&bus->lock);
}

bool tap_bus_abandon(struct tap_bus *bus)
{
    if (pthread_mutex_trylock(&bus->lock))
        return false;
    flush(bus);
    bus->closed = true;
    pthread_mutex_unlock(&bus->lock);
    return true;
}

/* ---- Coming in */

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

void tap_bus_commit(struct tap_bus *bus, struct tap_bus_node *node, struct tap_arena *arena,
                    const uint32_t *frames, size_t n)
{
    if (n == 0) {
        tap_arena_put(&bus->pool, arena);
        return;
    }
    pthread_mutex_lock(&bus->lock);
    uint32_t len = frame_end(arena, frames[n - 1]);
    if (bus->closed)
        tap_arena_put(&bus->pool, arena);
    struct tap_batch_impl *batch =
        bus->closed ? NULL : tap_batch_get(&bus->pool, arena, len, expected(arena, frames, n));
    if (batch) { /* else its numbers show as missing with the next frame */
        uint64_t ignored = 0;
        for (size_t i = 0; i < n; i++)
            ignored += tap_frame_decode(&bus->frames, &node->stream, batch, frames[i],
                                        i + 1 < n ? frames[i + 1] : len);
        pass_on(bus, node, batch, ignored);
    }
    pthread_mutex_unlock(&bus->lock);
}

void tap_bus_node_down(struct tap_bus *bus, struct tap_bus_node *node, uint64_t next, bool failed)
{
    struct tap_stream *stream = &node->stream;
    pthread_mutex_lock(&bus->lock);
    struct tap_batch_impl *batch = bus->closed ? NULL : tap_batch_get(&bus->pool, NULL, 0, 2);
    if (batch) {
        tap_stream_end(stream, batch, next);
        struct tap_event *ev = tap_stream_event(
            stream, batch, TAP_NODE_DOWN, stream->last_ts ? stream->last_ts : tap_clock_now());
        if (ev)
            ev->reason = failed ? TAP_REASON_CONNECTION : TAP_REASON_NONE;
        pass_on(bus, node, batch, 0);
    }
    pthread_mutex_unlock(&bus->lock);
}

size_t tap_bus_unnamed(struct tap_bus *bus, struct tap_bus_node *node, struct tap_pid *pids,
                       size_t max)
{
    pthread_mutex_lock(&bus->lock);
    size_t n = node->unnamed ? tap_unnamed_take(node->unnamed, pids, max) : 0;
    pthread_mutex_unlock(&bus->lock);
    return n;
}

bool tap_bus_deep_stack(struct tap_bus *bus, uint32_t node, struct tap_deep_stack *stack)
{
    if (!bus->stack_guard)
        return false;
    pthread_mutex_lock(&bus->lock);
    bool there = tap_stack_guard_take(bus->stack_guard, node, stack);
    pthread_mutex_unlock(&bus->lock);
    return there;
}

void tap_bus_node_again(struct tap_bus *bus, struct tap_bus_node *node)
{
    pthread_mutex_lock(&bus->lock);
    tap_stream_again(&node->stream);
    if (node->unnamed)
        tap_unnamed_forget(node->unnamed);
    pthread_mutex_unlock(&bus->lock);
}
