/* frame_body.h: the items of a frame's body, one after the other: each with its length in front, or
 * all in one list. */
#ifndef TAP_DECODE_FRAME_BODY_H
#define TAP_DECODE_FRAME_BODY_H

#include "decode/numbered.h"

/* The next item of a body; false when there is none whole. */
static inline bool tap_body_item(const uint8_t *arena, uint32_t *at, uint32_t end, uint32_t *len)
{
    if (end - *at < 4)
        return false;
    *len = tap_get_u32(arena + *at);
    *at += 4;
    return *len <= end - *at;
}

/* Where a frame's messages are, and what became of those before. */
struct tap_body {
    uint32_t at, end;
    bool list; /* one list of them (TAP_FRAME_ONE_LIST); else each has its length in front */
    struct tap_numbers *numbers; /* items (TAP_FRAME_NUMBERED) whose numbers these are; or NULL */
    uint64_t received;
    uint32_t ignored;
};

/* To the first message. A list that says another length than its frame is no such list. */
static inline bool tap_body_begin(struct tap_body *b, const struct tap_frame *f,
                                  const uint8_t *arena)
{
    if (b->numbers || !b->list || f->count == 0)
        return true;
    struct tap_cursor c = tap_cursor(arena + b->at, b->end - b->at);
    uint32_t n;
    tap_read_version(&c);
    if (!tap_read_list(&c, &n) || n != f->count)
        return false;
    b->at = (uint32_t)(c.p - arena);
    return true;
}

/* Over one message of a list; false when it is not whole. */
static inline bool tap_body_skip(struct tap_body *b, const uint8_t *arena)
{
    struct tap_cursor c = tap_cursor(arena + b->at, b->end - b->at);
    bool whole = tap_skip(&c);
    b->at = (uint32_t)(c.p - arena);
    return whole;
}

/* Reads the next message into *ev and goes behind it. False: there is none whole. */
static inline bool tap_body_next(struct tap_atom_cache *atoms, struct tap_node_clock *clock,
                                 const uint8_t *arena, struct tap_body *b, struct tap_event *ev,
                                 enum tap_decoded *decoded)
{
    uint32_t len;
    if (b->numbers) {
        *decoded = tap_decode_numbered(b->numbers, atoms, clock, arena, &b->at, b->end, ev);
        return *decoded != TAP_DECODE_BAD;
    }
    if (b->list) {
        if (b->at >= b->end || arena[b->at] == TAP_EXT_NIL)
            return false;
        ev->raw.off = b->at;
        *decoded = tap_decode_item(atoms, clock, arena, &b->at, b->end, ev, false);
        ev->raw.len = b->at - ev->raw.off;
        return *decoded != TAP_DECODE_BAD || tap_body_skip(b, arena);
    }
    if (!tap_body_item(arena, &b->at, b->end, &len))
        return false;
    *decoded = tap_decode_message(atoms, clock, arena, b->at, len, ev);
    ev->raw = (struct tap_span){b->at + 1, len - 1};
    b->at += len;
    return true;
}

/* The same without telling of it; what it defines counts all the same. */
static inline bool tap_body_pass(struct tap_atom_cache *atoms, struct tap_node_clock *clock,
                                 struct tap_body *b, const uint8_t *arena)
{
    uint32_t len;
    struct tap_event unused = {.arity = -1};
    enum tap_decoded decoded;
    if (b->numbers)
        return tap_body_next(atoms, clock, arena, b, &unused, &decoded);
    if (b->list)
        return b->at < b->end && arena[b->at] != TAP_EXT_NIL && tap_body_skip(b, arena);
    if (!tap_body_item(arena, &b->at, b->end, &len))
        return false;
    b->at += len;
    return true;
}

#endif
