/* block.h: the blocks of a recording as they are written, and their index (beamtap/frame.h).
 *
 * A block is one unfinished event to the writer, whatever is in it: so what reaches the file is
 * whole blocks, and the events of one are counted as written together.
 */
#ifndef TAP_SINKS_RECORD_BLOCK_H
#define TAP_SINKS_RECORD_BLOCK_H

#include "beamtap/frame.h"
#include "beamtap/term_write.h"
#include "sinks/common/writer.h"
#include "sinks/record/bloom.h"

struct tap_blocks {
    struct tap_writer *w;
    bool zstd;
    bool open;            /* a block has begun */
    struct tap_block now; /* it */
    uint32_t number, reports;
    uint64_t run, offset; /* of the next block in the file */
    struct tap_buf index; /* entries */
    bool no_index;        /* it had become too large */
    void *packer;         /* ZSTD_CCtx */
    struct tap_buf packed;
    struct tap_bloom bloom;
    uint64_t bloom_from; /* offset of the first block that it is of */
    uint32_t bloom_first;
};

/* False: out of memory. */
bool tap_blocks_begin(struct tap_blocks *, struct tap_writer *, const struct tap_host *, bool zstd);
/* A frame of this type goes into the block that is open: ends another one, and one that is full.
 * `node`, `ts`: of an event, told for each; 0 for reports. */
void tap_blocks_frame(struct tap_blocks *, enum tap_block_type);
static inline void tap_blocks_event(struct tap_blocks *b, uint32_t node, int64_t ts)
{
    b->now.nodes |= UINT64_C(1) << node % 64;
    b->now.first = ts < b->now.first ? ts : b->now.first;
    b->now.last = ts > b->now.last ? ts : b->now.last;
    b->now.events++;
}
/* Bytes of the open block so far, its own frame with them. */
static inline size_t tap_blocks_here(const struct tap_blocks *b)
{
    return tap_writer_here(b->w);
}
/* Ends the open block, if one is. */
void tap_blocks_end(struct tap_blocks *);
/* Behind the last one: the index. */
void tap_blocks_finish(struct tap_blocks *);
void tap_blocks_free(struct tap_blocks *);

#endif
