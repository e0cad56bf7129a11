/* frame.h: frames become events, and every sequence number is accounted for.
 *
 * A stream is what the core knows of one node's frames: which number comes next, the node's clock,
 * and the figures. Each number up to `next` was either received (an event, or one that is ignored)
 * or is lost for a reason, or a recording left it out: received + lost + left_out = next, always.
 * Losses are events in the batch, at their place.
 */
#ifndef TAP_DECODE_FRAME_H
#define TAP_DECODE_FRAME_H

#include <stdatomic.h>

#include "decode/batch.h"
#include "decode/node_clock.h"
#include "decode/numbered.h"

/* Figures of a node: written by the transport thread, read by any. */
struct tap_figures {
    atomic_uint_fast64_t received, lost, next, gap_ns;
    atomic_uint_fast64_t lost_by[TAP_REASON_COUNT];
    atomic_uint_fast64_t gap_by[TAP_REASON_COUNT]; /* ns */
    atomic_uint_fast64_t clock_error; /* ns: the largest bound; 0: the clock was never aligned */
    atomic_int_fast64_t clock_skew;   /* ns that the node's own clock is ahead of the collector's */
};

struct tap_stream {
    uint32_t node; /* index */
    struct tap_node_clock clock;
    uint64_t next; /* the sequence number that comes next */
    /* what this relay's numbers are counted from: a node that was restarted has had others
     * before */
    uint64_t base;
    uint64_t left_out;
    int64_t last_ts;
    int64_t passed_ts; /* of events that a replay did not read; 0: none lately */
    /* by a report in its place among the events, the stream is as far as this; 0: none lately */
    int64_t mark;
    struct tap_figures figures;
    struct tap_numbers *numbers; /* numbered.h; NULL: none came yet */
};

/* One writer: no locked instruction is needed. */
static inline void tap_figure_add(atomic_uint_fast64_t *figure, uint64_t n)
{
    atomic_store_explicit(figure, atomic_load_explicit(figure, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* What the node tells of itself in {node_up, Map}. */
struct tap_node_facts {
    const char *release;
    uint32_t release_len;
    bool printable_unicode;
};

struct tap_frames {
    struct tap_atom_cache *atoms;
    void *arg;
    void (*node_up)(void *arg, uint32_t node, const struct tap_node_facts *);
    void (*log)(void *arg, uint32_t node, enum tap_log_level, const char *text, uint32_t len);
    /* How the traced call ended: an atom, and an external term with version byte (beamtap/frame.h,
     * final). NULL: not wanted. */
    void (*call)(void *arg, const char *kind, uint32_t kind_len, const uint8_t *term, uint32_t len);
    /* What the node does not trace of "all", in a sentence. NULL: not wanted. */
    void (*left_out)(void *arg, uint32_t node, const char *text, uint32_t len);
    /* It was asked for (plan.h, numbered): frames with TAP_FRAME_NUMBERED that were not are
     * unreadable. */
    bool numbered;
};

/* Appends the events of the frame at `off` of the batch's arena, which ends at `end` at the latest;
 * gives back how many trace messages it ignored (received, but no events). Transport thread. */
uint32_t tap_frame_decode(const struct tap_frames *, struct tap_stream *, struct tap_batch_impl *,
                          uint32_t off, uint32_t end);
/* One term of a control frame: `len` bytes at `off`, with their version byte. */
void tap_frame_report(const struct tap_frames *, struct tap_stream *, struct tap_batch_impl *,
                      uint32_t off, uint32_t len);
/* Says that the numbers up to `next` (from the relay's final report) never came. */
void tap_stream_end(struct tap_stream *, struct tap_batch_impl *, uint64_t next);
/* The node is back: a new relay, whose numbers begin at 0, and a clock of its own. */
void tap_stream_again(struct tap_stream *);
/* Logs what the node left out of the plan and why, and of "all": the cursor is at the map of {plan,
 * Map}. The first 20; the others are counted. */
void tap_frame_plan_notes(const struct tap_frames *, uint32_t node, struct tap_cursor);
/* ns that the stream's times are wrong by at most; 0: its clock was not compared with the
 * collector's. */
static inline int64_t tap_stream_bound(const struct tap_stream *s)
{
    uint64_t error = atomic_load_explicit(&s->figures.clock_error, memory_order_relaxed);
    return !s->clock.aligned ? 0 : error < INT64_MAX / 4 ? (int64_t)error : INT64_MAX / 4;
}
/* A control event of this node, at this place of the stream; NULL when out of memory. */
struct tap_event *tap_stream_event(struct tap_stream *, struct tap_batch_impl *, unsigned kind,
                                   int64_t ts);

#endif
