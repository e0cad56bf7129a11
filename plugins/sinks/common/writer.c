/* writer.c: the slow half of writer.h: writing whole events, and closing. How a file is opened:
 * writer_file.c.
 *
 * One buffer, two kinds of output. A seekable file is written at an offset of our own with
 * pwritev(2), the footer behind the data in the same call, so that whoever reads the file (or kills
 * us) between two calls sees a complete one. Everything else is a stream: write(2), footer at the
 * end. After a failed write the marks tell which events went out whole: those are counted, the rest
 * is cut off again where that is possible.
 */
#include "sinks/common/writer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* ---- Life */

enum tap_status tap_writer_next(struct tap_writer *w, const char *path)
{
    if (tap_writer_close(w) != TAP_OK)
        return TAP_ERROR;
    w->path = path;
    w->footer_len = 0;
    w->footer_there = w->last = false;
    if (w->pack)
        tap_gzip_restart(w->pack);
    return tap_writer_open(w);
}

void tap_writer_set_footer(struct tap_writer *w, const char *text, size_t len)
{
    w->footer_len = len < TAP_WRITER_FOOTER ? len : TAP_WRITER_FOOTER;
    memcpy(w->footer, text, w->footer_len);
}

/* What has to stand behind the events: the footer, and where the file is packed, its end. `before`:
 * behind those that are in the file already, for the last ones could not be written. */
static size_t make_end(const struct tap_writer *w, bool before, char dst[TAP_GZIP_END])
{
    size_t footer = w->last && !before ? 0 : w->footer_len;
    if (w->pack)
        return tap_gzip_end(w->pack, before, w->footer, footer, dst);
    memcpy(dst, w->footer, footer);
    return footer;
}

/* ---- Writing */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

void tap_writer_hurry(struct tap_writer *w)
{
    w->deadline = now_ms() + w->patience;
}

/* What is in the pipe and was not read; -1: nobody knows. */
static int unread(const struct tap_writer *w)
{
    int n;
    return ioctl(w->fd, FIONREAD, &n) == 0 ? n : -1;
}

/* Waits until a stream takes something. A pipe does when a whole page of it is free: whoever reads
 * from it slowly lives all the same. False: he does not, or it takes too long; errno. */
static bool wait_for_room(const struct tap_writer *w)
{
    struct pollfd p = {w->fd, POLLOUT, 0};
    if (!w->patience) { /* a stream of somebody else's: for as long as it takes */
        poll(&p, 1, -1);
        return true;
    }
    for (;;) {
        int64_t left = w->deadline ? w->deadline - now_ms() : w->patience;
        int wait = left < w->patience ? (int)left : w->patience, before = unread(w);
        if (wait < 0)
            wait = 0;
        if (poll(&p, 1, wait) != 0)
            return true;
        if (w->deadline && now_ms() >= w->deadline)
            return errno = ETIME, false;
        if (unread(w) >= before)
            return errno = ETIMEDOUT, false;
    }
}

/* Writes once, at `at` of a seekable file, else wherever the stream is; waits where the descriptor
 * would block. */
static ssize_t write_some(struct tap_writer *w, const struct iovec *io, int n, uint64_t at)
{
    for (;;) {
        ssize_t done = w->seekable ? pwritev(w->fd, io, n, (off_t)at) : writev(w->fd, io, n);
        if (done > 0)
            return done;
        if (done == 0)
            errno = EIO;
        if (done == 0 || (errno != EINTR && errno != EAGAIN))
            return -1;
        /* EAGAIN: somebody shares this stream and made it non-blocking, or we did */
        if (errno == EAGAIN && !wait_for_room(w))
            return -1;
    }
}

/* All of `data` and then `footer`. Returns how much of both together was taken; less than all:
 * errno says why. */
static size_t write_all(struct tap_writer *w, const char *data, size_t len, const char *footer,
                        size_t footer_len)
{
    size_t done = 0, all = len + footer_len;
    while (done < all) {
        struct iovec io[2];
        int n = 0;
        if (done < len)
            io[n++] = (struct iovec){(void *)(uintptr_t)(data + done), len - done};
        size_t skip = done > len ? done - len : 0;
        if (skip < footer_len)
            io[n++] = (struct iovec){(void *)(uintptr_t)(footer + skip), footer_len - skip};
        ssize_t took = write_some(w, io, n, w->offset + done);
        if (took < 0)
            break;
        done += (size_t)took;
    }
    return done;
}

