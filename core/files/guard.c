/* guard.c: the walk of a path, and the check of what stands at its end. */
#include "files/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's own */

bool tap_folder_is_shared(const struct stat *folder, uid_t user)
{
    return (folder->st_uid != user && folder->st_uid != 0) || (folder->st_mode & 022);
}

static bool is_ours(const struct stat *st)
{
    return st->st_uid == geteuid() || st->st_uid == 0;
}

/* ---- Where a path leads */

/* What of the path is still to be walked; `at` is its first byte. */
struct walk {
    struct tap_place *place;
    char rest[PATH_MAX];
    size_t at;
    int links;
    char *why;
};

static bool enter(struct tap_place *place, int dir)
{
    if (dir < 0)
        return false;
    if (place->dir >= 0)
        close(place->dir);
    place->dir = dir;
    return true;
}

/* The next part of the path, into the place's name; false: there is none. `last`: nothing follows
 * it. */
static bool next_part(struct walk *w, bool *last)
{
    char *name = w->place->name;
    const char *from = w->rest + w->at + strspn(w->rest + w->at, "/");
    size_t n = strcspn(from, "/");
    if (n == 0 || n >= sizeof w->place->name) {
        errno = n ? ENAMETOOLONG : EISDIR;
        return false;
    }
    memcpy(name, from, n);
    name[n] = '\0';
    w->at = (size_t)(from + n - w->rest);
    *last = !w->rest[w->at];
    return true;
}

/* A link of another user is followed only out of a folder in which nobody else could have put it;
 * and never at the end of a path. */
static bool may_follow(struct walk *w, const struct stat *link, bool last)
{
    struct stat folder;
    if (fstat(w->place->dir, &folder) < 0)
        return false;
    bool good = is_ours(link) ? link->st_nlink == 1 || !tap_folder_is_shared(&folder, geteuid())
                              : !last && !(folder.st_mode & 022) && link->st_uid == folder.st_uid;
    if (!good)
        snprintf(w->why, TAP_GUARD_WHY,
                 is_ours(link)
                     ? "'%.80s' is a link with a second name, in a folder that others can "
                       "write, who may have put it there: name the file that is meant"
                     : "'%.80s' is a link that another user made (uid %u): name the file "
                       "that is meant",
                 w->place->name, (unsigned)link->st_uid);
    return good;
}

