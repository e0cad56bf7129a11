/* window.c: the index of a finished recording: where blocks are whose time is wanted, known before
 * any of them is read. Where there is none, or it does not hold, blocks are passed over one by one
 * instead. */
#include "transports/file/reader.h"

#include <sys/stat.h>
#include <unistd.h>

#define FRONT (TAP_FRAME_HEADER + 19u) /* of {index, Entries}, before the entries */

static bool read_at(const struct tap_reader *r, uint64_t offset, void *dst, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(r->fd, (char *)dst + done, n - done, (off_t)(offset + done));
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* The block of the index, by what stands last in the file. */
static bool find_index(struct tap_reader *r, struct tap_block *index)
{
    uint8_t frame[TAP_BLOCK_FRAME];
    struct tap_block end;
    struct stat st;
    if (!r->blocks || !r->seekable || fstat(r->fd, &st) < 0 ||
        (uint64_t)st.st_size < 2 * TAP_BLOCK_FRAME ||
        !read_at(r, (uint64_t)st.st_size - TAP_BLOCK_FRAME, frame, sizeof frame) ||
        !tap_block_read(frame, &end) || end.type != TAP_BLOCK_END || end.run != r->block.run)
        return false;
    r->index_at = (uint64_t)end.first;
    return end.first > 0 && end.first < st.st_size &&
           read_at(r, r->index_at, frame, sizeof frame) && tap_block_read(frame, index) &&
           index->type == TAP_BLOCK_INDEX && index->run == r->block.run && index->length >= FRONT &&
           (index->length - FRONT) % TAP_INDEX_ENTRY == 0;
}

static bool is_sane(const struct tap_reader *r)
{
    struct tap_index_entry e;
    uint64_t before = 0;
    for (size_t i = 0; i < r->index_count; i++) {
        tap_index_entry_read(r->index + FRONT + i * TAP_INDEX_ENTRY, &e);
        if ((i > 0 && e.offset <= before) || e.offset >= r->index_at)
            return false;
        before = e.offset;
    }
    return true;
}

void tap_reader_window(struct tap_reader *r, int64_t from, int64_t to)
{
    struct tap_block b;
    r->window = true;
    r->from = from;
    r->to = to;
    if (!find_index(r, &b) || !(r->index = malloc(b.length)))
        return;
    r->index_count = (b.length - FRONT) / TAP_INDEX_ENTRY;
    if (!read_at(r, r->index_at + TAP_BLOCK_FRAME, r->index, b.length) ||
        tap_checksum(r->index, b.length) != b.sum || !is_sane(r)) {
        free(r->index);
        r->index = NULL;
    }
}

/* At the beginning of a block that the index knows; else the blocks speak for themselves. */
bool tap_reader_pass(struct tap_reader *r)
{
    struct tap_index_entry e;
    uint64_t to = r->index_at;
    bool passed = false;
    for (; r->entry < r->index_count; r->entry++) {
        tap_index_entry_read(r->index + FRONT + r->entry * TAP_INDEX_ENTRY, &e);
        if (e.offset < r->offset)
            continue;
        if ((!passed && e.offset > r->offset) || tap_reader_wants(r, e.type, e.first, e.last)) {
            to = e.offset;
            break;
        }
        passed = true;
    }
    r->skipped |= passed;
    return !passed || tap_reader_seek(r, to);
}
