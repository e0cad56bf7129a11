/* torn_recording.c: recordings (sink record): blocks one behind the other, each with its checksum;
 * or, as they were before there were blocks, frames. A block is whole or damage; of frames, each
 * has a mark and its length, and where one does not end at the next one's mark, that mark is looked
 * for. The index of what is kept is written anew. */
#include <string.h>

#include "beamtap/frame.h"
#include "cli/torn_file.h"

#define MARK 4u
#define IN_VAIN (UINT64_C(1) << 30) /* bytes that may be summed up beside as many as were read */

/* The first frame, or the first in the first block, says what the run was. */
bool tap_torn_begins_recording(const char *head, size_t len)
{
    struct tap_frame f;
    struct tap_block b;
    if (len > TAP_BLOCK_FRAME && tap_block_read((const uint8_t *)head, &b)) {
        if (b.packing != TAP_BLOCK_PLAIN && b.type == TAP_BLOCK_REPORTS && b.number == 0)
            return true;
        head += TAP_BLOCK_FRAME;
        len -= TAP_BLOCK_FRAME;
    }
    return len > TAP_FRAME_HEADER + 20 && tap_frame_read((const uint8_t *)head, &f) &&
           f.flags == (TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED) && f.number == 0 &&
           memmem(head + TAP_FRAME_HEADER, 20, "session", 7);
}

/* Without a session in front nobody could play the rest. */
static void keep_part(struct tap_torn_file *m, const char *text, size_t len)
{
    if (!m->began)
        m->headless = !tap_torn_begins_recording(text, len);
    m->began = true;
    tap_torn_keep(m, text, len);
}

/* ---- Blocks */

static bool block_at(const char *at, size_t len, struct tap_block *b)
{
    return len >= TAP_BLOCK_FRAME && tap_block_read((const uint8_t *)at, b);
}

/* Where the next one may begin, from 1 on. `last`: nothing comes behind the buffer. */
static size_t find_block(const struct tap_torn_file *m, bool last)
{
    struct tap_block b;
    const char *p = m->buf + 1, *end = m->buf + m->len;
    for (; p < end && (p = memmem(p, (size_t)(end - p), TAP_FRAME_MAGIC, MARK)); p++)
        if ((!last && (size_t)(end - p) < TAP_BLOCK_FRAME) || block_at(p, (size_t)(end - p), &b))
            return (size_t)(p - m->buf);
    return last || m->len <= MARK ? m->len : m->len - (MARK - 1); /* the mark may be cut in two */
}

static void keep_block(struct tap_torn_file *m, const struct tap_block *b, size_t size)
{
    struct tap_index_entry e = {m->kept, b->nodes, b->first, b->last, b->type, b->events};
    tap_torn_healed(m, 0);
    m->indexed = b->type == TAP_BLOCK_END && m->index_there && (uint64_t)b->first == m->kept;
    m->index_there = b->type == TAP_BLOCK_INDEX;
    if (b->number != m->last_block.number + 1)
        m->unbroken = b->number;
    bool records = b->type == TAP_BLOCK_BLOOM && b->first >= m->unbroken;
    if (b->type > TAP_BLOCK_EVENTS && !records)
        return; /* made anew; or it tells of blocks of which some are not there */
    keep_part(m, m->buf, size);
    m->events += b->events;
    m->reports += b->type == TAP_BLOCK_REPORTS;
    m->last_block = *b;
    m->kept += size;
    if (tap_buf_reserve(&m->index, TAP_INDEX_ENTRY)) {
        tap_index_entry_write(m->index.data + m->index.len, &e);
        m->index.len += TAP_INDEX_ENTRY;
    }
    m->failed |= m->index.oom;
}

/* Of one run, and behind those before it: what else is here has got here by mistake. Where a block
 * of reports is missing no event behind it can be played (transports/file/blocks.c). */
static bool has_place(const struct tap_torn_file *m, const struct tap_block *b)
{
    const struct tap_block *before = &m->last_block;
    if (m->kept == 0) /* without the first, which tells of the session, nobody can play the rest */
        return b->type == TAP_BLOCK_REPORTS && b->number == 0;
    return b->run == before->run && b->number > before->number && b->reports == m->reports;
}

/* Would it have its place, were the reports there that stood before it? */
static bool lacks_reports(const struct tap_torn_file *m, const struct tap_block *b)
{
    const struct tap_block *before = &m->last_block;
    return b->reports > m->reports &&
           (m->kept == 0 || (b->run == before->run && b->number > before->number));
}

/* A whole one, and of no use: what it holds is not damaged, and is not to be cut off unsaid. */
static void note_beyond(struct tap_torn_file *m, const struct tap_block *b)
{
    if (!m->beyond) {
        m->beyond_line = m->hurt ? m->hurt_line : m->line;
        m->beyond_offset = m->hurt ? m->hurt_offset : m->offset;
    }
    m->beyond += b->events;
}

/* As transports/file/blocks.c has it: what damage may cost is bounded. */
static bool may_sum(const struct tap_torn_file *m, const struct tap_block *b)
{
    return m->summed_in_vain + b->length <= IN_VAIN + m->offset + m->len;
}

