/* plugin.c: the folded sink: stacks of calls and what they took, added up, a line for each, from
 * which flame graphs are drawn: shop_cart:add/2;shop_cart:price/2 1234
 */
#include "sinks/common/kit.h"

struct settings {
    const char *path;
    int weight; /* 0: time, 1: calls */
};

struct folded {
    struct tap_file_sink sink;
    struct tap_call_stacks *stacks;
    struct tap_sums *sums;
};

static bool ended(void *self, const struct tap_call *call)
{
    return tap_sums_add(((struct folded *)self)->sums, call->stack,
                        call->depth * sizeof *call->stack, (uint64_t)call->own);
}

static bool begin(void *self)
{
    struct folded *f = self;
    f->stacks = tap_call_stacks_new(f->sink.host, ended, f);
    f->sums = tap_sums_new();
    return f->stacks && f->sums;
}

static bool event(void *self, const struct tap_batch *batch, const struct tap_event *e)
{
    (void)batch;
    return tap_call_stacks_take(((struct folded *)self)->stacks, e);
}

static bool end(void *self)
{
    struct folded *f = self;
    const struct settings *settings = f->sink.settings;
    struct tap_writer *w = &f->sink.w;
    const struct tap_sum *sum;
    if (!tap_call_stacks_finish(f->stacks))
        return false;
    for (size_t i = 0; (sum = tap_sums_at(f->sums, i)); i++) {
        uint64_t value = settings->weight ? sum->count : sum->total / 1000;
        if (!value)
            continue;
        tap_call_stack_put(w, (const struct tap_mfa *)(const void *)sum->key,
                           sum->len / sizeof(struct tap_mfa));
        w->p = tap_text_u64(tap_text_lit(tap_writer_reserve(w, 32), " "), value);
        tap_writer_put(w, "\n", 1);
    }
    return true;
}

static void release(void *self)
{
    tap_call_stacks_free(((struct folded *)self)->stacks);
    tap_sums_free(((struct folded *)self)->sums);
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
     "the number behind a stack: microseconds in its last function, or how often it was called",
     offsetof(struct settings, weight), 0}};

TAP_FILE_SINK(ops, struct settings, options, .name = "folded", .version = "0.1.0",
              .summary = "stacks of calls, added up by time or number, for flame graphs",
              .license = "Apache-2.0", .flags = TAP_PLUGIN_NO_RAW, .endings = endings)
