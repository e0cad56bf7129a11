/* block.c: see block.h. */
#include "sinks/record/block.h"

#include <zstd.h>

#define BLOCK_BYTES (128u << 10)        /* a block that has so many is full */
#define INDEX_BYTES (TAP_FRAME_MAX / 2) /* of entries: four times what a day of busy nodes makes */
#define LEVEL 1                         /* of zstd: faster than what comes */

#define BLOOM_BYTES (32u << 10) /* of records, then they are written */

bool tap_blocks_begin(struct tap_blocks *b, struct tap_writer *w, const struct tap_host *host,
                      bool zstd)
{
    *b = (struct tap_blocks){.w = w, .zstd = zstd, .run = strtoull(host->run_info->run, NULL, 16)};
    tap_bloom_begin(&b->bloom, host);
    if (zstd)
        b->packer = ZSTD_createCCtx();
    return !zstd || b->packer;
}

void tap_blocks_free(struct tap_blocks *b)
{
    ZSTD_freeCCtx(b->packer);
    tap_buf_free(&b->index);
    tap_buf_free(&b->packed);
    tap_bloom_free(&b->bloom);
    b->packer = NULL;
}

static void begin(struct tap_blocks *b, enum tap_block_type type)
{
    tap_writer_reserve(b->w, TAP_BLOCK_FRAME);
    b->w->p += TAP_BLOCK_FRAME;
    b->now = (struct tap_block){.type = (uint8_t)type,
                                .number = b->number,
                                .reports = b->reports,
                                .run = b->run,
                                .first = INT64_MAX,
                                .last = INT64_MIN};
    b->open = true;
}

void tap_blocks_frame(struct tap_blocks *b, enum tap_block_type type)
{
    if (b->open && (b->now.type != type || tap_blocks_here(b) >= BLOCK_BYTES))
        tap_blocks_end(b);
    if (!b->open)
        begin(b, type);
}

/* The frames become one, with their bytes packed, where that is shorter. */
static void pack(struct tap_blocks *b)
{
    char *frames = tap_writer_begun(b->w) + TAP_BLOCK_FRAME;
    size_t len = (size_t)(b->w->p - frames), room = ZSTD_compressBound(len);
    b->packed.len = 0;
    if (!tap_buf_reserve(&b->packed, room)) {
        b->packed.oom = false; /* then as they are */
        return;
    }
    size_t n = ZSTD_compressCCtx(b->packer, b->packed.data, room, frames, len, LEVEL);
    if (ZSTD_isError(n) || n + TAP_FRAME_HEADER >= len)
        return;
    struct tap_frame f = {.flags = TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED |
                                   TAP_FRAME_PACKED,
                          .count = 1,
                          .length = (uint32_t)n};
    tap_frame_write((uint8_t *)frames, &f);
    memcpy(frames + TAP_FRAME_HEADER, b->packed.data, n);
    b->w->p = frames + TAP_FRAME_HEADER + n;
    b->now.packing = TAP_BLOCK_ZSTD;
}

static void note(struct tap_blocks *b)
{
    const struct tap_block *n = &b->now;
    struct tap_index_entry e = {b->offset, n->nodes, n->first, n->last, n->type, n->events};
    b->no_index |= b->index.len >= INDEX_BYTES || !tap_buf_reserve(&b->index, TAP_INDEX_ENTRY);
    if (b->no_index)
        return;
    tap_index_entry_write(b->index.data + b->index.len, &e);
    b->index.len += TAP_INDEX_ENTRY;
}

static bool is_indexed(unsigned type)
{
    return type <= TAP_BLOCK_EVENTS || type == TAP_BLOCK_BLOOM;
}

/* A block with the one frame {Tag, Bytes}, which is left open. False: there is no memory. */
static bool put_binary(struct tap_blocks *b, enum tap_block_type type, const char *tag,
                       const struct tap_buf *bytes)
{
    struct tap_buf term = {0};
    tap_write_tuple(&term, 2);
    tap_write_atom(&term, tag);
    tap_write_binary(&term, bytes->data, bytes->len);
    bool there = !term.oom &&
                 tap_writer_reserve_large(b->w, TAP_BLOCK_FRAME + TAP_FRAME_HEADER + 5 + term.len);
    if (there) {
        struct tap_frame f = {.flags = TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED,
                              .count = 1,
                              .length = (uint32_t)term.len + 5};
        begin(b, type);
        tap_frame_write((uint8_t *)b->w->p, &f);
        tap_put_u32((uint8_t *)b->w->p + TAP_FRAME_HEADER, (uint32_t)term.len + 1);
        b->w->p[TAP_FRAME_HEADER + 4] = (char)TAP_EXT_VERSION;
        b->w->p += TAP_FRAME_HEADER + 5;
        memcpy(b->w->p, term.data, term.len);
        b->w->p += term.len;
    }
    tap_buf_free(&term);
    return there;
}

/* What the blocks since the last time hold. Where there is no memory nobody is told. */
static void put_bloom(struct tap_blocks *b)
{
    struct tap_bloom *h = &b->bloom;
    if (h->blocks && !h->records.oom && put_binary(b, TAP_BLOCK_BLOOM, "bloom", &h->records)) {
        b->now.first = b->bloom_first;
        b->now.last = (int64_t)(b->offset - b->bloom_from);
        tap_bloom_clear(h); /* before it ends: it tells of itself no more */
        tap_blocks_end(b);
    }
    tap_bloom_clear(h);
    b->bloom_from = b->offset;
    b->bloom_first = b->number;
}

void tap_blocks_end(struct tap_blocks *b)
{
    struct tap_writer *w = b->w;
    if (!b->open)
        return;
    b->open = false;
    if (__builtin_expect(w->failed, 0)) {
        tap_writer_drop(w);
        return;
    }
    size_t len = tap_writer_here(w) - TAP_BLOCK_FRAME;
    b->now.unpacked = (uint32_t)len;
    if (b->zstd && b->now.type <= TAP_BLOCK_EVENTS)
        pack(b);
    uint8_t *head = (uint8_t *)tap_writer_begun(w);
    b->now.length = (uint32_t)(tap_writer_here(w) - TAP_BLOCK_FRAME);
    b->now.sum = tap_checksum(head + TAP_BLOCK_FRAME, b->now.length);
    tap_block_write(head, &b->now);
    if (is_indexed(b->now.type))
        note(b);
    if (b->now.type <= TAP_BLOCK_EVENTS)
        tap_bloom_end(&b->bloom, b->now.length, b->now.type == TAP_BLOCK_EVENTS);
    b->offset += TAP_BLOCK_FRAME + b->now.length;
    b->number++;
    b->reports += b->now.type == TAP_BLOCK_REPORTS;
    tap_writer_end(w, b->now.events);
    if (b->bloom.records.len >= BLOOM_BYTES || b->bloom.blocks >= TAP_BLOOM_BLOCKS)
        put_bloom(b);
}

void tap_blocks_finish(struct tap_blocks *b)
{
    tap_blocks_end(b);
    put_bloom(b);
    uint64_t at = b->offset;
    if (b->no_index || !put_binary(b, TAP_BLOCK_INDEX, "index", &b->index))
        return;
    tap_blocks_end(b);
    begin(b, TAP_BLOCK_END);
    b->now.first = (int64_t)at;
    tap_blocks_end(b);
}
