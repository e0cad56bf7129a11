/* listener.c: see listener.h. */
#include "transports/tcp/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

static struct tap_listener *listener_of(struct tap_acceptor *acceptor)
{
    return (struct tap_listener *)acceptor;
}

/* ---- Open and close */

static bool listener_fail(struct tap_listener *l, const char *what, const char *why)
{
    const char *brackets = strchr(l->listen.tcp.host, ':') ? "[]" : "";
    TAP_FAIL(l->clients.beam->host, TAP_ERROR, "listen = %.1s%s%.1s:%u: %s: %s", brackets,
             l->listen.tcp.host, brackets[0] ? brackets + 1 : "", l->listen.tcp.port, what, why);
    return false;
}

/* 0, or errno. */
static int listener_bind(struct tap_listener *l, socklen_t len)
{
    int on = 1, off = 0;
    l->fd = socket(l->bound.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return errno;
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (l->bound.ss_family == AF_INET6) /* [::] takes IPv4 too, whatever the machine's default is */
        setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(l->fd, (const struct sockaddr *)&l->bound, len) < 0 || listen(l->fd, 64) < 0) {
        int error = errno;
        close(l->fd);
        l->fd = -1;
        return error;
    }
    return 0;
}

/* At the first of its addresses that can be listened at: a name may stand for both families, and a
 * machine have one. */
static bool listener_open_tcp(struct tap_listener *l)
{
    const struct tap_host *host = l->clients.beam->host;
    socklen_t len = 0;
    int unknown = 0, error = 0;
    for (size_t i = 0; l->fd < 0; i++) {
        unknown = tap_address_resolve(&l->listen.tcp, i, &l->bound, &len);
        if (unknown && i == 0)
            return listener_fail(l, "the address is unknown", gai_strerror(unknown));
        if (unknown)
            return listener_fail(l, "cannot listen", strerror(error));
        int failed = listener_bind(l, len);
        error = i == 0 ? failed : error;
    }
    len = sizeof l->bound;
    if (getsockname(l->fd, (struct sockaddr *)&l->bound, &len) < 0)
        return listener_fail(l, "cannot listen", strerror(errno));
    char text[TAP_ADDRESS_TEXT];
    tap_address_print(&l->bound, true, text);
    host->log(host, TAP_LOG_DEBUG, "listens at %s", text);
    return true;
}

/* By itself where the native tracer may use it: a process gains nothing by it. */
static bool listener_open_local(struct tap_listener *l)
{
    const struct tap_host *host = l->clients.beam->host;
    bool native = TAP_HAS(host->plan, collect) && host->plan->collect != TAP_COLLECT_PROCESS;
    if (!l->listen.local[0] && (!native || l->advertise.host[0]))
        return true;
    const char *name = l->listen.local[0] ? l->listen.local : TAP_LOCAL_RANDOM;
    const char *why = tap_local_open(&l->local, name);
    if (why && l->listen.local[0])
        TAP_FAIL(host, TAP_ERROR, "listen = unix:%s: cannot listen: %s", name, why);
    else if (why)
        host->log(host, TAP_LOG_INFO, "nodes on this machine use TCP too: no Unix socket: %s", why);
    return !why || !l->listen.local[0];
}

static bool listener_open(struct tap_acceptor *acceptor, struct tap_beam *beam)
{
    struct tap_listener *l = listener_of(acceptor);
    l->clients.beam = beam;
    return (!l->listen.tcp.host[0] || listener_open_tcp(l)) && listener_open_local(l);
}

static void listener_close(struct tap_acceptor *acceptor)
{
    struct tap_listener *l = listener_of(acceptor);
    tap_clients_close(&l->clients);
    tap_local_close(&l->local);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* ---- Guests */

static void listener_accept(struct tap_listener *l, int64_t now)
{
    for (int i = 0; i < TAP_CLIENT_ACCEPTS; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        char text[TAP_ADDRESS_TEXT];
        int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            tap_clients_none(&l->clients, errno, now);
            return;
        }
        tap_address_print(&from, true, text);
        tap_clients_add(&l->clients, fd, false, text, now);
    }
}

/* ---- The loop */

