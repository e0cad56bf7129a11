/* plugin.c: the folded sink: stacks of calls and what they took, added up, a line for each, from
 * which flame graphs are drawn: shop_cart:add/2;shop_cart:price/2 1234
 */
#include "sinks/common/kit.h"

struct settings {
    const char *path;
    int weight; /* 0: time, 1: calls */
    int64_t max_memory;
};

struct folded {
    struct tap_file_sink sink;
    struct tap_stack_sums *sums;
};

static bool begin(void *self)
{
    struct folded *f = self;
    int64_t most = ((const struct settings *)f->sink.settings)->max_memory;
    f->sums = tap_stack_sums_new(f->sink.host);
    if (f->sums)
        tap_stack_sums_limit(f->sums, (uint64_t)most);
    return f->sums;
}

static bool event(void *self, const struct tap_batch *batch, const struct tap_event *e)
{
    return tap_stack_sums_take(((struct folded *)self)->sums, batch, e);
}

static bool end(void *self)
{
    struct folded *f = self;
    return tap_stack_sums_put(f->sums, &f->sink.w,
                              ((const struct settings *)f->sink.settings)->weight);
}

static void release(void *self)
{
    tap_stack_sums_free(((struct folded *)self)->sums);
}

static const struct tap_file_sink_ops ops = {sizeof(struct folded),
                                             offsetof(struct settings, path),
                                             .begin = begin,
                                             .event = event,
                                             .end = end,
                                             .free = release,
                                             .at_end = true};
static const char *const weights[] = {"time", "calls", NULL}, *const endings[] = {"folded", NULL};
static const struct tap_option options[] = {
    TAP_FILE_SINK_PATH(struct settings),
    {"weight", TAP_OPT_CHOICE, "time", 0, 0, weights,
     "the number behind a stack: microseconds in its last function, or how often it was called; "
     "of a profile each function is a stack, by its calls where no time was counted",
     offsetof(struct settings, weight), 0},
    {"max_memory", TAP_OPT_SIZE, "32M", 1, INT64_C(1) << 40, NULL,
     "what different stacks may take; calls of what is beyond are added up as (other stacks)",
     offsetof(struct settings, max_memory), TAP_OPT_BYTES}};

TAP_FILE_SINK(ops, struct settings, options, .name = "folded", .version = "0.1.0",
              .summary = "stacks of calls, added up by time or number, for flame graphs",
              .license = "Apache-2.0", .flags = TAP_PLUGIN_NO_RAW, .endings = endings)
