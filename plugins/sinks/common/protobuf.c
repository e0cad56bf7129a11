/* protobuf.c: the parts of protobuf.h that are no single store. */
#include "sinks/common/protobuf.h"

enum { FIXED64 = 1, LENGTH = 2 }; /* wire types */

static char *key(struct tap_writer *w, uint32_t field, unsigned type, size_t more)
{
    char *p = tap_writer_reserve(w, TAP_PB_VARINT + more);
    return tap_pb_varint(p, (uint64_t)field << 3 | type);
}

void tap_pb_fixed64(struct tap_writer *w, uint32_t field, uint64_t v)
{
    char *p = key(w, field, FIXED64, 8);
    for (unsigned i = 0; i < 8; i++)
        *p++ = (char)(v >> 8 * i);
    w->p = p;
}

void tap_pb_double(struct tap_writer *w, uint32_t field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    tap_pb_fixed64(w, field, bits);
}

void tap_pb_bytes(struct tap_writer *w, uint32_t field, const void *bytes, size_t n)
{
    w->p = tap_pb_varint(key(w, field, LENGTH, TAP_PB_VARINT), n);
    tap_writer_put(w, bytes, n);
}

struct tap_pb tap_pb_begin(struct tap_writer *w, uint32_t field, unsigned width)
{
    w->p = key(w, field, LENGTH, width);
    struct tap_pb open = {tap_writer_here(w), width};
    w->p += width;
    return open;
}

static unsigned varint_bytes(uint64_t v)
{
    unsigned n = 1;
    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

void tap_pb_end(struct tap_writer *w, struct tap_pb open)
{
    if (tap_writer_here(w) < open.at + open.width) /* memory ran out in between */
        return;
    size_t len = tap_writer_here(w) - open.at - open.width;
    unsigned need = varint_bytes(len), width = open.width;
    if (need > width) {
        tap_writer_reserve(w, TAP_PB_VARINT);
        char *from = tap_writer_begun(w) + open.at + width;
        memmove(from + (need - width), from, len);
        w->p += need - width;
        width = need;
    }
    char *p = tap_writer_begun(w) + open.at;
    for (unsigned i = 0; i + 1 < width; i++, len >>= 7)
        *p++ = (char)(len | 0x80);
    *p = (char)len;
}
