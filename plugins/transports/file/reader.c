/* reader.c: see reader.h: the frames of a file with blocks, and of one without. */
#include "transports/file/reader.h"

/* A frame of the file's own, of a sort that only blocks bring. */
static bool is_own(const struct tap_frame *h)
{
    const unsigned own = TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED;
    return (h->flags & own) == own;
}

static bool is_block(const uint8_t *frame, const struct tap_frame *h)
{
    return is_own(h) && h->length == TAP_BLOCK_FRAME - TAP_FRAME_HEADER &&
           memcmp(frame + TAP_FRAME_HEADER, tap_block_term, sizeof tap_block_term) == 0;
}

/* Does the file begin with a block? */
static enum tap_reader_got find_form(struct tap_reader *r)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    struct tap_frame h;
    if (!tap_reader_ensure(r, TAP_FRAME_HEADER, &got))
        return got;
    if (!tap_frame_read(r->buf + r->at, &h) || !(h.flags & TAP_FRAME_RECORDED))
        return TAP_READER_BAD;
    size_t size = TAP_FRAME_HEADER + (size_t)h.length;
    if (size == TAP_BLOCK_FRAME && !tap_reader_ensure(r, size, &got))
        return got;
    r->blocks = size == TAP_BLOCK_FRAME && is_block(r->buf + r->at, &h);
    r->begun = true;
    return got;
}

/* A frame in `left` bytes at p. */
static bool is_frame(const uint8_t *p, size_t left, struct tap_frame *h)
{
    return left >= TAP_FRAME_HEADER && tap_frame_read(p, h) && h->flags & TAP_FRAME_RECORDED &&
           !(h->flags & TAP_FRAME_PACKED) && h->length <= left - TAP_FRAME_HEADER;
}

/* Of a block, whose checksum holds. */
static enum tap_reader_got next_of_block(struct tap_reader *r, struct tap_frame *h,
                                         const uint8_t **frame)
{
    bool packed = r->frames_at < r->frames_len;
    *frame = packed ? r->frames + r->frames_at : r->buf + r->at;
    size_t left = packed ? r->frames_len - r->frames_at : (size_t)(r->block_end - r->offset);
    if (!packed && left > r->len - r->at) /* a block is opened where all of it is there */
        return TAP_READER_TORN;
    if (!is_frame(*frame, left, h))
        return TAP_READER_BAD;
    size_t size = TAP_FRAME_HEADER + (size_t)h->length;
    if (packed) {
        r->frames_at += size;
    } else {
        r->at += size;
        r->offset += size;
    }
    return TAP_READER_FRAME;
}

static enum tap_reader_got next_of_file(struct tap_reader *r, struct tap_frame *h,
                                        const uint8_t **frame)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    if (!tap_reader_ensure(r, TAP_FRAME_HEADER, &got))
        return got;
    if (!tap_frame_read(r->buf + r->at, h) || !(h->flags & TAP_FRAME_RECORDED))
        return TAP_READER_BAD;
    size_t size = TAP_FRAME_HEADER + (size_t)h->length;
    if (!tap_reader_ensure(r, size, &got))
        return got;
    *frame = r->buf + r->at;
    r->at += size;
    r->offset += size;
    return got;
}

enum tap_reader_got tap_reader_next(struct tap_reader *r, struct tap_frame *h,
                                    const uint8_t **frame)
{
    enum tap_reader_got got = r->begun ? TAP_READER_FRAME : find_form(r);
    if (got != TAP_READER_FRAME)
        return got;
    if (!r->blocks)
        return next_of_file(r, h, frame);
    while (r->frames_at >= r->frames_len && r->offset >= r->block_end)
        if ((got = tap_reader_block(r)) != TAP_READER_FRAME)
            return got;
    return next_of_block(r, h, frame);
}
