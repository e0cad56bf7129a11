/* terms.c: see terms.h. */
#include "filters/pids/terms.h"

#include <string.h>

bool tap_pids_read_atom(struct tap_cursor *c, char dst[TAP_FILTER_NAME_MAX + 1])
{
    const char *text;
    uint32_t len, n = 0;
    bool latin1;
    if (!tap_read_atom(c, &text, &len, &latin1) ||
        len > (latin1 ? TAP_FILTER_NAME_MAX / 2 : TAP_FILTER_NAME_MAX))
        return false;
    for (uint32_t i = 0; i < len; i++) {
        unsigned char b = (unsigned char)text[i];
        if (latin1 && b >= 0x80) {
            dst[n++] = (char)(0xC0 | b >> 6);
            b = 0x80 | (b & 0x3F);
        }
        dst[n++] = (char)b;
    }
    dst[n] = 0;
    return true;
}

/* A text as a binary, where it is no longer than names are. */
static bool pids_binary(struct tap_cursor *c, char name[TAP_FILTER_NAME_MAX + 1])
{
    const uint8_t *bytes;
    uint32_t n;
    if (tap_peek(c) != TAP_EXT_BINARY || !tap_read_binary(c, &bytes, &n) || n > TAP_FILTER_NAME_MAX)
        return false;
    memcpy(name, bytes, n);
    name[n] = 0;
    return true;
}

bool tap_pids_read_selector(struct tap_cursor *c, char name[TAP_FILTER_NAME_MAX + 1], bool *below)
{
    struct tap_cursor t = *c;
    uint32_t n;
    *below = false;
    name[0] = 0;
    if (!pids_binary(&t, name) && tap_read_tuple(&t, &n) && n == 2) {
        bool tree = tap_match_atom(&t, "tree");
        *below = tree && pids_binary(&t, name);
        if (!*below && (!tree || (tap_read_tuple(&t, &n) && n == 2)) &&
            tap_match_atom(&t, "name") && !tap_pids_read_atom(&t, name))
            name[0] = 0;
    }
    return tap_skip(c);
}
