/* torn_gzip.c: unpacking piece by piece, and again behind a damage. */
#include "cli/torn_gzip.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MARK "\0\0\377\377" /* the end of an empty stored block: what a flush leaves */
#define MARK_LEN 4u
#define HELD_MAX ((size_t)64 << 20)
#define VAIN_MAX ((size_t)1 << 30) /* then no mark is held to stand by chance any more */

/* A mark may stand in packed data by chance. Then what is behind it is held back until it is clear
 * whether the piece went on there, or was damaged before it. */
struct unpack {
    struct tap_torn_gzip *to;
    z_stream z;
    const unsigned char *data;
    size_t size, at; /* at: what is unpacked next */
    bool held_back;
    unsigned char *held;
    size_t held_len, held_cap;
    size_t vain;     /* bytes that were read, or held back, for nothing */
    bool oom, ended; /* ended: inflate has seen the end */
};

static void give(struct unpack *u, const unsigned char *text, size_t len)
{
    if (!u->held_back) {
        u->to->text(u->to->arg, (const char *)text, len);
        return;
    }
    if (u->held_len + len > u->held_cap) {
        size_t cap = 2 * (u->held_len + len);
        unsigned char *more = realloc(u->held, cap);
        if (!more) {
            u->oom = true;
            return;
        }
        u->held = more;
        u->held_cap = cap;
    }
    if (len)
        memcpy(u->held + u->held_len, text, len);
    u->held_len += len;
}

/* Unpacks up to `end`. False: it is damaged before, or at its own end. */
static bool unpack_to(struct unpack *u, size_t end)
{
    static unsigned char text[65536];
    while (!u->oom && u->held_len < HELD_MAX) {
        size_t some = end - u->at < INT_MAX ? end - u->at : INT_MAX;
        u->z.next_in = (unsigned char *)(size_t)(u->data + u->at);
        u->z.avail_in = (unsigned)some;
        u->z.next_out = text;
        u->z.avail_out = sizeof text;
        int status = inflate(&u->z, Z_NO_FLUSH);
        u->at += some - u->z.avail_in;
        give(u, text, sizeof text - u->z.avail_out);
        u->ended = status == Z_STREAM_END;
        if (status != Z_OK && !(status == Z_BUF_ERROR && u->at == end))
            return false;
        if (u->at == end && u->z.avail_out)
            return true;
    }
    return false;
}

static bool is_between_blocks(const struct unpack *u)
{
    return (u->z.data_type & 128) && (u->z.data_type & 7) == 0;
}

/* Behind the next mark from `from` on; the file's end: there is none. */
static size_t find_mark(const struct unpack *u, size_t from)
{
    const unsigned char *p =
        from < u->size ? memmem(u->data + from, u->size - from, MARK, MARK_LEN) : NULL;
    return p ? (size_t)(p - u->data) + MARK_LEN : u->size;
}

static void release(struct unpack *u, bool good)
{
    u->held_back = false;
    if (good)
        give(u, u->held, u->held_len);
    else
        u->vain += u->held_len;
    u->held_len = 0;
}

/* A piece, up to a mark. False: the file goes no further. */
static bool unpack_piece(struct unpack *u)
{
    size_t first = find_mark(u, u->at), end = first;
    for (;;) {
        bool good = unpack_to(u, end);
        if (good && (end == u->size || is_between_blocks(u))) {
            release(u, true);
            return end < u->size;
        }
        if (u->ended && find_mark(u, u->at) == u->size) {
            release(u, true);
            return false;
        }
        if (!good || u->vain >= VAIN_MAX)
            break;
        u->held_back = true;
        end = find_mark(u, end);
    }
    release(u, first == u->size);
    if (first == u->size || u->oom)
        return false;
    u->to->lost(u->to->arg);
    u->vain += u->at > first ? u->at - first : 0;
    u->at = first;
    u->ended = false;
    return inflateReset2(&u->z, -MAX_WBITS) == Z_OK;
}

bool tap_torn_gzip_read(struct tap_torn_gzip *to, const unsigned char *data, size_t size)
{
    struct unpack u = {.to = to, .data = data, .size = size};
    if (inflateInit2(&u.z, MAX_WBITS + 16) != Z_OK) /* with its header, and a checksum at its end */
        return false;
    while (unpack_piece(&u))
        ;
    to->whole = u.ended && u.at == size;
    inflateEnd(&u.z);
    free(u.held);
    return !u.oom;
}
