/* plugin.c: the transport over the Erlang distribution.
 *
 * The collector joins the cluster as a hidden node and the frames come over that connection:
 * nothing has to be opened or installed in the node. All the work is in ../beam; here are the
 * options and the descriptor.
 */
#include "transports/beam/beam.h"

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

static enum tap_status dist_create(const struct tap_host *host, const void *given, void **self)
{
    const struct dist_settings *settings = given;
    struct tap_beam *b = NULL;
    enum tap_status status = tap_beam_new(host, settings->connect_timeout, settings->name, &b);
    *self = b;
    return status;
}

static enum tap_status dist_start(void *self)
{
    return tap_beam_start(self);
}
static enum tap_status dist_run(void *self)
{
    return tap_beam_run(self);
}
static enum tap_status dist_stop(void *self)
{
    return tap_beam_stop(self);
}
static enum tap_status dist_service(void *self, const char *verb, const uint8_t *args,
                                    size_t args_len, struct tap_buf *result)
{
    return tap_beam_service(self, verb, args, args_len, result);
}
static void dist_destroy(void *self)
{
    tap_beam_free(self);
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
