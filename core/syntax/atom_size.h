/* atom_size.h: how long an atom may be. */
#ifndef TAP_SYNTAX_ATOM_SIZE_H
#define TAP_SYNTAX_ATOM_SIZE_H

#include <stdbool.h>

#include "base/utf8.h"

#define TAP_ATOM_CHARACTERS_MAX 255u

/* Has it no more characters than an atom may have? Bytes say that they are an atom with many more,
 * but whoever prints an atom's name counts on its 4 * 255 bytes. What is no character counts as
 * one, for it becomes one. */
static inline bool tap_atom_fits(const char *text, size_t len, bool latin1)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + len;
    if (len <= TAP_ATOM_CHARACTERS_MAX || len > 4 * TAP_ATOM_CHARACTERS_MAX)
        return len <= TAP_ATOM_CHARACTERS_MAX;
    for (unsigned n = 0; n < TAP_ATOM_CHARACTERS_MAX && p < end; n++) {
        uint32_t cp;
        p += tap_utf8_take(p, end, latin1, &cp);
    }
    return p == end;
}

#endif
