/* beamtap/term.h: reading external terms safely.
 *
 * The reader is a cursor over bytes that nobody has checked yet: every function verifies the bounds
 * and the tag, and once one has failed all later ones fail too, so a caller may check once, at the
 * end. Nothing recurses, nothing allocates, nothing keeps a state of its own: any thread. Writing
 * is term_write.h; printing is the host's (plugin.h, term_print).
 *
 * Everything here is inline: a plugin links against nothing of the core. Source of the format:
 * https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
#ifndef BEAMTAP_TERM_H
#define BEAMTAP_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "event.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tap_tag {
    TAP_EXT_VERSION = 131,
    /* A native record of OTP 29 (not in the documented format; as its term_to_binary writes them):
     * the number of fields (uint32), a byte that says whether it is exported, its module, its name,
     * the fields' names, and their values. */
    TAP_EXT_RECORD = 67,
    TAP_EXT_NEW_FLOAT = 70,
    TAP_EXT_BIT_BINARY = 77,
    TAP_EXT_NEW_PID = 88,
    TAP_EXT_NEW_PORT = 89,
    TAP_EXT_NEWER_REFERENCE = 90,
    TAP_EXT_SMALL_INTEGER = 97,
    TAP_EXT_INTEGER = 98,
    TAP_EXT_FLOAT = 99,
    TAP_EXT_ATOM = 100, /* latin1 */
    TAP_EXT_REFERENCE = 101,
    TAP_EXT_PORT = 102,
    TAP_EXT_PID = 103,
    TAP_EXT_SMALL_TUPLE = 104,
    TAP_EXT_LARGE_TUPLE = 105,
    TAP_EXT_NIL = 106,
    TAP_EXT_STRING = 107,
    TAP_EXT_LIST = 108,
    TAP_EXT_BINARY = 109,
    TAP_EXT_SMALL_BIG = 110,
    TAP_EXT_LARGE_BIG = 111,
    TAP_EXT_NEW_FUN = 112,
    TAP_EXT_EXPORT = 113,
    TAP_EXT_NEW_REFERENCE = 114,
    TAP_EXT_SMALL_ATOM = 115, /* latin1 */
    TAP_EXT_MAP = 116,
    TAP_EXT_FUN = 117,
    TAP_EXT_ATOM_UTF8 = 118,
    TAP_EXT_SMALL_ATOM_UTF8 = 119,
    TAP_EXT_V4_PORT = 120
};

/* ---- Big-endian numbers, as terms and frames have them */

static inline uint32_t tap_get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t tap_get_u64(const uint8_t *p)
{
    return (uint64_t)tap_get_u32(p) << 32 | tap_get_u32(p + 4);
}
static inline void tap_put_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24), p[1] = (uint8_t)(v >> 16), p[2] = (uint8_t)(v >> 8),
    p[3] = (uint8_t)v;
}
static inline void tap_put_u64(uint8_t *p, uint64_t v)
{
    tap_put_u32(p, (uint32_t)(v >> 32)), tap_put_u32(p + 4, (uint32_t)v);
}

/* ---- Reading */

struct tap_cursor { /* frozen */
    const uint8_t *p, *end;
    bool bad; /* a read failed: everything since is meaningless */
};

static inline struct tap_cursor tap_cursor(const void *term, size_t len)
{
    struct tap_cursor c = {(const uint8_t *)term, (const uint8_t *)term + len, false};
    return c;
}
static inline bool tap_cursor_fail(struct tap_cursor *c)
{
    c->bad = true;
    c->p = c->end;
    return false;
}
static inline size_t tap_left(const struct tap_cursor *c)
{
    return (size_t)(c->end - c->p);
}
/* The tag of the next term; 0 at the end or after a failure. */
static inline int tap_peek(const struct tap_cursor *c)
{
    return c->p < c->end ? *c->p : 0;
}

/* Skips the version byte when there is one. */
static inline void tap_read_version(struct tap_cursor *c)
{
    if (c->p < c->end && *c->p == TAP_EXT_VERSION)
        c->p++;
}

