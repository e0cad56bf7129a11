/* trace_message.c: {trace_ts, Pid, Tag, A [, B] [, Extra] [, Scheduler], Time}, by tag and arity.
 *
 * The table of tags says what follows each; the rest is reading with the checked cursor of term.h.
 * This is the hottest code of the collector: nothing is allocated, and names go through the
 * interning cache as they stand. What the messages are: beamtap/frame.h; who is on the other side:
 * peer.c.
 */
#include "decode/reader.h"

enum shape {
    SHAPE_CALL,     /* {M,F,Args | Arity} */
    SHAPE_RETURN,   /* {M,F,A}, Value */
    SHAPE_SEND,     /* Message, To */
    SHAPE_RECEIVE,  /* Message */
    SHAPE_SPAWN,    /* Pid, {M,F,Args} */
    SHAPE_PAYLOAD,  /* Term */
    SHAPE_PEER,     /* Pid or port */
    SHAPE_SCHEDULE, /* {M,F,A} or 0 */
    SHAPE_IGNORED   /* Term */
};

struct tag {
    const char *text;
    uint8_t len, kind, shape, flags;
};
#define TAG(text, kind, shape, flags)              \
    {                                              \
        text, sizeof(text) - 1, kind, shape, flags \
    }

static const struct tag tags[] = {
    /* the frequent ones first */
    TAG("call", TAP_FUNCTION_CALL, SHAPE_CALL, 0),
    TAG("return_from", TAP_FUNCTION_RETURN, SHAPE_RETURN, 0),
    TAG("send", TAP_MESSAGE_SEND, SHAPE_SEND, 0),
    TAG("receive", TAP_MESSAGE_RECEIVE, SHAPE_RECEIVE, 0),
    TAG("in", TAP_SCHEDULE_IN, SHAPE_SCHEDULE, 0),
    TAG("out", TAP_SCHEDULE_OUT, SHAPE_SCHEDULE, 0),
    TAG("gc_minor_start", TAP_GC_START, SHAPE_PAYLOAD, 0),
    TAG("gc_minor_end", TAP_GC_END, SHAPE_PAYLOAD, 0),
    TAG("gc_major_start", TAP_GC_START, SHAPE_PAYLOAD, TAP_EVENT_GC_MAJOR),
    TAG("gc_major_end", TAP_GC_END, SHAPE_PAYLOAD, TAP_EVENT_GC_MAJOR),
    TAG("exception_from", TAP_FUNCTION_EXCEPTION, SHAPE_RETURN, 0),
    TAG("spawn", TAP_PROCESS_SPAWN, SHAPE_SPAWN, 0),
    TAG("spawned", TAP_PROCESS_START, SHAPE_SPAWN, 0),
    TAG("exit", TAP_PROCESS_EXIT, SHAPE_PAYLOAD, 0),
    TAG("link", TAP_PROCESS_LINK, SHAPE_PEER, 0),
    TAG("unlink", TAP_PROCESS_UNLINK, SHAPE_PEER, 0),
    TAG("getting_linked", TAP_PROCESS_LINK, SHAPE_PEER, TAP_EVENT_LINK_GOT),
    TAG("getting_unlinked", TAP_PROCESS_UNLINK, SHAPE_PEER, TAP_EVENT_LINK_GOT),
    TAG("register", TAP_PROCESS_REGISTER, SHAPE_PAYLOAD, 0),
    TAG("unregister", TAP_PROCESS_UNREGISTER, SHAPE_PAYLOAD, 0),
    TAG("send_to_non_existing_process", TAP_MESSAGE_SEND, SHAPE_SEND, TAP_EVENT_NONEXISTING),
    TAG("in_exiting", TAP_SCHEDULE_IN, SHAPE_SCHEDULE, TAP_EVENT_EXITING),
    TAG("out_exiting", TAP_SCHEDULE_OUT, SHAPE_SCHEDULE, TAP_EVENT_EXITING),
    TAG("out_exited", TAP_SCHEDULE_OUT, SHAPE_SCHEDULE, TAP_EVENT_EXITING),
    TAG("counted", TAP_FUNCTION_COUNTERS, SHAPE_RETURN, 0),
    TAG("return_to", 0, SHAPE_IGNORED, 0),
    TAG("gc_max_heap_size", 0, SHAPE_IGNORED, 0),
};

