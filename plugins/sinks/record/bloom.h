/* bloom.h: what each block of a recording holds, as it is written (beamtap/bloom.h). */
#ifndef TAP_SINKS_RECORD_BLOOM_H
#define TAP_SINKS_RECORD_BLOOM_H

#include "beamtap/event.h"
#include "beamtap/bloom.h"
#include "beamtap/plugin.h"
#include "beamtap/term_write.h"

#define TAP_BLOOM_SEEN 256u
#define TAP_BLOOM_NODES 85u /* of a block: as many as 1 KiB tells of */

struct tap_bloom_seen_node {
    uint32_t node, events;
    int64_t last;
};

struct tap_bloom {
    const struct tap_host *host;
    /* Of the block that is being written. */
    bool unknown; /* nothing can be told of it */
    uint32_t kinds, node_count;
    struct tap_bloom_seen_node nodes[TAP_BLOOM_NODES];
    uint8_t bits[TAP_BLOOM_BITS_MAX];
    /* What was put into `bits` lately, each at a place of its own; more than once does no harm. */
    uint64_t processes[TAP_BLOOM_SEEN], functions[TAP_BLOOM_SEEN];
    /* Of those behind the last block of type TAP_BLOCK_BLOOM. */
    struct tap_buf records;
    uint32_t blocks;
    uint64_t *names; /* of each name id its tap_bloom_name; 0: not known yet */
    uint32_t name_count;
};

void tap_bloom_begin(struct tap_bloom *, const struct tap_host *);
void tap_bloom_free(struct tap_bloom *);
void tap_bloom_call(struct tap_bloom *, const struct tap_event *);
/* An event goes into the block. `late`: it is before another of its node. */
static inline void tap_bloom_event(struct tap_bloom *h, const struct tap_event *e, bool late)
{
    uint32_t kind = TAP_KIND_BIT(e->kind);
    uint64_t process = (uint64_t)e->pid.id << 32 | e->pid.serial;
    uint64_t *at = &h->processes[(e->pid.id ^ e->pid.serial * 31u) % TAP_BLOOM_SEEN];
    h->kinds |= kind;
    h->unknown |= late || (e->flags & TAP_EVENT_MOVED);
    if (__builtin_expect(*at != process, 0)) {
        *at = process;
        tap_bloom_add(h->bits, TAP_BLOOM_BITS_MAX, tap_bloom_process(e->pid.id, e->pid.serial));
    }
    uint64_t function = (uint64_t)e->module << 32 | e->function;
    at = &h->functions[(e->module * 7u ^ e->function) % TAP_BLOOM_SEEN];
    if (kind & TAP_BLOOM_CALLS && *at != function) {
        *at = function;
        tap_bloom_call(h, e);
    }
}
/* So many events of a node went into the block, the last one at that time. */
void tap_bloom_node(struct tap_bloom *, uint32_t node, uint32_t events, int64_t last);
/* The block is `length` bytes long and ends. `events`: it has any. */
void tap_bloom_end(struct tap_bloom *, uint32_t length, bool events);
/* What the block of type TAP_BLOCK_BLOOM says is in the file: the next ones begin. */
void tap_bloom_clear(struct tap_bloom *);

#endif
