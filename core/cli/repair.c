/* repair.c: `beamtap repair FILE`: mends an output file that was torn or damaged, losing no whole
 * event.
 *
 * The file is read; what it is, whether it is ours, and what of it is whole torn_file.h knows.
 * What is to be kept is written beside it, into a new file that then takes its name, its owner and
 * its mode: until then, and whatever happens, the old one is as it was, and alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "files/guard.h"
#include "cli/cli.h"
#include "cli/torn_file.h"
#include "cli/torn_gzip.h"

#define PIECE ((size_t)256 << 10)
#define TOLD_MAX 10u /* damages that are told one by one */

struct repair {
    const char *path;
    struct tap_place place;
    struct stat st;
    const unsigned char *data; /* all of the file; NULL: it is empty */
    size_t size;
    bool packed, packed_whole;
    struct tap_torn_file torn;
    struct damage {
        uint64_t line, offset, bytes;
    } damages[TOLD_MAX];
    uint64_t damage_count, left; /* left: bytes of all of them */
    /* The new file. */
    char beside[TAP_GUARD_WHY];
    int fd;
    FILE *plain;
    gzFile gz;
};

__attribute__((format(printf, 2, 3))) static int fail(const struct repair *r, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "beamtap: cannot repair %s: ", r->path);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return 1;
}

/* ---- Reading */

static void read_text(void *arg, const char *text, size_t len)
{
    struct repair *r = arg;
    for (size_t some; len; text += some, len -= some) {
        some = len < PIECE ? len : PIECE;
        tap_torn_read(&r->torn, text, some);
    }
}

static void text_lost(void *arg)
{
    tap_torn_break(&((struct repair *)arg)->torn);
}

static void note_damage(void *arg, uint64_t line, uint64_t offset, uint64_t bytes)
{
    struct repair *r = arg;
    if (r->damage_count < TOLD_MAX)
        r->damages[r->damage_count] = (struct damage){line, offset, bytes};
    r->damage_count++;
    r->left += bytes;
}

static void tell_damages(const struct repair *r)
{
    const char *what = r->torn.blocks                         ? "block"
                       : r->torn.format == TAP_TORN_RECORDING ? "frame"
                                                              : "line";
    for (uint64_t i = 0; i < r->damage_count && i < TOLD_MAX; i++) {
        const struct damage *d = &r->damages[i];
        printf("%s: %s %" PRIu64 ", byte %" PRIu64 "%s: ", r->path, what, d->line, d->offset,
               r->packed ? " of what is packed" : "");
        if (d->bytes)
            printf("%" PRIu64 " bytes are not an event, and are left out\n", d->bytes);
        else
            printf("some is missing\n");
    }
    if (r->damage_count > TOLD_MAX)
        printf("%s: and %" PRIu64 " more places\n", r->path, r->damage_count - TOLD_MAX);
}

#define ZEROS 8u /* that packed data may end with: lengths do */

/* Packed data without the zeros that a crash of the machine left behind it: they would unpack to
 * many records that nobody wrote. */
static size_t packed_size(const struct repair *r)
{
    size_t n = r->size;
    while (n > 0 && r->data[n - 1] == 0)
        n--;
    return r->size - n > ZEROS ? n + ZEROS : r->size;
}

/* All of the text through the machine that knows it; the format is set. */
static bool read_all(struct repair *r)
{
    struct tap_torn_gzip gz = {.text = read_text, .lost = text_lost, .arg = r};
    bool good = true;
    if (r->packed) {
        size_t size = packed_size(r);
        good = tap_torn_gzip_read(&gz, r->data, size);
        r->packed_whole = gz.whole && size == r->size;
    } else {
        read_text(r, (const char *)r->data, r->size);
        r->packed_whole = true;
    }
    tap_torn_end(&r->torn);
    return good && !r->torn.failed;
}

