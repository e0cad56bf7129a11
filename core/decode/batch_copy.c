/* batch_copy.c: events that go to another batch, with their bytes. */
#include "decode/batch.h"

#include <string.h>

size_t tap_event_bytes(const struct tap_event *ev, bool raw)
{
    size_t bytes = (size_t)ev->payload.len + ev->metadata.len + tap_event_peer_term(ev).len +
                   tap_event_stack(ev).len;
    return bytes + (raw ? ev->raw.len : 0);
}

static void put_span(struct tap_batch_impl *out, struct tap_span *span, const uint8_t *from)
{
    memcpy(out->arena->base.data + out->base.arena_len, from + span->off, span->len);
    span->off = out->base.arena_len;
    out->base.arena_len += span->len;
}

/* Of the raw message the others are parts, mostly: then they are copied with it. */
static void put_part(struct tap_batch_impl *out, struct tap_span *span, const struct tap_span *raw,
                     uint32_t to, const uint8_t *from)
{
    if (!span->len)
        return;
    if (span->off >= raw->off && span->off + span->len <= raw->off + raw->len)
        span->off += to - raw->off;
    else
        put_span(out, span, from);
}

struct tap_event *tap_batch_copy(struct tap_batch_impl *out, const struct tap_event *ev,
                                 const uint8_t *arena, bool all)
{
    uint32_t at = out->base.arena_len;
    struct tap_event *to = tap_batch_room(out);
    if (!to)
        return NULL;
    *to = *ev;
    if (!all)
        to->raw = (struct tap_span){0, 0};
    const struct tap_span raw = to->raw;
    if (raw.len)
        put_span(out, &to->raw, arena);
    put_part(out, &to->payload, &raw, at, arena);
    put_part(out, &to->metadata, &raw, at, arena);
    if (to->flags & TAP_EVENT_STACK)
        put_part(out, &to->stack, &raw, at, arena);
    if (to->peer_type == TAP_PEER_TERM)
        put_part(out, &to->peer_term, &raw, at, arena);
    return to;
}