/* write_all without SIGPIPE and SIGXFSZ: a reader that went away, or a limit on the file's size
 * (ulimit -f), is the end of this output and not of the process, whatever the program around us
 * does with signals. */
static size_t write_quietly(struct tap_writer *w, const char *data, size_t len, const char *footer,
                            size_t footer_len)
{
    sigset_t set, before, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigaddset(&set, SIGXFSZ); /* a stream may be a regular file, too */
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    size_t done = write_all(w, data, len, footer, footer_len);
    int code = errno;
    if (done < len + footer_len && (code == EPIPE || code == EFBIG)) {
        int number = code == EPIPE ? SIGPIPE : SIGXFSZ;
        sigemptyset(&set);
        sigaddset(&set, number);
        if (!sigismember(&pending, number))
            sigtimedwait(&set, NULL, &(struct timespec){0, 0});
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return done;
}

/* After a write that failed, with errno. */
static void write_failed(struct tap_writer *w)
{
    int code = errno;
    if (!w->regular && (code == EPIPE || code == ECONNRESET))
        w->failed = w->gone = true;
    else
        tap_writer_fail_code(w, "cannot write", code);
}

/* After a write that took `done` bytes: how many marks lie wholly in the file. */
static size_t marks_within(const struct tap_writer *w, size_t done)
{
    size_t k = w->mark;
    while (k > 0 && w->marks[k - 1].end > done)
        k--;
    return k;
}

/* Cuts a torn file back to its k-th mark, and further where the footer does not fit otherwise (the
 * disk is full, and only what we cut off is surely free). Returns how many marks remain. */
static size_t cut_back(struct tap_writer *w, size_t k, size_t done)
{
    struct stat st;
    char end[TAP_GZIP_END];
    size_t end_len = make_end(w, true, end);
    if (!w->seekable || fstat(w->fd, &st) < 0 || (uint64_t)st.st_size > w->offset + done + end_len)
        return k; /* not ours alone */
    for (;;) {
        uint64_t at = w->offset + (k ? w->marks[k - 1].end : 0);
        if (ftruncate(w->fd, (off_t)at) < 0 || !end_len)
            return k;
        if (pwrite(w->fd, end, end_len, (off_t)at) == (ssize_t)end_len || k == 0)
            return k;
        k--;
    }
}

/* Tells the host what the marks from the first to before the k-th stand for, which are `bytes` in
 * the file. */
static void report(struct tap_writer *w, size_t first, size_t k, size_t bytes)
{
    uint64_t events = 0;
    for (size_t i = first; i < k; i++)
        events += w->marks[i].events;
    w->offset += bytes;
    if (events || bytes)
        w->host->sink->written(w->host, events, bytes);
}

/* To a stream that may be slow: what it took is reported while it takes the rest. */
static void write_pieces(struct tap_writer *w)
{
    size_t first = 0, at = 0;
    while (first < w->mark && !w->failed) {
        size_t k = first + 1;
        while (k < w->mark && w->marks[k].end - at <= TAP_WRITER_PIECE)
            k++;
        size_t len = w->marks[k - 1].end - at;
        size_t done = write_quietly(w, w->buf + at, len, NULL, 0);
        if (done < len) {
            write_failed(w);
            while (k > first && w->marks[k - 1].end > at + done)
                k--;
        }
        size_t end = k > first ? w->marks[k - 1].end : at;
        report(w, first, k, end - at);
        first = k;
        at = end;
    }
}

/* The unfinished event moves to the front of the buffer, which is as small again as it was. */
static void rewind_buffer(struct tap_writer *w)
{
    size_t whole = w->mark ? w->marks[w->mark - 1].end : 0, tail = (size_t)(w->p - w->buf) - whole;
    memmove(w->buf, w->buf + whole, tail);
    w->mark = 0;
    if ((size_t)(w->end - w->buf) > TAP_WRITER_BUFFER && tail <= TAP_WRITER_BUFFER / 2) {
        char *smaller = realloc(w->buf, TAP_WRITER_BUFFER);
        if (smaller) {
            w->buf = smaller;
            w->end = smaller + TAP_WRITER_BUFFER;
        }
    }
    w->p = w->buf + tail;
}

/* Writes all that is marked, and what has to stand behind it. */
static void write_marked(struct tap_writer *w)
{
    char end[TAP_GZIP_END];
    const char *data = w->buf;
    size_t len = w->marks[w->mark - 1].end, k = w->mark;
    if (w->patience && !w->pack) {
        write_pieces(w);
        return;
    }
    if (w->pack && !tap_gzip_add(w->pack, w->buf, len, &data, &len)) {
        tap_writer_fail(w, "cannot write", "out of memory");
        return;
    }
    size_t end_len = w->seekable ? make_end(w, false, end) : 0;
    size_t done = write_quietly(w, data, len, end, end_len);
    if (done < len + end_len) {
        write_failed(w);
        k = cut_back(w, w->pack ? 0 : marks_within(w, done), done);
        len = k ? w->marks[k - 1].end : 0;
    }
    w->footer_there = end_len > 0;
    report(w, 0, k, len);
}

void tap_writer_spill(struct tap_writer *w)
{
    if (w->mark)
        tap_writer_begin(w);
    if (w->mark && !w->failed)
        write_marked(w);
    rewind_buffer(w);
}

/* ---- Room */

char *tap_writer_reserve_large(struct tap_writer *w, size_t n)
{
    if ((size_t)(w->end - w->p) >= n)
        return w->p;
    if (w->mark)
        tap_writer_spill(w);
    size_t used = (size_t)(w->p - w->buf), cap = (size_t)(w->end - w->buf);
    if (cap - used >= n)
        return w->p;
    size_t want = cap;
    while (want - used < n && want < SIZE_MAX / 2)
        want *= 2;
    char *larger = want - used < n ? NULL : realloc(w->buf, want);
    if (!larger) {
        tap_writer_fail(w, "cannot write", "out of memory");
        w->p = w->buf;
        return NULL;
    }
    w->buf = larger;
    w->p = larger + used;
    w->end = larger + want;
    return w->p;
}

/* When memory runs out the event begun is gone, and the buffer alone is larger than what may be
 * asked for here. */
char *tap_writer_make_room(struct tap_writer *w, size_t n)
{
    tap_writer_reserve_large(w, n);
    return w->p;
}

/* ---- The end */

static void write_footer(struct tap_writer *w)
{
    char end[TAP_GZIP_END];
    size_t len = w->failed ? 0 : make_end(w, false, end);
    if (len && write_quietly(w, NULL, 0, end, len) < len)
        write_failed(w);
    w->footer_there = true;
}

enum tap_status tap_writer_flush(struct tap_writer *w)
{
    tap_writer_begin(w);
    if (w->mark)
        tap_writer_spill(w);
    if (w->seekable && (w->footer_len || w->pack) && !w->footer_there)
        write_footer(w);
    return tap_writer_status(w);
}

enum tap_status tap_writer_head(struct tap_writer *w)
{
    bool begun = w->begun;
    if (!w->held)
        tap_writer_flush(w);
    w->begun = begun;
    return tap_writer_status(w);
}

enum tap_status tap_writer_end_last(struct tap_writer *w)
{
    w->last = true;
    tap_writer_end(w, 0);
    tap_writer_flush(w);
    if (!w->failed)
        w->footer_len = 0;
    return tap_writer_status(w);
}

enum tap_status tap_writer_close(struct tap_writer *w)
{
    if (w->fd < 0 || !w->buf || !w->marks)
        return TAP_ERROR; /* open failed, and said so */
    tap_writer_drop(w);
    if (tap_writer_unused(w)) {
        tap_writer_withdraw(w);
    } else {
        tap_writer_flush(w);
        if (!w->seekable)
            write_footer(w);
    }
    if (!w->owns_stdout && close(w->fd) < 0 && errno != EINTR)
        tap_writer_fail_code(w, "cannot write", errno);
    w->fd = -1;
    return tap_writer_status(w);
}

void tap_writer_free(struct tap_writer *w)
{
    tap_writer_give_back(w);
    tap_gzip_free(w->pack);
    w->pack = NULL;
    free(w->buf);
    free(w->marks);
    w->buf = w->p = w->end = NULL;
    w->marks = NULL;
    w->mark = 0;
}
