/* payload_atom.h: an atom of an event's payload as an interned name. */
#ifndef TAP_SINKS_COMMON_PAYLOAD_ATOM_H
#define TAP_SINKS_COMMON_PAYLOAD_ATOM_H

#include "beamtap/sink.h"
#include "beamtap/term.h"

/* Goes behind the atom at the cursor; nodes before OTP 26 send latin1. 0: it is none. */
static inline uint32_t tap_sink_atom(const struct tap_host *host, struct tap_cursor *cur)
{
    const char *text;
    uint32_t len;
    bool latin1;
    if (!tap_read_atom(cur, &text, &len, &latin1))
        return 0;
    if (!latin1)
        return host->intern(host, text, len);
    char utf8[2 * 255], *p = utf8; /* an atom has at most 255 characters */
    for (uint32_t i = 0; i < len && i < 255; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80)
            *p++ = (char)(0xc0 | c >> 6);
        *p++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
    }
    return host->intern(host, utf8, (size_t)(p - utf8));
}

#endif
