/* filter:nodes: keeps the events of some of a run's nodes.
 *
 * It is made for recordings of several nodes (beamtap export --node shop@web1), and for sinks that
 * have a node each. In a live run the other nodes are traced all the same: which are traced is said
 * by `nodes` in [session].
 */
#include <stddef.h>
#include <stdlib.h>

#include "beamtap/filter.h"
#include "syntax/glob.h"

struct nodes_settings {
    struct tap_text_list nodes;
};

struct nodes_filter {
    const struct tap_host *host;
    const struct nodes_settings *settings;
};

static const struct tap_option nodes_options[] = {
    {.name = "nodes",
     .type = TAP_OPT_LIST,
     .offset = offsetof(struct nodes_settings, nodes),
     .flags = TAP_OPT_REQUIRED,
     .help = "nodes to keep, as they call themselves; * and ? are wildcards: shop@*"},
};

static enum tap_status nodes_create(const struct tap_host *host, const void *settings, void **self)
{
    const struct nodes_settings *s = settings;
    for (size_t i = 0; i < s->nodes.count; i++)
        if (!strpbrk(s->nodes.items[i].text, "@*"))
            return host->fail_at(host, &s->nodes.items[i], 0,
                                 "'%s' is not a node name (such as shop@web1 or shop@*)",
                                 s->nodes.items[i].text);
    struct nodes_filter *n = malloc(sizeof *n);
    if (!n)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    *n = (struct nodes_filter){host, settings};
    *self = n;
    return TAP_OK;
}

static void nodes_destroy(void *self)
{
    free(self);
}

static bool keeps(const struct nodes_filter *n, uint32_t index)
{
    const struct tap_node *node = n->host->node(n->host, index);
    const struct tap_text_list *list = &n->settings->nodes;
    for (size_t i = 0; node && i < list->count; i++)
        if (tap_glob_matches(list->items[i].text, node->name))
            return true;
    return false;
}

/* Events of one node mostly come one after the other; and its name may still be learned while it
 * is asked about, so that no verdict is kept beyond a batch. */
static void nodes_filter(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    const struct nodes_filter *n = self;
    uint32_t last = UINT32_MAX;
    bool kept = false;
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t node = tap_batch_event(batch, i)->node;
        if (node != last)
            kept = keeps(n, node);
        last = node;
        keep[i] &= kept;
    }
}

static const struct tap_filter_ops nodes_ops = {.struct_size = sizeof nodes_ops,
                                                .create = nodes_create,
                                                .filter = nodes_filter,
                                                .destroy = nodes_destroy};
static const struct tap_plugin nodes_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_FILTER,
    .name = "nodes",
    .version = TAP_VERSION,
    .summary = "keeps the events of the nodes that are named",
    .license = "Apache-2.0",
    .options = nodes_options,
    .option_count = sizeof nodes_options / sizeof nodes_options[0],
    .settings_size = sizeof(struct nodes_settings),
    .ops = &nodes_ops,
    .flags = TAP_PLUGIN_NO_RAW | TAP_PLUGIN_ALONE,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &nodes_plugin;
}
