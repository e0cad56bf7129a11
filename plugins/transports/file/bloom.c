/* bloom.c: blocks that hold nothing of what is asked for (beamtap/bloom.h), which need not be read.
 * What is not certain is read. */
#include "transports/file/reader.h"

#include <stdlib.h>

/* Puts the index's next block of type TAP_BLOCK_BLOOM from entry `i` on at *at. False: there is
 * none. */
static bool find(const struct tap_reader *r, size_t i, size_t *at, struct tap_index_entry *e)
{
    for (; i < r->index_count; i++) {
        tap_reader_entry(r, i, e);
        if (e->type == TAP_BLOCK_BLOOM) {
            *at = i;
            return true;
        }
    }
    *at = r->index_count;
    return false;
}

/* Is the block, at entry `at`, of the `count` entries before it, and of all that is in them? */
static bool is_of(const struct tap_reader *r, size_t at, size_t count, uint64_t bytes)
{
    struct tap_index_entry e, first;
    if (count == 0 || count > at || count > TAP_BLOOM_BLOCKS)
        return false;
    for (size_t i = at - count; i < at; i++) {
        tap_reader_entry(r, i, &e);
        if (e.type == TAP_BLOCK_BLOOM)
            return false;
    }
    tap_reader_entry(r, at, &e);
    tap_reader_entry(r, at - count, &first);
    return e.offset - first.offset == bytes;
}

static bool load(struct tap_reader *r, size_t i)
{
    uint8_t frame[TAP_BLOCK_FRAME];
    struct tap_index_entry e;
    struct tap_block b;
    r->bloom_len = 0;
    if (!find(r, i, &r->bloom_end, &e) || !tap_reader_at(r, e.offset, frame, sizeof frame) ||
        !tap_block_read(frame, &b) || b.type != TAP_BLOCK_BLOOM || b.run != r->block.run ||
        b.length < TAP_BLOOM_FRONT || b.length > TAP_BLOOM_BYTES || b.first < 0 ||
        b.first >= b.number ||
        !is_of(r, r->bloom_end, b.number - (size_t)b.first, (uint64_t)b.last))
        return false;
    if (r->bloom_cap < b.length) {
        uint8_t *more = realloc(r->bloom, b.length);
        if (!more)
            return false;
        r->bloom = more;
        r->bloom_cap = b.length;
    }
    if (!tap_reader_at(r, e.offset + TAP_BLOCK_FRAME, r->bloom, b.length) ||
        tap_checksum(r->bloom, b.length) != b.sum)
        return false;
    r->bloom_len = b.length;
    r->bloom_at = TAP_BLOOM_FRONT;
    r->bloom_entry = r->bloom_end - (b.number - (size_t)b.first);
    return true;
}

/* The record of entry `i`; false: there is none that can be had. */
static bool record_of(struct tap_reader *r, size_t i, struct tap_bloom_record *record)
{
    if (i >= r->bloom_end && !load(r, i))
        return false;
    if (r->bloom_len == 0 || i < r->bloom_entry)
        return false;
    for (;; r->bloom_entry++) {
        size_t n = tap_bloom_read(r->bloom + r->bloom_at, r->bloom_len - r->bloom_at, record);
        if (n == 0)
            r->bloom_len = 0; /* it is damage, whatever its checksum says */
        if (n == 0 || r->bloom_entry == i)
            return n > 0 && record->bits_len > 0;
        r->bloom_at += n;
    }
}

/* Is it of the block that the index has there? */
static bool fits(const struct tap_bloom_record *record, const struct tap_index_entry *e)
{
    uint64_t events = 0;
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < record->node_count; i++) {
        const uint8_t *node = record->nodes + i * TAP_BLOOM_NODE;
        int64_t ts = (int64_t)tap_get_u64(node + 4);
        if (tap_bloom_u16(node) >= TAP_SOURCE_NODES)
            return false;
        events += tap_bloom_u16(node + 2);
        last = ts > last ? ts : last;
    }
    return events == e->events && last == e->last;
}

static bool any(const struct tap_bloom_record *record, const uint64_t *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (tap_bloom_may(record->bits, record->bits_len, keys[i]))
            return true;
    return false;
}

static bool lacks(const struct tap_asked *a, const struct tap_bloom_record *record)
{
    uint32_t kinds = record->kinds & a->kinds;
    if (a->process_count && !any(record, a->processes, a->process_count))
        return true;
    if (!a->by_kind || record->kinds & TAP_KIND_BIT(TAP_PROCESS_EXIT) || kinds & ~TAP_BLOOM_CALLS)
        return false;
    return !kinds || (a->function_count && !any(record, a->functions, a->function_count));
}

bool tap_reader_lacks(struct tap_reader *r, size_t i, const struct tap_index_entry *e)
{
    struct tap_bloom_record record;
    if (!r->asked || r->hurt || e->type != TAP_BLOCK_EVENTS || !record_of(r, i, &record) ||
        !fits(&record, e) || !lacks(r->asked, &record))
        return false;
    for (size_t k = 0; k < record.node_count; k++) {
        const uint8_t *node = record.nodes + k * TAP_BLOOM_NODE;
        struct tap_unread *u = &r->unread[tap_bloom_u16(node)];
        u->events += tap_bloom_u16(node + 2);
        u->last = (int64_t)tap_get_u64(node + 4);
    }
    r->unread_blocks++;
    r->any_unread = true;
    return true;
}
