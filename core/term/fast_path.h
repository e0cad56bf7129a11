/* fast_path.h: the quick way to print what is simple. Inside of the printers only. */
#ifndef TAP_TERM_FAST_PATH_H
#define TAP_TERM_FAST_PATH_H

#include <string.h>

#include "syntax/digits.h"
#include "beamtap/plugin.h"
#include "beamtap/term.h"

#define TAP_PLAIN_LEAF_MAX 300u /* bytes that any leaf takes at the most */

struct tap_plain {
    const char *end; /* output may go as far */
    const struct tap_name *home;
    bool json, maybe;
};
/* All but `end`. The syntax must be Erlang's. */
struct tap_plain tap_plain_of(const struct tap_names *, const struct tap_print *);
/* Prints the term at the cursor and goes past it; where it ended. NULL: it is not so simple, or may
 * not fit; nothing is promised of the cursor and of the bytes at p then. */
char *tap_plain_term(char *p, struct tap_cursor *, const struct tap_plain *, unsigned depth);

/* atom.c: does it stand without quotes in Erlang, all ASCII? `maybe`: of OTP 27 and later. */
bool tap_atom_is_bare(const char *text, size_t n, bool maybe);

/* ---- Inline: what most arguments are */

static inline char *tap_plain_u32(char *p, uint32_t v)
{
    static const uint32_t tens[11] = {0,       10,       100,       1000,       10000,     100000,
                                      1000000, 10000000, 100000000, 1000000000, UINT32_MAX};
    /* bits * log10(2), at most one too few */
    unsigned about = (32u - (unsigned)__builtin_clz(v | 1)) * 1233 >> 12;
    unsigned n = about + 1 - (v < tens[about]);
    char *t = p + n;
    for (; v >= 100; v /= 100) {
        t -= 2;
        tap_digit_pair(t, v % 100);
    }
    if (v >= 10)
        tap_digit_pair(p, v);
    else
        *p = (char)('0' + v);
    return p + n;
}

/* At most 255 bytes, where there is room for 300: what is short takes no call. */
static inline char *tap_plain_short(char *p, const uint8_t *from, uint32_t n)
{
    if (n >= 8 && n <= 16) {
        memcpy(p, from, 8);
        memcpy(p + n - 8, from + n - 8, 8);
    } else if (n >= 4 && n < 8) {
        memcpy(p, from, 4);
        memcpy(p + n - 4, from + n - 4, 4);
    } else {
        memcpy(p, from, n);
    }
    return p + n;
}

/* The most frequent leaves. NULL: it is another one, and the cursor stands where it stood. There is
 * room for a leaf. */
static inline char *tap_plain_leaf(char *p, struct tap_cursor *c, const struct tap_plain *how)
{
    const uint8_t *t = c->p;
    size_t left = tap_left(c);
    if (left >= 5 && t[0] == TAP_EXT_INTEGER) {
        int32_t v = (int32_t)tap_get_u32(t + 1);
        c->p += 5;
        if (v < 0)
            *p++ = '-';
        return tap_plain_u32(p, v < 0 ? 0u - (uint32_t)v : (uint32_t)v);
    }
    if (left < 2)
        return NULL;
    if (t[0] == TAP_EXT_SMALL_INTEGER) {
        c->p += 2;
        return tap_plain_u32(p, t[1]);
    }
    if (t[0] != TAP_EXT_SMALL_ATOM_UTF8 || left < 2u + t[1] ||
        !tap_atom_is_bare((const char *)t + 2, t[1], how->maybe))
        return NULL;
    c->p += 2u + t[1];
    return tap_plain_short(p, t + 2, t[1]);
}

#endif
