/* lobby.c: see lobby.h. */
#include "transports/tcp/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#define HELLO_TIME INT64_C(5000000000) /* ns that a guest has to prove who it is */
#define REST_TIME INT64_C(200000000)
#define ACCEPTS 16 /* a turn: the nodes that trace want theirs */
#define LOG_MAX 10 /* refusals that are told one by one */

static struct tap_lobby *lobby_of(struct tap_door *door)
{
    return (struct tap_lobby *)door;
}

/* ---- Open and close */

static bool lobby_fail(struct tap_lobby *l, const char *what, const char *why)
{
    const char *brackets = strchr(l->listen.host, ':') ? "[]" : "";
    TAP_FAIL(l->beam->host, TAP_ERROR, "listen = %.1s%s%.1s:%u: %s: %s", brackets, l->listen.host,
             brackets[0] ? brackets + 1 : "", l->listen.port, what, why);
    return false;
}

static bool lobby_open(struct tap_door *door, struct tap_beam *beam)
{
    struct tap_lobby *l = lobby_of(door);
    socklen_t len = 0;
    int on = 1, off = 0;
    l->beam = beam;
    int error = tap_address_resolve(&l->listen, &l->bound, &len);
    if (error)
        return lobby_fail(l, "the address is unknown", gai_strerror(error));
    l->fd = socket(l->bound.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return lobby_fail(l, "cannot make a socket", strerror(errno));
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (l->bound.ss_family == AF_INET6) /* [::] takes IPv4 too, whatever the machine's default is */
        setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(l->fd, (const struct sockaddr *)&l->bound, len) < 0 || listen(l->fd, 64) < 0)
        return lobby_fail(l, "cannot listen", strerror(errno));
    len = sizeof l->bound;
    if (getsockname(l->fd, (struct sockaddr *)&l->bound, &len) < 0)
        return lobby_fail(l, "cannot listen", strerror(errno));
    char text[TAP_ADDRESS_TEXT];
    tap_address_print(&l->bound, true, text);
    beam->host->log(beam->host, TAP_LOG_DEBUG, "listens at %s", text);
    return true;
}

static void lobby_close(struct tap_door *door)
{
    struct tap_lobby *l = lobby_of(door);
    for (size_t i = 0; i < TAP_LOBBY_GUESTS; i++) {
        if (l->guests[i].fd >= 0)
            close(l->guests[i].fd);
        l->guests[i].fd = -1;
    }
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

/* ---- Guests */

static void guest_refuse(struct tap_lobby *l, struct tap_guest *g, const char *why)
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
static struct tap_guest *guest_slot(struct tap_lobby *l)
{
    struct tap_guest *oldest = &l->guests[0];
    for (size_t i = 0; i < TAP_LOBBY_GUESTS; i++) {
        if (l->guests[i].fd < 0)
            return &l->guests[i];
        if (l->guests[i].by < oldest->by)
            oldest = &l->guests[i];
    }
    guest_refuse(l, oldest, "too many connections wait that do not say who they are");
    return oldest;
}

static void lobby_accept(struct tap_lobby *l, int64_t now)
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
        struct tap_guest *g = guest_slot(l);
        *g = (struct tap_guest){.fd = fd, .by = now + HELLO_TIME};
        tap_address_print(&from, true, g->from);
    }
}

/* The node that this token was made for. Takes the same time whatever the token is. */
static struct tap_beam_node *guest_node(const struct tap_lobby *l, const uint8_t *token)
{
    struct tap_beam_node *found = NULL;
    for (size_t i = 0; i < l->beam->count; i++) {
        struct tap_beam_node *n = l->beam->nodes[i];
        uint8_t differs = 0;
        for (size_t b = 0; b < TAP_STREAM_TOKEN; b++)
            differs |= n->secret[b] ^ token[b];
        if (!differs && n->feed_state != TAP_FEED_NONE)
            found = n;
    }
    return found;
}