static size_t listener_poll(struct tap_acceptor *acceptor, struct pollfd *fds)
{
    struct tap_listener *l = listener_of(acceptor);
    size_t n = 0;
    if (tap_clients_may_accept(&l->clients)) {
        if (l->fd >= 0)
            fds[n++] = (struct pollfd){.fd = l->fd, .events = POLLIN};
        if (l->local.fd >= 0)
            fds[n++] = (struct pollfd){.fd = l->local.fd, .events = POLLIN};
    }
    l->polled = n;
    return n + tap_clients_poll(&l->clients, fds + n);
}

static void listener_serve(struct tap_acceptor *acceptor, const struct pollfd *fds, size_t n,
                           int64_t now)
{
    struct tap_listener *l = listener_of(acceptor);
    tap_clients_serve(&l->clients, fds + l->polled, n - l->polled, now);
    for (size_t i = 0; i < l->polled; i++) {
        if (fds[i].revents && fds[i].fd == l->fd)
            listener_accept(l, now);
        else if (fds[i].revents)
            tap_local_accept(&l->local, &l->clients, now);
    }
}

/* ---- Inviting */

/* The address of this machine that the node sees: where its distribution connection ends. */
static bool own_address(const struct tap_beam_node *n, struct sockaddr_storage *mine)
{
    socklen_t len = sizeof *mine;
    return n->conn.wire && getsockname(n->conn.wire->fd, (struct sockaddr *)mine, &len) == 0;
}

static bool is_far(const struct tap_beam_node *n)
{
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    return n->conn.wire && getpeername(n->conn.wire->fd, (struct sockaddr *)&peer, &len) == 0 &&
           !tap_address_is_loopback(&peer);
}

static bool listener_endpoint_tcp(struct tap_listener *l, struct tap_beam_node *n,
                                  struct tap_endpoint *to)
{
    struct sockaddr_storage mine = l->bound;
    char text[TAP_ADDRESS_TEXT];
    to->port = l->advertise.port ? l->advertise.port : tap_address_port(&l->bound);
    if (l->advertise.host[0]) {
        snprintf(to->address, sizeof to->address, "%s", l->advertise.host);
        return true;
    }
    if (tap_address_is_any(&l->bound) && !own_address(n, &mine))
        return tap_beam_node_fail(
            n, "the address at which it sees this machine is not known: set advertise");
    if (l->bound.ss_family == AF_INET && !tap_address_is_v4(&mine)) {
        if (!tap_address_is_loopback(&mine))
            return tap_beam_node_fail(n,
                                      "it is reached over IPv6, and listen = %s takes IPv4 alone: "
                                      "set listen = [::]:0, or advertise",
                                      l->listen.tcp.host);
        snprintf(to->address, sizeof to->address, "127.0.0.1"); /* it is on this machine */
        return true;
    }
    if (tap_address_is_loopback(&mine) && is_far(n))
        return tap_beam_node_fail(n,
                                  "it is not on this machine, and listen = %s can be reached only "
                                  "from here: set listen = 0.0.0.0:0",
                                  l->listen.tcp.host);
    tap_address_print(&mine, false, text);
    snprintf(to->address, sizeof to->address, "%.*s", (int)sizeof to->address - 1, text);
    return true;
}

static bool listener_endpoint(struct tap_acceptor *acceptor, struct tap_beam_node *n,
                              struct tap_endpoint *to)
{
    struct tap_listener *l = listener_of(acceptor);
    to->timeout = tap_beam_node_time(n) / 4 * 3; /* that it failed must still be heard in time */
    if (l->local.fd >= 0 && (l->listen.local[0] || tap_local_is_near(n)))
        tap_local_tell(&l->local, to);
    return !l->listen.tcp.host[0] || listener_endpoint_tcp(l, n, to);
}

void tap_listener_init(struct tap_listener *l)
{
    l->acceptor = (struct tap_acceptor){listener_open,     listener_poll,  listener_serve,
                                        listener_endpoint, listener_close, .native_only = false};
    l->fd = -1;
    tap_local_init(&l->local);
    tap_clients_init(&l->clients, NULL);
}
