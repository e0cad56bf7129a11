/* local_acceptor.c: see local_acceptor.h. */
#include "transports/dist/local_acceptor.h"

static struct tap_local_acceptor *local_of(struct tap_acceptor *acceptor)
{
    return (struct tap_local_acceptor *)acceptor;
}

/* Where it cannot be had, no node is told of it, and the agent says what that means. */
static bool local_open(struct tap_acceptor *acceptor, struct tap_beam *beam)
{
    struct tap_local_acceptor *l = local_of(acceptor);
    const struct tap_host *host = beam->host;
    l->clients.beam = beam;
    if (!TAP_HAS(host->plan, collect) || host->plan->collect == TAP_COLLECT_PROCESS)
        return true;
    const char *why = tap_local_open(&l->local, TAP_LOCAL_RANDOM);
    if (why)
        host->log(host, TAP_LOG_WARNING, "no Unix socket for the native tracer's frames: %s", why);
    return true;
}

static size_t local_poll(struct tap_acceptor *acceptor, struct pollfd *fds)
{
    struct tap_local_acceptor *l = local_of(acceptor);
    l->polled = l->local.fd >= 0 && tap_clients_may_accept(&l->clients);
    if (l->polled)
        fds[0] = (struct pollfd){.fd = l->local.fd, .events = POLLIN};
    return l->polled + tap_clients_poll(&l->clients, fds + l->polled);
}

static void local_serve(struct tap_acceptor *acceptor, const struct pollfd *fds, size_t n,
                        int64_t now)
{
    struct tap_local_acceptor *l = local_of(acceptor);
    tap_clients_serve(&l->clients, fds + l->polled, n - l->polled, now);
    if (l->polled && fds[0].revents)
        tap_local_accept(&l->local, &l->clients, now);
}

static bool local_endpoint(struct tap_acceptor *acceptor, struct tap_beam_node *n,
                           struct tap_endpoint *to)
{
    struct tap_local_acceptor *l = local_of(acceptor);
    to->timeout = tap_beam_node_time(n) / 2; /* that it failed must be heard, and a process begin */
    if (l->local.fd >= 0 && tap_local_is_near(n))
        tap_local_tell(&l->local, to);
    return true;
}

static void local_close(struct tap_acceptor *acceptor)
{
    struct tap_local_acceptor *l = local_of(acceptor);
    tap_clients_close(&l->clients);
    tap_local_close(&l->local);
}

void tap_local_acceptor_init(struct tap_local_acceptor *l)
{
    l->acceptor = (struct tap_acceptor){local_open,     local_poll,  local_serve,
                                        local_endpoint, local_close, .native_only = true};
    tap_local_init(&l->local);
    tap_clients_init(&l->clients, NULL);
}