static inline bool tap_read_tuple(struct tap_cursor *c, uint32_t *arity)
{
    if (tap_left(c) >= 2 && c->p[0] == TAP_EXT_SMALL_TUPLE) {
        *arity = c->p[1];
        c->p += 2;
        return true;
    }
    if (tap_left(c) >= 5 && c->p[0] == TAP_EXT_LARGE_TUPLE) {
        *arity = tap_get_u32(c->p + 1);
        c->p += 5;
        return true;
    }
    return tap_cursor_fail(c);
}

/* A list of `n` elements follows, and then its tail, which is NIL for a proper list. An empty list
 * gives 0 and has no tail left to read. STRING is not a list here: see tap_read_string. */
static inline bool tap_read_list(struct tap_cursor *c, uint32_t *n)
{
    if (tap_left(c) >= 1 && c->p[0] == TAP_EXT_NIL) {
        *n = 0;
        c->p++;
        return true;
    }
    if (tap_left(c) >= 5 && c->p[0] == TAP_EXT_LIST) {
        *n = tap_get_u32(c->p + 1);
        c->p += 5;
        return true;
    }
    return tap_cursor_fail(c);
}
static inline bool tap_read_nil(struct tap_cursor *c)
{
    if (tap_left(c) < 1 || c->p[0] != TAP_EXT_NIL)
        return tap_cursor_fail(c);
    c->p++;
    return true;
}
/* STRING_EXT: how the VM packs a list of up to 65,535 bytes. */
static inline bool tap_read_string(struct tap_cursor *c, const uint8_t **bytes, uint32_t *len)
{
    if (tap_left(c) >= 3 && c->p[0] == TAP_EXT_STRING) {
        uint32_t n = (uint32_t)c->p[1] << 8 | c->p[2];
        if (tap_left(c) - 3 >= n) {
            *bytes = c->p + 3;
            *len = n;
            c->p += 3 + n;
            return true;
        }
    }
    return tap_cursor_fail(c);
}
static inline bool tap_read_map(struct tap_cursor *c, uint32_t *pairs)
{
    if (tap_left(c) < 5 || c->p[0] != TAP_EXT_MAP)
        return tap_cursor_fail(c);
    *pairs = tap_get_u32(c->p + 1);
    c->p += 5;
    return true;
}
/* A native record of *n fields: its module, its name, their names and their values follow. */
static inline bool tap_read_record(struct tap_cursor *c, uint32_t *n)
{
    if (tap_left(c) < 6 || c->p[0] != TAP_EXT_RECORD)
        return tap_cursor_fail(c);
    *n = tap_get_u32(c->p + 1);
    c->p += 6;
    return true;
}
/* The atom's bytes as they stand: UTF-8, or latin1 where *latin1 is set (tags 100 and 115). */
static inline bool tap_read_atom(struct tap_cursor *c, const char **text, uint32_t *len,
                                 bool *latin1)
{
    if (tap_left(c) < 2)
        return tap_cursor_fail(c);
    uint32_t head, n;
    switch (c->p[0]) {
    case TAP_EXT_SMALL_ATOM_UTF8:
    case TAP_EXT_SMALL_ATOM: head = 2, n = c->p[1]; break;
    case TAP_EXT_ATOM_UTF8:
    case TAP_EXT_ATOM:
        if (tap_left(c) < 3)
            return tap_cursor_fail(c);
        head = 3, n = (uint32_t)c->p[1] << 8 | c->p[2];
        break;
    default: return tap_cursor_fail(c);
    }
    if (tap_left(c) < head + n)
        return tap_cursor_fail(c);
    *latin1 = c->p[0] == TAP_EXT_SMALL_ATOM || c->p[0] == TAP_EXT_ATOM;
    *text = (const char *)c->p + head;
    *len = n;
    c->p += head + n;
    return true;
}
/* True, and past it, when the next term is exactly the ASCII atom `text`. Does not fail: nothing is
 * consumed else. */
