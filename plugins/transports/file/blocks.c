/* blocks.c: blocks of a recording, one after the other: what holds is opened, and where nothing
 * holds the next one that does is looked for. */
#include <sys/stat.h>
#include <zstd.h>

#include "transports/file/reader.h"

#define IN_VAIN (UINT64_C(1) << 30) /* bytes that may be summed up beside as many as were read */

/* Its place among the others: of this run, behind those before it. */
static bool has_place(const struct tap_reader *r, const struct tap_block *b)
{
    return r->block_end == 0 ||
           (b->run == r->block.run && b->number > r->block.number && b->reports >= r->reports);
}

/* Nothing holds from here on: goes on where a block begins that has its place here. What else looks
 * like one is bytes of somebody's: its length says nothing. */
static enum tap_reader_got find_next(struct tap_reader *r)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    struct tap_block b;
    r->damage_from = r->offset;
    r->damaged = NULL;
    r->hurt = true;
    for (size_t step = 1;;) {
        r->at += step;
        r->offset += step;
        if (!tap_reader_ensure(r, TAP_BLOCK_FRAME, &got)) {
            r->offset += r->len - r->at;
            r->at = r->len;
            return got == TAP_READER_END ? TAP_READER_TORN : got;
        }
        const uint8_t *p = r->buf + r->at;
        size_t there = r->len - r->at - (TAP_BLOCK_FRAME - 1);
        const uint8_t *mark = memmem(p, there + 3, TAP_FRAME_MAGIC, 4);
        if (mark == p && tap_block_read(p, &b) && has_place(r, &b))
            return TAP_READER_DAMAGED;
        step = mark && mark > p ? (size_t)(mark - p) : mark ? 1 : there;
        step = step < r->len - r->at ? step : r->len - r->at;
    }
}

/* A block of which the frame holds and the bytes do not: it is all there, but bytes may have gone
 * from it, or come to it. */
static enum tap_reader_got leave_out(struct tap_reader *r, const struct tap_block *b)
{
    uint64_t end = r->offset + TAP_BLOCK_FRAME + b->length;
    enum tap_reader_got got = find_next(r);
    if (r->offset == end) {
        r->damaged_block = *b;
        r->damaged = &r->damaged_block;
    }
    return got == TAP_READER_TORN ? TAP_READER_DAMAGED : got;
}

/* The frames of a packed block. */
static bool unpack(struct tap_reader *r, const struct tap_block *b)
{
    const uint8_t *p = r->buf + r->at;
    struct tap_frame h;
    if (b->length < TAP_FRAME_HEADER || !tap_frame_read(p, &h) || !(h.flags & TAP_FRAME_PACKED) ||
        h.length != b->length - TAP_FRAME_HEADER)
        return false;
    if (r->frames_cap < b->unpacked) {
        uint8_t *more = realloc(r->frames, b->unpacked);
        if (!more)
            return false;
        r->frames = more;
        r->frames_cap = b->unpacked;
    }
    size_t n = ZSTD_decompress(r->frames, b->unpacked, p + TAP_FRAME_HEADER, h.length);
    r->frames_at = 0;
    r->frames_len = ZSTD_isError(n) || n != b->unpacked ? 0 : n;
    return r->frames_len == b->unpacked;
}

/* Behind the frame of a block that says a length which it does not have, another may say the same,
 * and so on: what damage may cost is bounded. Of an honest file it never is that much. */
static bool may_sum(const struct tap_reader *r, const struct tap_block *b)
{
    return r->summed_in_vain + b->length <= IN_VAIN + r->offset + (r->len - r->at);
}

/* A block whose frame holds, and of which the bytes are all there or the file is torn. */
static enum tap_reader_got open_block(struct tap_reader *r, const struct tap_block *b)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    uint64_t end = r->offset + TAP_BLOCK_FRAME + b->length;
    size_t size = TAP_BLOCK_FRAME + (size_t)b->length;
    if (!may_sum(r, b))
        return find_next(r);
    if (!tap_reader_ensure(r, size, &got))
        return got == TAP_READER_END ? TAP_READER_TORN : got;
    if (tap_checksum(r->buf + r->at + TAP_BLOCK_FRAME, b->length) != b->sum) {
        r->summed_in_vain += b->length;
        return leave_out(r, b);
    }
    if (r->block_end && b->reports != r->reports)
        return TAP_READER_REPORTS;
    r->at += TAP_BLOCK_FRAME;
    r->offset += TAP_BLOCK_FRAME;
    r->block_end = end;
    r->block = *b;
    bool whole = b->packing == TAP_BLOCK_PLAIN || unpack(r, b);
    r->hurt |= !whole;
    r->reports += whole && b->type == TAP_BLOCK_REPORTS;
    if (b->packing == TAP_BLOCK_PLAIN && b->type <= TAP_BLOCK_EVENTS)
        return TAP_READER_FRAME;
    r->at += b->length;
    r->offset = end;
    r->damage_from = end - size;
    r->damaged = &r->block;
    return whole ? TAP_READER_FRAME : TAP_READER_DAMAGED;
}

/* The file ends within the block that was to be passed over: a pipe is read up to its end, and a
 * file can be sought beyond it. */
static enum tap_reader_got torn(struct tap_reader *r)
{
    r->offset = r->block_end - TAP_BLOCK_FRAME - r->block.length;
    r->at = r->len;
    return TAP_READER_TORN;
}

static enum tap_reader_got pass_over(struct tap_reader *r, const struct tap_block *b)
{
    struct stat st;
    r->block = *b;
    r->block_end = r->offset + TAP_BLOCK_FRAME + b->length;
    r->skipped = true;
    if (!tap_reader_seek(r, r->block_end))
        return tap_reader_failed();
    bool there = r->offset >= r->block_end;
    if (r->seekable && r->at == r->len && fstat(r->fd, &st) == 0)
        there = (uint64_t)st.st_size >= r->block_end;
    return there ? TAP_READER_FRAME : torn(r);
}

enum tap_reader_got tap_reader_block(struct tap_reader *r)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    struct tap_block b;
    if (r->index && !tap_reader_pass(r))
        return tap_reader_failed();
    if (!tap_reader_ensure(r, TAP_BLOCK_FRAME, &got))
        return got;
    if (!tap_block_read(r->buf + r->at, &b) || !has_place(r, &b))
        return find_next(r);
    if (tap_reader_wants(r, b.type, b.first, b.last))
        return open_block(r, &b);
    if (r->block_end && b.reports != r->reports)
        return TAP_READER_REPORTS;
    return pass_over(r, &b);
}
