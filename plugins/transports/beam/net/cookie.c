/* cookie.c: see cookie.h.
 *
 * What erl refuses is refused here too, in words of our own: a file that others than its owner can
 * read, one that is not a file, one with more than a line. erl takes a cookie file of another user;
 * here that one must be named (cookie_file = ~rabbitmq/.erlang.cookie), so that root does not take
 * whatever lies in a HOME that is not its own.
 */
#include "transports/beam/net/cookie.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME ".erlang.cookie"
#define PATH_CAP 4096

/* ---- The text */

static bool is_utf8(const unsigned char *s)
{
    while (*s) {
        unsigned more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0x80 ? 1 : 0;
        if ((*s >= 0x80 && *s < 0xc2) || *s > 0xf4)
            return false;
        for (s++; more > 0; more--, s++)
            if ((*s & 0xc0) != 0x80)
                return false;
    }
    return true;
}

/* False: no node has such a cookie. */
static bool cookie_check(struct tap_cookie *c, char *why, size_t cap)
{
    size_t len = strlen(c->text);
    bool ascii = true;
    if (!strncmp(c->text, "\xef\xbb\xbf", 3) || !strncmp(c->text, "\xff\xfe", 2) ||
        !strncmp(c->text, "\xfe\xff", 2)) {
        snprintf(why, cap,
                 "no cookie: %s begins with a byte order mark, which would be a part of it: write "
                 "it as plain text",
                 c->from);
        return false;
    }
    for (size_t i = 0; i < len; i++)
        ascii &= (unsigned char)c->text[i] < 0x80;
    if (!ascii)
        c->odd = is_utf8((const unsigned char *)c->text)
                     ? "it has letters beyond ASCII, in UTF-8: a node that was given it in Latin-1 "
                       "has another one"
                     : "it has letters beyond ASCII, in Latin-1: a node that was given it in UTF-8 "
                       "has another one";
    else if (c->text[len - 1] == '\n' || c->text[len - 1] == '\r')
        c->odd = "it ends with a line break";
    else if (c->text[len - 1] == ' ' || c->text[len - 1] == '\t')
        c->odd = "it ends with a space";
    else if (c->text[0] == ' ' || c->text[0] == '\t')
        c->odd = "it begins with a space";
    return true;
}

/* ---- The file */

static bool cookie_home(char home[PATH_CAP])
{
    const char *given = getenv("HOME");
    char buffer[4096];
    struct passwd entry, *found = NULL;
    if (!given || !*given)
        getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found);
    snprintf(home, PATH_CAP, "%s", given && *given ? given : found ? entry.pw_dir : "");
    return home[0];
}

/* Is it a file that only its owner can read? `ours`: and must that be us? */
static bool cookie_file_check(int fd, const char *path, bool ours, char *why, size_t cap)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        snprintf(why, cap, "no cookie: %s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        snprintf(why, cap, "no cookie: %s is not a regular file", path);
    else if (st.st_mode & 077)
        snprintf(why, cap,
                 "no cookie: %s must be accessible by its owner only (it has mode %04o), or erl "
                 "refuses it too: chmod 400 %s",
                 path, (unsigned)st.st_mode & 07777, path);
    else if (ours && st.st_uid != geteuid())
        snprintf(why, cap,
                 "no cookie: %s belongs to another user (uid %u): if it is meant, name it: "
                 "cookie_file = %s",
                 path, (unsigned)st.st_uid, path);
    else
        return true;
    return false;
}

/* The first line; behind it there may be nothing but the end of the line, and empty ones. */
static bool cookie_file_text(int fd, struct tap_cookie *c, char *why, size_t cap)
{
    char text[TAP_COOKIE_MAX + 64];
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n < 0) {
        snprintf(why, cap, "no cookie: %s: %s", c->from, strerror(errno));
        return false;
    }
    text[n] = 0;
    size_t line = strcspn(text, "\r\n"), rest = line + strspn(text + line, "\r\n ");
    if (line == 0)
        snprintf(why, cap, "no cookie: %s: it is empty, and BEAMTAP_COOKIE is not set", c->from);
    else if (line > TAP_COOKIE_MAX)
        snprintf(why, cap, "no cookie: %s is too long", c->from);
    else if (rest < (size_t)n)
        snprintf(why, cap, "no cookie: %s has more than one line, and erl refuses it too", c->from);
    else
        memcpy(c->text, text, line), c->text[line] = 0;
    explicit_bzero(text, sizeof text);
    return c->text[0] != 0;
}

/* False: `why` says so, or nothing (errno is ENOENT). */
static bool cookie_file_read(const char *path, bool ours, struct tap_cookie *c, char *why,
                             size_t cap)
{
    why[0] = 0;
    snprintf(c->from, sizeof c->from, "%s", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        if (errno != ENOENT)
            snprintf(why, cap, "no cookie: %s: %s, and BEAMTAP_COOKIE is not set", path,
                     strerror(errno));
        return false;
    }
    bool ok = cookie_file_check(fd, path, ours, why, cap) && cookie_file_text(fd, c, why, cap) &&
              cookie_check(c, why, cap);
    close(fd);
    return ok;
}

/* ---- Where */

/* As erl: the one in HOME, and only where there is none, the one among the settings. */
static bool cookie_usual(struct tap_cookie *c, char *why, size_t cap)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    bool given = config && *config;
    char home[PATH_CAP], path[PATH_CAP + 32], other[PATH_CAP + 32];
    if (!cookie_home(home)) {
        snprintf(why, cap, "no cookie: neither BEAMTAP_COOKIE nor cookie_file nor HOME is set");
        return false;
    }
    snprintf(path, sizeof path, "%s/" NAME, home);
    if (cookie_file_read(path, true, c, why, cap) || why[0])
        return !why[0];
    snprintf(other, sizeof other, "%.*s%s/erlang/" NAME, PATH_CAP - 1, given ? config : home,
             given ? "" : "/.config");
    if (cookie_file_read(other, true, c, why, cap) || why[0])
        return !why[0];
    snprintf(why, cap,
             "no cookie: BEAMTAP_COOKIE is not set, cookie_file is not given, and there is neither "
             "%s nor %s",
             path, other);
    return false;
}

bool tap_cookie_read(const char *file, struct tap_cookie *c, char *why, size_t cap)
{
    const char *given = getenv("BEAMTAP_COOKIE");
    *c = (struct tap_cookie){.odd = NULL};
    if (given && *given) {
        snprintf(c->from, sizeof c->from, "BEAMTAP_COOKIE");
        if (snprintf(c->text, sizeof c->text, "%s", given) < (int)sizeof c->text)
            return cookie_check(c, why, cap);
        snprintf(why, cap, "BEAMTAP_COOKIE is too long");
        return false;
    }
    if (!file)
        return cookie_usual(c, why, cap);
    if (cookie_file_read(file, false, c, why, cap))
        return true;
    if (!why[0] && file[0] == '~')
        snprintf(why, cap, "no cookie: %s: there is no such user, or no HOME", file);
    else if (!why[0])
        snprintf(why, cap, "no cookie: %s: %s, and BEAMTAP_COOKIE is not set", file,
                 strerror(ENOENT));
    return false;
}
