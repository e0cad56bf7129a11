/* peer.c: whoever is on the other side of a message, a spawn or a link, and the extra elements of a
 * trace message, which mostly tell of the same: who sent it, who called.
 */
#include "decode/reader.h"

uint32_t tap_decode_name(struct tap_message_reader *r)
{
    return tap_intern_atom(r->atoms, &r->c);
}

static bool read_port(struct tap_message_reader *r, struct tap_event *ev)
{
    struct tap_cursor *c = &r->c;
    int tag = tap_peek(c);
    size_t number = tag == TAP_EXT_V4_PORT ? 8 : 4, need = number + (tag == TAP_EXT_PORT ? 1 : 4);
    c->p++;
    ev->peer_port.node = tap_decode_name(r);
    if (tap_left(c) < need)
        return tap_cursor_fail(c);
    ev->peer_port.id = number == 8 ? tap_get_u64(c->p) : tap_get_u32(c->p);
    ev->peer_port.creation = tag == TAP_EXT_PORT ? c->p[4] & 3u : tap_get_u32(c->p + number);
    c->p += need;
    ev->peer_type = TAP_PEER_PORT;
    return true;
}

static bool is_atom(int tag)
{
    return tag == TAP_EXT_SMALL_ATOM_UTF8 || tag == TAP_EXT_ATOM_UTF8 ||
           tag == TAP_EXT_SMALL_ATOM || tag == TAP_EXT_ATOM;
}

/* {Name, Node}: a registered name elsewhere. Consumes nothing when it is something else. */
static bool read_remote_name(struct tap_message_reader *r, struct tap_event *ev)
{
    struct tap_message_reader t = *r;
    uint32_t arity;
    if (!tap_read_tuple(&t.c, &arity) || arity != 2)
        return false;
    uint32_t name = tap_decode_name(&t), node = t.c.bad ? 0 : tap_decode_name(&t);
    if (t.c.bad)
        return false;
    ev->peer_name = name;
    ev->peer.node = node;
    ev->peer_type = TAP_PEER_NAME;
    r->c = t.c;
    return true;
}

bool tap_decode_peer(struct tap_message_reader *r, struct tap_event *ev)
{
    int tag = tap_peek(&r->c);
    if (tap_is_pid(tag)) {
        ev->peer_type = TAP_PEER_PID;
        return tap_decode_pid(r, &ev->peer);
    }
    if (is_atom(tag)) {
        if (tap_match_atom(&r->c, "undefined"))
            return true;
        ev->peer_type = TAP_PEER_NAME;
        ev->peer_name = tap_decode_name(r);
        return !r->c.bad;
    }
    if (tag == TAP_EXT_V4_PORT || tag == TAP_EXT_NEW_PORT || tag == TAP_EXT_PORT)
        return read_port(r, ev);
    if (tag == TAP_EXT_SMALL_TUPLE && read_remote_name(r, ev))
        return true;
    ev->peer_type = TAP_PEER_TERM;
    return tap_decode_span(&r->c, r->arena, &ev->peer_term);
}

/* ---- Extra elements */

/* A message that says its peer twice: what was there of the first is not taken for a part of the
 * second. */
static void nobody(struct tap_event *ev)
{
    ev->peer_type = TAP_PEER_NONE;
    ev->peer = (struct tap_pid){0};
}

/* Node, Sender */
static bool read_from(struct tap_message_reader *r, struct tap_event *ev, bool *timer)
{
    uint32_t node = 0;
    nobody(ev);
    /* the VM's sender of a receive that timed out, and of what a timer sends */
    *timer = tap_match_atom(&r->c, "clock_service");
    if (!*timer && is_atom(tap_peek(&r->c)))
        node = tap_decode_name(r);
    else if (!*timer && !tap_skip(&r->c))
        return false;
    if (!tap_decode_peer(r, ev))
        return false;
    if (ev->peer_type == TAP_PEER_NONE) /* from another node: which process it was is not told */
        ev->peer.node = node;
    return true;
}

