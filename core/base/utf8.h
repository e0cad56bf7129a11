/* utf8.h: one UTF-8 character at a time, checked.
 *
 * Bytes come from nodes and files, so every decoder here takes the end of what may be read and
 * refuses what the VM's own <<C/utf8>> refuses: overlong forms, surrogates, anything above 10FFFF.
 */
#ifndef TAP_BASE_UTF8_H
#define TAP_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define TAP_UTF8_BAD 0xFFFDu /* what stands where bytes were no character */

/* Decodes the character at p (p < end). Its length in bytes, or 0 when there is no valid one. */
static inline unsigned tap_utf8_decode(const uint8_t *p, const uint8_t *end, uint32_t *cp)
{
    uint32_t a = p[0];
    size_t left = (size_t)(end - p);
    if (a < 0x80) {
        *cp = a;
        return 1;
    }
    if (a < 0xC2 || left < 2 || (p[1] & 0xC0) != 0x80)
        return 0;
    if (a < 0xE0) {
        *cp = (a & 0x1F) << 6 | (p[1] & 0x3Fu);
        return 2;
    }
    if (left < 3 || (p[2] & 0xC0) != 0x80)
        return 0;
    if (a < 0xF0) {
        *cp = (a & 0x0F) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        return *cp < 0x800 || (*cp >= 0xD800 && *cp <= 0xDFFF) ? 0 : 3;
    }
    if (a > 0xF4 || left < 4 || (p[3] & 0xC0) != 0x80)
        return 0;
    *cp = (a & 0x07) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    return *cp < 0x10000 || *cp > 0x10FFFF ? 0 : 4;
}

/* Writes a character (at most 10FFFF) to dst, which has room for 4 bytes; gives its length. */
static inline unsigned tap_utf8_encode(char *dst, uint32_t cp)
{
    if (cp < 0x80) {
        dst[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        dst[0] = (char)(0xC0 | cp >> 6);
        dst[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        dst[0] = (char)(0xE0 | cp >> 12);
        dst[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        dst[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    dst[0] = (char)(0xF0 | cp >> 18);
    dst[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    dst[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    dst[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

/* The next character of a text that is latin1 or (hopefully) UTF-8; a byte that is none counts as
 * U+FFFD. Gives the number of bytes taken, at least 1. */
static inline unsigned tap_utf8_take(const uint8_t *p, const uint8_t *end, int latin1, uint32_t *cp)
{
    if (latin1) {
        *cp = *p;
        return 1;
    }
    unsigned n = tap_utf8_decode(p, end, cp);
    if (n == 0) {
        *cp = TAP_UTF8_BAD;
        return 1;
    }
    return n;
}

#endif
