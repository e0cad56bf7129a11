/* window.c: the index of a finished recording: where blocks are whose time is wanted, known before
 * any of them is read. Where there is none, or it does not hold, blocks are passed over one by one
 * instead. */
#include "transports/file/reader.h"

#include <sys/stat.h>
#include <unistd.h>

/* The block of the index, by what stands last in the file. */
static bool find_index(struct tap_reader *r, struct tap_block *index)
{
    uint8_t frame[TAP_BLOCK_FRAME];
    struct tap_block end;
    struct stat st;
    if (!r->blocks || !r->seekable || fstat(r->fd, &st) < 0 ||
        (uint64_t)st.st_size < 2 * TAP_BLOCK_FRAME ||
        !tap_reader_at(r, (uint64_t)st.st_size - TAP_BLOCK_FRAME, frame, sizeof frame) ||
        !tap_block_read(frame, &end) || end.type != TAP_BLOCK_END || end.run != r->block.run)
        return false;
    r->index_at = (uint64_t)end.first;
    return end.first > 0 && end.first < st.st_size &&
           tap_reader_at(r, r->index_at, frame, sizeof frame) && tap_block_read(frame, index) &&
           index->type == TAP_BLOCK_INDEX && index->run == r->block.run &&
           index->length >= TAP_READER_FRONT &&
           (index->length - TAP_READER_FRONT) % TAP_INDEX_ENTRY == 0;
}

static bool is_sane(const struct tap_reader *r)
{
    struct tap_index_entry e;
    uint64_t before = 0;
    for (size_t i = 0; i < r->index_count; i++) {
        tap_reader_entry(r, i, &e);
        if ((i > 0 && e.offset <= before) || e.offset >= r->index_at)
            return false;
        before = e.offset;
    }
    return true;
}

static bool load_index(struct tap_reader *r)
{
    struct tap_block b;
    if (r->index)
        return true;
    if (!find_index(r, &b) || !(r->index = malloc(b.length)))
        return false;
    r->index_count = (b.length - TAP_READER_FRONT) / TAP_INDEX_ENTRY;
    if (tap_reader_at(r, r->index_at + TAP_BLOCK_FRAME, r->index, b.length) &&
        tap_checksum(r->index, b.length) == b.sum && is_sane(r))
        return true;
    free(r->index);
    r->index = NULL;
    return false;
}

void tap_reader_window(struct tap_reader *r, int64_t from, int64_t to)
{
    r->window = true;
    r->from = from;
    r->to = to;
    load_index(r);
}

void tap_reader_ask(struct tap_reader *r, const struct tap_asked *asked)
{
    r->unread = calloc(TAP_SOURCE_NODES, sizeof *r->unread);
    if (r->unread && load_index(r))
        r->asked = asked;
}

/* At the beginning of a block that the index knows; else the blocks speak for themselves. */
bool tap_reader_pass(struct tap_reader *r)
{
    struct tap_index_entry e;
    uint64_t to = r->index_at;
    bool passed = false;
    for (; r->entry < r->index_count; r->entry++) {
        tap_reader_entry(r, r->entry, &e);
        if (e.offset < r->offset)
            continue;
        bool far = !tap_reader_wants(r, e.type, e.first, e.last);
        if ((!passed && e.offset > r->offset) ||
            !(far || e.type == TAP_BLOCK_BLOOM || tap_reader_lacks(r, r->entry, &e))) {
            to = e.offset;
            break;
        }
        r->skipped |= far;
        passed = true;
    }
    return !passed || tap_reader_seek(r, to);
}
