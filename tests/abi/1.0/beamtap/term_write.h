/* beamtap/term_write.h: writing external terms into a growing buffer.
 *
 * A term is written from the outside in: tap_write_tuple(b, 2), then its two elements. Nothing
 * checks that the elements come; there is no version byte unless tap_write_version puts it. Source
 * of the format: https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
#ifndef BEAMTAP_TERM_WRITE_H
#define BEAMTAP_TERM_WRITE_H

#include <stdlib.h>

#include "term.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A growing buffer, owned by its user: zero it to begin, tap_buf_free at the end. When memory runs
 * out `oom` is set and nothing more is written: check once, at the end. Not thread safe. Its memory
 * is malloc's, so that the core can free what a transport wrote (transport.h, service). Frozen in
 * version 1 of the ABI: it has no size of its own. */
struct tap_buf {
    uint8_t *data;
    size_t len, cap;
    bool oom;
};

/* Apart, because it is seldom called. */
__attribute__((noinline, unused)) static bool tap_buf_grow(struct tap_buf *b, size_t more)
{
    size_t cap = b->cap ? b->cap : 256;
    while (cap < b->len || cap - b->len < more) {
        if (cap > SIZE_MAX / 2) {
            b->oom = true;
            return false;
        }
        cap *= 2;
    }
    uint8_t *data = (uint8_t *)realloc(b->data, cap);
    if (!data) {
        b->oom = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}
/* Room for `more` bytes behind `len`. False: out of memory. */
static inline bool tap_buf_reserve(struct tap_buf *b, size_t more)
{
    return (b->len <= b->cap && b->cap - b->len >= more) || tap_buf_grow(b, more);
}
static inline void tap_buf_put(struct tap_buf *b, const void *bytes, size_t n)
{
    if (n && tap_buf_reserve(b, n)) {
        memcpy(b->data + b->len, bytes, n);
        b->len += n;
    }
}
static inline void tap_buf_free(struct tap_buf *b)
{
    free(b->data);
    memset(b, 0, sizeof *b);
}
static inline void tap_write_u8(struct tap_buf *b, unsigned v)
{
    uint8_t c = (uint8_t)v;
    tap_buf_put(b, &c, 1);
}
static inline void tap_write_u32(struct tap_buf *b, uint32_t v)
{
    uint8_t c[4];
    tap_put_u32(c, v);
    tap_buf_put(b, c, 4);
}
static inline void tap_write_version(struct tap_buf *b)
{
    tap_write_u8(b, TAP_EXT_VERSION);
}
static inline void tap_write_tuple(struct tap_buf *b, uint32_t arity)
{
    tap_write_u8(b, arity < 256 ? TAP_EXT_SMALL_TUPLE : TAP_EXT_LARGE_TUPLE);
    if (arity < 256)
        tap_write_u8(b, arity);
    else
        tap_write_u32(b, arity);
}
static inline void tap_write_nil(struct tap_buf *b)
{
    tap_write_u8(b, TAP_EXT_NIL);
}
/* A list of n elements: write them, then the tail (tap_write_nil for a proper list). n must not be
 * 0. */
static inline void tap_write_list(struct tap_buf *b, uint32_t n)
{
    tap_write_u8(b, TAP_EXT_LIST);
    tap_write_u32(b, n);
}
static inline void tap_write_map(struct tap_buf *b, uint32_t pairs)
{
    tap_write_u8(b, TAP_EXT_MAP);
    tap_write_u32(b, pairs);
}
/* UTF-8 text of at most 255 characters (1,020 bytes). */
static inline void tap_write_atom_n(struct tap_buf *b, const char *text, size_t n)
{
    if (n < 256) {
        tap_write_u8(b, TAP_EXT_SMALL_ATOM_UTF8);
        tap_write_u8(b, (unsigned)n);
    } else {
        tap_write_u8(b, TAP_EXT_ATOM_UTF8);
        tap_write_u8(b, (unsigned)(n >> 8) & 255);
        tap_write_u8(b, (unsigned)n & 255);
    }
    tap_buf_put(b, text, n);
}
static inline void tap_write_atom(struct tap_buf *b, const char *text)
{
    tap_write_atom_n(b, text, strlen(text));
}
static inline void tap_write_binary(struct tap_buf *b, const void *bytes, size_t n)
{
    tap_write_u8(b, TAP_EXT_BINARY);
    tap_write_u32(b, (uint32_t)n);
    tap_buf_put(b, bytes, n);
}
static inline void tap_write_i64(struct tap_buf *b, int64_t v)
{
    if (v >= 0 && v < 256) {
        tap_write_u8(b, TAP_EXT_SMALL_INTEGER);
        tap_write_u8(b, (unsigned)v);
    } else if (v >= INT32_MIN && v <= INT32_MAX) {
        tap_write_u8(b, TAP_EXT_INTEGER);
        tap_write_u32(b, (uint32_t)(int32_t)v);
    } else {
        uint64_t m = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
        unsigned n = 0;
        uint8_t bytes[8];
        for (; m; m >>= 8)
            bytes[n++] = (uint8_t)m;
        tap_write_u8(b, TAP_EXT_SMALL_BIG);
        tap_write_u8(b, n);
        tap_write_u8(b, v < 0);
        tap_buf_put(b, bytes, n);
    }
}
static inline void tap_write_f64(struct tap_buf *b, double v)
{
    uint64_t bits;
    uint8_t c[8];
    memcpy(&bits, &v, 8);
    tap_put_u64(c, bits);
    tap_write_u8(b, TAP_EXT_NEW_FLOAT);
    tap_buf_put(b, c, 8);
}

#ifdef __cplusplus
}
#endif
#endif
