/* gzip.c: deflate(3) by pieces, and ends written by hand; see gzip.h. Formats: RFC 1951, RFC
 * 1952. */
#include "sinks/common/gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct tap_gzip_sums {
    uint32_t crc, size;
    bool begun; /* the header is there */
};

struct tap_gzip {
    z_stream z;
    struct tap_gzip_sums now, before;
    unsigned char *out;
    size_t cap;
};

static const unsigned char header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};

struct tap_gzip *tap_gzip_new(void)
{
    struct tap_gzip *p = calloc(1, sizeof *p);
    if (p &&
        deflateInit2(&p->z, Z_BEST_SPEED, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK)
        return p;
    free(p);
    return NULL;
}

void tap_gzip_free(struct tap_gzip *p)
{
    if (!p)
        return;
    deflateEnd(&p->z);
    free(p->out);
    free(p);
}

void tap_gzip_restart(struct tap_gzip *p)
{
    deflateReset(&p->z);
    p->now = p->before = (struct tap_gzip_sums){0};
}

static bool make_room(struct tap_gzip *p, size_t need)
{
    if (need <= p->cap)
        return true;
    unsigned char *more = realloc(p->out, need);
    if (!more)
        return false;
    p->out = more;
    p->cap = need;
    return true;
}

bool tap_gzip_add(struct tap_gzip *p, const char *text, size_t len, const char **out,
                  size_t *out_len)
{
    *out_len = 0;
    if (len == 0)
        return true; /* zlib takes a flush of nothing for a mistake */
    if (len > UINT32_MAX / 2 || !make_room(p, sizeof header + deflateBound(&p->z, len) + 64))
        return false;
    size_t at = p->now.begun ? 0 : sizeof header;
    memcpy(p->out, header, at);
    p->z.next_in = (unsigned char *)(uintptr_t)text;
    p->z.avail_in = (unsigned)len;
    p->z.next_out = p->out + at;
    p->z.avail_out = (unsigned)(p->cap - at);
    if (deflate(&p->z, Z_FULL_FLUSH) != Z_OK || p->z.avail_in || !p->z.avail_out)
        return false;
    p->before = p->now;
    p->now = (struct tap_gzip_sums){
        (uint32_t)crc32(p->now.crc, (const unsigned char *)text, (unsigned)len),
        p->now.size + (uint32_t)len, true};
    *out = (const char *)p->out;
    *out_len = p->cap - p->z.avail_out;
    return true;
}

static char *put_le(char *dst, uint32_t v, unsigned bytes)
{
    for (; bytes > 0; bytes--, v >>= 8)
        *dst++ = (char)(v & 255);
    return dst;
}

size_t tap_gzip_end(const struct tap_gzip *p, bool before, const char *footer, size_t footer_len,
                    char *dst)
{
    const struct tap_gzip_sums *sums = before ? &p->before : &p->now;
    char *to = dst;
    if (!sums->begun) {
        memcpy(to, header, sizeof header);
        to += sizeof header;
    }
    *to++ = 1; /* the last block, stored: its three bits begin at a byte border */
    to = put_le(to, (uint32_t)footer_len, 2);
    to = put_le(to, ~(uint32_t)footer_len, 2);
    memcpy(to, footer, footer_len);
    to += footer_len;
    to = put_le(to, (uint32_t)crc32(sums->crc, (const unsigned char *)footer, (unsigned)footer_len),
                4);
    to = put_le(to, sums->size + (uint32_t)footer_len, 4);
    return (size_t)(to - dst);
}
