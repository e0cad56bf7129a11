/* reader.h: what the two halves of the decoder share: trace_message.c reads a trace message, peer.c
 * the other side of it and its extra elements.
 *
 * What nearly every message has is inline here; the rest is called.
 */
#ifndef TAP_DECODE_READER_H
#define TAP_DECODE_READER_H

#include "decode/trace_message.h"

struct tap_message_reader {
    struct tap_cursor c;
    struct tap_atom_cache *atoms;
    const uint8_t *arena;
    bool numbered; /* an item of such a frame: its time is 8 bytes behind it */
};

/* An atom where few pass by; the others take tap_intern_atom, which is inline. */
uint32_t tap_decode_name(struct tap_message_reader *);
/* Whoever is on the other side. The atom undefined is nobody. */
bool tap_decode_peer(struct tap_message_reader *, struct tap_event *);
/* One of the elements between what the tag announces and the time; `timer`: the VM's own sender, of
 * a receive that timed out or of a timer. */
bool tap_decode_extra(struct tap_message_reader *, struct tap_event *, bool *timer);

/* ---- trace_message.c */

/* Arguments, as a list, or only their number. */
bool tap_decode_arguments(struct tap_message_reader *, struct tap_event *);
bool tap_decode_payload(struct tap_message_reader *, struct tap_event *);

/* The time in a numbered frame. */
static inline bool tap_decode_plain(struct tap_cursor *c, int64_t *monotonic)
{
    if (tap_left(c) < 8)
        return tap_cursor_fail(c);
    *monotonic = (int64_t)tap_get_u64(c->p);
    c->p += 8;
    return true;
}

/* That is when the event was. */
static inline void tap_decode_at(struct tap_node_clock *clock, int64_t monotonic,
                                 struct tap_event *ev)
{
    if (__builtin_expect(!clock->told, 0))
        tap_node_clock_guess(clock, monotonic);
    ev->ts = tap_node_clock_ns(clock, monotonic);
    tap_node_clock_used(clock, monotonic);
}

static inline bool tap_is_pid(int tag)
{
    return tag == TAP_EXT_NEW_PID || tag == TAP_EXT_PID;
}

static inline bool tap_decode_pid(struct tap_message_reader *r, struct tap_pid *pid)
{
    struct tap_cursor *c = &r->c;
    int tag = tap_peek(c);
    if (!tap_is_pid(tag))
        return tap_cursor_fail(c);
    c->p++;
    pid->node = tap_intern_last(r->atoms, c);
    size_t need = tag == TAP_EXT_NEW_PID ? 12 : 9;
    if (tap_left(c) < need)
        return tap_cursor_fail(c);
    pid->id = tap_get_u32(c->p);
    pid->serial = tap_get_u32(c->p + 4);
    pid->creation = need == 12 ? tap_get_u32(c->p + 8) : c->p[8] & 3u;
    c->p += need;
    return true;
}

#endif
