/* writer_file.c: the file of a writer: who may have it, when what was in it goes, and what becomes
 * of it when nothing came.
 *
 * A run whose start fails must not cost the trace of an earlier one. So a file is opened and locked
 * at the start, which tells all that can be told of it, and is emptied when there is something to
 * write: from then on everything in it is ours. Never is a new beginning written over an old end. A
 * file that was made and never used goes again.
 */
#include "sinks/common/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Life */

static const char *output_name(const struct tap_writer *w)
{
    return w->owns_stdout ? "standard output" : w->path;
}

/* Reports the first failure only: what follows it is its consequence. */
enum tap_status tap_writer_fail(struct tap_writer *w, const char *what, const char *why)
{
    if (w->failed)
        return TAP_ERROR;
    w->failed = true;
    return TAP_FAIL(w->host, TAP_ERROR, "%s %s: %s", what, output_name(w), why);
}

const char *tap_writer_errno(int code, char *dst, size_t cap)
{
    return strerror_r(code, dst, cap);
}

/* Each sink has a copy of this file, so who owns standard output has to be written where all of
 * them see it: on the descriptor itself. Close-on-exec is right for an output that a sink owns, and
 * nobody else sets it on descriptor 1. */
static bool claim_stdout(void)
{
    int flags = fcntl(STDOUT_FILENO, F_GETFD);
    if (flags < 0)
        return true; /* it is closed: open says so */
    if (flags & FD_CLOEXEC)
        return false;
    return fcntl(STDOUT_FILENO, F_SETFD, flags | FD_CLOEXEC) == 0;
}

static void unclaim_stdout(void)
{
    int flags = fcntl(STDOUT_FILENO, F_GETFD);
    if (flags >= 0)
        fcntl(STDOUT_FILENO, F_SETFD, flags & ~FD_CLOEXEC);
}

enum tap_status tap_writer_claim(struct tap_writer *w, const struct tap_host *host,
                                 const char *path)
{
    memset(w, 0, sizeof *w);
    w->host = host;
    w->path = path;
    w->fd = -1;
    size_t n = strlen(path);
    if (n == 0)
        return TAP_FAIL(host, TAP_INVALID, "path is empty");
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0) {
        w->pack = tap_gzip_new();
        if (!w->pack)
            return TAP_FAIL(host, TAP_ERROR, "out of memory");
    }
    if (strcmp(path, "-") == 0) {
        if (!claim_stdout())
            return TAP_FAIL(host, TAP_INVALID,
                            "path -: standard output belongs to another sink already");
        w->owns_stdout = true;
    }
    return TAP_OK;
}

/* Made or found. A link to where nothing is yet is found, and what it makes is left. */
static int open_or_make(struct tap_writer *w)
{
    const int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
    int fd = open(w->path, flags);
    w->made = false;
    if (fd >= 0 || errno != ENOENT)
        return fd;
    fd = open(w->path, flags | O_CREAT | O_EXCL, 0600);
    w->made = fd >= 0;
    return fd >= 0 || errno != EEXIST ? fd : open(w->path, flags | O_CREAT, 0600);
}

/* Two writers would tear each other's events. Only a lock that somebody holds counts: some file
 * systems have none. */
static int open_path(struct tap_writer *w)
{
    for (int tries = 0;; tries++) {
        int fd = open_or_make(w);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
            return fd;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
            close(fd);
            errno = EWOULDBLOCK;
            return -1;
        }
        if (tries == 3 || fstat(fd, &st) < 0 || st.st_nlink > 0)
            return fd;
        close(fd); /* while we waited, who had it took it away again */
    }
}

/* The buffer is kept from file to file. */
static bool make_buffer(struct tap_writer *w)
{
    if (!w->buf && (w->buf = malloc(TAP_WRITER_BUFFER)) != NULL) {
        w->p = w->buf;
        w->end = w->buf + TAP_WRITER_BUFFER;
    }
    if (!w->marks)
        w->marks = malloc(TAP_WRITER_MARKS * sizeof *w->marks);
    return w->buf && w->marks;
}

enum tap_status tap_writer_open(struct tap_writer *w)
{
    char text[128];
    w->fd = w->owns_stdout ? STDOUT_FILENO : open_path(w);
    struct stat st;
    if (w->fd < 0 || fstat(w->fd, &st) < 0)
        return tap_writer_fail(w, "cannot open",
                               errno == EWOULDBLOCK ? "another sink or another run is writing it"
                                                    : tap_writer_errno(errno, text, sizeof text));
    w->regular = S_ISREG(st.st_mode);
    w->begun |= w->owns_stdout || !w->regular;
    w->held = w->regular && !w->owns_stdout && st.st_size > 0;
    w->terminal = isatty(w->fd) == 1;
    off_t at = w->regular ? lseek(w->fd, 0, SEEK_CUR) : -1;
    w->seekable = at >= 0 && !(fcntl(w->fd, F_GETFL) & O_APPEND);
    w->offset = at > 0 ? (uint64_t)at : 0;
    if (!make_buffer(w))
        return tap_writer_fail(w, "cannot open", "out of memory");
    if (w->begun)
        tap_writer_begin(w);
    return tap_writer_status(w);
}

/* ---- Beginning, or not */

void tap_writer_begin(struct tap_writer *w)
{
    char text[128];
    w->begun = true;
    if (w->held && ftruncate(w->fd, 0) < 0)
        tap_writer_fail(w, "cannot empty", tap_writer_errno(errno, text, sizeof text));
    w->held = false;
}

bool tap_writer_unused(const struct tap_writer *w)
{
    bool used = w->begun;
    for (size_t i = 0; i < w->mark && !used; i++)
        used = w->marks[i].events > 0;
    return !used;
}

/* Under the lock still, so that nobody writes into what goes. */
void tap_writer_withdraw(struct tap_writer *w)
{
    struct stat ours, there;
    if (w->fd < 0 || w->begun || w->held)
        return;
    if (!w->made)
        (void)!ftruncate(w->fd, 0); /* it was there and empty */
    else if (fstat(w->fd, &ours) == 0 && lstat(w->path, &there) == 0 &&
             ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
        unlink(w->path);
}

void tap_writer_give_back(struct tap_writer *w)
{
    tap_writer_withdraw(w);
    if (w->fd >= 0 && !w->owns_stdout)
        close(w->fd);
    if (w->owns_stdout)
        unclaim_stdout();
    w->fd = -1;
    w->owns_stdout = false;
}