static enum tap_torn_verdict read_block(struct tap_torn_file *m, bool last, size_t *len)
{
    struct tap_block b;
    if (m->len < TAP_BLOCK_FRAME && !last)
        return TAP_TORN_MORE;
    bool good = block_at(m->buf, m->len, &b), lacks = good && lacks_reports(m, &b);
    size_t size = TAP_BLOCK_FRAME + (size_t)(good ? b.length : 0);
    /* what else has got here says nothing of its length */
    good = good && (lacks || has_place(m, &b)) && may_sum(m, &b);
    if (good && m->len < size && !last)
        return TAP_TORN_MORE;
    *len = size;
    if (good && m->len >= size &&
        tap_checksum((const uint8_t *)m->buf + TAP_BLOCK_FRAME, b.length) == b.sum) {
        if (lacks)
            note_beyond(m, &b);
        else
            keep_block(m, &b, size);
        m->line = (uint64_t)b.number + 1; /* as it says itself: of damage nobody can count them */
        return lacks ? TAP_TORN_BAD : TAP_TORN_TAKE;
    }
    m->summed_in_vain += good ? b.length : 0;
    *len = find_block(m, last);
    return TAP_TORN_BAD;
}

/* A block of these bytes, which are not many. */
static void put_block(struct tap_torn_file *m, enum tap_block_type type, int64_t first,
                      const struct tap_buf *bytes)
{
    uint8_t head[TAP_BLOCK_FRAME];
    struct tap_block b = {.type = (uint8_t)type,
                          .length = (uint32_t)bytes->len,
                          .unpacked = (uint32_t)bytes->len,
                          .number = ++m->last_block.number,
                          .reports = m->reports,
                          .run = m->last_block.run,
                          .first = first,
                          .last = INT64_MIN,
                          .sum = tap_checksum(bytes->data, bytes->len)};
    tap_block_write(head, &b);
    tap_torn_put(m, (const char *)head, sizeof head);
    tap_torn_put(m, (const char *)bytes->data, bytes->len);
}

void tap_torn_put_index(struct tap_torn_file *m)
{
    struct tap_buf b = {0}, none = {.data = (uint8_t[1]){0}};
    struct tap_frame f = {.flags = TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED,
                          .count = 1};
    uint8_t head[TAP_FRAME_HEADER + 4] = {0};
    if (!m->blocks || !m->keep || m->index.len > TAP_FRAME_MAX / 2)
        return;
    m->reports = m->last_block.reports + (m->last_block.type == TAP_BLOCK_REPORTS);
    tap_buf_put(&b, head, sizeof head);
    tap_write_version(&b);
    tap_write_tuple(&b, 2);
    tap_write_atom(&b, "index");
    tap_write_binary(&b, m->index.data, m->index.len);
    m->failed |= b.oom;
    if (!b.oom) {
        f.length = (uint32_t)b.len - TAP_FRAME_HEADER;
        tap_frame_write(b.data, &f);
        tap_put_u32(b.data + TAP_FRAME_HEADER, (uint32_t)b.len - TAP_FRAME_HEADER - 4);
        put_block(m, TAP_BLOCK_INDEX, INT64_MAX, &b);
        put_block(m, TAP_BLOCK_END, (int64_t)m->kept, &none);
    }
    tap_buf_free(&b);
}

/* ---- Frames */

static bool is_frame(const char *at, size_t len, struct tap_frame *f)
{
    return len >= TAP_FRAME_HEADER && tap_frame_read((const uint8_t *)at, f) &&
           f->flags & TAP_FRAME_RECORDED;
}

/* Where the next frame may begin, from 1 on; the buffer's length: nowhere. */
static size_t find_next(const struct tap_torn_file *m)
{
    struct tap_frame f;
    const char *p = m->buf + 1, *end = m->buf + m->len;
    for (; (p = memmem(p, (size_t)(end - p), TAP_FRAME_MAGIC, MARK)); p++)
        if ((size_t)(end - p) < TAP_FRAME_HEADER || is_frame(p, (size_t)(end - p), &f))
            return (size_t)(p - m->buf);
    return m->len;
}

enum tap_torn_verdict tap_torn_frame(struct tap_torn_file *m, bool last, size_t *len)
{
    struct tap_frame f;
    struct tap_block b;
    if (m->offset == 0 && m->len < TAP_BLOCK_FRAME && !last)
        return TAP_TORN_MORE;
    if (m->offset == 0)
        m->blocks = block_at(m->buf, m->len, &b);
    if (m->blocks)
        return read_block(m, last, len);
    if (m->len < TAP_FRAME_HEADER && !last)
        return TAP_TORN_MORE;
    bool good = is_frame(m->buf, m->len, &f);
    size_t size = TAP_FRAME_HEADER + (size_t)(good ? f.length : 0);
    if (good && m->len < size + MARK && !last)
        return TAP_TORN_MORE;
    size_t behind = m->len > size ? m->len - size : 0;
    good = good && m->len >= size &&
           memcmp(m->buf + size, TAP_FRAME_MAGIC, behind < MARK ? behind : MARK) == 0;
    if (good) {
        *len = size;
        tap_torn_healed(m, 0);
        keep_part(m, m->buf, size);
        m->events += f.flags & TAP_FRAME_CONTROL ? 0 : f.count;
        return TAP_TORN_TAKE;
    }
    size_t next = find_next(m);
    if (next == m->len && !last && m->len > MARK)
        next -= MARK - 1; /* the mark may be cut in two */
    *len = next;
    return TAP_TORN_BAD;
}
