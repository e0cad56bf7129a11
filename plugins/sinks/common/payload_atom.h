/* payload_atom.h: an atom of an event's payload as an interned name. */
#ifndef TAP_SINKS_COMMON_PAYLOAD_ATOM_H
#define TAP_SINKS_COMMON_PAYLOAD_ATOM_H

#include "beamtap/sink.h"
#include "beamtap/term.h"

#define TAP_ATOM_CHARACTERS 255u

/* What is longer than an atom may be is none: whoever writes a name counts on that. */
static inline bool tap_sink_atom_fits(const char *text, uint32_t len)
{
    uint32_t at = 0;
    for (uint32_t n = 0; n < TAP_ATOM_CHARACTERS && at < len; n++) {
        unsigned char c = (unsigned char)text[at];
        at += c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    }
    return at >= len;
}

/* Goes behind the atom at the cursor; nodes before OTP 26 send latin1. 0: it is none. */
static inline uint32_t tap_sink_atom(const struct tap_host *host, struct tap_cursor *cur)
{
    const char *text;
    uint32_t len;
    bool latin1;
    if (!tap_read_atom(cur, &text, &len, &latin1))
        return 0;
    if (!latin1)
        return tap_sink_atom_fits(text, len) ? host->intern(host, text, len) : 0;
    if (len > TAP_ATOM_CHARACTERS)
        return 0;
    char utf8[2 * TAP_ATOM_CHARACTERS], *p = utf8;
    for (uint32_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80)
            *p++ = (char)(0xc0 | c >> 6);
        *p++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    return host->intern(host, utf8, (size_t)(p - utf8));
}

#endif
