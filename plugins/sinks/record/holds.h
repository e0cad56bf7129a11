/* holds.h: what each block of a recording holds, as it is written (beamtap/holds.h). */
#ifndef TAP_SINKS_RECORD_HOLDS_H
#define TAP_SINKS_RECORD_HOLDS_H

#include "beamtap/event.h"
#include "beamtap/holds.h"
#include "beamtap/plugin.h"
#include "beamtap/term_write.h"

#define TAP_HOLDS_SEEN 256u
#define TAP_HOLDS_NODES 85u /* of a block: as many as 1 KiB tells of */

struct tap_holds_seen_node {
    uint32_t node, events;
    int64_t last;
};

struct tap_holds {
    const struct tap_host *host;
    /* Of the block that is being written. */
    bool unknown; /* nothing can be told of it */
    uint32_t kinds, node_count;
    struct tap_holds_seen_node nodes[TAP_HOLDS_NODES];
    uint8_t bits[TAP_HOLDS_BITS_MAX];
    /* What was put into `bits` lately, each at a place of its own; more than once does no harm. */
    uint64_t processes[TAP_HOLDS_SEEN], functions[TAP_HOLDS_SEEN];
    /* Of those behind the last block of type TAP_BLOCK_HOLDS. */
    struct tap_buf records;
    uint32_t blocks;
    uint64_t *names; /* of each name id its tap_holds_name; 0: not known yet */
    uint32_t name_count;
};

void tap_holds_begin(struct tap_holds *, const struct tap_host *);
void tap_holds_free(struct tap_holds *);
void tap_holds_call(struct tap_holds *, const struct tap_event *);
/* An event goes into the block. `late`: it is before another of its node. */
static inline void tap_holds_event(struct tap_holds *h, const struct tap_event *e, bool late)
{
    const uint32_t calls = TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) |
                           TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION) |
                           TAP_KIND_BIT(TAP_FUNCTION_COUNTERS);
    uint32_t kind = TAP_KIND_BIT(e->kind);
    uint64_t process = (uint64_t)e->pid.id << 32 | e->pid.serial;
    uint64_t *at = &h->processes[(e->pid.id ^ e->pid.serial * 31u) % TAP_HOLDS_SEEN];
    h->kinds |= kind;
    h->unknown |= late || (e->flags & TAP_EVENT_MOVED);
    if (__builtin_expect(*at != process, 0)) {
        *at = process;
        tap_holds_add(h->bits, TAP_HOLDS_BITS_MAX, tap_holds_process(e->pid.id, e->pid.serial));
    }
    if (kind & calls && h->functions[(e->module * 7u ^ e->function) % TAP_HOLDS_SEEN] !=
                            ((uint64_t)e->module << 32 | e->function))
        tap_holds_call(h, e);
}
/* So many events of a node went into the block, the last one at that time. */
void tap_holds_node(struct tap_holds *, uint32_t node, uint32_t events, int64_t last);
/* The block is `length` bytes long and ends. `events`: it has any. */
void tap_holds_end(struct tap_holds *, uint32_t length, bool events);
/* What the block of type TAP_BLOCK_HOLDS says is in the file: the next ones begin. */
void tap_holds_clear(struct tap_holds *);

#endif
