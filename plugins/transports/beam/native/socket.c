/* socket.c: see socket.h. Plain POSIX: the node's own network code is not on this path. */
#include "transports/beam/native/socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SLICE 50 /* ms after which it is looked whether the run still wants this */
#define MAGIC "BTT1"
#define SEND_ROOM (4 << 20) /* bytes that a Unix socket may hold on their way */

static int fail(char *why, const char *text)
{
    snprintf(why, TAP_WHY_TEXT, "%s", text);
    return -1;
}

/* Until the socket is ready, or the time is over, or nobody wants it any more. */
static bool await(struct tap_run *r, int fd, short events, int64_t by)
{
    while (!tap_run_is_aborted(r) && tap_now() < by) {
        struct pollfd p = {.fd = fd, .events = events};
        if (poll(&p, 1, SLICE) > 0)
            return true;
    }
    errno = ETIMEDOUT;
    return false;
}

static int connect_one(struct tap_run *r, const struct addrinfo *a, int64_t by)
{
    int error = 0, on = 1;
    socklen_t len = sizeof error;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    bool done = connect(fd, a->ai_addr, a->ai_addrlen) == 0;
    if (!done && errno == EINPROGRESS && await(r, fd, POLLOUT, by)) {
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
        errno = error;
        done = error == 0;
    }
    if (!done) {
        error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return fd;
}

static bool prove(struct tap_run *r, int fd, bool local, int64_t by)
{
    size_t way = local ? TAP_TOKEN : 0;
    uint8_t hello[4 + TAP_TOKEN], answer[TAP_TOKEN], differs = 0;
    memcpy(hello, MAGIC, 4);
    memcpy(hello + 4, r->options.token + way, TAP_TOKEN);
    if (send(fd, hello, sizeof hello, MSG_NOSIGNAL) != (ssize_t)sizeof hello)
        return false;
    for (size_t got = 0; got < sizeof answer;) {
        if (!await(r, fd, POLLIN, by))
            return false;
        ssize_t n = recv(fd, answer + got, sizeof answer - got, 0);
        if (n <= 0 && !(n < 0 && (errno == EAGAIN || errno == EINTR)))
            return false;
        got += n > 0 ? (size_t)n : 0;
    }
    for (size_t i = 0; i < sizeof answer; i++)
        differs |= answer[i] ^ r->options.answer[way + i];
    return differs == 0;
}

static const char stranger[] =
    "what listens there is not this beamtap, or it did not answer in time";

/* A collector that many nodes connect to at once has its queue full for a moment: EAGAIN. */
static bool connect_local(struct tap_run *r, int fd, const struct sockaddr_un *a, socklen_t len,
                          int64_t by)
{
    static const struct timespec nap = {0, 2000000};
    while (connect(fd, (const struct sockaddr *)a, len) < 0) {
        if ((errno != EAGAIN && errno != EINTR) || tap_run_is_aborted(r) || tap_now() > by)
            return false;
        nanosleep(&nap, NULL);
    }
    return true;
}

static int open_local(struct tap_run *r, int64_t by, char why[TAP_WHY_TEXT])
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const struct tap_run_options *o = &r->options;
    int room = SEND_ROOM, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const char *failed = NULL;
    memcpy(a.sun_path, o->local, o->local_len);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + o->local_len);
    if (fd < 0 || !connect_local(r, fd, &a, len, by))
        failed = strerror(errno);
    else if (!prove(r, fd, true, by))
        failed = stranger;
    if (!failed) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room,
                   sizeof room); /* as much as the system allows */
        return fd;
    }
    if (fd >= 0)
        close(fd);
    snprintf(why, TAP_WHY_TEXT, "the Unix socket %s%.*s cannot be used: %s", o->local[0] ? "" : "@",
             (int)o->local_len - !o->local[0], (const char *)o->local + !o->local[0], failed);
    return -1;
}

static int open_tcp(struct tap_run *r, int64_t by, char why[TAP_WHY_TEXT])
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[8];
    int fd = -1, unknown;
    snprintf(port, sizeof port, "%u", r->options.port);
    if ((unknown = getaddrinfo(r->options.host, port, &hints, &found)) != 0)
        return fail(why, gai_strerror(unknown));
    for (const struct addrinfo *a = found; a && fd < 0 && !tap_run_is_aborted(r); a = a->ai_next)
        fd = connect_one(r, a, by);
    int error = errno;
    freeaddrinfo(found);
    if (fd < 0)
        return fail(why, strerror(error));
    if (!prove(r, fd, false, by)) {
        close(fd);
        return fail(why, stranger);
    }
    return fd;
}

int tap_socket_open(struct tap_run *r, char why[TAP_WHY_TEXT])
{
    const struct tap_run_options *o = &r->options;
    int64_t now = tap_now();
    int fd = -1;
    why[0] = 0;
    if (o->local_len)
        fd = open_local(r, now + (o->host[0] ? o->timeout / 2 : o->timeout), why);
    return fd >= 0 || !o->host[0] ? fd : open_tcp(r, now + o->timeout, why);
}

ssize_t tap_socket_write(int fd, const uint8_t *bytes, size_t len, char why[TAP_WHY_TEXT])
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = send(fd, bytes + done, len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (n < 0)
            return fail(why, strerror(errno));
        done += (size_t)n;
    }
    return (ssize_t)done;
}

bool tap_socket_is_over(int fd, char why[TAP_WHY_TEXT])
{
    uint8_t byte;
    ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return false;
    fail(why, n < 0    ? strerror(errno)
              : n == 0 ? "the collector closed it"
                       : "the collector said "
                         "what it never says");
    return true;
}
