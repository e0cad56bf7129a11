/* filter:time: keeps the events of a stretch of time.
 *
 * It is made for recordings (beamtap export --from 2s --to 5s), where it cuts out what is to be
 * looked at; in a live run the events are traced all the same, and left out here. Bounds are the
 * run's own clock (from, to) or the wall's (since, until); of two for one end the narrower holds.
 */
#include <stddef.h>
#include <stdlib.h>

#include "beamtap/filter.h"
#include "syntax/wall_time.h"

struct time_settings {
    int64_t from, to;
    const char *since, *until;
};

struct time_filter {
    const struct tap_host *host;
    int64_t from, to;     /* ns since the run's start; to 0: no bound */
    int64_t since, until; /* ns since the epoch; until INT64_MAX: no bound */
};

static const struct tap_option time_options[] = {
    {.name = "from",
     .type = TAP_OPT_DURATION,
     .def = "0",
     .offset = offsetof(struct time_settings, from),
     .help = "so long after the run began it begins to keep events"},
    {.name = "to",
     .type = TAP_OPT_DURATION,
     .def = "0",
     .offset = offsetof(struct time_settings, to),
     .help = "so long after the run began it keeps no more; 0: to the end"},
    {.name = "since",
     .type = TAP_OPT_STRING,
     .offset = offsetof(struct time_settings, since),
     .help = "from this time on, in UTC: 2026-11-28T10:00:00, with a fraction where it is needed"},
    {.name = "until",
     .type = TAP_OPT_STRING,
     .offset = offsetof(struct time_settings, until),
     .help = "before this time, in UTC"},
};

static enum tap_status time_create(const struct tap_host *host, const void *settings, void **self)
{
    const struct time_settings *s = settings;
    struct time_filter t = {host, s->from, s->to, 0, INT64_MAX};
    bool good = tap_wall_time_option(host, "since", s->since, &t.since);
    good &= tap_wall_time_option(host, "until", s->until, &t.until);
    if (!good) /* both are told */
        return TAP_INVALID;
    if ((t.to && t.to <= t.from) || t.until <= t.since)
        return TAP_FAIL(host, TAP_INVALID, "it ends before it begins: nothing would be kept");
    struct time_filter *own = malloc(sizeof *own);
    if (!own)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    *own = t;
    *self = own;
    return TAP_OK;
}

static void time_destroy(void *self)
{
    free(self);
}

/* So long after the start, or the end of all time (2262). */
static int64_t after(int64_t started, int64_t ns)
{
    int64_t at;
    return __builtin_add_overflow(started, ns, &at) ? INT64_MAX : at;
}

static void time_filter(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    const struct time_filter *t = self;
    int64_t started = t->host->run_info->started, from = after(started, t->from),
            to = t->to ? after(started, t->to) : INT64_MAX;
    from = from > t->since ? from : t->since;
    to = to < t->until ? to : t->until;
    for (uint32_t i = 0; i < batch->count; i++) {
        int64_t ts = tap_batch_event(batch, i)->ts;
        keep[i] &= ts >= from && ts < to;
    }
}

static const struct tap_filter_ops time_ops = {.struct_size = sizeof time_ops,
                                               .create = time_create,
                                               .filter = time_filter,
                                               .destroy = time_destroy};
static const struct tap_plugin time_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_FILTER,
    .name = "time",
    .version = TAP_VERSION,
    .summary = "keeps the events of a stretch of time",
    .license = "Apache-2.0",
    .options = time_options,
    .option_count = sizeof time_options / sizeof time_options[0],
    .settings_size = sizeof(struct time_settings),
    .ops = &time_ops,
    .flags = TAP_PLUGIN_NO_RAW | TAP_PLUGIN_ALONE,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &time_plugin;
}
