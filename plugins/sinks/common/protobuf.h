/* protobuf.h: messages of Protocol Buffers, field by field, straight into a writer's buffer.
 *
 * A message inside another has its length in front, which is known only at its end. So room for the
 * length is left, `width` bytes, and filled in later: a varint may be longer than it need be. What
 * turns out longer than its width can tell is moved. Width 1 is right for what is mostly shorter
 * than 128 bytes, and makes the smallest files; 4 never moves anything below 256 MiB.
 *
 *     struct tap_pb event = tap_pb_begin(w, 11, 1);
 *     tap_pb_uint(w, 9, 1);
 *     tap_pb_end(w, event);
 *
 * Places are kept as offsets from where the writer's event began: tap_writer_end must not be called
 * while a message is open. After a failure of the writer all of this does nothing of use, nor harm.
 * Source: protobuf.dev/programming-guides/encoding.
 */
#ifndef TAP_SINKS_COMMON_PROTOBUF_H
#define TAP_SINKS_COMMON_PROTOBUF_H

#include "sinks/common/writer.h"

#define TAP_PB_VARINT 10u /* bytes of the longest */

/* A message that is open. */
struct tap_pb {
    size_t at; /* of its length */
    unsigned width;
};

/* Unchecked, seven bits a byte, the lowest first; where it ended. */
static inline char *tap_pb_varint(char *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    return p;
}

/* uint32, uint64, bool, enum. */
static inline void tap_pb_uint(struct tap_writer *w, uint32_t field, uint64_t v)
{
    char *p = tap_writer_reserve(w, 2 * TAP_PB_VARINT);
    w->p = tap_pb_varint(tap_pb_varint(p, (uint64_t)field << 3), v);
}
/* int32, int64: below 0 they take ten bytes. */
static inline void tap_pb_int(struct tap_writer *w, uint32_t field, int64_t v)
{
    tap_pb_uint(w, field, (uint64_t)v);
}
/* fixed64. */
void tap_pb_fixed64(struct tap_writer *, uint32_t field, uint64_t);
/* double. */
void tap_pb_double(struct tap_writer *, uint32_t field, double);
/* bytes, string (which has to be UTF-8). */
void tap_pb_bytes(struct tap_writer *, uint32_t field, const void *bytes, size_t n);
/* A message in a field, or a string that is made piece by piece. `width`: 1 to 9. */
struct tap_pb tap_pb_begin(struct tap_writer *, uint32_t field, unsigned width);
/* The one that was begun last. */
void tap_pb_end(struct tap_writer *, struct tap_pb);

#endif
