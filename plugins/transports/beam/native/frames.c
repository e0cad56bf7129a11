/* frames.c: a frame is made where it waits for the socket; its header is filled in at last. */
#include "transports/beam/native/frames.h"

#include <stdlib.h>
#include <string.h>

#include "beamtap/frame.h"

#define LIST_HEAD 6u /* version byte, LIST_EXT, its length */
#define LOST_MOST (UINT32_MAX - 1)

static uint8_t *room(struct tap_frames_out *o, size_t need)
{
    if (o->len + need > o->cap) {
        size_t cap = o->cap ? o->cap : TAP_FRAMES_OUT + 4 * TAP_FRAMES_BYTES;
        while (cap < o->len + need)
            cap *= 2;
        uint8_t *more = realloc(o->bytes, cap);
        if (!more) {
            o->oom = true;
            return NULL;
        }
        o->bytes = more;
        o->cap = cap;
    }
    return o->bytes + o->len;
}

static void publish(const struct tap_frames_out *o)
{
    struct tap_run *r = o->run;
    atomic_store_explicit(&r->produced, o->seq, memory_order_relaxed);
    atomic_store_explicit(&r->sent, o->sent, memory_order_relaxed);
    atomic_store_explicit(&r->lost, o->lost_all, memory_order_relaxed);
    atomic_store_explicit(&r->frames, o->number, memory_order_relaxed);
}

/* The header of the frame at `at`, which ends where the bytes do. */
static void head(struct tap_frames_out *o, size_t at, uint8_t flags, uint64_t seq, uint32_t count,
                 uint32_t lost)
{
    struct tap_frame f = {.flags = flags,
                          .number = o->number++,
                          .why = lost ? o->why : 0,
                          .seq = seq,
                          .count = count,
                          .lost = lost,
                          .length = (uint32_t)(o->len - at - TAP_FRAME_HEADER)};
    tap_frame_write(o->bytes + at, &f);
    o->given += o->len - at;
    publish(o);
}

bool tap_frames_may(const struct tap_frames_out *o, size_t size)
{
    size_t begun = o->count ? o->len - o->frame : TAP_FRAME_HEADER + LIST_HEAD;
    return o->given + begun + size + 1 <=
           atomic_load_explicit(&o->run->credit, memory_order_relaxed);
}

uint8_t *tap_frames_add(struct tap_frames_out *o, size_t size)
{
    if (o->count && (o->count >= TAP_FRAMES_EVENTS || o->len - o->frame + size > TAP_FRAMES_BYTES))
        tap_frames_close(o);
    uint8_t *p = room(o, TAP_FRAME_HEADER + LIST_HEAD + size + 1);
    if (!p)
        return NULL;
    if (o->count == 0) {
        size_t before = TAP_FRAME_HEADER + (o->run->options.numbered ? 0 : LIST_HEAD);
        o->frame = o->len;
        p[TAP_FRAME_HEADER] = TAP_EXT_VERSION;
        p[TAP_FRAME_HEADER + 1] = TAP_EXT_LIST;
        p += before;
        o->len += before;
    }
    o->len += size;
    o->count++;
    o->seq++;
    o->sent++;
    return p;
}

/* Of what was lost, as much as a header can say; the rest is said by frames without messages. */
static void say_lost(struct tap_frames_out *o, uint64_t leave)
{
    while (o->lost > leave) {
        uint32_t lost = o->lost < LOST_MOST ? (uint32_t)o->lost : LOST_MOST;
        size_t at = o->len;
        if (!room(o, TAP_FRAME_HEADER))
            return;
        o->len += TAP_FRAME_HEADER;
        o->lost -= lost;
        head(o, at, 0, o->seq - o->lost, 0, lost);
    }
}

void tap_frames_close(struct tap_frames_out *o)
{
    if (o->count == 0 || !room(o, 1))
        return;
    bool numbered = o->run->options.numbered;
    if (!numbered) {
        o->bytes[o->len++] = TAP_EXT_NIL;
        tap_put_u32(o->bytes + o->frame + TAP_FRAME_HEADER + 2, o->count);
    }
    uint32_t lost = (uint32_t)o->lost, count = o->count;
    o->count = 0;
    o->lost = 0;
    head(o, o->frame, numbered ? TAP_FRAME_NUMBERED : TAP_FRAME_ONE_LIST, o->seq - count, count,
         lost);
}

void tap_frames_lose(struct tap_frames_out *o, uint64_t n, uint32_t why)
{
    if (n == 0)
        return;
    tap_frames_close(o);
    if (o->lost && o->why != why)
        say_lost(o, 0);
    o->why = why;
    o->seq += n;
    o->lost += n;
    o->lost_all += n;
    if (o->lost > LOST_MOST)
        say_lost(o, LOST_MOST);
    publish(o);
}

void tap_frames_report(struct tap_frames_out *o, const uint8_t *term, size_t len)
{
    tap_frames_close(o);
    say_lost(o, 0);
    size_t at = o->len;
    uint8_t *p = room(o, TAP_FRAME_HEADER + 4 + len);
    if (!p)
        return;
    tap_put_u32(p + TAP_FRAME_HEADER, (uint32_t)len);
    memcpy(p + TAP_FRAME_HEADER + 4, term, len);
    o->len += TAP_FRAME_HEADER + 4 + len;
    head(o, at, TAP_FRAME_CONTROL, o->seq, 1, 0);
}

void tap_frames_written(struct tap_frames_out *o, size_t n)
{
    o->written += n;
    if (o->written == 0 || (o->written < o->len && o->written < TAP_FRAMES_OUT / 2))
        return;
    o->frame -= o->count ? o->written : 0;
    memmove(o->bytes, o->bytes + o->written, o->len - o->written);
    o->len -= o->written;
    o->written = 0;
}
