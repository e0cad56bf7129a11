/* cut.c: see cut.h. */
#include "transports/file/cut.h"

#include "transports/file/pace.h"

#define SPAN INT64_C(5000000) /* ns of one piece: a small part of what `reorder` may be */

void tap_cut_begin(struct tap_cut *c, const struct tap_frame *h, const uint8_t *frame)
{
    uint32_t n;
    c->header = *h;
    c->at = tap_cursor(frame + TAP_FRAME_HEADER, h->length);
    if (!(h->flags & TAP_FRAME_ONE_LIST))
        return;
    tap_read_version(&c->at);
    if (!tap_read_list(&c->at, &n) || n != h->count)
        c->at.p = c->at.end; /* whoever decodes it says what is wrong */
}

/* Past the message at the cursor; when it was. */
static bool pass(const struct tap_cut *c, struct tap_cursor *at, bool *timed, int64_t *ns)
{
    struct tap_cursor message = *at;
    if (c->header.flags & TAP_FRAME_ONE_LIST) {
        *timed = tap_message_time(&message, ns);
        return tap_skip(at);
    }
    if (tap_left(at) < 4 || tap_get_u32(at->p) > tap_left(at) - 4)
        return tap_cursor_fail(at);
    message = tap_cursor(at->p + 4, tap_get_u32(at->p));
    at->p += 4 + tap_left(&message);
    tap_read_version(&message);
    *timed = tap_message_time(&message, ns);
    return true;
}

/* How many messages the next piece has, and where it ends; 0: what is left cannot be read. */
static uint32_t measure(struct tap_cut *c, struct tap_cursor *end)
{
    uint32_t count = 0;
    *end = c->at;
    c->timed = false;
    for (; count < c->header.count; count++) {
        struct tap_cursor next = *end;
        int64_t ns = 0;
        bool timed;
        if (!pass(c, &next, &timed, &ns))
            return 0;
        __int128 span = (__int128)ns - c->first;
        if (timed && c->timed && (span > SPAN || span < -SPAN))
            break;
        if (timed && !c->timed)
            c->first = c->last = ns;
        if (timed)
            c->last = ns > c->last ? ns : c->last;
        c->timed |= timed;
        *end = next;
    }
    return count;
}

static void put_header(struct tap_buf *b, const struct tap_frame *h)
{
    uint8_t bytes[TAP_FRAME_HEADER];
    tap_frame_write(bytes, h);
    tap_buf_put(b, bytes, sizeof bytes);
}

bool tap_cut_next(struct tap_cut *c, struct tap_frame *h, const uint8_t **frame)
{
    struct tap_cursor end;
    if (c->header.count == 0)
        return false;
    bool list = c->header.flags & TAP_FRAME_ONE_LIST;
    uint32_t count = measure(c, &end);
    *h = c->header;
    h->count = count ? count : c->header.count;
    size_t bytes = count ? (size_t)(end.p - c->at.p) : tap_left(&c->at);
    h->length = (uint32_t)bytes + (list ? 7 : 0);
    c->out.len = 0;
    put_header(&c->out, h);
    if (list) {
        tap_write_version(&c->out);
        tap_write_list(&c->out, h->count);
    }
    tap_buf_put(&c->out, c->at.p, bytes);
    if (list)
        tap_write_nil(&c->out);
    c->at = end;
    c->header.count -= h->count;
    c->header.seq += h->count;
    c->header.lost = c->header.why = 0;
    *frame = c->out.data;
    return !c->out.oom;
}

void tap_cut_free(struct tap_cut *c)
{
    tap_buf_free(&c->out);
}