static inline bool tap_match_atom(struct tap_cursor *c, const char *text)
{
    struct tap_cursor t = *c;
    const char *p;
    uint32_t n;
    bool latin1;
    if (!tap_read_atom(&t, &p, &n, &latin1) || n != strlen(text) || memcmp(p, text, n) != 0)
        return false;
    *c = t;
    return true;
}
/* An integer that fits in 64 bits with sign; a larger one fails. */
static inline bool tap_read_i64(struct tap_cursor *c, int64_t *value)
{
    if (tap_left(c) >= 2 && c->p[0] == TAP_EXT_SMALL_INTEGER) {
        *value = c->p[1];
        c->p += 2;
        return true;
    }
    if (tap_left(c) >= 5 && c->p[0] == TAP_EXT_INTEGER) {
        *value = (int32_t)tap_get_u32(c->p + 1);
        c->p += 5;
        return true;
    }
    if (tap_left(c) >= 3 && c->p[0] == TAP_EXT_SMALL_BIG && c->p[1] <= 8 &&
        tap_left(c) - 3 >= c->p[1]) {
        uint64_t v = 0;
        if (c->p[1] == 8) /* a time, mostly: one load */
            v = (uint64_t)c->p[3] | (uint64_t)c->p[4] << 8 | (uint64_t)c->p[5] << 16 |
                (uint64_t)c->p[6] << 24 | (uint64_t)c->p[7] << 32 | (uint64_t)c->p[8] << 40 |
                (uint64_t)c->p[9] << 48 | (uint64_t)c->p[10] << 56;
        else
            for (unsigned i = c->p[1]; i-- > 0;)
                v = v << 8 | c->p[3 + i];
        bool neg = c->p[2] != 0;
        if (v <= (uint64_t)INT64_MAX + (neg ? 1 : 0)) {
            *value = neg ? (int64_t)(0 - v) : (int64_t)v;
            c->p += 3 + c->p[1];
            return true;
        }
    }
    return tap_cursor_fail(c);
}
static inline bool tap_read_binary(struct tap_cursor *c, const uint8_t **bytes, uint32_t *len)
{
    if (tap_left(c) >= 5 && c->p[0] == TAP_EXT_BINARY) {
        uint32_t n = tap_get_u32(c->p + 1);
        if (tap_left(c) - 5 >= n) {
            *bytes = c->p + 5;
            *len = n;
            c->p += 5 + (size_t)n;
            return true;
        }
    }
    return tap_cursor_fail(c);
}
/* A pid: its node atom stays as bytes, for the caller to intern. */
static inline bool tap_read_pid(struct tap_cursor *c, const char **node, uint32_t *node_len,
                                struct tap_pid *pid)
{
    int tag = tap_peek(c);
    if (tag != TAP_EXT_NEW_PID && tag != TAP_EXT_PID)
        return tap_cursor_fail(c);
    c->p++;
    bool latin1;
    if (!tap_read_atom(c, node, node_len, &latin1))
        return false;
    size_t need = tag == TAP_EXT_NEW_PID ? 12 : 9;
    if (tap_left(c) < need)
        return tap_cursor_fail(c);
    pid->node = 0;
    pid->id = tap_get_u32(c->p);
    pid->serial = tap_get_u32(c->p + 4);
    pid->creation = need == 12 ? tap_get_u32(c->p + 8) : (uint32_t)(c->p[8] & 3);
    c->p += need;
    return true;
}

/* ---- Skipping */

/* How many bytes a term of this tag always takes, tag included; 0: that depends. */
static inline size_t tap_fixed_size(uint8_t tag)
{
    static const uint8_t sizes[256] = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* by tag, ten a row */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* 10 */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* 20 */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* 30 */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* 40 */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* 50 */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* 60 */
        9, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* 70: NEW_FLOAT */
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* 80 */
        0, 0, 0, 0, 0, 0, 0, 2, 5, 32, /* 97: SMALL_INTEGER, INTEGER, FLOAT */
        0, 0, 0, 0, 0, 0, 1            /* 106: NIL */
    };
    return sizes[tag];
}

/* The size of a pid, port or reference at `p`, which is a node's atom and then so many bytes. */
static inline size_t tap_identifier_size(const uint8_t *p, size_t left)
{
    struct tap_cursor a = tap_cursor(p, left);
    size_t rest = 0;
    const char *text;
    uint32_t len;
    bool latin1;
    a.p++;
    if (*p == TAP_EXT_NEW_REFERENCE || *p == TAP_EXT_NEWER_REFERENCE) {
        if (left < 3)
            return SIZE_MAX;
        rest = 4u * ((unsigned)p[1] << 8 | p[2]) + (*p == TAP_EXT_NEWER_REFERENCE ? 4 : 1);
        a.p += 2;
    }
    if (!tap_read_atom(&a, &text, &len, &latin1))
        return SIZE_MAX;
    switch (*p) {
    case TAP_EXT_NEW_PID:
    case TAP_EXT_V4_PORT: rest = 12; break;
    case TAP_EXT_PID: rest = 9; break;
    case TAP_EXT_NEW_PORT: rest = 8; break;
    case TAP_EXT_PORT:
    case TAP_EXT_REFERENCE: rest = 5; break;
    default: break;
    }
    return (size_t)(a.p - p) + rest;
}

