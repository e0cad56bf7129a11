/* one_line.c: see one_line.h. */
#include "base/one_line.h"

#include <string.h>

#include "base/utf8.h"

void tap_one_line(char *text)
{
    uint8_t *p = (uint8_t *)text;
    const uint8_t *end = p + strlen(text);
    while (p < end) {
        uint32_t cp;
        unsigned n = tap_utf8_decode(p, end, &cp);
        if (*p == '\n' || *p == '\t' || *p == '\r')
            *p = ' ';
        else if (n == 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
            memset(p, '?', n ? n : 1);
        p += n ? n : 1;
    }
}
