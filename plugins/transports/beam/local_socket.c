/* local_socket.c: see local_socket.h. */
#include "transports/beam/local_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM 16      /* bytes of a name that is made */
#define LOCK_TRIES 100 /* of 10 ms: others take no longer to listen */

/* ---- Names */

const char *tap_local_check(const char *name)
{
    size_t len = strlen(name);
    if (name[0] != '/' && name[0] != '@')
        return "a Unix socket's path begins with /: the node may have another working folder";
    if (len > TAP_LOCAL_MAX)
        return "a Unix socket's path has 107 bytes at most";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 127)
            return "there is a control character in it";
    if (name[len - 1] == '/')
        return "a Unix socket is a file in a folder: its path does not end with /";
    return NULL;
}

static bool local_is_path(const struct tap_local *l)
{
    return l->address.sun_path[0] == '/';
}

static bool local_name(struct tap_local *l, const char *name)
{
    uint8_t bytes[RANDOM];
    char *dst = l->address.sun_path;
    size_t len = strlen(name);
    l->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strcmp(name, TAP_LOCAL_RANDOM) != 0) {
        memcpy(dst, name, len);
    } else {
        if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
            return false;
        len = (size_t)sprintf(dst, "@beamtap-");
        for (size_t i = 0; i < sizeof bytes; i++)
            len += (size_t)sprintf(dst + len, "%02x", bytes[i]);
    }
    if (dst[0] == '@')
        dst[0] = 0;
    l->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

/* ---- Open and close */

void tap_local_init(struct tap_local *l)
{
    *l = (struct tap_local){.fd = -1};
}

static int local_bind(const struct tap_local *l)
{
    return bind(l->fd, (const struct sockaddr *)&l->address, l->len) < 0 ? errno : 0;
}

/* Something has that path. NULL: it was a socket at which nobody listens, and is gone. */
static const char *local_free_path(const struct tap_local *l)
{
    struct stat found;
    const char *path = l->address.sun_path;
    if (lstat(path, &found) == 0 && !S_ISSOCK(found.st_mode))
        return "there is something else of that name";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return strerror(errno);
    int error = connect(fd, (const struct sockaddr *)&l->address, l->len) == 0 ? 0 : errno;
    close(fd);
    if (error == 0 || error == EAGAIN)
        return "somebody listens there already";
    if (error != ENOENT && (error != ECONNREFUSED || unlink(path) < 0))
        return strerror(errno);
    return NULL;
}

/* Its user's rights are not the node's: whoever finds it may connect, and has to prove itself. */
static const char *local_open_file(struct tap_local *l)
{
    struct stat made;
    const char *path = l->address.sun_path;
    if (lstat(path, &made) < 0)
        return strerror(errno);
    if (!S_ISSOCK(made.st_mode))
        return "somebody else has put something there";
    l->device = made.st_dev;
    l->file = made.st_ino;
    return fchmodat(AT_FDCWD, path, 0666, AT_SYMLINK_NOFOLLOW) < 0 ? strerror(errno) : NULL;
}

/* Who may put another socket in the place of ours would be told what is traced. */
static const char *local_folder_check(const struct stat *folder)
{
    if (folder->st_uid != geteuid() && folder->st_uid != 0)
        return "its folder is another user's, who could put a socket of his own there";
    if (folder->st_mode & (S_IWGRP | S_IWOTH) && !(folder->st_mode & S_ISVTX))
        return "others may write in its folder, and could put a socket of their own there";
    return NULL;
}

/* One at a time listens in a folder: a socket that is bound and does not listen yet looks like one
 * that was left behind. The folder, locked, or -1 and *why. */
static int local_folder_lock(const struct tap_local *l, const char **why)
{
    char path[sizeof l->address.sun_path + 1] = {0};
    struct stat folder;
    memcpy(path, l->address.sun_path, sizeof l->address.sun_path);
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *why = fd < 0 || fstat(fd, &folder) < 0 ? strerror(errno) : local_folder_check(&folder);
    for (int i = 0; !*why && flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        if (i == LOCK_TRIES)
            *why = "somebody else has locked its folder";
        usleep(10000);
    }
    if (*why && fd >= 0)
        close(fd);
    return *why ? -1 : fd;
}

static const char *local_bind_and_listen(struct tap_local *l)
{
    int error = local_bind(l);
    const char *why = NULL;
    if (error == EADDRINUSE && local_is_path(l)) {
        if ((why = local_free_path(l)))
            return why;
        error = local_bind(l);
    }
    if (error)
        return strerror(error);
    if (local_is_path(l) && (why = local_open_file(l)))
        return why;
    return listen(l->fd, SOMAXCONN) < 0 ? strerror(errno) : NULL;
}

static const char *local_listen(struct tap_local *l)
{
    const char *why = NULL;
    if (!local_is_path(l))
        return local_bind_and_listen(l);
    int folder = local_folder_lock(l, &why);
    if (folder < 0)
        return why;
    why = local_bind_and_listen(l);
    close(folder);
    return why;
}

const char *tap_local_open(struct tap_local *l, const char *name)
{
    if (!local_name(l, name))
        return "no random numbers for its name";
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return strerror(errno);
    const char *why = local_listen(l);
    if (why)
        tap_local_close(l);
    return why;
}

void tap_local_close(struct tap_local *l)
{
    struct stat found;
    const char *path = l->address.sun_path;
    if (l->fd < 0)
        return;
    if (l->file && lstat(path, &found) == 0 && found.st_dev == l->device && found.st_ino == l->file)
        unlink(path);
    close(l->fd);
    tap_local_init(l);
}

/* ---- Who comes */

void tap_local_tell(const struct tap_local *l, struct tap_endpoint *to)
{
    to->local_len = l->len - offsetof(struct sockaddr_un, sun_path);
    memcpy(to->local, l->address.sun_path, to->local_len);
}

void tap_local_accept(struct tap_local *l, struct tap_clients *clients, int64_t now)
{
    for (int i = 0; i < TAP_CLIENT_ACCEPTS; i++) {
        struct ucred who = {0};
        socklen_t len = sizeof who;
        char from[TAP_CLIENT_FROM];
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            tap_clients_none(clients, errno, now);
            return;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
            snprintf(from, sizeof from, "process %ld of user %ld over the Unix socket",
                     (long)who.pid, (long)who.uid);
        else
            snprintf(from, sizeof from, "somebody over the Unix socket");
        tap_clients_add(clients, fd, true, from, now);
    }
}

/* An address's bytes, as IPv6 writes them. */
static bool near_bytes(const struct sockaddr_storage *a, uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (a->ss_family == AF_INET) {
        memcpy(bytes, mapped, 12);
        memcpy(bytes + 12, &((const struct sockaddr_in *)a)->sin_addr, 4);
    } else if (a->ss_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)a)->sin6_addr, 16);
    } else {
        return false;
    }
    return true;
}

bool tap_local_is_near(const struct tap_beam_node *n)
{
    struct sockaddr_storage mine = {0}, peer = {0};
    socklen_t mine_len = sizeof mine, peer_len = sizeof peer;
    uint8_t a[16], b[16];
    bool known = n->conn.wire &&
                 getsockname(n->conn.wire->fd, (struct sockaddr *)&mine, &mine_len) == 0 &&
                 getpeername(n->conn.wire->fd, (struct sockaddr *)&peer, &peer_len) == 0 &&
                 near_bytes(&mine, a) && near_bytes(&peer, b);
    bool loops = known && a[12] == 127 && b[12] == 127; /* 127.0.1.1 is some machines' own name */
    return known && memcmp(a, b, loops ? 13 : sizeof a) == 0;
}