static const struct tag *read_tag(struct tap_cursor *c)
{
    const char *text;
    uint32_t len;
    bool latin1;
    if (!tap_read_atom(c, &text, &len, &latin1))
        return NULL;
    /* Three of four are one of these. */
    if (len == 4 && memcmp(text, "call", 4) == 0)
        return &tags[0];
    if (len == 11 && memcmp(text, "return_from", 11) == 0)
        return &tags[1];
    if (len == 4 && memcmp(text, "send", 4) == 0)
        return &tags[2];
    if (len == 7 && memcmp(text, "receive", 7) == 0)
        return &tags[3];
    for (size_t i = 4; i < sizeof tags / sizeof tags[0]; i++)
        if (tags[i].len == len && memcmp(tags[i].text, text, len) == 0)
            return &tags[i];
    return NULL;
}

/* {'$beamtap_cut', TrueSize} where a payload was too large, {'$beamtap_cut', TrueSize, Arity} where
 * arguments were. Consumes nothing when it is something else. */
static bool read_cut(struct tap_message_reader *r, struct tap_event *ev)
{
    static const char cut[] = "$beamtap_cut";
    struct tap_cursor t = r->c;
    uint32_t parts;
    int64_t size, arity = -1;
    if (tap_left(&t) < 16 || t.p[0] != TAP_EXT_SMALL_TUPLE || (t.p[1] != 2 && t.p[1] != 3))
        return false;
    if (!tap_read_tuple(&t, &parts) || !tap_match_atom(&t, cut) || !tap_read_i64(&t, &size))
        return false;
    if (parts == 3 && (!tap_read_i64(&t, &arity) || arity < 0 || arity > 255))
        return false;
    if (parts == 3)
        ev->arity = (int32_t)arity;
    ev->flags |= TAP_EVENT_TRUNCATED;
    ev->true_size = (uint64_t)size;
    r->c = t;
    return true;
}

static inline bool read_payload(struct tap_message_reader *r, struct tap_event *ev)
{
    return read_cut(r, ev) || tap_decode_span(&r->c, r->arena, &ev->payload);
}
bool tap_decode_payload(struct tap_message_reader *r, struct tap_event *ev)
{
    return read_payload(r, ev);
}

bool tap_decode_arguments(struct tap_message_reader *r, struct tap_event *ev)
{
    struct tap_cursor *c = &r->c;
    switch (tap_peek(c)) {
    case TAP_EXT_LIST: {
        uint32_t n = tap_left(c) >= 5 ? tap_get_u32(c->p + 1) : 0;
        if (!tap_decode_span(c, r->arena, &ev->payload))
            return false;
        ev->arity = n <= INT32_MAX && c->p[-1] == TAP_EXT_NIL ? (int32_t)n : -1;
        return true;
    }
    case TAP_EXT_STRING: /* the VM packs a list of bytes */
        if (!tap_decode_span(c, r->arena, &ev->payload))
            return false;
        ev->arity = (int32_t)ev->payload.len - 3;
        return true;
    case TAP_EXT_NIL: ev->arity = 0; return tap_decode_span(c, r->arena, &ev->payload);
    case TAP_EXT_SMALL_INTEGER:
        if (tap_left(c) < 2)
            return tap_cursor_fail(c);
        ev->arity = c->p[1];
        ev->flags |= TAP_EVENT_ARITY_ONLY;
        c->p += 2;
        return true;
    default: return read_cut(r, ev) || tap_cursor_fail(c);
    }
}

/* {M,F, and the third element is left to read. */
static inline bool read_mf(struct tap_message_reader *r, struct tap_event *ev)
{
    uint32_t arity;
    if (!tap_read_tuple(&r->c, &arity) || arity != 3)
        return tap_cursor_fail(&r->c);
    ev->module = tap_intern_atom(r->atoms, &r->c);
    if (__builtin_expect(r->atoms->deferred, 0)) {
        uint32_t at = (uint32_t)(r->c.p - r->arena);
        if (tap_intern_fetch(r->atoms, &r->c)) {
            ev->function = TAP_NAME_DEFERRED;
            *tap_deferred_atom(ev) = at;
            return true;
        }
    }
    ev->function = tap_intern_atom(r->atoms, &r->c);
    return !r->c.bad;
}

