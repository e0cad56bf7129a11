/* reader.c: see reader.h. */
#include "transports/file/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_SIZE ((size_t)1 << 18)

bool tap_reader_open(struct tap_reader *r, const char *path)
{
    *r = (struct tap_reader){.fd = strcmp(path, "-") == 0 ? STDIN_FILENO
                                                          : open(path, O_RDONLY | O_CLOEXEC)};
    return r->fd >= 0;
}

void tap_reader_close(struct tap_reader *r)
{
    if (r->fd > STDIN_FILENO)
        close(r->fd);
    free(r->buf);
    *r = (struct tap_reader){.fd = -1};
}

/* Reads on until `need` bytes are there or the file ends. False: see errno. */
static bool fill(struct tap_reader *r, size_t need)
{
    if (r->at > 0) {
        memmove(r->buf, r->buf + r->at, r->len - r->at);
        r->len -= r->at;
        r->at = 0;
    }
    if (r->cap < need || !r->buf) {
        size_t cap = need > READ_SIZE ? need : READ_SIZE;
        uint8_t *more = realloc(r->buf, cap);
        if (!more)
            return errno = ENOMEM, false;
        r->buf = more;
        r->cap = cap;
    }
    while (r->len < need && !r->ended) {
        ssize_t n = read(r->fd, r->buf + r->len, r->cap - r->len);
        if (n < 0 && errno != EINTR)
            return false;
        r->ended = n == 0;
        r->len += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* False where *got says why not. */
static bool ensure(struct tap_reader *r, size_t need, enum tap_reader_got *got)
{
    if (r->len - r->at >= need)
        return true;
    if (!fill(r, need))
        *got = TAP_READER_ERROR;
    else if (r->len - r->at < need)
        *got = r->len == r->at ? TAP_READER_END : TAP_READER_TORN;
    else
        return true;
    return false;
}

enum tap_reader_got tap_reader_next(struct tap_reader *r, struct tap_frame *header,
                                    const uint8_t **frame)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    if (!ensure(r, TAP_FRAME_HEADER, &got))
        return got;
    if (!tap_frame_read(r->buf + r->at, header) || !(header->flags & TAP_FRAME_RECORDED))
        return TAP_READER_BAD;
    size_t size = TAP_FRAME_HEADER + (size_t)header->length;
    if (!ensure(r, size, &got))
        return got;
    *frame = r->buf + r->at;
    r->at += size;
    r->offset += size;
    return got;
}
