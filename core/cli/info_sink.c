/* info_sink.c: see info_sink.h. */
#include "cli/info_sink.h"

#include <stdlib.h>

#include "beamtap/sink.h"

static enum tap_status info_create(const struct tap_host *host, const void *settings, void **self)
{
    (void)settings;
    struct tap_info *i = calloc(1, sizeof *i);
    if (!i)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    i->host = host;
    *self = i;
    return TAP_OK;
}

static enum tap_status info_nothing(void *self)
{
    (void)self;
    return TAP_OK;
}

static enum tap_status info_consume(void *self, const struct tap_batch *batch,
                                    const uint32_t *select, size_t n)
{
    struct tap_info *i = self;
    uint64_t counted = 0;
    for (size_t k = 0; k < n; k++) {
        const struct tap_event *e = tap_batch_event(batch, select[k]);
        if (e->kind >= TAP_KIND_COUNT)
            continue;
        i->events[e->kind]++;
        i->bytes[e->kind] += e->raw.len;
        if (tap_kind_is_control(e->kind))
            continue;
        counted++;
        i->first = !i->first || e->ts < i->first ? e->ts : i->first;
        i->last = e->ts > i->last ? e->ts : i->last;
    }
    i->host->sink->written(i->host, counted, 0);
    return TAP_OK;
}

static const struct tap_sink_ops info_ops = {.struct_size = sizeof info_ops,
                                             .create = info_create,
                                             .start = info_nothing,
                                             .consume = info_consume,
                                             .flush = info_nothing,
                                             .stop = info_nothing,
                                             .destroy = free};
static const struct tap_plugin info_plugin = {TAP_PLUGIN_HEADER,
                                              .kind = TAP_PLUGIN_SINK,
                                              .name = "info",
                                              .version = "",
                                              .summary = "counts what a recording holds",
                                              .license = "Apache-2.0",
                                              .ops = &info_ops,
                                              .flags = TAP_PLUGIN_ITEMS};
const struct tap_loaded tap_info_plugin = {&info_plugin, "built in", NULL};
