/* json.c: JSON inside of a page: what a node says may be any bytes, and may try to end the script
 * that it stands in.
 *
 * Of text only what is plain stays as it is: quotes, control characters, and what means something
 * to HTML (<, >, &) are escaped, and bytes that are no UTF-8 become U+FFFD.
 */
#include <stdio.h>

#include "sinks/html/html.h"

void html_put(struct html *h, const char *text)
{
    tap_writer_put(&h->w, text, strlen(text));
}

void html_number(struct html *h, int64_t n)
{
    h->w.p = tap_text_i64(tap_writer_reserve(&h->w, 24), n);
}

/* How many bytes the character at p has; 0: it is none. */
static size_t character(const unsigned char *p, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    uint32_t c = n == 4 ? p[0] & 7 : n == 3 ? p[0] & 15 : p[0] & 31;
    if (!n || p[0] >= 0xf8 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 63);
    }
    return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

static bool plain(const unsigned char *p, size_t n)
{
    if (n > 1) /* the controls of latin1, and the line ends of Unicode */
        return !(p[0] == 0xc2 && p[1] < 0xa0) &&
               !(p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9));
    return p[0] >= 0x20 && p[0] != 0x7f && !strchr("\"\\<>&", p[0]);
}

static char *escaped(char *dst, const unsigned char *p, size_t n)
{
    unsigned c = n == 1 ? p[0] : n == 2 ? (p[0] & 31u) << 6 | (p[1] & 63u) : 0x2000u | (p[2] & 63u);
    return dst + snprintf(dst, 8, "\\u%04x", c);
}

void html_string(struct html *h, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    html_put(h, "\"");
    while (p < end) {
        char *dst = tap_writer_reserve(&h->w, 8);
        size_t n = character(p, (size_t)(end - p));
        if (!n)
            dst = tap_text_lit(dst, "\xef\xbf\xbd");
        else if (plain(p, n))
            dst = (char *)memcpy(dst, p, n) + n;
        else
            dst = escaped(dst, p, n);
        p += n ? n : 1;
        h->w.p = dst;
    }
    html_put(h, "\"");
}

void html_quote(struct html *h, size_t mark)
{
    char *from = tap_writer_begun(&h->w) + mark;
    size_t len = (size_t)(h->w.p - from);
    char *copy = malloc(len + 1);
    if (copy)
        memcpy(copy, from, len);
    h->no_memory |= !copy;
    h->w.p = from;
    html_string(h, copy ? copy : "", copy ? len : 0);
    free(copy);
}

void html_row(struct html *h, bool first, const int64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i || !first)
            html_put(h, ",");
        html_number(h, numbers[i]);
    }
}

void html_spread(struct html *h, const struct tap_histogram *t)
{
    const int64_t numbers[] = {(int64_t)t->count, tap_histogram_percentile(t, 50),
                               tap_histogram_percentile(t, 95), tap_histogram_percentile(t, 99),
                               t->max};
    html_row(h, false, numbers, 5);
}

int64_t html_since(const struct html *h, int64_t ts)
{
    return !ts ? -1 : ts > h->first ? ts - h->first : 0;
}
