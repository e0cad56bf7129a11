/* filter.c: a complete filter by the headers of ABI 1.0: calls of one function, here and in the
 * node. */
#include <beamtap/filter.h>

#include <stdlib.h>
#include <string.h>

struct settings {
    struct tap_text_list function;
};

struct only {
    const struct tap_host *host;
    const struct tap_text *function;
    uint32_t id;
};

static enum tap_status only_create(const struct tap_host *host, const void *settings, void **self)
{
    const struct settings *set = settings;
    struct only *o;
    if (set->function.count != 1)
        return TAP_FAIL(host, TAP_INVALID, "one function, not %zu", set->function.count);
    if (!(o = calloc(1, sizeof *o)))
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    o->host = host;
    o->function = &set->function.items[0];
    o->id = host->intern(host, o->function->text, strlen(o->function->text));
    *self = o;
    return TAP_OK;
}

static enum tap_status only_plan(void *self, struct tap_claim *claim)
{
    struct only *o = self;
    struct tap_plan_function f = TAP_SIZED(struct tap_plan_function);
    f.function = o->function->text;
    f.arity = -1;
    f.where = *o->function;
    o->host->filter->claim_function(claim, &f);
    return TAP_OK;
}

static void only_filter(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    struct only *o = self;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct tap_event *e = tap_batch_event(batch, i);
        if (e->kind == TAP_FUNCTION_CALL && e->function != o->id)
            keep[i] = 0;
    }
}

static void only_destroy(void *self)
{
    free(self);
}

static const struct tap_filter_ops ops = {.struct_size = sizeof ops,
                                          .create = only_create,
                                          .plan = only_plan,
                                          .filter = only_filter,
                                          .destroy = only_destroy};
static const struct tap_option options[] = {{.name = "function",
                                             .type = TAP_OPT_LIST,
                                             .help = "the function's name",
                                             .offset = offsetof(struct settings, function),
                                             .flags = TAP_OPT_REQUIRED}};
static const struct tap_plugin plugin = {TAP_PLUGIN_HEADER,
                                         .kind = TAP_PLUGIN_FILTER,
                                         .flags = TAP_PLUGIN_NO_RAW,
                                         .name = "abi_c",
                                         .version = "1.0",
                                         .summary = "calls of one function",
                                         .license = "Apache-2.0",
                                         .options = options,
                                         .option_count = 1,
                                         .settings_size = sizeof(struct settings),
                                         .ops = &ops};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &plugin;
}