static bool read_mfa(struct tap_message_reader *r, struct tap_event *ev)
{
    int64_t arity;
    if (!read_mf(r, ev) || !tap_read_i64(&r->c, &arity) || arity < 0 || arity > 255)
        return tap_cursor_fail(&r->c);
    ev->arity = (int32_t)arity;
    return true;
}

/* {M,F,Args} of a new process, or {M,F,A}, or 0, or anything: what can be told of it is, the term
 * is the payload. */
static bool read_origin(struct tap_message_reader *r, struct tap_event *ev)
{
    if (read_cut(r, ev))
        return true;
    struct tap_message_reader t = *r;
    struct tap_span whole = {0, 0};
    if (!tap_decode_span(&r->c, r->arena, &whole))
        return false;
    t.c.end = r->c.p;
    if (tap_peek(&t.c) == TAP_EXT_SMALL_TUPLE && read_mf(&t, ev)) {
        if (!tap_decode_arguments(&t, ev))
            ev->arity = -1;
        ev->flags &= ~(uint32_t)TAP_EVENT_ARITY_ONLY;
    }
    if (ev->flags & TAP_EVENT_TRUNCATED) /* its arguments were cut: the function is told above */
        return true;
    ev->payload = whole;
    return true;
}

/* 0, where a process stands that has no code any more. */
static bool read_nowhere(struct tap_message_reader *r)
{
    if (tap_peek(&r->c) != TAP_EXT_SMALL_INTEGER || tap_left(&r->c) < 2 || r->c.p[1] != 0)
        return false;
    r->c.p += 2;
    return true;
}

/* ---- The message */

/* An integer that mostly takes eight bytes. */
static inline bool read_large(struct tap_cursor *c, int64_t *value)
{
    const uint8_t *p = c->p;
    if (__builtin_expect(tap_left(c) < 11 || p[0] != TAP_EXT_SMALL_BIG || p[1] != 8 || p[10] & 0x80,
                         0))
        return tap_read_i64(c, value);
    uint64_t v = (uint64_t)p[3] | (uint64_t)p[4] << 8 | (uint64_t)p[5] << 16 |
                 (uint64_t)p[6] << 24 | (uint64_t)p[7] << 32 | (uint64_t)p[8] << 40 |
                 (uint64_t)p[9] << 48 | (uint64_t)p[10] << 56;
    *value = p[2] ? (int64_t)(0 - v) : (int64_t)v;
    c->p += 11;
    return true;
}

static inline bool read_told(struct tap_cursor *c, int64_t *monotonic)
{
    uint32_t two;
    bool strict = tap_peek(c) == TAP_EXT_SMALL_TUPLE; /* {Nanoseconds, Unique} */
    if (strict && (!tap_read_tuple(c, &two) || two != 2))
        return tap_cursor_fail(c);
    return read_large(c, monotonic) && (!strict || tap_skip(c));
}

static bool read_time(struct tap_message_reader *r, struct tap_node_clock *clock,
                      struct tap_event *ev)
{
    int64_t monotonic;
    if (!(r->numbered ? tap_decode_plain(&r->c, &monotonic) : read_told(&r->c, &monotonic)))
        return false;
    tap_decode_at(clock, monotonic, ev);
    return true;
}

/* What the tag announces; `used`: how many elements that took. */
static bool read_body(struct tap_message_reader *r, const struct tag *tag, struct tap_event *ev,
                      uint32_t *used)
{
    *used = 1;
    switch (tag->shape) {
    case SHAPE_CALL: return read_mf(r, ev) && tap_decode_arguments(r, ev);
    case SHAPE_RETURN: *used = 2; return read_mfa(r, ev) && read_payload(r, ev);
    case SHAPE_SEND: *used = 2; return read_payload(r, ev) && tap_decode_peer(r, ev);
    case SHAPE_SPAWN: *used = 2; return tap_decode_peer(r, ev) && read_origin(r, ev);
    case SHAPE_PEER: return tap_decode_peer(r, ev);
    case SHAPE_SCHEDULE: return read_nowhere(r) || read_origin(r, ev);
    case SHAPE_RECEIVE:
    case SHAPE_PAYLOAD: return read_payload(r, ev);
    default: return tap_skip(&r->c);
    }
}

