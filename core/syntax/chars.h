/* chars.h: single characters: UTF-8, escapes, and what Erlang takes for a letter. */
#ifndef TAP_SYNTAX_CHARS_H
#define TAP_SYNTAX_CHARS_H

#include <string.h>

#include "syntax/syntax.h"

/* Of ASCII alone: tolower goes by the program's locale, and in Turkish I and i are two letters. */
static inline char tap_syn_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

/* Is the word in the text, whatever the case of ASCII letters? */
static inline bool tap_syn_contains(const char *text, const char *word)
{
    for (; *text; text++) {
        size_t i = 0;
        while (word[i] && tap_syn_lower(text[i]) == tap_syn_lower(word[i]))
            i++;
        if (!word[i])
            return true;
    }
    return false;
}

/* Decodes the character at `t` (not NUL); its length, 0 when it is no UTF-8. */
static inline size_t tap_syn_char_decode(const char *t, uint32_t *c)
{
    const unsigned char *p = (const unsigned char *)t;
    if (p[0] < 0x80)
        return *c = p[0], 1;
    size_t n = p[0] >= 0xF0 && p[0] < 0xF5 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] >= 0xF5)
        return 0;
    uint32_t v = p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3F);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (v < least[n] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
        return 0;
    *c = v;
    return n;
}

static inline size_t tap_syn_char_encode(char *dst, uint32_t c)
{
    if (c < 0x80)
        return dst[0] = (char)c, 1;
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        dst[i] = (char)(0x80 | (c & 0x3F));
    dst[0] = (char)((0xF00u >> n & 0xF0) | c);
    return n;
}

static inline size_t tap_syn_char_len(const char *t)
{
    uint32_t c;
    size_t n = tap_syn_char_decode(t, &c);
    return n ? n : 1;
}

static inline size_t tap_syn_char_count(const char *t)
{
    size_t n = 0;
    for (; *t; t++)
        n += ((unsigned char)*t & 0xC0) != 0x80;
    return n;
}

/* Erlang's letters: ASCII and latin1. */
static inline bool tap_syn_char_is_upper(const char *t)
{
    uint32_t c;
    return tap_syn_char_decode(t, &c) &&
           ((c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7));
}
static inline bool tap_syn_char_is_word(const char *t)
{
    uint32_t c;
    if (!*t || !tap_syn_char_decode(t, &c))
        return false;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '@' || (c >= 0xC0 && c <= 0xFF && c != 0xD7 && c != 0xF7);
}

/* What the character at `t` is that looks like a blank, or like nothing, and is none; NULL: it is
 * not such a one. Web pages, word processors and some keyboards make them. */
static inline const char *tap_syn_odd_blank(const char *t)
{
    uint32_t c;
    if ((unsigned char)*t < 0xC2 || !tap_syn_char_decode(t, &c))
        return NULL;
    if (c == 0xA0 || c == 0x2007 || c == 0x202F)
        return "a no-break space";
    if ((c >= 0x200B && c <= 0x200F) || c == 0x2060 || c == 0xFEFF)
        return "a character without width";
    if ((c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x205F || c == 0x3000)
        return "a blank of another kind";
    return NULL;
}

static inline int tap_syn_char_hex(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* The escape sequence at `t` (t[0] is the backslash); its length, 0 when it is none. */
static inline size_t tap_syn_char_escape(const char *t, uint32_t *c)
{
    static const char from[] = "bdefnrstv", to[] = "\b\177\033\f\n\r \t\v";
    if (!t[1])
        return 0;
    const char *known = strchr(from, t[1]);
    if (known)
        return *c = (unsigned char)to[known - from], 2;
    if (t[1] >= '0' && t[1] <= '7') {
        size_t n = 1;
        for (*c = 0; n < 4 && t[n] >= '0' && t[n] <= '7'; n++)
            *c = *c * 8 + (uint32_t)(t[n] - '0');
        return n;
    }
    if (t[1] == '^')
        return t[2] >= '@' && t[2] <= '_'   ? (*c = t[2] & 31, 3)
               : t[2] >= 'a' && t[2] <= 'z' ? (*c = t[2] & 31, 3)
                                            : 0;
    if (t[1] == 'x' && t[2] == '{') {
        size_t n = 3;
        for (*c = 0; tap_syn_char_hex(t[n]) >= 0 && *c <= 0x10FFFF; n++)
            *c = *c * 16 + (uint32_t)tap_syn_char_hex(t[n]);
        bool valid = n > 3 && t[n] == '}' && *c <= 0x10FFFF && !(*c >= 0xD800 && *c <= 0xDFFF);
        return valid ? n + 1 : 0;
    }
    if (t[1] == 'x') {
        if (tap_syn_char_hex(t[2]) < 0 || tap_syn_char_hex(t[3]) < 0)
            return 0;
        return *c = (uint32_t)(tap_syn_char_hex(t[2]) * 16 + tap_syn_char_hex(t[3])), 4;
    }
    size_t n = tap_syn_char_decode(t + 1, c);
    return n ? n + 1 : 0;
}

#endif