/* Puts a link's target in front of what is left of the path. */
static bool follow(struct walk *w)
{
    char target[PATH_MAX], all[PATH_MAX];
    ssize_t n = readlinkat(w->place->dir, w->place->name, target, sizeof target - 1);
    if (n <= 0)
        return false;
    target[n] = '\0';
    if (++w->links > LINKS_MAX)
        return errno = ELOOP, false;
    if ((size_t)snprintf(all, sizeof all, "%s%s", target, w->rest + w->at) >= sizeof all)
        return errno = ENAMETOOLONG, false;
    strcpy(w->rest, all);
    w->at = 0;
    return target[0] != '/' || enter(w->place, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* The links of /proc/PID say where they lead in words that are no path: the kernel follows them. */
static bool is_magic(int dir)
{
    struct statfs fs;
    return fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* One part further. */
static bool step(struct walk *w, bool last)
{
    struct tap_place *place = w->place;
    const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    struct stat st;
    if (fstatat(place->dir, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return last && errno == ENOENT;
    if (S_ISLNK(st.st_mode)) {
        bool magic = is_magic(place->dir);
        place->linked |= last;
        place->magic = magic && last;
        if (magic)
            return last || enter(place, openat(place->dir, place->name, flags));
        return may_follow(w, &st, last) && follow(w);
    }
    return last || enter(place, openat(place->dir, place->name, flags | O_NOFOLLOW));
}

bool tap_place_find(struct tap_place *place, const char *path, char why[TAP_GUARD_WHY])
{
    struct walk w = {.place = place, .why = why};
    bool last = false;
    why[0] = '\0';
    *place = (struct tap_place){.dir = -1};
    if (!*path || strlen(path) >= sizeof w.rest)
        return errno = *path ? ENAMETOOLONG : ENOENT, false;
    strcpy(w.rest, path);
    if (!enter(place, open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC)))
        return false;
    for (;;) {
        if (!next_part(&w, &last))
            return false;
        int before = w.links;
        if (!step(&w, last))
            return false;
        if (last && w.links == before)
            return true;
    }
}

void tap_place_close(struct tap_place *place)
{
    if (place->dir >= 0)
        close(place->dir);
    place->dir = -1;
}

int tap_place_beside(const struct tap_place *place, char name[TAP_GUARD_WHY])
{
    for (int tries = 0; tries < 100; tries++) {
        unsigned char bytes[8];
        if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
            return -1;
        int n = snprintf(name, TAP_GUARD_WHY, ".%.100s.", place->name);
        for (size_t i = 0; i < sizeof bytes; i++)
            n += snprintf(name + n, TAP_GUARD_WHY - (size_t)n, "%02x", bytes[i]);
        int fd = openat(place->dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* ---- Outputs */

static bool refuse(struct tap_output *o, const char *format, unsigned value)
{
    snprintf(o->why, sizeof o->why, format, value);
    return false;
}

/* Is it one that only we and root can read? */
static bool check_output(struct tap_output *o, const struct stat *st, const struct stat *folder)
{
    o->mode = st->st_mode & 07777;
    if (!is_ours(st))
        return refuse(o,
                      "it belongs to another user (uid %u), who could read what is written to it: "
                      "remove it, or name another file",
                      (unsigned)st->st_uid);
    if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
        return true; /* a device keeps nothing */
    bool mine = st->st_uid == geteuid();
    if (!mine && st->st_mode & 04)
        return refuse(o,
                      "it is root's and others can read it (mode %04o), and traces hold secrets: "
                      "name another file",
                      (unsigned)o->mode);
    if (st->st_nlink > 1 && tap_folder_is_shared(folder, geteuid()))
        return refuse(o,
                      "it has %u names (hard links) and is in a folder that others can write, who "
                      "may have given it this one: remove it, or name another file",
                      (unsigned)st->st_nlink);
    o->exposed = mine && st->st_mode & 077;
    return true;
}

/* 0 to 2 are where others print: this is no place for them. */
static int above_standard(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return higher;
}

/* Opened so that nothing is waited for; from then on it is as others are. */
static int open_at(const struct tap_place *p, int more)
{
    int flags = O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (p->magic ? 0 : O_NOFOLLOW) | more;
    int fd = above_standard(openat(p->dir, p->name, flags, 0600));
    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

static bool open_place(struct tap_output *o, const struct tap_place *p)
{
    struct stat st, folder;
    if (fstat(p->dir, &folder) < 0)
        return false;
    for (int tries = 0; tries < 3; tries++) {
        o->fd = open_at(p, 0);
        if (o->fd >= 0)
            return fstat(o->fd, &st) == 0 && check_output(o, &st, &folder);
        if (errno == ENXIO && fstatat(p->dir, p->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISFIFO(st.st_mode)) {
            o->waits = check_output(o, &st, &folder);
            return false;
        }
        if (errno != ENOENT)
            return false;
        o->fd = open_at(p, O_CREAT | O_EXCL);
        o->made = o->fd >= 0 && !p->linked;
        if (o->fd >= 0)
            return true;
        if (errno != EEXIST)
            return false; /* else somebody made it in between: it is checked as what it is */
    }
    return false;
}

bool tap_output_open(struct tap_output *o, const char *path)
{
    struct tap_place place;
    *o = (struct tap_output){.fd = -1};
    bool good = tap_place_find(&place, path, o->why) && open_place(o, &place);
    int code = errno;
    tap_place_close(&place);
    if (!good && o->fd >= 0)
        close(o->fd);
    if (!good)
        o->fd = -1;
    errno = code;
    return good;
}

bool tap_output_close_up(const struct tap_output *o)
{
    return !o->exposed || fchmod(o->fd, 0600) == 0;
}