/* {M,F,A} | undefined */
static bool read_caller(struct tap_message_reader *r, struct tap_event *ev)
{
    uint32_t three;
    int64_t arity;
    if (tap_peek(&r->c) != TAP_EXT_SMALL_TUPLE)
        return tap_skip(&r->c);
    if (!tap_read_tuple(&r->c, &three) || three != 3)
        return tap_cursor_fail(&r->c);
    nobody(ev);
    ev->caller.module = tap_decode_name(r);
    ev->caller.function = tap_decode_name(r);
    if (!tap_read_i64(&r->c, &arity) || arity < 0 || arity > 255)
        return false;
    ev->caller.arity = (int32_t)arity;
    ev->peer_type = TAP_PEER_MFA;
    return true;
}

/* {'$beamtap_from', Node, Sender [, X]}, {'$beamtap_caller', Caller [, X]}, the same with
 * '$beamtap_tail', or {'$beamtap_x', X}. */
static bool read_said(struct tap_message_reader *r, struct tap_event *ev, bool *timer)
{
    struct tap_message_reader t = *r;
    uint32_t n = 0;
    bool known = tap_peek(&r->c) == TAP_EXT_SMALL_TUPLE && tap_read_tuple(&t.c, &n), ok = true;
    if (known && n >= 3 && n <= 4 && tap_match_atom(&t.c, "$beamtap_from"))
        ok = read_from(&t, ev, timer), n -= 3;
    else if (known && n >= 2 && n <= 3 && tap_match_atom(&t.c, "$beamtap_caller"))
        ok = read_caller(&t, ev), n -= 2, ev->flags |= TAP_DECODE_CALLER;
    else if (known && n >= 2 && n <= 3 && tap_match_atom(&t.c, "$beamtap_tail"))
        ok = read_caller(&t, ev), n -= 2, ev->flags |= TAP_DECODE_CALLER | TAP_DECODE_TAIL;
    else if (known && n == 2 && tap_match_atom(&t.c, "$beamtap_x"))
        n = 1;
    else
        return tap_decode_span(&r->c, r->arena, &ev->metadata); /* not ours: the user's, then */
    if (!ok || (n == 1 && !tap_decode_span(&t.c, r->arena, &ev->metadata)))
        return tap_cursor_fail(&r->c);
    r->c = t.c;
    return true;
}

/* Stack, Said: a stack of no frames, or none, is none. So is that of what is no call, where its
 * place is another's (`took`). */
static bool read_stack(struct tap_message_reader *r, struct tap_event *ev, bool *timer)
{
    int tag = tap_peek(&r->c);
    bool some =
        ev->kind == TAP_FUNCTION_CALL && (tag == TAP_EXT_LIST || tag == TAP_EXT_SMALL_TUPLE);
    if (!some && !tap_skip(&r->c))
        return false;
    if (some && !tap_decode_span(&r->c, r->arena, &ev->stack))
        return false;
    ev->flags |= some ? TAP_EVENT_STACK : 0;
    return tap_match_atom(&r->c, "none") || read_said(r, ev, timer);
}

/* What was said, a stack and what was said, or a scheduler's id. */
bool tap_decode_extra(struct tap_message_reader *r, struct tap_event *ev, bool *timer)
{
    int tag = tap_peek(&r->c);
    if (tag == TAP_EXT_SMALL_INTEGER || tag == TAP_EXT_INTEGER) {
        int64_t scheduler;
        if (!tap_read_i64(&r->c, &scheduler))
            return false;
        ev->scheduler = (uint32_t)scheduler;
        return true;
    }
    struct tap_message_reader t = *r;
    uint32_t n;
    if (tag != TAP_EXT_SMALL_TUPLE || !tap_read_tuple(&t.c, &n) || n != 3 ||
        !tap_match_atom(&t.c, "$beamtap_stack"))
        return read_said(r, ev, timer);
    if (!read_stack(&t, ev, timer))
        return tap_cursor_fail(&r->c);
    r->c = t.c;
    return true;
}
