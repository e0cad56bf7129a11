/* window.c: see window.h. */
#include "bus/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "beamtap/term_write.h"
#include "bus/held.h"
#include "config/triggers.h"

enum state { WAITS, PASSES, CLOSED };

struct tap_window {
    struct tap_window_options o;
    uint8_t **verdicts; /* of each trigger's filter, on the batch at hand */
    uint8_t *pass;
    size_t cap;
    enum state state;
    bool starts;             /* there is a start_on; else what opens the window also closes it */
    struct tap_chain *chain; /* NULL: whatever it is of */
    struct tap_held held;
    struct tap_window_stats stats;
};

struct tap_window *tap_window_new(const struct tap_window_options *o, struct tap_batch_pool *pool)
{
    struct tap_window *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->o = *o;
    w->held = (struct tap_held){.sets = o->sets,
                                .keep = o->keep,
                                .memory = o->memory,
                                .pool = pool,
                                .sinks = o->sinks,
                                .sink_count = o->sink_count,
                                .relate = o->relate,
                                .relate_arg = o->relate_arg};
    w->verdicts = calloc(o->trigger_count + 1, sizeof *w->verdicts);
    w->chain = o->follow ? tap_chain_new() : NULL;
    w->stats.follows = o->follow;
    if (!tap_held_init(&w->held) || !w->verdicts || (o->follow && !w->chain)) {
        tap_window_free(w);
        return NULL;
    }
    for (size_t i = 0; i < o->trigger_count; i++)
        w->starts |= !o->triggers[i].trigger->stop;
    w->state = w->starts || o->keep ? WAITS : PASSES;
    w->stats.waits = w->state == WAITS;
    return w;
}

void tap_window_free(struct tap_window *w)
{
    if (!w)
        return;
    tap_held_free(&w->held);
    tap_chain_free(w->chain);
    for (size_t i = 0; w->verdicts && i < w->o.trigger_count; i++)
        free(w->verdicts[i]);
    free(w->verdicts);
    free(w->pass);
    free(w);
}

/* ---- Does a line come true? */

/* Normal, shutdown and {shutdown, _} are how processes end that are told to. */
static bool is_crash(const struct tap_batch_impl *batch, const struct tap_event *ev)
{
    struct tap_cursor c = tap_cursor(batch->base.arena + ev->payload.off, ev->payload.len);
    uint32_t arity;
    if (ev->flags & TAP_EVENT_TRUNCATED || !ev->payload.len)
        return true;
    if (tap_peek(&c) == TAP_EXT_SMALL_TUPLE)
        return !(tap_read_tuple(&c, &arity) && arity == 2 && tap_match_atom(&c, "shutdown"));
    return !tap_match_atom(&c, "normal") && !tap_match_atom(&c, "shutdown");
}

/* [{Pid, Length}] */
static bool is_long(const struct tap_batch_impl *batch, const struct tap_event *ev, int64_t limit)
{
    struct tap_cursor c = tap_cursor(batch->base.arena + ev->payload.off, ev->payload.len);
    uint32_t n = 0, two;
    int64_t length;
    if (!ev->payload.len || !tap_read_list(&c, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!tap_read_tuple(&c, &two) || two != 2 || !tap_skip(&c) || !tap_read_i64(&c, &length))
            return false;
        if (length > limit)
            return true;
    }
    return false;
}

static bool comes_true(const struct tap_window *w, size_t i, const struct tap_batch_impl *batch,
                       uint32_t at)
{
    const struct tap_trigger *t = w->o.triggers[i].trigger;
    const struct tap_event *ev = &batch->events[at];
    if (ev->kind != t->kind)
        return false;
    if (t->what == TAP_TRIGGER_MAILBOX)
        return is_long(batch, ev, t->limit);
    if (w->o.triggers[i].filter.ops && !w->verdicts[i][at])
        return false;
    return t->what != TAP_TRIGGER_CRASH || is_crash(batch, ev);
}

static const struct tap_trigger *first_true(const struct tap_window *w,
                                            const struct tap_batch_impl *batch, uint32_t at)
{
    bool stop = w->state == PASSES || !w->starts;
    for (size_t i = 0; w->state != CLOSED && i < w->o.trigger_count; i++)
        if (w->o.triggers[i].trigger->stop == stop && comes_true(w, i, batch, at))
            return w->o.triggers[i].trigger;
    return NULL;
}

