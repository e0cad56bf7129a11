/* null.c: a sink that throws everything away: what is left is the cost of the collector itself. */
#include <stdlib.h>

#include "beamtap/sink.h"

struct null {
    const struct tap_host *host;
};

static enum tap_status null_create(const struct tap_host *host, const void *settings, void **self)
{
    (void)settings;
    struct null *n = calloc(1, sizeof *n);
    if (!n)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    n->host = host;
    *self = n;
    return TAP_OK;
}

static enum tap_status null_nothing(void *self)
{
    (void)self;
    return TAP_OK;
}

static enum tap_status null_consume(void *self, const struct tap_batch *batch,
                                    const uint32_t *select, size_t n)
{
    const struct null *me = self;
    uint64_t events = 0;
    for (size_t i = 0; i < n; i++)
        events += tap_batch_event(batch, select[i])->kind <= TAP_KIND_USER_LAST;
    me->host->sink->written(me->host, events, 0);
    return TAP_OK;
}

static const struct tap_sink_ops ops = {sizeof ops,   null_create,  null_nothing, null_consume,
                                        null_nothing, null_nothing, free};

static const struct tap_plugin plugin = {TAP_PLUGIN_HEADER,
                                         .kind = TAP_PLUGIN_SINK,
                                         .name = "null",
                                         .version = "1",
                                         .summary = "throws everything away",
                                         .license = "Apache-2.0",
                                         .ops = &ops,
                                         .flags = TAP_PLUGIN_NO_RAW};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &plugin;
}
