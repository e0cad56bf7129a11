/* listener.c: see listener.h. */
#include "transports/tcp/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#define HELLO_TIME INT64_C(5000000000) /* ns that a client has to prove who it is */
#define REST_TIME INT64_C(200000000)
#define ACCEPTS 16 /* a turn: the nodes that trace want theirs */
#define LOG_MAX 10 /* refusals that are told one by one */

static struct tap_listener *listener_of(struct tap_acceptor *acceptor)
{
    return (struct tap_listener *)acceptor;
}

/* ---- Open and close */

static bool listener_fail(struct tap_listener *l, const char *what, const char *why)
{
    const char *brackets = strchr(l->listen.host, ':') ? "[]" : "";
    TAP_FAIL(l->beam->host, TAP_ERROR, "listen = %.1s%s%.1s:%u: %s: %s", brackets, l->listen.host,
             brackets[0] ? brackets + 1 : "", l->listen.port, what, why);
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
static bool listener_open(struct tap_acceptor *acceptor, struct tap_beam *beam)
{
    struct tap_listener *l = listener_of(acceptor);
    socklen_t len = 0;
    int unknown = 0, error = 0;
    l->beam = beam;
    for (size_t i = 0; l->fd < 0; i++) {
        unknown = tap_address_resolve(&l->listen, i, &l->bound, &len);
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
    beam->host->log(beam->host, TAP_LOG_DEBUG, "listens at %s", text);
    return true;
}

static void listener_close(struct tap_acceptor *acceptor)
{
    struct tap_listener *l = listener_of(acceptor);
    for (size_t i = 0; i < TAP_LISTENER_PENDING; i++) {
        if (l->pending[i].fd >= 0)
            close(l->pending[i].fd);
        l->pending[i].fd = -1;
    }
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* ---- Guests */

static void client_refuse(struct tap_listener *l, struct tap_pending_client *g, const char *why)
{
    const struct tap_host *host = l->beam->host;
    close(g->fd);
    g->fd = -1;
    if (++l->refused <= LOG_MAX)
        host->log(host, TAP_LOG_WARNING, "refused a connection from %s: %s%s", g->from, why,
                  l->refused == LOG_MAX ? " (further ones are only counted)" : "");
    if (host->count)
        host->count(host, "connections refused", 1);
}

/* A free slot, or that of whoever has said nothing for the longest time. */
static struct tap_pending_client *client_slot(struct tap_listener *l)
{
    struct tap_pending_client *oldest = &l->pending[0];
    for (size_t i = 0; i < TAP_LISTENER_PENDING; i++) {
        if (l->pending[i].fd < 0)
            return &l->pending[i];
        if (l->pending[i].by < oldest->by)
            oldest = &l->pending[i];
    }
    client_refuse(l, oldest, "too many connections wait that do not say who they are");
    return oldest;
}

static void listener_accept(struct tap_listener *l, int64_t now)
{
    for (int i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        int fd = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                l->rest_until = now + REST_TIME;
            return;
        }
        struct tap_pending_client *g = client_slot(l);
        *g = (struct tap_pending_client){.fd = fd, .by = now + HELLO_TIME};
        tap_address_print(&from, true, g->from);
    }
}

/* The node that this token was made for. Takes the same time whatever the token is. */
static struct tap_beam_node *client_node(const struct tap_listener *l, const uint8_t *token)
{
    struct tap_beam_node *found = NULL;
    for (size_t i = 0; i < l->beam->count; i++) {
        struct tap_beam_node *n = l->beam->nodes[i];
        uint8_t differs = 0;
        for (size_t b = 0; b < TAP_STREAM_TOKEN; b++)
            differs |= n->secret[b] ^ token[b];
        if (!differs && n->data_state != TAP_DATA_NONE)
            found = n;
    }
    return found;
}

static void client_proven(struct tap_listener *l, struct tap_pending_client *g)
{
    int on = 1;
    struct tap_beam_node *n = client_node(l, g->hello + 4);
    if (!n) {
        client_refuse(l, g, "its token is none of this run");
        return;
    }
    if (n->data_state != TAP_DATA_EXPECTED) {
        client_refuse(l, g, "its token was used before");
        return;
    }
    if (send(g->fd, n->secret + TAP_STREAM_TOKEN, TAP_STREAM_TOKEN, MSG_NOSIGNAL) !=
        (ssize_t)TAP_STREAM_TOKEN) {
        client_refuse(l, g, "it hung up");
        return;
    }
    setsockopt(g->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    struct tap_wire *wire = tap_wire_socket(g->fd);
    g->fd = -1;
    if (wire && !tap_beam_node_data_connection(n, wire))
        wire->ops->close(wire);
}

static void client_read(struct tap_listener *l, struct tap_pending_client *g)
{
    ssize_t n = recv(g->fd, g->hello + g->got, sizeof g->hello - g->got, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_refuse(l, g, "it hung up before it said who it is");
        return;
    }
    g->got += (size_t)n;
    if (memcmp(g->hello, TAP_STREAM_MAGIC, g->got < 4 ? g->got : 4) != 0)
        client_refuse(l, g, "it does not say what beamtap's agent says");
    else if (g->got == sizeof g->hello)
        client_proven(l, g);
}

/* ---- The loop */

static size_t listener_poll(struct tap_acceptor *acceptor, struct pollfd *fds)
{
    struct tap_listener *l = listener_of(acceptor);
    size_t n = 0;
    l->polled = l->fd >= 0 && tap_wire_now() >= l->rest_until;
    if (l->polled)
        fds[n++] = (struct pollfd){.fd = l->fd, .events = POLLIN};
    for (size_t i = 0; i < TAP_LISTENER_PENDING; i++)
        if (l->pending[i].fd >= 0)
            fds[n++] = (struct pollfd){.fd = l->pending[i].fd, .events = POLLIN};
    return n;
}

static void listener_serve(struct tap_acceptor *acceptor, const struct pollfd *fds, size_t n,
                           int64_t now)
{
    struct tap_listener *l = listener_of(acceptor);
    size_t at = l->polled;
    for (size_t i = 0; i < TAP_LISTENER_PENDING && at < n; i++) {
        struct tap_pending_client *g = &l->pending[i];
        if (g->fd < 0 || g->fd != fds[at].fd)
            continue;
        if (fds[at++].revents)
            client_read(l, g);
        if (g->fd >= 0 && now > g->by)
            client_refuse(l, g, "it did not say in time who it is");
    }
    if (l->polled && fds[0].revents)
        listener_accept(l, now);
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

static bool listener_endpoint(struct tap_acceptor *acceptor, struct tap_beam_node *n,
                              struct tap_endpoint *to)
{
    struct tap_listener *l = listener_of(acceptor);
    struct sockaddr_storage mine = l->bound;
    char text[TAP_ADDRESS_TEXT];
    to->timeout = tap_beam_node_time(n) / 4 * 3; /* that it failed must still be heard in time */
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
                                      l->listen.host);
        snprintf(to->address, sizeof to->address, "127.0.0.1"); /* it is on this machine */
        return true;
    }
    if (tap_address_is_loopback(&mine) && is_far(n))
        return tap_beam_node_fail(n,
                                  "it is not on this machine, and listen = %s can be reached only "
                                  "from here: set listen = 0.0.0.0:0",
                                  l->listen.host);
    tap_address_print(&mine, false, text);
    snprintf(to->address, sizeof to->address, "%.*s", (int)sizeof to->address - 1, text);
    return true;
}

void tap_listener_init(struct tap_listener *l)
{
    l->acceptor = (struct tap_acceptor){listener_open, listener_poll, listener_serve,
                                        listener_endpoint, listener_close};
    l->fd = -1;
    for (size_t i = 0; i < TAP_LISTENER_PENDING; i++)
        l->pending[i].fd = -1;
}
