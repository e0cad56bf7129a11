/* frames.h: trace messages and frames as a relay would send them, for tests. */
#ifndef TAP_TEST_FRAMES_H
#define TAP_TEST_FRAMES_H

#include "beamtap/transport.h"

/* A frame under construction; frame_end fills in the header. */
struct frame {
    struct tap_buf buf;
    uint32_t count;
    size_t item;
};

static inline void frame_begin(struct frame *f, uint8_t flags, uint64_t seq, uint32_t lost,
                               uint32_t why)
{
    uint8_t head[TAP_FRAME_HEADER] = {'B', 'T', 'F', '1', TAP_FRAME_VERSION, flags};
    memset(f, 0, sizeof *f);
    tap_put_u32(head + 12, why);
    tap_put_u64(head + 16, seq);
    tap_put_u32(head + 28, lost);
    tap_buf_put(&f->buf, head, sizeof head);
}
static inline void frame_item(struct frame *f)
{
    f->item = f->buf.len;
    tap_write_u32(&f->buf, 0);
    tap_write_version(&f->buf);
}
static inline void frame_item_end(struct frame *f)
{
    tap_put_u32(f->buf.data + f->item, (uint32_t)(f->buf.len - f->item - 4));
    f->count++;
}
static inline void frame_end(struct frame *f)
{
    tap_put_u32(f->buf.data + 24, f->count);
    tap_put_u32(f->buf.data + 36, (uint32_t)(f->buf.len - TAP_FRAME_HEADER));
}

static inline void write_pid(struct tap_buf *b, const char *node, uint32_t id)
{
    tap_write_u8(b, TAP_EXT_NEW_PID);
    tap_write_atom(b, node);
    tap_write_u32(b, id);
    tap_write_u32(b, 0);
    tap_write_u32(b, 1);
}
static inline void write_head(struct tap_buf *b, uint32_t arity, uint32_t pid, const char *tag)
{
    tap_write_tuple(b, arity);
    tap_write_atom(b, "trace_ts");
    write_pid(b, "n@h", pid);
    tap_write_atom(b, tag);
}
/* {trace_ts, <n@h.Pid.0>, call, {shop,Function,[N,apple]}, Time} */
static inline void frame_call_of(struct frame *f, uint32_t pid, const char *function, int64_t n,
                                 int64_t time)
{
    struct tap_buf *b = &f->buf;
    frame_item(f);
    write_head(b, 5, pid, "call");
    tap_write_tuple(b, 3);
    tap_write_atom(b, "shop");
    tap_write_atom(b, function);
    tap_write_list(b, 2);
    tap_write_i64(b, n);
    tap_write_atom(b, "apple");
    tap_write_nil(b);
    tap_write_i64(b, time);
    frame_item_end(f);
}
/* Of shop:add/2. */
static inline void frame_call(struct frame *f, uint32_t pid, int64_t n, int64_t time)
{
    frame_call_of(f, pid, "add", n, time);
}
/* {trace_ts, <n@h.Pid.0>, exit, normal, Time} */
static inline void frame_exit(struct frame *f, uint32_t pid, int64_t time)
{
    frame_item(f);
    write_head(&f->buf, 5, pid, "exit");
    tap_write_atom(&f->buf, "normal");
    tap_write_i64(&f->buf, time);
    frame_item_end(f);
}
/* {clock, undefined, Monotonic, Offset} */
static inline void frame_clock(struct frame *f, int64_t monotonic, int64_t offset)
{
    frame_item(f);
    tap_write_tuple(&f->buf, 4);
    tap_write_atom(&f->buf, "clock");
    tap_write_atom(&f->buf, "undefined");
    tap_write_i64(&f->buf, monotonic);
    tap_write_i64(&f->buf, offset);
    frame_item_end(f);
}
/* {node_up, #{release => <<"25">>, offset => Offset, monotonic => 0, printable => latin1, erts =>
 * <<"13">>}} */
static inline void frame_node_up(struct frame *f, int64_t offset)
{
    struct tap_buf *b = &f->buf;
    frame_item(f);
    tap_write_tuple(b, 2);
    tap_write_atom(b, "node_up");
    tap_write_map(b, 5);
    tap_write_atom(b, "release");
    tap_write_binary(b, "25", 2);
    tap_write_atom(b, "offset");
    tap_write_i64(b, offset);
    tap_write_atom(b, "monotonic");
    tap_write_i64(b, 0);
    tap_write_atom(b, "printable");
    tap_write_atom(b, "unicode");
    tap_write_atom(b, "erts");
    tap_write_binary(b, "13", 2);
    frame_item_end(f);
}
/* {gap, From, To, Reason, Text} */
static inline void frame_gap(struct frame *f, int64_t from, int64_t to, int reason)
{
    frame_item(f);
    tap_write_tuple(&f->buf, 5);
    tap_write_atom(&f->buf, "gap");
    tap_write_i64(&f->buf, from);
    tap_write_i64(&f->buf, to);
    tap_write_i64(&f->buf, reason);
    tap_write_binary(&f->buf, "why", 3);
    frame_item_end(f);
}
/* The same of one process, <0.id.0> of the node n@h. */
static inline void frame_part_gap(struct frame *f, int64_t from, int64_t to, uint32_t id)
{
    frame_item(f);
    tap_write_tuple(&f->buf, 6);
    tap_write_atom(&f->buf, "gap");
    tap_write_i64(&f->buf, from);
    tap_write_i64(&f->buf, to);
    tap_write_i64(&f->buf, TAP_REASON_TERM);
    tap_write_binary(&f->buf, "why", 3);
    write_pid(&f->buf, "n@h", id);
    frame_item_end(f);
}
/* {log, info, <<"hello">>} */
static inline void frame_log(struct frame *f, const char *text)
{
    frame_item(f);
    tap_write_tuple(&f->buf, 3);
    tap_write_atom(&f->buf, "log");
    tap_write_atom(&f->buf, "warning");
    tap_write_binary(&f->buf, text, strlen(text));
    frame_item_end(f);
}

/* A final report with the result of a call. */
static inline void frame_final_call(struct frame *f, const char *kind, const char *result)
{
    frame_item(f);
    tap_write_tuple(&f->buf, 2);
    tap_write_atom(&f->buf, "final");
    tap_write_map(&f->buf, 2);
    tap_write_atom(&f->buf, "produced");
    tap_write_i64(&f->buf, 7);
    tap_write_atom(&f->buf, "call");
    tap_write_tuple(&f->buf, 2);
    tap_write_atom(&f->buf, kind);
    tap_write_binary(&f->buf, result, strlen(result));
    frame_item_end(f);
}

#endif
