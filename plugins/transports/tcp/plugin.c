/* plugin.c: the transport over TCP connections of its own.
 *
 * The collector joins the cluster as dist does, and all that is said to the agent goes over the
 * distribution; but the frames come over a TCP connection that the node opens to us, so that a
 * trace never stands in the way of the cluster's own messages. The shared work is in ../beam, the
 * port in listener.c.
 */
#include "transports/beam/beam.h"
#include "transports/tcp/listener.h"

struct tcp_settings {
    int64_t connect_timeout;
    const char *name, *listen, *advertise;
};

static const struct tap_option tcp_options[] = {
    {"listen", TAP_OPT_STRING, "127.0.0.1:0", 0, 0, NULL,
     "where nodes connect to, as ADDRESS:PORT or [IPV6]:PORT; port 0: any; for nodes on other "
     "machines 0.0.0.0:0 or [::]:0. unix:/PATH: a Unix socket, which nodes that run as other users "
     "must be able to get to, in a folder of yours; ADDRESS:PORT, unix:/PATH: both, the socket "
     "first",
     offsetof(struct tcp_settings, listen), 0},
    {"advertise", TAP_OPT_STRING, NULL, 0, 0, NULL,
     "the address, and with :PORT the port, that nodes are told, where listen's is not what they "
     "can reach. Without it the native tracer of a node on this machine takes a Unix socket",
     offsetof(struct tcp_settings, advertise), 0},
    {"connect_timeout", TAP_OPT_DURATION, "10s", INT64_C(10000000), INT64_C(600000000000), NULL,
     "how long one node may take from the first attempt to connect until it has opened its own "
     "connection and is traced",
     offsetof(struct tcp_settings, connect_timeout), 0},
    {"name", TAP_OPT_STRING, NULL, 0, 0, NULL,
     "the name before the @ that beamtap takes in the cluster; without it the first of beamtap_1, "
     "beamtap_2, ... that is free",
     offsetof(struct tcp_settings, name), 0},
};

struct tcp {
    struct tap_beam *beam;
    struct tap_listener listener;
};

static enum tap_status tcp_create(const struct tap_host *host, const void *given, void **self)
{
    const struct tcp_settings *settings = given;
    struct tcp *t = calloc(1, sizeof *t);
    if (!t)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    enum tap_status status = TAP_OK;
    const char *wrong = tap_listen_parse(settings->listen, &t->listener.listen);
    if (wrong)
        status = TAP_FAIL(host, TAP_INVALID, "listen = %s: %s", settings->listen, wrong);
    if (settings->advertise && !tap_address_parse(settings->advertise, &t->listener.advertise))
        status = TAP_FAIL(host, TAP_INVALID,
                          "advertise = %s: it reads ADDRESS, ADDRESS:PORT or [IPV6]:PORT",
                          settings->advertise);
    if (status == TAP_OK && settings->advertise && !t->listener.listen.tcp.host[0])
        status = TAP_FAIL(host, TAP_INVALID,
                          "advertise = %s: this is for TCP, and listen = %s is a Unix socket alone",
                          settings->advertise, settings->listen);
    if (status == TAP_OK)
        status = tap_beam_new(host, settings->connect_timeout, settings->name, &t->beam);
    if (status != TAP_OK) {
        free(t);
        return status;
    }
    tap_listener_init(&t->listener);
    t->beam->acceptor = &t->listener.acceptor;
    *self = t;
    return TAP_OK;
}

static enum tap_status tcp_start(void *self)
{
    return tap_beam_start(((struct tcp *)self)->beam);
}
static enum tap_status tcp_run(void *self)
{
    return tap_beam_run(((struct tcp *)self)->beam);
}
static enum tap_status tcp_stop(void *self)
{
    return tap_beam_stop(((struct tcp *)self)->beam);
}
static void tcp_destroy(void *self)
{
    struct tcp *t = self;
    tap_beam_free(t->beam);
    free(t);
}

static const struct tap_transport_ops tcp_ops = {
    .struct_size = sizeof tcp_ops,
    .create = tcp_create,
    .start = tcp_start,
    .run = tcp_run,
    .stop = tcp_stop,
    .destroy = tcp_destroy,
};

static const struct tap_plugin tcp_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_TRANSPORT,
    .name = "tcp",
    .version = TAP_VERSION,
    .summary = "joins the nodes' cluster as a hidden node and takes the trace over TCP connections "
               "of its own",
    .license = "Apache-2.0",
    .options = tcp_options,
    .option_count = sizeof tcp_options / sizeof tcp_options[0],
    .settings_size = sizeof(struct tcp_settings),
    .ops = &tcp_ops,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &tcp_plugin;
}
