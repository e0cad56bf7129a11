/* frame.c: see frame.h. The frame's header is trusted for nothing but what it says of its own node:
 * a count or length that its body does not hold ends the frame there, and the rest of its events
 * are lost as unreadable. */
#include "decode/frame.h"

#include "decode/frame_body.h"

/* The next `n` numbers are lost. Joins a loss that stands right before and has the same reason. */
static void lose(struct tap_stream *s, struct tap_batch_impl *batch, uint64_t n,
                 enum tap_reason reason)
{
    if (n == 0)
        return;
    tap_figure_add(&s->figures.lost, n);
    tap_figure_add(&s->figures.lost_by[reason], n);
    struct tap_event *last = batch->base.count ? &batch->events[batch->base.count - 1] : NULL;
    if (last && last->kind == TAP_LOST && last->node == s->node && last->reason == reason) {
        last->lost += n;
    } else {
        int64_t ts = s->last_ts ? s->last_ts : tap_clock_now();
        struct tap_event *ev = tap_stream_event(s, batch, TAP_LOST, ts);
        if (ev) {
            ev->lost = n;
            ev->reason = (uint8_t)reason;
        }
    }
    s->next += n;
}

void tap_stream_end(struct tap_stream *s, struct tap_batch_impl *batch, uint64_t next)
{
    next += s->base;
    if (next > s->next)
        lose(s, batch, next - s->next, TAP_REASON_CONNECTION);
    atomic_store_explicit(&s->figures.next, s->next, memory_order_relaxed);
}

/* Brings the stream up to the frame's first number: what the relay says that it dropped, and what
 * nobody says. */
static void catch_up(struct tap_stream *s, struct tap_batch_impl *batch, const struct tap_frame *f)
{
    if (f->seq <= s->next)
        return;
    bool recorded = f->flags & TAP_FRAME_RECORDED;
    uint64_t missing = f->seq - s->next;
    bool all = f->lost >= missing || (recorded && f->lost == TAP_FRAME_LOST_ALL);
    uint64_t told = all ? missing : f->lost;
    enum tap_reason why =
        f->why > 0 && f->why < TAP_REASON_COUNT ? (enum tap_reason)f->why : TAP_REASON_QUEUE;
    lose(s, batch, missing - told, TAP_REASON_SEQUENCE);
    if (recorded && f->why == TAP_REASON_NONE)
        s->next += told, s->left_out += told;
    else
        lose(s, batch, told, why);
}

/* ---- The frame */

/* One trace message, which has the number s->next. False: there is none. */
static inline bool decode_one(const struct tap_frames *ctx, struct tap_stream *s,
                              struct tap_batch_impl *batch, struct tap_body *b)
{
    struct tap_event *ev = tap_batch_add(batch);
    enum tap_decoded decoded;
    if (!ev) {
        bool there = tap_body_pass(ctx->atoms, &s->clock, b, batch->base.arena);
        if (there)
            lose(s, batch, 1, TAP_REASON_MEMORY);
        return there;
    }
    if (!tap_body_next(ctx->atoms, &s->clock, batch->base.arena, b, ev, &decoded)) {
        batch->base.count--;
        return false;
    }
    switch (decoded) {
    case TAP_DECODED:
        ev->node = s->node;
        ev->seq = s->next++;
        if (!ev->ts)
            ev->ts = s->last_ts ? s->last_ts : tap_clock_now();
        s->last_ts = ev->ts;
        b->received++;
        break;
    case TAP_DECODE_IGNORED:
        batch->base.count--;
        s->next++;
        b->received++;
        b->ignored++;
        break;
    default: batch->base.count--; lose(s, batch, 1, TAP_REASON_UNREADABLE);
    }
    return true;
}

static uint32_t decode_trace(const struct tap_frames *ctx, struct tap_stream *s,
                             struct tap_batch_impl *batch, const struct tap_frame *f, uint32_t at,
                             uint32_t end)
{
    struct tap_body b = {.at = at, .end = end, .list = f->flags & TAP_FRAME_ONE_LIST};
    b.numbers = tap_numbers_once(&s->numbers, ctx->numbered && f->flags & TAP_FRAME_NUMBERED);
    if (b.numbers)
        tap_numbers_begin(b.numbers, f->flags & TAP_FRAME_RECORDED);
    uint32_t i = 0, first = batch->base.count;
    /* Numbers that were there before (a frame sent twice) are not taken again. */
    uint64_t again = f->seq < s->next ? s->next - f->seq : 0;
    bool deferred = tap_decode_defer_names(ctx->atoms);
    if (tap_body_begin(&b, f, batch->base.arena)) {
        while (i < f->count && i < again &&
               tap_body_pass(ctx->atoms, &s->clock, &b, batch->base.arena))
            i++;
        while (i >= again && i < f->count && decode_one(ctx, s, batch, &b))
            i++;
    }
    if (deferred)
        tap_decode_deferred_names(ctx->atoms, batch->base.arena, end, batch->events + first,
                                  batch->base.count - first);
    uint64_t rest = f->count - i;
    if (i < again)
        rest = f->count > again ? f->count - again : 0;
    tap_figure_add(&s->figures.received, b.received);
    lose(s, batch, rest, TAP_REASON_UNREADABLE);
    return b.ignored;
}

/* Numbers that a replay did not read: they were received, and no sink gets them. Gives back how
 * many. */
static uint32_t pass_over(struct tap_stream *s, struct tap_batch_impl *batch,
                          const struct tap_frame *f, uint32_t at, uint32_t end)
{
    uint64_t missing = f->seq > s->next ? f->seq - s->next : 0;
    uint32_t passed = f->lost < missing ? f->lost : (uint32_t)missing;
    int64_t last = end - at >= 8 ? (int64_t)tap_get_u64(batch->base.arena + at) : 0;
    lose(s, batch, missing - passed, TAP_REASON_SEQUENCE);
    tap_figure_add(&s->figures.received, passed);
    s->next += passed;
    if (passed && last > 0 && last <= TAP_TIME_MAX)
        s->last_ts = s->passed_ts = last;
    return passed;
}

uint32_t tap_frame_decode(const struct tap_frames *ctx, struct tap_stream *s,
                          struct tap_batch_impl *batch, uint32_t off, uint32_t end)
{
    struct tap_frame f;
    uint32_t ignored = 0, len;
    if (end < off || end - off < TAP_FRAME_HEADER || !tap_frame_read(batch->base.arena + off, &f)) {
        ctx->log(ctx->arg, s->node, TAP_LOG_WARNING, "sent something that is not a frame", 31);
        return 0; /* its numbers show as missing with the next one */
    }
    f.seq += s->base;
    uint32_t at = off + TAP_FRAME_HEADER;
    if (f.length < end - at)
        end = at + f.length;
    if (f.flags & TAP_FRAME_PASSED && f.flags & TAP_FRAME_RECORDED) {
        ignored = pass_over(s, batch, &f, at, end);
        atomic_store_explicit(&s->figures.next, s->next, memory_order_relaxed);
        return ignored;
    }
    catch_up(s, batch, &f);
    if (f.flags & TAP_FRAME_CONTROL) {
        for (uint32_t i = 0; i < f.count && tap_body_item(batch->base.arena, &at, end, &len);
             i++, at += len)
            tap_frame_report(ctx, s, batch, at, len);
    } else {
        ignored = decode_trace(ctx, s, batch, &f, at, end);
    }
    atomic_store_explicit(&s->figures.next, s->next, memory_order_relaxed);
    return ignored;
}
