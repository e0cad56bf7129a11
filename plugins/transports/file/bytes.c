/* bytes.c: see reader.h: the file as bytes, read ahead or not, and passed over. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transports/file/reader.h"

#define READ_SIZE ((size_t)1 << 20) /* many blocks: the one that is cut by its end is moved */
#define LITTLE ((size_t)1 << 12)    /* where most is passed over */

bool tap_reader_open(struct tap_reader *r, const char *path)
{
    struct stat st;
    /* a named pipe whose writer has not come: that is waited for where it is read */
    const int how = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    *r = (struct tap_reader){.fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, how)};
    r->seekable = r->fd > STDIN_FILENO && fstat(r->fd, &st) == 0 && S_ISREG(st.st_mode);
    return r->fd >= 0;
}

void tap_reader_close(struct tap_reader *r)
{
    if (r->fd > STDIN_FILENO)
        close(r->fd);
    free(r->buf);
    free(r->frames);
    free(r->index);
    free(r->bloom);
    free(r->unread);
    *r = (struct tap_reader){.fd = -1};
}

/* Reads on until `need` bytes are there or the file ends. False: see tap_reader_failed. */
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
    size_t most = !r->window && !r->asked ? r->cap : need > LITTLE ? need : LITTLE;
    while (r->len < need && !r->ended) {
        if (!r->seekable && r->wait && !r->wait(r->wait_arg, r->fd))
            return errno = ECANCELED, false;
        ssize_t n = read(r->fd, r->buf + r->len, most - r->len);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        r->ended = n == 0;
        r->len += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool tap_reader_ensure(struct tap_reader *r, size_t need, enum tap_reader_got *got)
{
    if (r->len - r->at >= need)
        return true;
    if (!fill(r, need))
        *got = tap_reader_failed();
    else if (r->len - r->at < need)
        *got = r->len == r->at ? TAP_READER_END : TAP_READER_TORN;
    else
        return true;
    return false;
}

bool tap_reader_seek(struct tap_reader *r, uint64_t offset)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    while (offset - r->offset > r->len - r->at) {
        if (r->seekable) {
            r->at = r->len = 0;
            r->ended = false;
            r->offset = offset;
            return lseek(r->fd, (off_t)offset, SEEK_SET) >= 0;
        }
        r->offset += r->len - r->at;
        r->at = r->len;
        if (!tap_reader_ensure(r, 1, &got))
            return got == TAP_READER_END || got == TAP_READER_TORN; /* told when it is read */
    }
    r->at += (size_t)(offset - r->offset);
    r->offset = offset;
    return true;
}

bool tap_reader_at(const struct tap_reader *r, uint64_t offset, void *dst, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(r->fd, (char *)dst + done, n - done, (off_t)(offset + done));
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}
