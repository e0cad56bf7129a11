/* wire.c: sockets with deadlines.
 *
 * All sockets are non-blocking from the start, so that no peer (a frozen node accepts connections:
 * its kernel does) can hold the caller beyond its deadline.
 */
#include "transports/beam/net/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t tap_wire_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t tap_wire_epoch(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - tap_wire_now();
}

int tap_wire_wait(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - tap_wire_now();
        if (left <= 0)
            return ETIMEDOUT;
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, (int)(left / 1000000 > 60000 ? 60000 : left / 1000000 + 1));
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return errno;
    }
}

static ssize_t socket_read(struct tap_wire *w, void *dst, size_t len)
{
    return recv(w->fd, dst, len, 0);
}
static ssize_t socket_write(struct tap_wire *w, const void *src, size_t len)
{
    return send(w->fd, src, len, MSG_NOSIGNAL);
}
static void socket_close(struct tap_wire *w)
{
    close(w->fd);
    free(w);
}

struct tap_wire *tap_wire_socket(int fd)
{
    static const struct tap_wire_ops ops = {socket_read, socket_write, socket_close};
    struct tap_wire *w = malloc(sizeof *w);
    if (w)
        *w = (struct tap_wire){&ops, fd};
    else
        close(fd);
    return w;
}

int tap_wire_read(int fd, void *dst, size_t len, int64_t deadline, size_t *got)
{
    for (*got = 0; *got < len;) {
        ssize_t n = read(fd, (char *)dst + *got, len - *got);
        if (n > 0) {
            *got += (size_t)n;
        } else if (n == 0) {
            return ECONNRESET;
        } else if (errno == EAGAIN) {
            int error = tap_wire_wait(fd, POLLIN, deadline);
            if (error)
                return error;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int tap_wire_read_all(int fd, void *dst, size_t len, int64_t deadline)
{
    size_t got;
    return tap_wire_read(fd, dst, len, deadline, &got);
}

int tap_wire_write_all(int fd, const void *src, size_t len, int64_t deadline)
{
    for (size_t put = 0; put < len;) {
        ssize_t n = send(fd, (const char *)src + put, len - put, MSG_NOSIGNAL);
        if (n >= 0) {
            put += (size_t)n;
        } else if (errno == EAGAIN) {
            int error = tap_wire_wait(fd, POLLOUT, deadline);
            if (error)
                return error;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}
