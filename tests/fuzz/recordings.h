/* recordings.h: recordings as the record sink writes them, with what else a file may say. */
#ifndef TAP_FUZZ_RECORDINGS_H
#define TAP_FUZZ_RECORDINGS_H

#include "beamtap/event.h"
#include "beamtap/bloom.h"
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
        (number % 4 == 1 ? fuzz_items : fuzz_messages)(b, s, TAP_FRAME_RECORDED, 0, 1);
    }
    if (number % 3 == 0) {
        seq += 5;
        fuzz_lost_frame(b, seq, 5, number % 7);
        fuzz_items(b, s, TAP_FRAME_RECORDED, seq, 0);
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

/* What a trace port writes: messages, with drops here and there. */
static inline bool fuzz_port(struct tap_buf *b, uint64_t *s, unsigned number)
{
    for (unsigned i = 0; i < FUZZ_TAGS * 2; i++) {
        int64_t time = (int64_t)(1000 * (number + i));
        tap_write_u8(b, 0);
        size_t at = fuzz_item(b);
        tap_write_version(b);
        fuzz_message(b, s, i % FUZZ_TAGS, number % 2 ? time : -time);
        fuzz_item_end(b, at);
        if (i % 7 == number % 7) {
            tap_write_u8(b, 1);
            tap_write_u32(b, 1 + i);
        }
    }
    return !b->oom;
}

/* ---- In blocks */

#define FUZZ_RUN UINT64_C(0x0123456789abcdef)

static inline void fuzz_block(struct tap_buf *b, struct tap_block *block, const uint8_t *bytes,
                              size_t len)
{
    uint8_t head[TAP_BLOCK_FRAME];
    block->length = block->unpacked = (uint32_t)len;
    block->run = FUZZ_RUN;
    block->sum = tap_checksum(bytes, len);
    tap_block_write(head, block);
    tap_buf_put(b, head, sizeof head);
    tap_buf_put(b, bytes, len);
    block->reports += block->type == TAP_BLOCK_REPORTS;
    block->number++;
}

static inline void fuzz_index(struct tap_buf *b, struct tap_block *block,
                              const struct tap_buf *entries)
{
    struct tap_buf index = {0};
    uint64_t at = b->len;
    size_t frame = fuzz_frame(&index, TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED, 0, 0);
    size_t item = fuzz_item(&index);
    tap_write_tuple(&index, 2), tap_write_atom(&index, "index");
    tap_write_binary(&index, entries->data, entries->len);
    fuzz_item_end(&index, item);
    fuzz_frame_end(&index, frame, 1);
    block->type = TAP_BLOCK_INDEX;
    fuzz_block(b, block, index.data, index.len);
    block->type = TAP_BLOCK_END;
    block->first = (int64_t)at;
    fuzz_block(b, block, index.data, 0);
    tap_buf_free(&index);
}

/* Processes of the messages in a frame, as far as they can be read. */
static inline void fuzz_hold(uint8_t *bits, uint32_t len, const struct tap_frame *f,
                             const uint8_t *body)
{
    struct tap_cursor c = tap_cursor(body, f->length);
    uint32_t n;
    for (uint32_t id = 0; f->flags & TAP_FRAME_NUMBERED && id < 3; id++) /* fuzz_define */
        tap_bloom_add(bits, len, tap_bloom_process(id, 0));
    if (f->flags & TAP_FRAME_NUMBERED)
        return;
    if (f->flags & TAP_FRAME_ONE_LIST)
        tap_read_version(&c), tap_read_list(&c, &n);
    for (uint32_t i = 0; i < f->count && !c.bad; i++) {
        struct tap_pid pid;
        const char *node;
        if (!(f->flags & TAP_FRAME_ONE_LIST))
            c.p += 4, tap_read_version(&c);
        struct tap_cursor m = c;
        if (tap_read_tuple(&m, &n) && tap_skip(&m) && tap_read_pid(&m, &node, &n, &pid))
            tap_bloom_add(bits, len, tap_bloom_process(pid.id, pid.serial));
        tap_skip(&c);
    }
}

/* The record of a block of these frames; of reports none. */
static inline void fuzz_record(struct tap_buf *records, const struct tap_block *block,
                               const uint8_t *frames, size_t len)
{
    enum { BITS = 64 };
    uint8_t bits[BITS] = {0};
    struct tap_frame f = {.node = 0};
    bool told = block->type == TAP_BLOCK_EVENTS;
    for (size_t at = 0; at < len && told; at += TAP_FRAME_HEADER + f.length) {
        uint32_t before = f.node;
        told = tap_frame_read(frames + at, &f) && f.lost == 0 && (at == 0 || f.node == before);
        fuzz_hold(bits, BITS, &f, frames + at + TAP_FRAME_HEADER);
    }
    uint32_t rest = told ? TAP_BLOOM_RECORD - 2 + TAP_BLOOM_NODE + BITS : 0;
    tap_write_u8(records, rest >> 8), tap_write_u8(records, rest & 255);
    if (!told)
        return;
    tap_write_u8(records, 0), tap_write_u8(records, 1), tap_write_u32(records, UINT32_MAX);
    tap_write_u8(records, f.node >> 8 & 255), tap_write_u8(records, f.node & 255);
    tap_write_u8(records, block->events >> 8), tap_write_u8(records, block->events & 255);
    tap_write_u32(records, (uint32_t)((uint64_t)block->last >> 32));
    tap_write_u32(records, (uint32_t)block->last);
    tap_buf_put(records, bits, BITS);
}

static inline void fuzz_entry(struct tap_buf *entries, uint64_t offset, const struct tap_block *b)
{
    struct tap_index_entry e = {offset, 1, b->first, b->last, b->type, b->events};
    if (tap_buf_reserve(entries, TAP_INDEX_ENTRY)) {
        tap_index_entry_write(entries->data + entries->len, &e);
        entries->len += TAP_INDEX_ENTRY;
    }
}

/* What the blocks since `number`, at `from`, hold. */
static inline void fuzz_holds(struct tap_buf *b, struct tap_block *block, struct tap_buf *records,
                              uint32_t number, uint64_t from, struct tap_buf *entries)
{
    struct tap_buf body = {0};
    size_t frame = fuzz_frame(&body, TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED, 0, 0);
    size_t item = fuzz_item(&body);
    tap_write_tuple(&body, 2), tap_write_atom(&body, "bloom");
    tap_write_binary(&body, records->data, records->len);
    fuzz_item_end(&body, item);
    fuzz_frame_end(&body, frame, 1);
    block->type = TAP_BLOCK_BLOOM;
    block->events = 0;
    block->first = number;
    block->last = (int64_t)(b->len - from);
    fuzz_entry(entries, b->len, block);
    fuzz_block(b, block, body.data, body.len);
    records->len = 0;
    tap_buf_free(&body);
}

/* The same in blocks of a few frames, with an index but for some. */
static inline bool fuzz_blocks(struct tap_buf *b, uint64_t *s, unsigned number)
{
    struct tap_buf frames = {0}, entries = {0}, records = {0};
    struct tap_block block = {0};
    uint32_t first = 0;
    uint64_t begun = 0;
    if (!fuzz_recording(&frames, s, number))
        return false;
    for (size_t at = 0; at < frames.len;) {
        struct tap_frame f;
        size_t from = at;
        bool reports = false;
        for (unsigned n = 0; n < 3 && at < frames.len; n++) {
            tap_frame_read(frames.data + at, &f);
            if (n > 0 && reports != ((f.flags & TAP_FRAME_CONTROL) != 0))
                break;
            reports = f.flags & TAP_FRAME_CONTROL;
            at += TAP_FRAME_HEADER + f.length;
        }
        block.type = reports ? TAP_BLOCK_REPORTS : TAP_BLOCK_EVENTS;
        block.events = reports ? 0 : FUZZ_TAGS;
        block.first = 1700000000000000000 + (int64_t)(from * (number % 4) * 100000);
        block.last = block.first + 1000000;
        fuzz_entry(&entries, b->len, &block);
        fuzz_record(&records, &block, frames.data + from, at - from);
        fuzz_block(b, &block, frames.data + from, at - from);
        if (block.number - first >= 1 + number % 4 || at == frames.len) {
            fuzz_holds(b, &block, &records, first, begun, &entries);
            first = block.number;
            begun = b->len;
        }
    }
    if (number % 5)
        fuzz_index(b, &block, &entries);
    bool good = !b->oom && !entries.oom && !records.oom;
    tap_buf_free(&frames);
    tap_buf_free(&entries);
    tap_buf_free(&records);
    return good;
}

/* Sets the checksums right: what is wrong in blocks is found behind them, too. */
static inline void fuzz_set_sums(uint8_t *data, size_t size)
{
    const size_t own = TAP_BLOCK_FRAME - TAP_BLOCK_SIZE;
    for (size_t at = 0; size - at >= TAP_BLOCK_FRAME; at++) {
        uint8_t *p = data + at;
        if (memcmp(p, TAP_FRAME_MAGIC, 4) != 0 ||
            memcmp(p + TAP_FRAME_HEADER, tap_block_term, sizeof tap_block_term) != 0)
            continue;
        uint32_t len = tap_get_u32(p + own + 4);
        if (len <= size - at - TAP_BLOCK_FRAME)
            tap_put_u64(p + own + 56, tap_checksum(p + TAP_BLOCK_FRAME, len));
        tap_put_u64(p + TAP_BLOCK_FRAME - 8, tap_checksum(p, TAP_BLOCK_FRAME - 8));
    }
}

#endif