/* The size of the term at `p`, or of its head where it holds others: so many more are to be skipped
 * then (*todo). SIZE_MAX: it is cut, or its tag is unknown. */
__attribute__((always_inline)) static inline size_t tap_head_size(const uint8_t *p, size_t left,
                                                                  uint64_t *todo)
{
    switch (*p) {
    case TAP_EXT_SMALL_ATOM:
    case TAP_EXT_SMALL_ATOM_UTF8: return left < 2 ? SIZE_MAX : 2u + p[1];
    case TAP_EXT_ATOM:
    case TAP_EXT_ATOM_UTF8:
    case TAP_EXT_STRING: return left < 3 ? SIZE_MAX : 3u + ((unsigned)p[1] << 8 | p[2]);
    case TAP_EXT_BINARY: return left < 5 ? SIZE_MAX : 5 + (size_t)tap_get_u32(p + 1);
    case TAP_EXT_SMALL_BIG: return left < 3 ? SIZE_MAX : 3u + p[1];
    case TAP_EXT_BIT_BINARY:
    case TAP_EXT_LARGE_BIG: return left < 6 ? SIZE_MAX : 6 + (size_t)tap_get_u32(p + 1);
    case TAP_EXT_SMALL_TUPLE: return left < 2 ? SIZE_MAX : (*todo += p[1], 2u);
    case TAP_EXT_LARGE_TUPLE: return left < 5 ? SIZE_MAX : (*todo += tap_get_u32(p + 1), 5u);
    case TAP_EXT_LIST: return left < 5 ? SIZE_MAX : (*todo += (uint64_t)tap_get_u32(p + 1) + 1, 5u);
    case TAP_EXT_MAP: return left < 5 ? SIZE_MAX : (*todo += (uint64_t)tap_get_u32(p + 1) * 2, 5u);
    case TAP_EXT_RECORD:
        return left < 6 ? SIZE_MAX : (*todo += (uint64_t)tap_get_u32(p + 1) * 2 + 2, 6u);
    case TAP_EXT_NEW_PID:
    case TAP_EXT_PID:
    case TAP_EXT_NEW_PORT:
    case TAP_EXT_PORT:
    case TAP_EXT_V4_PORT:
    case TAP_EXT_REFERENCE:
    case TAP_EXT_NEW_REFERENCE:
    case TAP_EXT_NEWER_REFERENCE: return tap_identifier_size(p, left);
    case TAP_EXT_EXPORT: *todo += 3; return 1;
    case TAP_EXT_NEW_FUN:
        return left < 5 || tap_get_u32(p + 1) < 4 ? SIZE_MAX : 1 + (size_t)tap_get_u32(p + 1);
    case TAP_EXT_FUN: /* pid, module, index, uniq, free variables */
        return left < 5 ? SIZE_MAX : (*todo += 4 + (uint64_t)tap_get_u32(p + 1), 5u);
    default: return SIZE_MAX;
    }
}

/* Skips one whole term, whatever it is: iterative, in constant memory. False when it is cut or has
 * an unknown tag. */
static inline bool tap_skip(struct tap_cursor *c)
{
    /* terms still to skip: each takes at least a byte, so there are no more than bytes left */
    uint64_t todo = 1;
    const uint8_t *p = c->p, *const end = c->end;
    while (todo > 0) {
        size_t left = (size_t)(end - p), n;
        if (todo-- > left)
            return tap_cursor_fail(c);
        n = tap_fixed_size(*p);
        n = n ? n : tap_head_size(p, left, &todo);
        if (n > left)
            return tap_cursor_fail(c);
        p += n;
    }
    c->p = p;
    return true;
}

#ifdef __cplusplus
}
#endif
#endif
