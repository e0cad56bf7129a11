/* report.c: what stands in control frames (beamtap/frame.h): reports, each an event or a word to
 * the session. */
#include "decode/frame.h"
#include "decode/reader.h"

static bool read_text(struct tap_cursor *c, const char **text, uint32_t *len)
{
    const uint8_t *bytes;
    if (!tap_read_binary(c, &bytes, len))
        return false;
    *text = (const char *)bytes;
    return true;
}

static bool read_node_up(const struct tap_frames *ctx, struct tap_stream *s,
                         struct tap_batch_impl *batch, struct tap_cursor *c)
{
    struct tap_node_facts facts = {"", 0, false};
    struct tap_span map = {0, 0};
    int64_t offset = 0, monotonic = 0;
    bool has_offset = false, has_monotonic = false;
    uint32_t pairs;
    struct tap_cursor m = *c;
    if (!tap_decode_span(c, batch->base.arena, &map) || !tap_read_map(&m, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs && !m.bad; i++) {
        if (tap_match_atom(&m, "release"))
            read_text(&m, &facts.release, &facts.release_len);
        else if (tap_match_atom(&m, "offset"))
            has_offset = tap_read_i64(&m, &offset);
        else if (tap_match_atom(&m, "monotonic"))
            has_monotonic = tap_read_i64(&m, &monotonic);
        else if (tap_match_atom(&m, "printable"))
            facts.printable_unicode = tap_match_atom(&m, "unicode") || (tap_skip(&m) && false);
        else
            tap_skip(&m), tap_skip(&m);
    }
    if (m.bad)
        return false;
    if (has_offset)
        tap_node_clock_set(&s->clock, offset);
    ctx->node_up(ctx->arg, s->node, &facts);
    int64_t ts =
        has_offset && has_monotonic ? tap_node_clock_ns(&s->clock, monotonic) : tap_clock_now();
    s->last_ts = ts;
    struct tap_event *ev = tap_stream_event(s, batch, TAP_NODE_UP, ts);
    if (ev)
        ev->payload = map;
    return true;
}

static int64_t clamp(uint64_t ns)
{
    return ns < INT64_MAX ? (int64_t)ns : INT64_MAX;
}

/* {align, Monotonic, Offset, Error, TimeOffset}, after "align"; `whole` is the term. */
static bool read_align(struct tap_stream *s, struct tap_batch_impl *batch, struct tap_cursor *c,
                       struct tap_span whole)
{
    int64_t monotonic, offset, error, own;
    if (!tap_read_i64(c, &monotonic) || !tap_read_i64(c, &offset) || !tap_read_i64(c, &error) ||
        error < 0 || !tap_read_i64(c, &own))
        return false;
    int64_t before = s->clock.latest;
    tap_node_clock_align(&s->clock, monotonic, offset);
    struct tap_figures *f = &s->figures;
    if (clamp(atomic_load(&f->clock_error)) < error)
        atomic_store(&f->clock_error, (uint64_t)error);
    atomic_store(&f->clock_skew, (int64_t)((uint64_t)own - (uint64_t)offset));
    struct tap_event *ev =
        tap_stream_event(s, batch, TAP_CLOCK, tap_node_clock_ns(&s->clock, monotonic));
    if (ev) {
        ev->clock_offset = offset;
        ev->clock_error = (uint64_t)error;
        ev->clock_before = before;
        ev->payload = whole;
    }
    return true;
}

/* {clock, Ref, Monotonic, Offset}: says nothing new once the clock is aligned, but how far the
 * stream is: one without Ref did not overtake any event. */
static bool read_clock(struct tap_stream *s, struct tap_batch_impl *batch, struct tap_cursor *c)
{
    int64_t monotonic, offset;
    bool in_place = tap_match_atom(c, "undefined");
    if ((!in_place && !tap_skip(c)) || !tap_read_i64(c, &monotonic) || !tap_read_i64(c, &offset))
        return false;
    if (!s->clock.aligned)
        tap_node_clock_set(&s->clock, offset);
    if (in_place)
        s->mark = tap_node_clock_ns(&s->clock, monotonic);
    if (s->clock.aligned)
        return true;
    struct tap_event *ev =
        tap_stream_event(s, batch, TAP_CLOCK, tap_node_clock_ns(&s->clock, monotonic));
    if (ev)
        ev->clock_offset = offset;
    return true;
}

static bool read_pid(const struct tap_frames *ctx, struct tap_cursor *c, struct tap_pid *pid)
{
    struct tap_message_reader r = {.c = *c, .atoms = ctx->atoms};
    bool read = tap_decode_pid(&r, pid);
    *c = r.c;
    return read;
}

/* {gap, From, To, Reason, Text}, or with a pid behind: of one process. What a gap leaves out in
 * part goes on around it, so its end stands at its end. */
static bool read_gap(const struct tap_frames *ctx, struct tap_stream *s,
                     struct tap_batch_impl *batch, struct tap_cursor *c, bool one)
{
    int64_t from, to, number;
    struct tap_span text = {0, 0};
    struct tap_pid pid = {0};
    if (!tap_read_i64(c, &from) || !tap_read_i64(c, &to) || !tap_read_i64(c, &number) ||
        !tap_decode_span(c, batch->base.arena, &text) || (one && !read_pid(ctx, c, &pid)))
        return false;
    uint8_t reason = number > 0 && number < TAP_REASON_COUNT ? (uint8_t)number : TAP_REASON_NONE;
    bool part = reason == TAP_REASON_TERM || reason == TAP_REASON_CODE;
    /* Both by the clock that the events around it are timed by. It is drawn to the collector's all
     * the time, and no longer knows how that was where a long gap began: it begins not before the
     * events that stand before it. */
    int64_t begins = tap_node_clock_ns(&s->clock, from), ends = tap_node_clock_ns(&s->clock, to);
    if (!part && begins < s->last_ts && s->last_ts < ends)
        begins = s->last_ts;
    uint64_t ns = to > from && ends > begins ? (uint64_t)ends - (uint64_t)begins : 0;
    uint64_t own = to > from ? (uint64_t)to - (uint64_t)from : 0; /* by the node's clock */
    ns = ns < TAP_TIME_MAX ? ns : TAP_TIME_MAX;
    own = own < TAP_TIME_MAX ? own : TAP_TIME_MAX;
    if (!part)
        tap_figure_add(&s->figures.gap_ns, own), tap_figure_add(&s->figures.gap_by[reason], own);
    struct tap_event *ev = tap_stream_event(s, batch, TAP_GAP, part && ns ? ends : begins);
    if (ev) {
        s->last_ts = ev->ts > s->last_ts ? ev->ts : s->last_ts;
        ev->pid = pid;
        ev->gap = ns;
        ev->reason = reason;
        ev->payload = text;
    }
    return true;
}

static bool read_log(const struct tap_frames *ctx, const struct tap_stream *s, struct tap_cursor *c)
{
    enum tap_log_level level = TAP_LOG_INFO;
    const char *text;
    uint32_t len;
    if (tap_match_atom(c, "error"))
        level = TAP_LOG_ERROR;
    else if (tap_match_atom(c, "warning"))
        level = TAP_LOG_WARNING;
    else if (!tap_skip(c))
        return false;
    if (!read_text(c, &text, &len))
        return false;
    ctx->log(ctx->arg, s->node, level, text, len);
    return true;
}

/* {plan, Map}, {process_info, List [, Question]}: the second element is the payload. */
static bool read_report(struct tap_stream *s, struct tap_batch_impl *batch, struct tap_cursor *c,
                        unsigned kind)
{
    struct tap_span span = {0, 0};
    if (!tap_decode_span(c, batch->base.arena, &span))
        return false;
    struct tap_event *ev =
        tap_stream_event(s, batch, kind, s->last_ts ? s->last_ts : tap_clock_now());
    if (ev)
        ev->payload = span;
    return true;
}

/* {mark, Text}, or with a pid behind. */
static bool read_mark(const struct tap_frames *ctx, struct tap_stream *s,
                      struct tap_batch_impl *batch, struct tap_cursor *c, bool one)
{
    uint32_t before = batch->base.count;
    struct tap_pid pid = {0};
    if (!read_report(s, batch, c, TAP_MARK) || (one && !read_pid(ctx, c, &pid)))
        return false;
    if (batch->base.count > before)
        batch->events[before].pid = pid;
    return true;
}

/* {mailboxes, Monotonic, List}: as they were at that time. */
static bool read_mailboxes(struct tap_stream *s, struct tap_batch_impl *batch, struct tap_cursor *c)
{
    int64_t monotonic;
    struct tap_span list = {0, 0};
    if (!tap_read_i64(c, &monotonic) || !tap_decode_span(c, batch->base.arena, &list))
        return false;
    struct tap_event *ev =
        tap_stream_event(s, batch, TAP_MAILBOX, tap_node_clock_ns(&s->clock, monotonic));
    if (ev)
        ev->payload = list;
    return true;
}

/* {returns_off, {M, F, A}, Why} */
static bool read_returns_off(const struct tap_frames *ctx, struct tap_stream *s,
                             struct tap_batch_impl *batch, struct tap_cursor *c)
{
    struct tap_event mfa = {0};
    uint32_t n;
    int64_t arity;
    if (!tap_read_tuple(c, &n) || n != 3)
        return false;
    mfa.module = tap_intern_atom(ctx->atoms, c);
    mfa.function = tap_intern_atom(ctx->atoms, c);
    if (!tap_read_i64(c, &arity) || arity < 0 || arity > 255 ||
        !tap_decode_span(c, batch->base.arena, &mfa.payload))
        return false;
    struct tap_event *ev =
        tap_stream_event(s, batch, TAP_RETURNS_OFF, s->last_ts ? s->last_ts : tap_clock_now());
    if (ev) {
        ev->module = mfa.module;
        ev->function = mfa.function;
        ev->arity = (int32_t)arity;
        ev->payload = mfa.payload;
    }
    return true;
}

/* {final, Map} is the transport's, but for what a traced call gave. */
static bool read_final(const struct tap_frames *ctx, struct tap_cursor *c)
{
    uint32_t pairs, arity, kind_len, len;
    const char *kind;
    const uint8_t *term;
    bool latin1;
    if (!ctx->call || !tap_read_map(c, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs && !c->bad; i++) {
        if (!tap_match_atom(c, "call")) {
            tap_skip(c);
            tap_skip(c);
        } else if (tap_read_tuple(c, &arity) && arity == 2 &&
                   tap_read_atom(c, &kind, &kind_len, &latin1) && tap_read_binary(c, &term, &len)) {
            ctx->call(ctx->arg, kind, kind_len, term, len);
        }
    }
    return !c->bad;
}

/* {at, Ns}, {timed, Monotonic}: what a recording says besides (beamtap/frame.h). */
static bool read_recorded(struct tap_stream *s, struct tap_cursor *c, bool timed)
{
    int64_t ns;
    if (!tap_read_i64(c, &ns))
        return false;
    if (timed)
        tap_node_clock_used(&s->clock, ns);
    else if (ns > 0 && ns <= TAP_TIME_MAX)
        s->last_ts = ns;
    return true;
}

/* One report. What a newer agent says beside these is left alone. */
static bool read_control(const struct tap_frames *ctx, struct tap_stream *s,
                         struct tap_batch_impl *batch, struct tap_span whole)
{
    struct tap_cursor c = tap_cursor(batch->base.arena + whole.off, whole.len);
    uint32_t n;
    if (!tap_read_tuple(&c, &n))
        return false;
    if (n == 2 && tap_match_atom(&c, "node_up"))
        return read_node_up(ctx, s, batch, &c);
    if (n == 2 && tap_match_atom(&c, "plan")) {
        tap_frame_plan_notes(ctx, s->node, c);
        return read_report(s, batch, &c, TAP_PLAN);
    }
    if ((n == 2 || n == 3) && tap_match_atom(&c, "process_info"))
        return read_report(s, batch, &c, TAP_PROCESS_INFO);
    if (n == 3 && tap_match_atom(&c, "mailboxes"))
        return read_mailboxes(s, batch, &c);
    if (n == 5 && tap_match_atom(&c, "align"))
        return read_align(s, batch, &c, whole);
    if (n == 4 && tap_match_atom(&c, "clock"))
        return read_clock(s, batch, &c);
    if ((n == 5 || n == 6) && tap_match_atom(&c, "gap"))
        return read_gap(ctx, s, batch, &c, n == 6);
    if (n == 3 && tap_match_atom(&c, "log"))
        return read_log(ctx, s, &c);
    if (n == 3 && tap_match_atom(&c, "returns_off"))
        return read_returns_off(ctx, s, batch, &c);
    if ((n == 2 || n == 3) && tap_match_atom(&c, "mark"))
        return read_mark(ctx, s, batch, &c, n == 3);
    if (n == 2 && tap_match_atom(&c, "at"))
        return read_recorded(s, &c, false);
    if (n == 2 && tap_match_atom(&c, "timed"))
        return read_recorded(s, &c, true);
    if (n == 2 && tap_match_atom(&c, "final"))
        return read_final(ctx, &c);
    return true;
}

void tap_frame_report(const struct tap_frames *ctx, struct tap_stream *s,
                      struct tap_batch_impl *batch, uint32_t off, uint32_t len)
{
    struct tap_cursor c = tap_cursor(batch->base.arena + off, len);
    struct tap_span whole = {0, 0};
    uint32_t before = batch->base.count;
    tap_read_version(&c);
    if (c.bad || !tap_decode_span(&c, batch->base.arena, &whole))
        return;
    read_control(ctx, s, batch, whole);
    for (uint32_t i = before; i < batch->base.count; i++)
        batch->events[i].raw = whole;
}