static bool is_timeout(const uint8_t *arena, const struct tap_event *ev)
{
    struct tap_cursor c = tap_cursor(arena + ev->payload.off, ev->payload.len);
    return ev->payload.len <= 10 && tap_match_atom(&c, "timeout");
}

/* {trace_ts, ...}: true; {trace, ...}: false and no time at the end. */
static bool read_head(struct tap_cursor *c, uint32_t *arity, bool *timed)
{
    /* Two encodings of trace_ts: as minor version 2 writes atoms, and as nodes before OTP 26 do
     * otherwise. */
    static const uint8_t usual[] = {
        TAP_EXT_SMALL_ATOM_UTF8, 8, 't', 'r', 'a', 'c', 'e', '_', 't', 's'};
    static const uint8_t older[] = {TAP_EXT_ATOM, 0, 8, 't', 'r', 'a', 'c', 'e', '_', 't', 's'};
    if (!tap_read_tuple(c, arity))
        return false;
    *timed = true;
    if (tap_left(c) >= sizeof older && memcmp(c->p, usual, sizeof usual) == 0) {
        c->p += sizeof usual;
        return true;
    }
    if (tap_left(c) >= sizeof older && memcmp(c->p, older, sizeof older) == 0) {
        c->p += sizeof older;
        return true;
    }
    *timed = tap_match_atom(c, "trace_ts");
    return *timed || tap_match_atom(c, "trace");
}

/* One function, called from outside alone: so all that it needs is inline, and `r` its own. */
enum tap_decoded tap_decode_item(struct tap_atom_cache *atoms, struct tap_node_clock *clock,
                                 const uint8_t *arena, uint32_t *off, uint32_t end,
                                 struct tap_event *ev, bool numbered)
{
    struct tap_message_reader r = {tap_cursor(arena + *off, end - *off), atoms, arena, numbered};
    uint32_t arity, used;
    bool timed, timer = false, extra = false;
    if (!read_head(&r.c, &arity, &timed) || (numbered && !timed))
        return TAP_DECODE_BAD;
    bool one = __builtin_expect(tap_is_pid(tap_peek(&r.c)), 1);
    if (!(one ? tap_decode_pid(&r, &ev->pid) : tap_match_atom(&r.c, "all")))
        return TAP_DECODE_BAD;
    const struct tag *tag = read_tag(&r.c);
    if (!tag || !(one || tag->kind == TAP_FUNCTION_COUNTERS) || !read_body(&r, tag, ev, &used))
        return TAP_DECODE_BAD;
    uint32_t fixed = 3 + used + timed;
    if (arity < fixed || arity > fixed + 2)
        return TAP_DECODE_BAD;
    ev->kind = tag->kind;
    for (uint32_t left = arity - fixed; left > 0; left--, extra = true)
        if (!tap_decode_extra(&r, ev, &timer))
            return TAP_DECODE_BAD;
    if ((timed && !read_time(&r, clock, ev)) || r.c.bad)
        return TAP_DECODE_BAD;
    *off = (uint32_t)(r.c.p - arena);
    if (tag->shape == SHAPE_IGNORED)
        return TAP_DECODE_IGNORED;
    ev->flags |= tag->flags;
    if (ev->kind == TAP_MESSAGE_RECEIVE && ev->peer_type == TAP_PEER_NONE && (timer || !extra) &&
        is_timeout(arena, ev))
        ev->flags |= TAP_EVENT_TIMEOUT;
    return TAP_DECODED;
}

enum tap_decoded tap_decode_message(struct tap_atom_cache *atoms, struct tap_node_clock *clock,
                                    const uint8_t *arena, uint32_t off, uint32_t len,
                                    struct tap_event *ev)
{
    uint32_t end = off + len;
    if (len < 1 || arena[off] != TAP_EXT_VERSION)
        return TAP_DECODE_BAD;
    off++;
    enum tap_decoded decoded = tap_decode_item(atoms, clock, arena, &off, end, ev, false);
    return decoded == TAP_DECODE_BAD || off == end ? decoded : TAP_DECODE_BAD;
}