static void guest_proven(struct tap_lobby *l, struct tap_guest *g)
{
    int on = 1;
    struct tap_beam_node *n = guest_node(l, g->hello + 4);
    if (!n) {
        guest_refuse(l, g, "its token is none of this run");
        return;
    }
    if (n->feed_state != TAP_FEED_INVITED) {
        guest_refuse(l, g, "its token was used before");
        return;
    }
    if (send(g->fd, n->secret + TAP_STREAM_TOKEN, TAP_STREAM_TOKEN, MSG_NOSIGNAL) !=
        (ssize_t)TAP_STREAM_TOKEN) {
        guest_refuse(l, g, "it hung up");
        return;
    }
    setsockopt(g->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    struct tap_wire *wire = tap_wire_socket(g->fd);
    g->fd = -1;
    if (wire && !tap_beam_node_feed(n, wire))
        wire->ops->close(wire);
}

static void guest_read(struct tap_lobby *l, struct tap_guest *g)
{
    ssize_t n = recv(g->fd, g->hello + g->got, sizeof g->hello - g->got, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        guest_refuse(l, g, "it hung up before it said who it is");
        return;
    }
    g->got += (size_t)n;
    if (memcmp(g->hello, TAP_STREAM_MAGIC, g->got < 4 ? g->got : 4) != 0)
        guest_refuse(l, g, "it does not say what beamtap's agent says");
    else if (g->got == sizeof g->hello)
        guest_proven(l, g);
}

/* ---- The loop */

static size_t lobby_poll(struct tap_door *door, struct pollfd *fds)
{
    struct tap_lobby *l = lobby_of(door);
    size_t n = 0;
    l->polled = l->fd >= 0 && tap_wire_now() >= l->rest_until;
    if (l->polled)
        fds[n++] = (struct pollfd){.fd = l->fd, .events = POLLIN};
    for (size_t i = 0; i < TAP_LOBBY_GUESTS; i++)
        if (l->guests[i].fd >= 0)
            fds[n++] = (struct pollfd){.fd = l->guests[i].fd, .events = POLLIN};
    return n;
}

static void lobby_serve(struct tap_door *door, const struct pollfd *fds, size_t n, int64_t now)
{
    struct tap_lobby *l = lobby_of(door);
    size_t at = l->polled;
    for (size_t i = 0; i < TAP_LOBBY_GUESTS && at < n; i++) {
        struct tap_guest *g = &l->guests[i];
        if (g->fd < 0 || g->fd != fds[at].fd)
            continue;
        if (fds[at++].revents)
            guest_read(l, g);
        if (g->fd >= 0 && now > g->by)
            guest_refuse(l, g, "it did not say in time who it is");
    }
    if (l->polled && fds[0].revents)
        lobby_accept(l, now);
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

static bool lobby_invite(struct tap_door *door, struct tap_beam_node *n, struct tap_invitation *to)
{
    struct tap_lobby *l = lobby_of(door);
    struct sockaddr_storage mine = l->bound;
    char text[TAP_ADDRESS_TEXT];
    to->timeout = l->beam->connect_timeout;
    to->port = l->advertise.port ? l->advertise.port : tap_address_port(&l->bound);
    if (l->advertise.host[0]) {
        snprintf(to->address, sizeof to->address, "%s", l->advertise.host);
        return true;
    }
    if (tap_address_is_any(&l->bound) && !own_address(n, &mine))
        return tap_beam_node_fail(n,
                                  "the address that it sees this machine at cannot be told: set advertise");
    if (tap_address_is_loopback(&mine) && is_far(n))
        return tap_beam_node_fail(n,
                                  "it is not on this machine, and listen = %s can be reached only from here: "
                                  "set listen = 0.0.0.0:0",
                                  l->listen.host);
    tap_address_print(&mine, false, text);
    snprintf(to->address, sizeof to->address, "%.*s", (int)sizeof to->address - 1, text);
    return true;
}

void tap_lobby_init(struct tap_lobby *l)
{
    l->door = (struct tap_door){lobby_open, lobby_poll, lobby_serve, lobby_invite, lobby_close};
    l->fd = -1;
    for (size_t i = 0; i < TAP_LOBBY_GUESTS; i++)
        l->guests[i].fd = -1;
}
