/* repair.c: `beamtap repair FILE`: mends an output file that was torn, losing no whole event.
 *
 * A plain file is cut behind its last whole event and gets its closing brackets. A packed one (.gz)
 * cannot be cut inside: what can still be unpacked is packed again beside it, and then takes its
 * name.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "cli/cli.h"
#include "cli/torn_file.h"

#define PIECE ((size_t)256 << 10)

static int fail(const char *path, const char *why)
{
    fprintf(stderr, "beamtap: cannot repair %s: %s\n", path, why);
    return 1;
}

static int told(const char *path, const struct tap_torn_file *m, uint64_t cut, bool was_whole)
{
    if (was_whole)
        printf("%s is whole: %" PRIu64 " events\n", path, m->events);
    else
        printf("%s is mended: %" PRIu64 " events, %" PRIu64 " bytes behind them cut off\n", path,
               m->events, cut);
    return tap_cli_flush(0);
}

/* ---- Reading, plain or packed */

struct source {
    int fd;
    bool packed, ended; /* ended: the packed file's own end was there, and right */
    off_t at;
    z_stream z;
    unsigned char in[65536];
};

/* The next piece of text; 0 at the end of what can be read, -1 with errno. */
static ssize_t source_read(struct source *s, char *dst, size_t cap)
{
    if (!s->packed) {
        ssize_t n = pread(s->fd, dst, cap, s->at);
        s->at += n > 0 ? n : 0;
        return n;
    }
    s->z.next_out = (unsigned char *)dst;
    s->z.avail_out = (unsigned)cap;
    while (s->z.avail_out && !s->ended) {
        if (s->z.avail_in == 0) {
            ssize_t n = pread(s->fd, s->in, sizeof s->in, s->at);
            if (n < 0)
                return -1;
            s->at += n;
            s->z.next_in = s->in;
            s->z.avail_in = (unsigned)n;
        }
        int status = inflate(&s->z, Z_NO_FLUSH);
        s->ended = status == Z_STREAM_END;
        if (status != Z_OK) /* torn here, or at its end */
            break;
    }
    return (ssize_t)(cap - s->z.avail_out);
}

static bool source_rewind(struct source *s)
{
    s->at = 0;
    s->ended = false;
    if (!s->packed)
        return true;
    inflateEnd(&s->z);
    memset(&s->z, 0, sizeof s->z);
    return inflateInit2(&s->z, MAX_WBITS + 16) == Z_OK;
}

/* ---- Mending */

static int repair_plain(const char *path, int fd, const struct tap_torn_file *m)
{
    const char *footer = tap_torn_file_footer(m);
    size_t len = strlen(footer);
    if (ftruncate(fd, (off_t)m->whole) < 0 ||
        pwrite(fd, footer, len, (off_t)m->whole) != (ssize_t)len)
        return fail(path, strerror(errno));
    return 0;
}

/* The whole part of `s`, packed anew into `fd`. */
static bool pack_whole(struct source *s, int fd, const struct tap_torn_file *m, char *piece)
{
    int own = dup(fd);
    gzFile out = own < 0 ? NULL : gzdopen(own, "wb1");
    if (!out)
        return false;
    bool good = source_rewind(s);
    for (uint64_t left = m->whole; good && left;) {
        ssize_t n = source_read(s, piece, left < PIECE ? (size_t)left : PIECE);
        good = n > 0 && gzwrite(out, piece, (unsigned)n) == (int)n;
        left -= n > 0 ? (uint64_t)n : 0;
    }
    const char *footer = tap_torn_file_footer(m);
    good = good && gzputs(out, footer) == (int)strlen(footer);
    return gzclose(out) == Z_OK && good;
}

static int repair_gzip(const char *path, struct source *s, const struct tap_torn_file *m,
                       char *piece)
{
    char beside[4096];
    if ((size_t)snprintf(beside, sizeof beside, "%s.XXXXXX", path) >= sizeof beside)
        return fail(path, "its name is too long");
    int fd = mkstemp(beside); /* mode 0600, as the sink made it */
    if (fd < 0)
        return fail(path, strerror(errno));
    bool good = pack_whole(s, fd, m, piece) && rename(beside, path) == 0;
    int code = good ? 0 : fail(path, errno ? strerror(errno) : "it cannot be packed again");
    if (!good)
        unlink(beside);
    close(fd);
    return code;
}

/* What an empty file wants to be, only its name tells. */
static enum tap_torn_file_format guess_by_name(const char *path)
{
    const char *dot = strstr(path, ".json");
    return dot && (!strcmp(dot, ".json") || !strcmp(dot, ".json.gz")) ? TAP_MEND_TIMELINE
                                                                      : TAP_MEND_UNKNOWN;
}

static bool names_packed(const char *path)
{
    size_t n = strlen(path);
    return n > 3 && strcmp(path + n - 3, ".gz") == 0;
}

static int repair(const char *path, struct source *s, uint64_t size, char *piece)
{
    struct tap_torn_file m = {0};
    ssize_t n;
    uint64_t text = 0;
    while ((n = source_read(s, piece, PIECE)) > 0) {
        if (text == 0)
            m.format = tap_torn_file_guess(piece, n < 64 ? (size_t)n : 64);
        if (m.format == TAP_MEND_UNKNOWN)
            return fail(path, "it is no timeline, table or JSON lines as beamtap writes them");
        text += (uint64_t)n;
        tap_torn_file_read(&m, piece, (size_t)n);
    }
    if (n < 0)
        return fail(path, strerror(errno));
    if (text == 0 && (m.format = guess_by_name(path)) == TAP_MEND_UNKNOWN)
        return size ? fail(path, "nothing in it can be read") : told(path, &m, 0, true);
    bool rest = s->packed && s->at - (off_t)s->z.avail_in < (off_t)size;
    if (tap_torn_file_is_whole(&m) && (!s->packed || (s->ended && !rest)))
        return told(path, &m, 0, true);
    int code = s->packed ? repair_gzip(path, s, &m, piece) : repair_plain(path, s->fd, &m);
    return code ? code : told(path, &m, text - m.whole, false);
}

int tap_cli_repair(int argc, char **argv)
{
    const char *words[argc];
    struct tap_cli_args args = {.words = words};
    const struct tap_cli_flag none[] = {{NULL, NULL}};
    if (!tap_cli_read(argc, argv, none, 1, 1, &args))
        return 2;
    const char *path = words[0];
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        int code = fail(path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return code;
    }
    struct source *s = calloc(1, sizeof *s);
    char *piece = malloc(PIECE);
    int code = 1;
    if (!s || !piece)
        fail(path, "out of memory");
    else if (!S_ISREG(st.st_mode))
        fail(path, "it is no file");
    else if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        fail(path, "a run is writing it");
    else {
        unsigned char magic[2] = {0};
        s->fd = fd;
        s->packed =
            pread(fd, magic, 2, 0) == 2 ? magic[0] == 0x1f && magic[1] == 0x8b : names_packed(path);
        code = source_rewind(s) ? repair(path, s, (uint64_t)st.st_size, piece)
                                : fail(path, "out of memory");
        if (s->packed)
            inflateEnd(&s->z);
    }
    free(piece);
    free(s);
    close(fd);
    return code;
}
