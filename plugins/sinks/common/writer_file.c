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
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
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
        return tap_writer_status(w);
    w->failed = true;
    return TAP_FAIL(w->host, TAP_ERROR, "%s %s: %s", what, output_name(w), why);
}

enum tap_status tap_writer_fail_code(struct tap_writer *w, const char *what, int code)
{
    char text[128];
    return tap_writer_fail(w, what,
                           code == ETIMEDOUT ? "nothing was taken for too long"
                           : code == ETIME   ? "what was left at the end was not taken in time"
                           : code == EFBIG
                               ? "File too large (a limit of the file system, or ulimit -f)"
                               : strerror_r(code, text, sizeof text));
}

/* The number that a name of a descriptor ends in; -1: it is no such name. What stands behind it was
 * opened for us, by somebody who may use it still: it is taken as it is, not opened again. */
static int descriptor_of(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t n = strlen(folders[i]);
        if (strncmp(path, folders[i], n) != 0)
            continue;
        size_t digits = strspn(path + n, "0123456789");
        return digits > 0 && digits < 8 && !path[n + digits] ? atoi(path + n) : -1;
    }
    return -1;
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
    w->given = descriptor_of(path);
    w->owns_stdout = w->given == STDOUT_FILENO;
    return TAP_OK;
}

/* Two writers would tear each other's events. Only a lock that somebody holds counts: some file
 * systems have none. */
static bool open_path(struct tap_writer *w)
{
    for (int tries = 0;; tries++) {
        struct stat st;
        if (!tap_output_open(&w->output, w->path))
            return false;
        w->fd = w->output.fd;
        if (fstat(w->fd, &st) < 0 || !S_ISREG(st.st_mode))
            return true;
        bool locked = flock(w->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
        if (locked && (tries == 3 || fstat(w->fd, &st) < 0 || st.st_nlink > 0))
            return true;
        close(w->fd);
        w->fd = -1;
        if (!locked)
            return snprintf(w->output.why, sizeof w->output.why,
                            "another sink or another run is writing it"),
                   false;
        /* else who had it took it away while we came: once more */
    }
}

/* Waits where nobody reads a named pipe yet: in steps, for a run that is to end has to get away. */
static bool open_waiting(struct tap_writer *w)
{
    for (bool told = false; !open_path(w); told = true) {
        if (!w->output.waits)
            return false;
        if (!told)
            w->host->log(w->host, TAP_LOG_INFO, "%s waits for its reader", w->path);
        if (tap_sink_is_to_end(w->host))
            return snprintf(w->output.why, sizeof w->output.why,
                            "nobody read this pipe until the run was ended"),
                   false;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return true;
}

/* What we were given; standard output under its own number. */
static bool open_given(struct tap_writer *w)
{
    int flags = fcntl(w->given, F_GETFL);
    if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY)
        return errno = EBADF, false;
    w->fd = w->owns_stdout && flags >= 0 ? STDOUT_FILENO
                                         : fcntl(w->given, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return w->fd >= 0;
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
    struct stat st;
    w->output = (struct tap_output){.fd = -1};
    if (!(w->given >= 0 ? open_given(w) : open_waiting(w)) || fstat(w->fd, &st) < 0)
        return w->output.why[0] ? tap_writer_fail(w, "cannot open", w->output.why)
                                : tap_writer_fail_code(w, "cannot open", errno);
    w->seekable = w->regular = w->given < 0 && S_ISREG(st.st_mode);
    w->begun |= !w->regular;
    w->held = w->regular && st.st_size > 0;
    w->terminal = isatty(w->fd) == 1;
    w->offset = 0;
    if (!make_buffer(w))
        return tap_writer_fail(w, "cannot open", "out of memory");
    if (w->begun)
        tap_writer_begin(w);
    return tap_writer_status(w);
}

enum tap_status tap_writer_adopt(struct tap_writer *w, const struct tap_host *host, int fd,
                                 const char *name, int patience)
{
    memset(w, 0, sizeof *w);
    w->host = host;
    w->path = name;
    w->fd = fd;
    w->given = -1;
    w->begun = true;
    w->patience = patience;
    return make_buffer(w) ? TAP_OK : tap_writer_fail(w, "cannot write", "out of memory");
}

/* ---- Beginning, or not */

void tap_writer_begin(struct tap_writer *w)
{
    w->begun = true;
    if (w->output.exposed) {
        w->host->log(
            w->host, TAP_LOG_WARNING,
            "others could read or write %s (mode %04o): now they cannot (0600), for traces "
            "hold secrets",
            w->path, (unsigned)w->output.mode);
        if (!tap_output_close_up(&w->output))
            tap_writer_fail_code(w, "cannot remove others' permissions from", errno);
        w->output.exposed = false;
    }
    if (w->held && !w->failed && ftruncate(w->fd, 0) < 0)
        tap_writer_fail_code(w, "cannot empty", errno);
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
    if (!w->output.made)
        (void)!(ftruncate(w->fd, 0) + fchmod(w->fd, w->output.mode)); /* it was there and empty */
    else if (fstat(w->fd, &ours) == 0 && lstat(w->path, &there) == 0 &&
             ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
        unlink(w->path);
}

void tap_writer_give_back(struct tap_writer *w)
{
    tap_writer_withdraw(w);
    if (w->fd >= 0 && !w->owns_stdout)
        close(w->fd);
    w->fd = -1;
    w->owns_stdout = false;
}
