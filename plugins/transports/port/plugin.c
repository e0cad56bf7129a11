/* plugin.c: the transport that reads what trace ports of the VM's (dbg:trace_port(ip, Port)) tell,
 * live.
 *
 * Whoever opened the port set the trace, and takes it away: here it is only read. A port tells one
 * node's events to one client at a time, and drops what that does not take in time; it says how
 * many those were. Whose events they are, its first message tells.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "transports/port/client.h"

struct port_settings {
    struct tap_text_list address;
    int64_t connect_timeout;
};

struct port {
    const struct tap_host *host;
    const struct port_settings *settings;
    struct tap_port_client *clients;
    struct pollfd *fds; /* of each client, and `wake` */
    size_t count;
    int wake; /* an eventfd: of one that is being connected it is known how that went */
};

static void port_destroy(void *self)
{
    struct port *p = self;
    for (size_t i = 0; i < p->count; i++)
        tap_port_client_free(&p->clients[i]);
    if (p->wake >= 0)
        close(p->wake);
    free(p->clients);
    free(p->fds);
    free(p);
}

static enum tap_status port_create(const struct tap_host *host, const void *settings, void **self)
{
    const struct port_settings *s = settings;
    struct port *p = calloc(1, sizeof *p);
    if (!p)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    p->wake = -1;
    p->clients = calloc(s->address.count, sizeof *p->clients);
    p->fds = calloc(s->address.count + 1, sizeof *p->fds);
    if (!p->clients || !p->fds) {
        port_destroy(p);
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    }
    p->host = host;
    p->settings = s;
    enum tap_status status = TAP_OK;
    for (; p->count < s->address.count; p->count++)
        if (!tap_port_client_init(&p->clients[p->count], host, s->address.items[p->count].text))
            status = TAP_FAIL(host, TAP_INVALID, "address = %s: it reads HOST:PORT or [IPV6]:PORT",
                              s->address.items[p->count].text);
    if (status == TAP_OK) {
        *self = p;
        return TAP_OK;
    }
    port_destroy(p);
    return status;
}

/* Waits at most `timeout` ms for what comes of those that `may`, and for connections. How many
 * clients are open, or may still be. */
static size_t wait_for_any(struct port *p, bool may, int timeout)
{
    size_t open = 0, n = p->count;
    uint64_t times;
    for (size_t i = 0; i < n; i++) {
        p->fds[i] = (struct pollfd){.fd = may ? p->clients[i].fd : -1, .events = POLLIN};
        open += p->clients[i].fd >= 0 || p->clients[i].reach;
    }
    p->fds[n] = (struct pollfd){.fd = p->wake, .events = POLLIN};
    if (!open || p->host->transport->wait(p->host, p->fds, n + 1, timeout) <= 0)
        memset(p->fds, 0, (n + 1) * sizeof *p->fds);
    if (p->fds[n].revents && read(p->wake, &times, sizeof times) < 0)
        p->fds[n].revents = 0; /* nothing is there any more */
    for (size_t i = 0; i < n; i++)
        tap_port_client_connected(&p->clients[i]);
    return open;
}

/* All at once, until the first is connected: of what that one tells, none should have to wait for
 * another that does not answer. */
static enum tap_status port_start(void *self)
{
    struct port *p = self;
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->wake < 0)
        return TAP_FAIL(p->host, TAP_ERROR, "cannot make an eventfd");
    for (size_t i = 0; i < p->count; i++)
        tap_port_client_connect(&p->clients[i], p->settings->connect_timeout, p->wake);
    while (!p->host->transport->stopping(p->host) && wait_for_any(p, false, 250))
        for (size_t i = 0; i < p->count; i++)
            if (p->clients[i].fd >= 0)
                return TAP_OK;
    return p->host->transport->stopping(p->host) ? TAP_OK : TAP_ERROR;
}

/* One node has one tracer: two of its ports would be two streams that each count from 0. */
static bool is_taken(const struct port *p, const struct tap_port_client *c)
{
    for (size_t i = 0; i < p->count; i++)
        if (&p->clients[i] != c && p->clients[i].tracing && p->clients[i].node == c->node)
            return true;
    return false;
}

static void read_ready(struct port *p, struct tap_port_client *c)
{
    bool began = c->tracing;
    if (!tap_port_client_read(c))
        return;
    if (!began && c->frames.known) {
        c->node = p->host->transport->node_add(p->host, c->frames.node);
        if (c->node == UINT32_MAX || is_taken(p, c)) {
            TAP_FAIL(p->host, TAP_ERROR, "%s: %s is traced through another port already", c->text,
                     c->frames.node);
            tap_port_client_close(c);
            return;
        }
        tap_port_client_begin(c);
    }
    tap_port_client_commit(c);
    if (tap_port_client_is_full(c))
        tap_port_client_close(c);
}

static enum tap_status port_run(void *self)
{
    struct port *p = self;
    enum tap_status status = TAP_OK;
    for (size_t open = 1; open > 0 && !p->host->transport->stopping(p->host);) {
        bool may = p->host->transport->may_grant(p->host);
        open = wait_for_any(p, may, may ? 1000 : 100);
        for (size_t i = 0; i < p->count; i++)
            if (p->fds[i].revents)
                read_ready(p, &p->clients[i]);
    }
    for (size_t i = 0; i < p->count; i++) {
        tap_port_client_close(&p->clients[i]);
        status = p->clients[i].failed ? TAP_ERROR : status;
    }
    return status;
}

static enum tap_status port_stop(void *self)
{
    struct port *p = self;
    for (size_t i = 0; i < p->count; i++)
        tap_port_client_close(&p->clients[i]);
    return TAP_OK;
}

/* Each address is a node of its own: who reads the output has to know whose each event is. */
static enum tap_status port_facts(void *self, struct tap_run_info *info)
{
    const struct port *p = self;
    info->several_nodes = p->count > 1;
    return TAP_OK;
}

static const struct tap_option port_options[] = {
    {"address", TAP_OPT_LIST, NULL, 0, 0, NULL,
     "the trace ports, as HOST:PORT or [IPV6]:PORT: what dbg:trace_port(ip, PORT) opened on HOST, "
     "of one node each. The trace itself is dbg's: it is not set here, and not taken away",
     offsetof(struct port_settings, address), TAP_OPT_REQUIRED},
    {"connect_timeout", TAP_OPT_DURATION, "10s", INT64_C(10000000), INT64_C(600000000000), NULL,
     "how long it may take until a port has answered; all are tried at the same time",
     offsetof(struct port_settings, connect_timeout), 0},
};

static const struct tap_transport_ops port_ops = {
    .struct_size = sizeof port_ops,
    .create = port_create,
    .start = port_start,
    .run = port_run,
    .stop = port_stop,
    .destroy = port_destroy,
    .facts = port_facts,
};

static const struct tap_plugin port_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_TRANSPORT,
    .name = "port",
    .version = TAP_VERSION,
    .summary = "reads what others trace, live, from the VM's trace ports (dbg:trace_port(ip, ...))",
    .license = "Apache-2.0",
    .options = port_options,
    .option_count = sizeof port_options / sizeof port_options[0],
    .settings_size = sizeof(struct port_settings),
    .ops = &port_ops,
    .flags = TAP_PLUGIN_REPLAYS | TAP_PLUGIN_LIMITS,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &port_plugin;
}