/* ---- Marks */

/* {mark, Text}, at the end of the batch's arena; false: out of memory. */
static bool put_text(struct tap_batch_impl *batch, const char *name, struct tap_event *mark)
{
    struct tap_buf b = {0};
    tap_write_tuple(&b, 2);
    tap_write_atom(&b, "mark");
    size_t payload = b.len;
    tap_write_binary(&b, name, strlen(name));
    struct tap_arena *arena = batch->arena ? &batch->arena->base : NULL;
    size_t end = batch->base.arena_len + b.len;
    if (arena && !b.oom && arena->size < end) {
        uint8_t *data = realloc(arena->data, end);
        if (data) {
            arena->data = data;
            arena->size = end;
            batch->base.arena = data;
        }
    }
    bool there = arena && !b.oom && arena->size >= end && end <= UINT32_MAX;
    if (there) {
        uint32_t off = batch->base.arena_len;
        memcpy(arena->data + off, b.data, b.len);
        mark->raw = (struct tap_span){off, (uint32_t)b.len};
        mark->payload = (struct tap_span){off + (uint32_t)payload, (uint32_t)(b.len - payload)};
        batch->base.arena_len = (uint32_t)end;
    }
    tap_buf_free(&b);
    return there;
}

/* A row behind the event that it speaks of, or before it. */
static void put_mark(struct tap_window *w, struct tap_batch_impl *batch, uint32_t of, bool behind,
                     const char *name)
{
    const struct tap_event ev = batch->events[of];
    struct tap_event mark = {.kind = TAP_MARK,
                             .ts = ev.ts,
                             .seq = ev.seq + (behind && !tap_kind_is_control(ev.kind)),
                             .pid = ev.pid,
                             .node = ev.node,
                             .arity = -1};
    uint32_t at = of + behind, rest = batch->base.count - at;
    if (!put_text(batch, name, &mark) || !tap_batch_room(batch))
        return;
    memmove(&batch->events[at + 1], &batch->events[at], rest * sizeof mark);
    batch->events[at] = mark;
    memmove(&w->pass[at + 1], &w->pass[at], rest);
    w->pass[at] = 1;
    for (size_t i = 0; i < w->o.trigger_count; i++)
        if (w->verdicts[i])
            memmove(&w->verdicts[i][at + 1], &w->verdicts[i][at], rest);
}

/* ---- A batch */

/* Room for each event, and three marks. */
static bool room(struct tap_window *w, size_t n)
{
    if (n + 3 <= w->cap)
        return true;
    size_t cap = n + 3 < 1024 ? 1024 : (n + 3) * 2;
    uint8_t *pass = realloc(w->pass, cap);
    if (!pass)
        return false;
    w->pass = pass;
    for (size_t i = 0; i < w->o.trigger_count; i++) {
        uint8_t *more = w->o.triggers[i].filter.ops ? realloc(w->verdicts[i], cap) : NULL;
        if (w->o.triggers[i].filter.ops && !more)
            return false;
        w->verdicts[i] = more;
    }
    w->cap = cap;
    return true;
}

/* They see everything, wherever the window stands: they learn names and open calls from it. */
static void judge(struct tap_window *w, const struct tap_batch_impl *batch)
{
    for (size_t i = 0; i < w->o.trigger_count; i++) {
        if (w->o.triggers[i].filter.ops)
            tap_bus_filter_run(&w->o.triggers[i].filter, &batch->base, w->verdicts[i]);
    }
}

/* Where what is kept begins; an event's time may be anything. */
static int64_t kept_since(const struct tap_window *w, int64_t ts)
{
    int64_t since;
    return __builtin_sub_overflow(ts, w->o.keep, &since) ? INT64_MIN : since;
}

/* It opens at this event: what came before it in its batch passes as far as keep says. */
static void open_at(struct tap_window *w, const struct tap_batch_impl *batch, uint32_t at,
                    const struct tap_trigger *t)
{
    const struct tap_event *ev = &batch->events[at];
    int64_t since = kept_since(w, ev->ts);
    w->stats.started = t;
    w->stats.started_at = ev->ts;
    for (uint32_t i = 0; i < at; i++) {
        w->pass[i] = w->o.keep && batch->events[i].ts >= since;
        if (tap_kind_is_control(batch->events[i].kind))
            continue;
        w->stats.before += !w->pass[i];
        w->stats.kept += w->pass[i];
    }
}

