/* plugin.c: the transport over the Erlang distribution.
 *
 * The collector joins the cluster as a hidden node and the frames come over that connection:
 * nothing has to be opened or installed in the node. The native tracer's frames come over a Unix
 * socket, where a node is on this machine. All the work is in ../beam; here are the options and the
 * descriptor.
 */
#include "transports/beam/beam.h"
#include "transports/dist/local_acceptor.h"

struct dist_settings {
    int64_t connect_timeout;
    const char *name;
};

static const struct tap_option dist_options[] = {
    {"connect_timeout", TAP_OPT_DURATION, "10s", INT64_C(10000000), INT64_C(600000000000), NULL,
     "how long one node may take from the first attempt to connect until it is traced",
     offsetof(struct dist_settings, connect_timeout), 0},
    {"name", TAP_OPT_STRING, NULL, 0, 0, NULL,
     "the name before the @ that beamtap takes in the cluster; without it the first of beamtap_1, "
     "beamtap_2, ... that is free",
     offsetof(struct dist_settings, name), 0},
};

struct dist {
    struct tap_beam *beam;
    struct tap_local_acceptor local;
};

static enum tap_status dist_create(const struct tap_host *host, const void *given, void **self)
{
    const struct dist_settings *settings = given;
    struct dist *d = calloc(1, sizeof *d);
    if (!d)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    enum tap_status status =
        tap_beam_new(host, settings->connect_timeout, settings->name, &d->beam);
    if (status != TAP_OK) {
        free(d);
        return status;
    }
    tap_local_acceptor_init(&d->local);
    d->beam->acceptor = &d->local.acceptor;
    *self = d;
    return TAP_OK;
}

static enum tap_status dist_start(void *self)
{
    return tap_beam_start(((struct dist *)self)->beam);
}
static enum tap_status dist_run(void *self)
{
    return tap_beam_run(((struct dist *)self)->beam);
}
static enum tap_status dist_stop(void *self)
{
    return tap_beam_stop(((struct dist *)self)->beam);
}
static enum tap_status dist_service(void *self, const char *verb, const uint8_t *args,
                                    size_t args_len, struct tap_buf *result)
{
    return tap_beam_service(((struct dist *)self)->beam, verb, args, args_len, result);
}
static void dist_destroy(void *self)
{
    struct dist *d = self;
    tap_beam_free(d->beam);
    free(d);
}

static const struct tap_transport_ops dist_ops = {
    .struct_size = sizeof dist_ops,
    .create = dist_create,
    .start = dist_start,
    .run = dist_run,
    .stop = dist_stop,
    .destroy = dist_destroy,
    .service = dist_service,
};

static const struct tap_plugin dist_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_TRANSPORT,
    .name = "dist",
    .version = TAP_VERSION,
    .summary =
        "joins the nodes' cluster as a hidden node and takes the trace over the distribution",
    .license = "Apache-2.0",
    .options = dist_options,
    .option_count = sizeof dist_options / sizeof dist_options[0],
    .settings_size = sizeof(struct dist_settings),
    .ops = &dist_ops,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &dist_plugin;
}
