/* packet.c: reading and writing packets. Bytes from a node are never trusted: every step is bounded
 * by the packet, and the packet by TAP_PACKET_MAX.
 */
#include "transports/beam/net/packet.h"

/* Control operations of the protocol. */
enum {
    OP_SEND = 2,
    OP_REG_SEND = 6,
    OP_SEND_TT = 12,
    OP_REG_SEND_TT = 16,
    OP_SEND_SENDER = 22,
    OP_SEND_SENDER_TT = 23,
    OP_ALIAS_SEND = 33,
    OP_ALIAS_SEND_TT = 34
};

static bool op_has_message(int64_t op)
{
    switch (op) {
    case OP_SEND:
    case OP_REG_SEND:
    case OP_SEND_TT:
    case OP_REG_SEND_TT:
    case OP_SEND_SENDER:
    case OP_SEND_SENDER_TT:
    case OP_ALIAS_SEND:
    case OP_ALIAS_SEND_TT: return true;
    default: return false;
    }
}

/* {SEND, _, To}, {SEND_SENDER, From, To}, with a token or without; after the number. */
static void packet_to(struct tap_cursor c, int64_t op, struct tap_packet *out)
{
    if ((op != OP_SEND && op != OP_SEND_TT && op != OP_SEND_SENDER && op != OP_SEND_SENDER_TT) ||
        !tap_skip(&c))
        return;
    const uint8_t *at = c.p;
    if (tap_peek(&c) != TAP_EXT_NEW_PID || !tap_skip(&c))
        return;
    out->to = at;
    out->to_len = (size_t)(c.p - at);
}

/* The message after the control tuple: a frame, or any other term. */
static void packet_message(struct tap_cursor c, struct tap_packet *out)
{
    struct tap_cursor b = c;
    const uint8_t *bytes;
    uint32_t len;
    out->type = TAP_PACKET_MESSAGE;
    out->term = c.p;
    out->term_len = tap_left(&c);
    if (tap_peek(&b) == TAP_EXT_BINARY && tap_read_binary(&b, &bytes, &len) && len >= 4 &&
        memcmp(bytes, TAP_FRAME_MAGIC, 4) == 0) {
        bool whole = len >= TAP_FRAME_HEADER && tap_frame_read(bytes, &out->header) &&
                     len == TAP_FRAME_HEADER + out->header.length && tap_left(&b) == 0;
        out->type = whole ? TAP_PACKET_FRAME : TAP_PACKET_BAD;
        out->frame = bytes;
    } else if (!tap_skip(&c) || tap_left(&c) != 0) {
        out->type = TAP_PACKET_BAD;
    }
}

void tap_packet_read(const uint8_t *p, size_t len, struct tap_packet *out)
{
    *out = (struct tap_packet){.type = TAP_PACKET_PART, .size = 4};
    if (len < 4)
        return;
    uint32_t length = tap_get_u32(p);
    out->size = 4 + (size_t)length;
    if (length == 0) {
        out->type = TAP_PACKET_TICK;
        return;
    }
    if (length > TAP_PACKET_MAX) {
        out->type = TAP_PACKET_BAD;
        return;
    }
    if (len < out->size)
        return;
    out->type = TAP_PACKET_BAD;
    if (p[4] != 'p')
        return;
    struct tap_cursor c = tap_cursor(p + 5, length - 1), control;
    tap_read_version(&c);
    control = c;
    uint32_t arity;
    int64_t op;
    if (!tap_skip(&c) || !tap_read_tuple(&control, &arity) || arity == 0 ||
        !tap_read_i64(&control, &op))
        return;
    if (!op_has_message(op)) {
        out->type = TAP_PACKET_OTHER;
        return;
    }
    packet_to(control, op, out);
    tap_read_version(&c);
    packet_message(c, out);
}

void tap_packet_read_bare(const uint8_t *p, size_t len, struct tap_packet *out)
{
    *out = (struct tap_packet){.type = TAP_PACKET_PART, .size = TAP_FRAME_HEADER};
    if (len < TAP_FRAME_HEADER)
        return;
    if (!tap_frame_read(p, &out->header)) {
        out->type = TAP_PACKET_BAD;
        return;
    }
    out->size = TAP_FRAME_HEADER + (size_t)out->header.length;
    out->frame = p;
    if (len >= out->size)
        out->type = TAP_PACKET_FRAME;
}

static void packet_finish(struct tap_buf *b, size_t start, const uint8_t *term, size_t term_len)
{
    tap_write_version(b);
    tap_buf_put(b, term, term_len);
    if (!b->oom)
        tap_put_u32(b->data + start, (uint32_t)(b->len - start - 4));
}
static size_t packet_begin(struct tap_buf *b)
{
    size_t start = b->len;
    tap_write_u32(b, 0); /* the length, when it is known */
    tap_write_u8(b, 'p');
    tap_write_version(b);
    return start;
}

void tap_packet_send(struct tap_buf *b, const uint8_t *to, size_t to_len, const uint8_t *term,
                     size_t term_len)
{
    size_t start = packet_begin(b);
    tap_write_tuple(b, 3);
    tap_write_i64(b, OP_SEND);
    tap_write_atom(b, ""); /* where the cookie was once */
    tap_buf_put(b, to, to_len);
    packet_finish(b, start, term, term_len);
}

void tap_packet_send_name(struct tap_buf *b, const uint8_t *from, size_t from_len, const char *name,
                          const uint8_t *term, size_t term_len)
{
    size_t start = packet_begin(b);
    tap_write_tuple(b, 4);
    tap_write_i64(b, OP_REG_SEND);
    tap_buf_put(b, from, from_len);
    tap_write_atom(b, "");
    tap_write_atom(b, name);
    packet_finish(b, start, term, term_len);
}

void tap_packet_tick(struct tap_buf *b)
{
    tap_write_u32(b, 0);
}