/* The beginning of the text, to know the format by. */
static enum tap_torn_format guess(const struct repair *r)
{
    if (!r->packed)
        return tap_torn_guess((const char *)r->data, r->size);
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)r->data,
                  .avail_in = r->size < PIECE ? (unsigned)r->size : (unsigned)PIECE};
    char *head = malloc(TAP_TORN_HEAD);
    enum tap_torn_format format = TAP_TORN_UNKNOWN;
    if (head && inflateInit2(&z, MAX_WBITS + 16) == Z_OK) {
        z.next_out = (unsigned char *)head;
        z.avail_out = TAP_TORN_HEAD;
        inflate(&z, Z_NO_FLUSH);
        format = tap_torn_guess(head, TAP_TORN_HEAD - z.avail_out);
        inflateEnd(&z);
    }
    free(head);
    return format;
}

/* ---- Writing */

static bool write_kept(void *arg, const char *text, size_t len)
{
    struct repair *r = arg;
    if (r->plain)
        return fwrite(text, 1, len, r->plain) == len;
    for (size_t some; len; text += some, len -= some) {
        some = len < PIECE ? len : PIECE;
        if (gzwrite(r->gz, text, (unsigned)some) != (int)some)
            return false;
    }
    return true;
}

/* A descriptor of its own for the stream that is closed first. */
static bool open_stream(struct repair *r)
{
    int own = fcntl(r->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (own < 0)
        return false;
    if (r->packed)
        r->gz = gzdopen(own, "wb1");
    else
        r->plain = fdopen(own, "wb");
    if (!r->gz && !r->plain)
        close(own);
    return r->gz || r->plain;
}

static bool close_stream(struct repair *r)
{
    bool good = r->gz ? gzclose(r->gz) == Z_OK : fclose(r->plain) == 0;
    r->gz = NULL;
    r->plain = NULL;
    return good;
}

/* The old one's owner, group and mode, and then its name: where that is still the file we read. */
static bool take_name(struct repair *r)
{
    struct stat now;
    bool good = fstatat(r->place.dir, r->place.name, &now, AT_SYMLINK_NOFOLLOW) == 0;
    if (good && (now.st_ino != r->st.st_ino || now.st_dev != r->st.st_dev)) {
        errno = ESTALE;
        good = false;
    }
    return good && fchown(r->fd, r->st.st_uid, r->st.st_gid) == 0 &&
           fchmod(r->fd, r->st.st_mode & 0777) == 0 && fsync(r->fd) == 0 &&
           renameat(r->place.dir, r->beside, r->place.dir, r->place.name) == 0;
}

/* The new name is in its folder, which reaches the disk by itself. The exit code. */
static int sync_folder(const struct repair *r)
{
    int dir = openat(r->place.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = dir < 0 || fsync(dir) == 0 || errno == EINVAL;
    if (!good)
        fprintf(stderr,
                "beamtap: %s is repaired, but its folder cannot be synced (%s): a crash of the "
                "machine may bring the old one back\n",
                r->path, strerror(errno));
    if (dir >= 0)
        close(dir);
    return !good;
}

/* What a signal takes away before it ends the process: the file that is being written. */
static struct {
    int dir;
    const char *name; /* NULL: there is none */
} unfinished;

static void take_away(int number)
{
    if (unfinished.name)
        unlinkat(unfinished.dir, unfinished.name, 0);
    raise(number); /* behind this handler, and with what it does by default */
}

/* The new file. A signal that ends the process leaves nothing of it. */
static int open_beside(struct repair *r)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction old, act = {.sa_handler = take_away, .sa_flags = SA_RESETHAND};
    sigset_t before;
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset(&act.sa_mask, numbers[i]);
    sigprocmask(SIG_BLOCK, &act.sa_mask, &before);
    int fd = tap_place_beside(&r->place, r->beside), code = errno;
    unfinished.dir = r->place.dir;
    unfinished.name = fd >= 0 ? r->beside : NULL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &act, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return fd;
}

/* Once more through the file, and what is whole goes into the new one. */
static int write_anew(struct repair *r)
{
    enum tap_torn_format format = r->torn.format;
    tap_torn_free(&r->torn);
    r->torn = (struct tap_torn_file){.format = format, .keep = write_kept, .arg = r};
    r->fd = open_beside(r);
    if (r->fd < 0)
        return fail(r, "its folder takes no new file: %s", strerror(errno));
    errno = 0;
    bool good = open_stream(r) && read_all(r);
    int code = errno;
    if ((r->gz || r->plain) && !close_stream(r) && good) {
        good = false;
        code = errno;
    }
    if (good && !(good = take_name(r)))
        code = errno;
    if (!good) {
        unlinkat(r->place.dir, r->beside, 0);
        fail(r, "%s; it is as it was", code ? strerror(code) : "it cannot be written anew");
    }
    unfinished.name = NULL;
    close(r->fd);
    return !good;
}

/* ---- Judging */

/* Of a recording: what stands behind the damage is whole, and could not be kept. */
static int refuse_cut(const struct repair *r)
{
    const struct tap_torn_file *m = &r->torn;
    fail(r,
         "block %" PRIu64 " (byte %" PRIu64 ") is damaged or missing, and it says of the nodes "
         "what whole blocks behind it need to be played. With it their %" PRIu64 " events would "
         "be cut off: it is left as it is",
         m->beyond_line, m->beyond_offset, m->beyond);
    if (m->events)
        fprintf(stderr,
                "beamtap: the %" PRIu64 " events before that can be had: beamtap export plays "
                "them, and exits 1\n",
                m->events);
    return 1;
}

static int check(struct repair *r)
{
    if (r->size == 0)
        return fail(r, "it is empty: there is nothing in it to repair");
    r->torn.format = guess(r);
    if (r->torn.format == TAP_TORN_UNKNOWN || (r->packed && r->torn.format == TAP_TORN_RECORDING))
        return fail(r,
                    "it does not begin as a timeline, table, JSON lines or recording of beamtap's "
                    "does: it is left as it is");
    if (!read_all(r))
        return fail(r, "out of memory");
    if (r->torn.beyond)
        return refuse_cut(r);
    if (!tap_torn_is_ours(&r->torn))
        return fail(r, r->torn.foreign
                           ? "most of it is not events of beamtap's: it is left as it is"
                           : "there is no whole event in it: it is left as it is");
    if (tap_torn_is_whole(&r->torn) && r->packed_whole) {
        printf("%s is whole: %" PRIu64 " events\n", r->path, r->torn.events);
        return 0;
    }
    int code = write_anew(r);
    if (code)
        return code;
    tell_damages(r);
    printf("%s is repaired: %" PRIu64 " events, %" PRIu64 " bytes behind them cut off", r->path,
           r->torn.events, r->torn.cut);
    if (r->torn.damaged)
        printf(", %" PRIu64 " places before (%" PRIu64 " bytes) left out", r->torn.damaged,
               r->left);
    putchar('\n');
    return sync_folder(r);
}

/* The file as memory. */
static int read_file(struct repair *r, int fd)
{
    if (fstat(fd, &r->st) < 0)
        return fail(r, "%s", strerror(errno));
    if (!S_ISREG(r->st.st_mode))
        return fail(r, "it is not a file");
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return fail(r, "a run is writing it");
    r->size = (size_t)r->st.st_size;
    void *data = r->size ? mmap(NULL, r->size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (data == MAP_FAILED)
        return fail(r, "%s", strerror(errno));
    r->data = data;
    r->packed = r->size > 1 && r->data[0] == 0x1f && r->data[1] == 0x8b;
    int code = check(r);
    if (data)
        munmap(data, r->size);
    return code;
}

int tap_cli_repair(int argc, char **argv)
{
    const char *words[argc];
    struct tap_cli_args args = {.words = words};
    const struct tap_cli_flag none[] = {{NULL, NULL}};
    if (!tap_cli_read(argc, argv, none, 1, 1, &args))
        return 2;
    struct repair r = {.path = words[0]};
    r.torn = (struct tap_torn_file){.skip = note_damage, .arg = &r};
    char why[TAP_GUARD_WHY];
    int code, fd = -1;
    if (tap_place_find(&r.place, r.path, why))
        fd = openat(r.place.dir, r.place.name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        code = fail(&r, "%s", why[0] ? why : strerror(errno));
    else
        code = read_file(&r, fd);
    if (fd >= 0)
        close(fd);
    tap_place_close(&r.place);
    tap_torn_free(&r.torn);
    return tap_cli_flush(code);
}