/* Without start_on it is the first message that is sent, or that comes. */
static bool begins_chain(const struct tap_window *w, const struct tap_event *ev)
{
    return w->state == PASSES && w->chain && !w->starts && !tap_chain_begun(w->chain) &&
           (ev->kind == TAP_MESSAGE_SEND || ev->kind == TAP_MESSAGE_RECEIVE) &&
           !(ev->flags & TAP_EVENT_TIMEOUT);
}

static uint32_t begin_chain(struct tap_window *w, struct tap_batch_impl *batch, uint32_t at)
{
    w->pass[at] = 1;
    tap_chain_begin(w->chain, &batch->events[at], batch->base.arena);
    put_mark(w, batch, at, false, "follow: message");
    return at + 1;
}

static bool of_chain(struct tap_window *w, const struct tap_batch_impl *batch, uint32_t at)
{
    bool is = tap_chain_begun(w->chain) &&
              tap_chain_event(w->chain, &batch->events[at], batch->base.arena);
    w->stats.astray += !is && !tap_kind_is_control(batch->events[at].kind);
    return is;
}

static uint32_t fire(struct tap_window *w, struct tap_batch_impl *batch, uint32_t at,
                     const struct tap_trigger *t)
{
    if (w->state == WAITS)
        open_at(w, batch, at, t);
    char name[256];
    tap_trigger_name(t, name, sizeof name);
    w->pass[at] = !w->chain || !t->stop || of_chain(w, batch, at);
    if (w->chain && !t->stop)
        tap_chain_begin(w->chain, &batch->events[at], batch->base.arena);
    put_mark(w, batch, at, t->stop, name);
    w->state = t->stop ? CLOSED : PASSES;
    if (t->stop) {
        w->stats.stopped = t;
        w->stats.stopped_at = batch->events[at].ts;
    }
    w->o.fired(w->o.arg, t);
    return at + 1;
}

enum tap_window_way tap_window_look(struct tap_window *w, struct tap_batch_impl *batch,
                                    const uint8_t **pass)
{
    enum state before = w->state;
    *pass = NULL;
    if (!room(w, batch->base.count))
        return TAP_WINDOW_GO; /* then all of it passes: nothing is lost silently */
    judge(w, batch);
    for (uint32_t i = 0; i < batch->base.count; i++) {
        const struct tap_trigger *t = first_true(w, batch, i);
        w->pass[i] = w->state == PASSES || (w->state == WAITS && w->o.keep);
        if (t)
            i = fire(w, batch, i, t);
        else if (begins_chain(w, &batch->events[i]))
            i = begin_chain(w, batch, i);
        else if (w->state == PASSES && w->chain)
            w->pass[i] = of_chain(w, batch, i);
        else if (!tap_kind_is_control(batch->events[i].kind))
            w->stats.behind += w->state == CLOSED;
    }
    *pass = w->pass;
    if (w->state == WAITS && w->o.keep)
        return TAP_WINDOW_HOLD;
    if (w->state == WAITS)
        for (uint32_t i = 0; i < batch->base.count; i++)
            w->stats.before += !tap_kind_is_control(batch->events[i].kind);
    return before == WAITS && w->state != WAITS ? TAP_WINDOW_OPEN : TAP_WINDOW_GO;
}

void tap_window_hold(struct tap_window *w, struct tap_batch_impl *batch, uint64_t total)
{
    w->stats.before += tap_held_add(&w->held, batch, total);
}

void tap_window_flush(struct tap_window *w)
{
    uint64_t lost = tap_held_flush(&w->held, kept_since(w, w->stats.started_at), &w->stats.before,
                                   &w->stats.kept);
    w->stats.lost += lost;
    w->stats.before -= lost;
}

void tap_window_end(struct tap_window *w)
{
    w->stats.before += tap_held_drop(&w->held);
}

void tap_window_read_stats(const struct tap_window *w, struct tap_window_stats *stats)
{
    *stats = w->stats;
    if (w->chain)
        tap_chain_read_stats(w->chain, &stats->chain);
}
