/* fuzz_frames.c: frames of a node, as a relay sends them, become events.
 *
 * The input is frames one behind the other. Held: every sequence number is received, lost or left
 * out; the numbers and times of events are in their bounds; what an event points at lies in its
 * batch; pairs, names and order survive the events as well.
 */
#include "correlate/flow.h"
#include "correlate/gen_calls.h"
#include "correlate/stack_guard.h"
#include "correlate/unnamed.h"
#include "decode/frame.h"
#include "names/intern.h"
#include "terms.h"

static void on_up(void *arg, uint32_t node, const struct tap_node_facts *facts)
{
    (void)arg, (void)node;
    HOLD(facts->release);
}
static void on_log(void *arg, uint32_t node, enum tap_log_level level, const char *text,
                   uint32_t len)
{
    (void)arg, (void)node, (void)level;
    HOLD(text || len == 0);
}
static void on_call(void *arg, const char *kind, uint32_t kind_len, const uint8_t *term,
                    uint32_t len)
{
    (void)arg;
    HOLD((kind || !kind_len) && (term || !len));
}

static void hold_span(const struct tap_batch_impl *batch, struct tap_span span)
{
    HOLD(span.off <= batch->base.arena_len && span.len <= batch->base.arena_len - span.off);
    struct tap_cursor c = tap_cursor(batch->base.arena + span.off, span.len);
    HOLD(span.len == 0 || (tap_skip(&c) && tap_left(&c) == 0));
}

static void hold_events(const struct tap_batch_impl *batch)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < batch->base.count; i++) {
        const struct tap_event *ev = &batch->events[i];
        HOLD(ev->kind < TAP_KIND_COUNT && ev->seq >= last);
        HOLD(ev->ts >= 1 && ev->ts <= TAP_TIME_MAX);
        HOLD(ev->kind != TAP_GAP || ev->gap <= (uint64_t)TAP_TIME_MAX);
        last = ev->seq;
        if (ev->kind == TAP_LOST)
            continue;
        hold_span(batch, ev->payload);
        hold_span(batch, ev->metadata);
        hold_span(batch, tap_event_peer_term(ev));
    }
}

static void correlate(struct tap_flow *flow, struct tap_gen_calls *gen,
                      struct tap_stack_guard *guard, struct tap_unnamed *unnamed,
                      struct tap_batch_impl *batch)
{
    for (uint32_t i = 0; i < batch->base.count; i++) {
        struct tap_event *ev = &batch->events[i];
        bool message = ev->kind == TAP_MESSAGE_SEND || ev->kind == TAP_MESSAGE_RECEIVE;
        if ((ev->kind >= TAP_MESSAGE_SEND && ev->kind <= TAP_PROCESS_UNREGISTER) ||
            ev->kind == TAP_PROCESS_INFO)
            tap_flow_event(flow, ev, batch->base.arena);
        if (message)
            tap_gen_calls_event(gen, ev, batch->base.arena);
        tap_stack_guard_event(guard, ev);
    }
    tap_unnamed_see(unnamed, &batch->base, UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tap_batch_pool pool;
    struct tap_intern *intern = tap_intern_new(10000);
    struct tap_atom_cache *cache = tap_atom_cache_new(intern);
    struct tap_flow *flow = tap_flow_new(1000, cache);
    struct tap_gen_calls *gen = tap_gen_calls_new();
    struct tap_stack_guard *guard = tap_stack_guard_new();
    struct tap_unnamed *unnamed = tap_unnamed_new(false);
    struct tap_frames frames = {cache, NULL, on_up, on_log, on_call, NULL, true};
    struct tap_stream stream = {0};
    HOLD(intern && cache && flow && gen && guard && unnamed);
    HOLD(tap_batch_pool_init(&pool, 1, 1 << 30) == TAP_OK);
    struct tap_arena *arena = tap_arena_get(&pool, size ? size : 1);
    HOLD(arena);
    if (size)
        memcpy(arena->data, data, size);
    struct tap_batch_impl *batch = tap_batch_get(&pool, arena, size, 16);
    HOLD(batch);
    for (size_t at = 0, end; at < size; at = end) {
        struct tap_frame f;
        end = size;
        if (size - at >= TAP_FRAME_HEADER && tap_frame_read(batch->base.arena + at, &f) &&
            f.length <= size - at - TAP_FRAME_HEADER)
            end = at + TAP_FRAME_HEADER + f.length;
        tap_frame_decode(&frames, &stream, batch, (uint32_t)at, (uint32_t)end);
        HOLD(stream.figures.received + stream.figures.lost + stream.left_out == stream.next);
    }
    hold_events(batch);
    correlate(flow, gen, guard, unnamed, batch);
    tap_batch_release(batch);
    tap_batch_pool_destroy(&pool);
    tap_unnamed_free(unnamed);
    tap_stack_guard_free(guard);
    tap_gen_calls_free(gen);
    tap_flow_free(flow);
    tap_atom_cache_free(cache);
    tap_intern_free(intern);
    return 0;
}

bool fuzz_seed(unsigned number, struct tap_buf *b)
{
    uint64_t state = number + 77;
    for (int i = 0; i < 20; i++)
        fuzz_random(&state);
    fuzz_reports(b, &state, 0, 0, 0);
    for (uint64_t i = 0; i < 1 + number % 3; i++)
        fuzz_messages(b, &state, 0, i * FUZZ_TAGS, 0);
    return number < 60 && !b->oom;
}
