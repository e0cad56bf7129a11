/* clients.c: see clients.h. */
#include "transports/beam/clients.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define REST_TIME INT64_C(200000000)
#define LOG_MAX 10 /* refusals that are told one by one */

void tap_clients_init(struct tap_clients *c, struct tap_beam *beam)
{
    c->beam = beam;
    c->rest_until = 0;
    for (size_t i = 0; i < TAP_CLIENTS_PENDING; i++)
        c->pending[i].fd = -1;
}

void tap_clients_close(struct tap_clients *c)
{
    for (size_t i = 0; i < TAP_CLIENTS_PENDING; i++) {
        if (c->pending[i].fd >= 0)
            close(c->pending[i].fd);
        c->pending[i].fd = -1;
    }
}

/* ---- Coming */

bool tap_clients_may_accept(const struct tap_clients *c)
{
    return tap_wire_now() >= c->rest_until;
}

void tap_clients_none(struct tap_clients *c, int error, int64_t now)
{
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM)
        c->rest_until = now + REST_TIME;
}

static void client_refuse(struct tap_clients *c, struct tap_client *g, const char *why)
{
    const struct tap_host *host = c->beam->host;
    close(g->fd);
    g->fd = -1;
    if (++c->refused <= LOG_MAX)
        host->log(host, TAP_LOG_WARNING, "refused a connection from %s: %s%s", g->from, why,
                  c->refused == LOG_MAX ? " (further ones are only counted)" : "");
    if (host->count)
        host->count(host, "connections refused", 1);
}

/* A free slot, or that of whoever has said nothing for the longest time. */
static struct tap_client *client_slot(struct tap_clients *c)
{
    struct tap_client *oldest = &c->pending[0];
    for (size_t i = 0; i < TAP_CLIENTS_PENDING; i++) {
        if (c->pending[i].fd < 0)
            return &c->pending[i];
        if (c->pending[i].by < oldest->by)
            oldest = &c->pending[i];
    }
    client_refuse(c, oldest, "too many connections wait that do not say who they are");
    return oldest;
}

void tap_clients_add(struct tap_clients *c, int fd, bool local, const char *from, int64_t now)
{
    struct tap_client *g = client_slot(c);
    *g = (struct tap_client){.fd = fd, .local = local, .by = now + TAP_CLIENT_TIME};
    snprintf(g->from, sizeof g->from, "%s", from);
}

/* ---- Saying who they are */

/* The node that this token was made for. Takes the same time whatever the token is. What was said
 * to an impostor at a Unix socket's path proves nothing over TCP. */
static struct tap_beam_node *client_node(const struct tap_clients *c, const struct tap_client *g)
{
    const uint8_t *token = g->hello + 4;
    struct tap_beam_node *found = NULL;
    for (size_t i = 0; i < c->beam->count; i++) {
        struct tap_beam_node *n = c->beam->nodes[i];
        uint8_t differs = 0;
        for (size_t b = 0; b < TAP_STREAM_TOKEN; b++)
            differs |= n->secret[b + (g->local ? TAP_STREAM_TOKEN : 0)] ^ token[b];
        if (!differs && n->data_state != TAP_DATA_NONE)
            found = n;
    }
    return found;
}

static void client_proven(struct tap_clients *c, struct tap_client *g)
{
    int on = 1;
    struct tap_beam_node *n = client_node(c, g);
    if (!n) {
        client_refuse(c, g, "its token is none of this run");
        return;
    }
    if (n->data_state != TAP_DATA_EXPECTED) {
        client_refuse(c, g, "its token was used before");
        return;
    }
    const uint8_t *answer = n->secret + (g->local ? 3 : 2) * TAP_STREAM_TOKEN;
    if (send(g->fd, answer, TAP_STREAM_TOKEN, MSG_NOSIGNAL) != (ssize_t)TAP_STREAM_TOKEN) {
        client_refuse(c, g, "it hung up");
        return;
    }
    if (!g->local)
        setsockopt(g->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    struct tap_wire *wire = tap_wire_socket(g->fd);
    g->fd = -1;
    if (wire && !tap_beam_node_data_connection(n, wire, g->local))
        wire->ops->close(wire);
}

static void client_read(struct tap_clients *c, struct tap_client *g)
{
    ssize_t n = recv(g->fd, g->hello + g->got, sizeof g->hello - g->got, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_refuse(c, g, "it hung up before it said who it is");
        return;
    }
    g->got += (size_t)n;
    if (memcmp(g->hello, TAP_STREAM_MAGIC, g->got < 4 ? g->got : 4) != 0)
        client_refuse(c, g, "it does not say what beamtap's agent says");
    else if (g->got == sizeof g->hello)
        client_proven(c, g);
}

/* ---- The loop */

size_t tap_clients_poll(const struct tap_clients *c, struct pollfd *fds)
{
    size_t n = 0;
    for (size_t i = 0; i < TAP_CLIENTS_PENDING; i++)
        if (c->pending[i].fd >= 0)
            fds[n++] = (struct pollfd){.fd = c->pending[i].fd, .events = POLLIN};
    return n;
}

void tap_clients_serve(struct tap_clients *c, const struct pollfd *fds, size_t n, int64_t now)
{
    size_t at = 0;
    for (size_t i = 0; i < TAP_CLIENTS_PENDING && at < n; i++) {
        struct tap_client *g = &c->pending[i];
        if (g->fd < 0 || g->fd != fds[at].fd)
            continue;
        if (fds[at++].revents)
            client_read(c, g);
        if (g->fd >= 0 && now > g->by)
            client_refuse(c, g, "it did not say in time who it is");
    }
}
