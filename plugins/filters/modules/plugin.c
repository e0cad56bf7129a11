/* filter:modules: keeps the calls, returns and exceptions of the modules that were named.
 *
 * All of it can be pushed down, so in a live run the node does the work and `filter` is not called.
 * A replay, or a sink with other filters than its neighbour, filters here: the verdict on a module
 * never changes, so each name is compared with the globs once and then remembered in two bits.
 */
#include "filters/common/name.h"
#include "syntax/glob.h"

struct tap_modules_settings {
    struct tap_text_list modules;
};
static const struct tap_option modules_options[] = {
    {.name = "modules",
     .type = TAP_OPT_LIST,
     .help = "modules to keep; * and ? are wildcards; Shop.Cart means 'Elixir.Shop.Cart'",
     .offset = offsetof(struct tap_modules_settings, modules),
     .flags = TAP_OPT_REQUIRED},
};

struct modules_pattern {
    char *glob; /* as the node writes names, wildcards included */
    bool wild;
    const struct tap_text *where;
};
struct tap_modules {
    const struct tap_host *host;
    struct modules_pattern *patterns;
    size_t count;
    uint8_t *verdicts;    /* two bits a name id: known, keep */
    uint32_t verdict_ids; /* how many ids they cover */
};

static void modules_destroy(void *self)
{
    struct tap_modules *m = self;
    if (!m)
        return;
    for (size_t i = 0; i < m->count; i++)
        free(m->patterns[i].glob);
    free(m->patterns);
    free(m->verdicts);
    free(m);
}

/* Takes one item of the list; TAP_INVALID when it is not a name. */
static enum tap_status modules_add(struct tap_modules *m, const struct tap_text *item)
{
    char name[TAP_FILTER_NAME_MAX + 1];
    size_t at;
    const char *wrong = tap_name_read(item->text, true, name, &at);
    if (wrong && (item->text[at] == ':' || item->text[at] == '/'))
        wrong = "modules are named here; a function goes into a line of [filter:match_spec]: "
                "trace = shop_cart:add/2";
    if (wrong)
        return m->host->fail_at(m->host, item, at, "%s", wrong);
    struct modules_pattern *p = &m->patterns[m->count];
    p->glob = strdup(name);
    if (!p->glob)
        return TAP_FAIL(m->host, TAP_ERROR, "out of memory");
    p->wild = strpbrk(name, "*?") != NULL;
    p->where = item;
    m->count++;
    return TAP_OK;
}

static enum tap_status modules_create(const struct tap_host *host, const void *settings,
                                      void **self)
{
    const struct tap_modules_settings *s = settings;
    struct tap_modules *m = calloc(1, sizeof *m);
    enum tap_status status = TAP_OK;
    if (m)
        m->patterns = calloc(s->modules.count ? s->modules.count : 1, sizeof *m->patterns);
    if (!m || !m->patterns) {
        free(m);
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    }
    m->host = host;
    for (size_t i = 0; i < s->modules.count; i++) {
        enum tap_status one = modules_add(m, &s->modules.items[i]);
        if (one != TAP_OK)
            status = one;
    }
    if (status != TAP_OK)
        modules_destroy(m);
    else
        *self = m;
    return status;
}

static enum tap_status modules_plan(void *self, struct tap_claim *claim)
{
    struct tap_modules *m = self;
    for (size_t i = 0; i < m->count; i++) {
        const struct modules_pattern *p = &m->patterns[i];
        struct tap_plan_function f = {.struct_size = sizeof f,
                                      .module = p->glob,
                                      .arity = -1,
                                      .flags = TAP_PLAN_EXACT | (p->wild ? 0 : TAP_PLAN_NAMED),
                                      .where = *p->where};
        m->host->filter->claim_function(claim, &f);
    }
    return TAP_OK;
}

static bool modules_match(const struct tap_modules *m, uint32_t id)
{
    const char *name = tap_name_get(m->host, id)->text;
    for (size_t i = 0; i < m->count; i++)
        if (m->patterns[i].wild ? tap_glob_matches(m->patterns[i].glob, name)
                                : !strcmp(m->patterns[i].glob, name))
            return true;
    return false;
}

/* The slow way, once a name: compares it and remembers. Without memory it only compares. */
static bool modules_learn(struct tap_modules *m, uint32_t id)
{
    bool keep = modules_match(m, id);
    if (id >= m->verdict_ids) {
        uint32_t ids = (id / TAP_NAME_CHUNK + 1) * TAP_NAME_CHUNK;
        uint8_t *more = realloc(m->verdicts, ids / 4);
        if (!more)
            return keep;
        memset(more + m->verdict_ids / 4, 0, (ids - m->verdict_ids) / 4);
        m->verdicts = more;
        m->verdict_ids = ids;
    }
    m->verdicts[id / 4] |= (uint8_t)((keep ? 3u : 1u) << id % 4 * 2);
    return keep;
}

#define MODULES_KINDS                                                      \
    (TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) | \
     TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION) | TAP_KIND_BIT(TAP_FUNCTION_COUNTERS))

static void modules_filter(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    struct tap_modules *m = self;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct tap_event *e = tap_batch_event(batch, i);
        if (!keep[i] || !(TAP_KIND_BIT(e->kind) & MODULES_KINDS))
            continue;
        uint32_t id = e->module;
        unsigned bits = id < m->verdict_ids ? m->verdicts[id / 4] >> id % 4 * 2 & 3u : 0;
        if (!(bits ? bits & 2u : modules_learn(m, id)))
            keep[i] = 0;
    }
}

static const struct tap_filter_ops modules_ops = {.struct_size = sizeof modules_ops,
                                                  .create = modules_create,
                                                  .plan = modules_plan,
                                                  .filter = modules_filter,
                                                  .destroy = modules_destroy};
static const struct tap_plugin modules_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_FILTER,
    .name = "modules",
    .version = TAP_VERSION,
    .summary = "keeps calls of the modules that are named",
    .license = "Apache-2.0",
    .options = modules_options,
    .option_count = sizeof modules_options / sizeof modules_options[0],
    .settings_size = sizeof(struct tap_modules_settings),
    .ops = &modules_ops,
    .flags = TAP_PLUGIN_NO_RAW | TAP_PLUGIN_ALONE,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &modules_plugin;
}
