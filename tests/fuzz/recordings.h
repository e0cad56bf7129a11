/* recordings.h: recordings as the record sink writes them, with what else a file may say. */
#ifndef TAP_FUZZ_RECORDINGS_H
#define TAP_FUZZ_RECORDINGS_H

#include "terms.h"

/* A frame of the file's own with one term, that `write` writes. */
static inline void fuzz_own(struct tap_buf *b, uint32_t node, uint64_t seq,
                            void (*write)(struct tap_buf *))
{
    size_t frame = fuzz_frame(b, TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED, seq, node);
    size_t at = fuzz_item(b);
    write(b);
    fuzz_item_end(b, at);
    fuzz_frame_end(b, frame, 1);
}

static inline void fuzz_write_run(struct tap_buf *b)
{
    tap_write_tuple(b, 2), tap_write_atom(b, "session"), tap_write_map(b, 6);
    tap_write_atom(b, "version"), tap_write_binary(b, "0", 1);
    tap_write_atom(b, "run"), tap_write_binary(b, "0123456789abcdef", 16);
    tap_write_atom(b, "started"), tap_write_i64(b, 1700000000000000000);
    tap_write_atom(b, "several_nodes"), tap_write_atom(b, "true");
    tap_write_atom(b, "events"), tap_write_list(b, 6);
    tap_write_atom(b, "function_call"), tap_write_atom(b, "function_return"),
        tap_write_atom(b, "message_send"), tap_write_atom(b, "message_receive"),
        tap_write_atom(b, "process_spawn"), tap_write_atom(b, "process_exit");
    tap_write_nil(b);
    tap_write_atom(b, "config"), tap_write_binary(b, "", 0);
}
static inline void fuzz_write_name(struct tap_buf *b)
{
    tap_write_tuple(b, 2), tap_write_atom(b, "node"), tap_write_binary(b, "n@h", 3);
}
static inline void fuzz_write_other_name(struct tap_buf *b)
{
    tap_write_tuple(b, 2), tap_write_atom(b, "node"), tap_write_binary(b, "m@h", 3);
}
static inline void fuzz_write_down(struct tap_buf *b)
{
    tap_write_tuple(b, 2), tap_write_atom(b, "node_down"), tap_write_i64(b, 0);
}

/* Numbers that jump, here by 2^62. */
static inline void fuzz_lost_frame(struct tap_buf *b, uint64_t seq, uint32_t lost, uint32_t why)
{
    uint8_t head[TAP_FRAME_HEADER];
    struct tap_frame f = {.flags = TAP_FRAME_RECORDED, .seq = seq, .lost = lost, .why = why};
    tap_frame_write(head, &f);
    tap_buf_put(b, head, sizeof head);
}

/* One of a few dozen kinds. False: out of memory. */
static inline bool fuzz_recording(struct tap_buf *b, uint64_t *s, unsigned number)
{
    uint64_t seq = 0;
    fuzz_own(b, 0, 0, fuzz_write_run);
    fuzz_own(b, 0, 0, fuzz_write_name);
    fuzz_reports(b, s, TAP_FRAME_RECORDED, 0, 0);
    fuzz_messages(b, s, TAP_FRAME_RECORDED, 0, 0);
    seq += FUZZ_TAGS;
    if (number % 2) {
        fuzz_own(b, 1, 0, fuzz_write_other_name);
        fuzz_messages(b, s, TAP_FRAME_RECORDED, 0, 1);
    }
    if (number % 3 == 0) {
        seq += 5;
        fuzz_lost_frame(b, seq, 5, number % 7);
        fuzz_messages(b, s, TAP_FRAME_RECORDED, seq, 0);
        seq += FUZZ_TAGS;
    }
    if (number % 5 == 0) {
        seq += UINT64_C(1) << 62;
        fuzz_lost_frame(b, seq, UINT32_MAX, number % 2);
        fuzz_messages(b, s, TAP_FRAME_RECORDED, seq, 0);
        seq += FUZZ_TAGS;
    }
    if (number % 4)
        fuzz_own(b, 0, seq, fuzz_write_down);
    if (number % 6 == 1) { /* another life */
        fuzz_reports(b, s, TAP_FRAME_RECORDED, 0, 0);
        fuzz_messages(b, s, TAP_FRAME_RECORDED, 0, 0);
    }
    return !b->oom;
}

#endif
