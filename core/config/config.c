/* config.c: an INI text becomes a configuration that can be run.
 *
 * In this order, and each step goes on after mistakes: the text is read into sections (ini_file.c),
 * --set arguments are laid over it, [session] is checked, since it names the plugin folders, and
 * then each [kind:name] section: its plugin is found, its keys are checked by the tables of plugin
 * and core. At the end stands what only the whole shows: no sink, two transports, filters that are
 * named and not there. What was wrong has its default in what is given back, which no run takes.
 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "syntax/suggest.h"
#include "config/config_text.h"
#include "config/replay_defaults.h"
#include "config/session_options.h"
#include "config/indented_keys.h"
#include "config/override.h"
#include "config/ini_file.h"
#include "config/triggers.h"

struct section_settings { /* keys that the core takes out of any [kind:name] section */
    const char *plugin;
};
static const struct tap_option section_options[] = {
    {.name = "plugin",
     .type = TAP_OPT_STRING,
     .help = "the plugin, where NAME is a name of your own",
     .offset = offsetof(struct section_settings, plugin)},
};

struct builder {
    struct tap_config *config;
    struct tap_ini *ini;
    struct tap_error *err;
    const struct tap_loaded *sink; /* what [sink:events] is when the library asks; else NULL */
    const char *transport;         /* where none is given; NULL: none is */
};

/* ---- Sections */

static bool *used_flags(struct builder *b, const struct tap_ini_section *s)
{
    return tap_mempool_alloc(b->config->pool, (s->count + 1) * sizeof(bool));
}

static bool config_session_section(struct builder *b)
{
    struct tap_config *c = b->config;
    struct tap_text whole = {"", c->path, 0, 0};
    struct tap_ini_section none = {.name = "session", .where = whole},
                           *s = tap_ini_find(b->ini, "session");
    if (!s)
        s = &none;
    bool *used = used_flags(b, s);
    if (!used)
        return false;
    const struct tap_option *tables[] = {tap_session_options};
    tap_indented_keys(s, tables, &tap_session_option_count, 1, b->err);
    tap_options_fill(tap_session_options, tap_session_option_count, s->settings, s->count, used,
                     &c->session, c->pool, "session", &s->where, b->err);
    tap_options_unknown(tables, &tap_session_option_count, 1, s->settings, s->count, used,
                        "session", b->err);
    tap_config_session(&c->session, c->pool, b->err);
    return true;
}

/* [kind:name]: false when it is no such thing, and told. */
static bool section_kind(struct builder *b, const struct tap_ini_section *s,
                         enum tap_plugin_kind *kind, const char **name)
{
    static const char *const kinds[] = {"session", "transport", "filter", "sink"};
    const char *colon = strchr(s->name, ':');
    size_t len = colon ? (size_t)(colon - s->name) : strlen(s->name);
    *name = colon ? colon + 1 : "";
    for (int k = 0; k < 3; k++) {
        if (strncmp(s->name, kinds[k + 1], len) != 0 || kinds[k + 1][len])
            continue;
        *kind = (enum tap_plugin_kind)k;
        if (**name &&
            !(*name)[strspn(*name,
                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
            return true;
        tap_error_add_at(b->err, NULL, &s->where,
                         "section [%s] needs a name of letters, digits, _ and -: [%s:NAME]",
                         s->name, kinds[k + 1]);
        return false;
    }
    char *word = tap_mempool_strdup(b->config->pool, s->name, len);
    const char *nearest = word ? tap_suggest(word, kinds, 4) : NULL;
    bool session = nearest == kinds[0];
    if (nearest)
        tap_error_add_at(b->err, NULL, &s->where, "unknown section [%s] (did you mean [%s%s%s]?)",
                         s->name, nearest, session ? "" : ":",
                         session  ? ""
                         : **name ? *name
                                  : "NAME");
    else
        tap_error_add_at(b->err, NULL, &s->where,
                         "unknown section [%s] (there are [session], [transport:NAME], "
                         "[filter:NAME], [sink:NAME])",
                         s->name);
    return false;
}

/* Has it all keys without which no create is called? What is wrong with them has been told. */
static bool has_required(struct builder *b, const struct tap_ini_section *s,
                         const struct tap_instance *in, bool *used)
{
    const struct tap_plugin *p = in->loaded->plugin;
    struct tap_error *unsaid = tap_error_new();
    void *settings = tap_mempool_alloc(b->config->pool, p->settings_size + 1);
    bool whole = unsaid && settings;
    for (size_t i = 0; i < p->option_count && whole; i++)
        whole = !(in->loaded->options[i].flags & TAP_OPT_REQUIRED) ||
                tap_options_fill(&in->loaded->options[i], 1, s->settings, s->count, used, settings,
                                 b->config->pool, s->name, &s->where, unsaid) == TAP_OK;
    tap_error_free(unsaid);
    return whole;
}

/* Has its section a key of its own? What it would miss may be one that is misspelt. */
static bool has_own_key(const struct tap_ini_section *s, const struct tap_instance *in)
{
    for (size_t i = 0; i < s->count; i++)
        for (size_t o = 0; o < in->loaded->plugin->option_count; o++)
            if (strcmp(s->settings[i].key, in->loaded->options[o].name) == 0)
                return true;
    return false;
}

/* Fills one instance from its section; false only when out of memory. */
static bool config_instance(struct builder *b, const struct tap_ini_section *s)
{
    struct tap_config *c = b->config;
    struct tap_instance *in = &c->instances[c->instance_count];
    struct section_settings own = {NULL};
    bool *used = used_flags(b, s);
    if (!used)
        return false;
    if (!section_kind(b, s, &in->kind, &in->name))
        return true;
    in->section = s->name;
    in->where = s->where;
    in->lacking = true; /* until its settings are there */
    tap_options_fill(section_options, 1, s->settings, s->count, used, &own, c->pool, s->name,
                     &s->where, b->err);
    const struct tap_text *where = &in->where;
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->settings[i].key, "plugin") == 0)
            where = &s->settings[i].value;
    if (b->sink && strcmp(s->name, TAP_CONFIG_BUILT_IN) == 0)
        in->loaded = b->sink;
    else
        in->loaded = tap_registry_get(c->registry, in->kind,
                                      own.plugin && *own.plugin ? own.plugin : in->name, s->name,
                                      where, b->err);
    bool sink = in->kind == TAP_PLUGIN_SINK;
    if (sink)
        tap_options_fill(tap_sink_options, tap_sink_option_count, s->settings, s->count, used,
                         &in->sink, c->pool, s->name, &s->where, b->err);
    c->instance_count++;
    if (!in->loaded)
        return true; /* who is not there cannot check its keys */
    const struct tap_plugin *p = in->loaded->plugin;
    const struct tap_option *tables[] = {in->loaded->options, section_options, tap_sink_options};
    size_t counts[] = {p->option_count, 1, tap_sink_option_count}, tables_n = sink ? 3 : 2;
    in->settings = tap_mempool_alloc(c->pool, p->settings_size + 1);
    if (!in->settings)
        return false;
    tap_indented_keys(s, tables, counts, tables_n, b->err);
    enum tap_status status =
        tap_options_fill(in->loaded->options, p->option_count, s->settings, s->count, used,
                         in->settings, c->pool, s->name, &s->where, b->err);
    in->lacking = status != TAP_OK && !has_required(b, s, in, used);
    if (tap_options_unknown(tables, counts, tables_n, s->settings, s->count, used, s->name,
                            b->err) != TAP_OK)
        in->lacking |= !has_own_key(s, in);
    return true;
}

/* ---- The whole */

static size_t count_kind(const struct tap_config *c, enum tap_plugin_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < c->instance_count; i++)
        n += c->instances[i].kind == kind;
    return n;
}

/* A sink's `filters` must name sections that are there. */
static void check_sink_filters(struct builder *b, const struct tap_instance *sink)
{
    struct tap_config *c = b->config;
    const char **names = tap_mempool_alloc(c->pool, (c->instance_count + 1) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; names && i < c->instance_count; i++)
        if (c->instances[i].kind == TAP_PLUGIN_FILTER && !c->instances[i].trigger)
            names[n++] = c->instances[i].name;
    for (size_t i = 0; i < sink->sink.filters.count; i++) {
        const struct tap_text *want = &sink->sink.filters.items[i];
        bool there = false;
        for (size_t j = 0; j < n; j++)
            there |= strcmp(names[j], want->text) == 0;
        const char *nearest = there ? NULL : tap_suggest(want->text, names, n);
        if (!there)
            tap_error_add_at(b->err, sink->section, want, "there is no section [filter:%s]%s%s%s",
                             want->text, nearest ? " (did you mean '" : "", nearest ? nearest : "",
                             nearest ? "'?)" : "");
    }
}

static void check_whole(struct builder *b)
{
    struct tap_config *c = b->config;
    const struct tap_instance *transport = NULL;
    struct tap_text whole = {"", c->path, 0, 0};
    bool sink_meant = false;
    for (size_t i = 0; i < b->ini->count; i++)
        sink_meant |= strncmp(b->ini->sections[i].name, "sink", 4) == 0;
    /* With a section that only failed to be a sink, that mistake has been told. */
    if (count_kind(c, TAP_PLUGIN_SINK) == 0 && !sink_meant && !c->sinkless)
        tap_error_add_at(b->err, NULL, &whole,
                         "there is no [sink:NAME] section: nothing would be written");
    for (size_t i = 0; i < c->instance_count; i++) {
        const struct tap_instance *in = &c->instances[i];
        if (in->kind == TAP_PLUGIN_TRANSPORT && transport)
            tap_error_add_at(b->err, NULL, &in->where,
                             "[%s] is a second transport beside [%s]: there can be one",
                             in->section, transport->section);
        else if (in->kind == TAP_PLUGIN_TRANSPORT)
            transport = in;
        else if (in->kind == TAP_PLUGIN_SINK)
            check_sink_filters(b, in);
    }
}

/* The filter that judges for one line of start_on or stop_on; no sink's. */
static bool config_trigger(struct builder *b, struct tap_trigger *t)
{
    struct tap_config *c = b->config;
    const struct tap_trigger_judge *judge = tap_trigger_judge(t);
    size_t before = c->instance_count;
    if (!judge)
        return true;
    struct tap_text plugin = t->where, drop = t->where;
    plugin.text = judge->plugin;
    drop.text = judge->drop; /* what cannot be judged does not come true */
    struct tap_setting settings[] = {{judge->key, t->where, t->rest, NULL},
                                     {"plugin", t->where, plugin, NULL},
                                     {judge->undecided, t->where, drop, NULL}};
    struct tap_ini_section s = {"filter:trigger", t->where, settings, 2 + !!judge->undecided, 3};
    if (!config_instance(b, &s))
        return false;
    if (c->instance_count > before) {
        c->instances[before].section = "session"; /* where its line stands */
        c->instances[before].trigger = true;
        t->instance = before;
    }
    return true;
}

static bool config_instances(struct builder *b)
{
    struct tap_config *c = b->config;
    size_t most = b->ini->count + 2 + c->trigger_count;
    c->instances = tap_mempool_alloc(c->pool, most * sizeof *c->instances);
    if (!c->instances)
        return false;
    for (size_t i = 0; i < b->ini->count; i++) {
        const struct tap_ini_section *s = &b->ini->sections[i];
        if (strcmp(s->name, "session") != 0 && !config_instance(b, s))
            return false;
    }
    for (size_t i = 0; i < c->trigger_count; i++)
        if (!config_trigger(b, &c->triggers[i]))
            return false;
    if (count_kind(c, TAP_PLUGIN_TRANSPORT) > 0 || !b->transport)
        return true;
    struct tap_ini_section added = {.name = b->transport, .where = {"", c->path, 0, 0}};
    return config_instance(b, &added);
}

/* ---- In and out */

static bool config_build(struct builder *b, const char *name, const char *text, size_t len,
                         const char *const *sets, size_t set_count)
{
    struct tap_config *c = b->config;
    size_t before = tap_error_count(b->err);
    c->pool = tap_mempool_new();
    if (!c->pool || !(c->path = tap_mempool_strdup(c->pool, name, strlen(name))))
        return false;
    b->ini = tap_ini_parse(name, text, len, c->pool, b->err);
    if (!b->ini)
        return false;
    if (b->ini->unreadable)
        return true;
    for (size_t i = 0; i < set_count; i++)
        if (!tap_config_set(b->ini, sets[i], b->sink ? "option" : "--set", c->pool, b->err))
            return false;
    struct tap_text whole = {"", c->path, 0, 0};
    if (b->sink && !tap_ini_find(b->ini, TAP_CONFIG_BUILT_IN) &&
        !tap_ini_add(b->ini, c->pool, TAP_CONFIG_BUILT_IN, &whole))
        return false;
    if (!config_session_section(b) || !tap_config_triggers(c, b->err))
        return false;
    c->registry = tap_registry_new(c->session.plugin_path);
    if (!c->registry || !config_instances(b))
        return false;
    if (!tap_config_replay(c, b->ini, b->err))
        return false;
    check_whole(b);
    return tap_error_count(b->err) > before || tap_config_text(c);
}

/* `how` says all but the configuration itself and where mistakes go. */
static enum tap_status config_parse(const struct builder *how, bool sinkless, const char *name,
                                    const char *text, size_t len, const char *const *sets,
                                    size_t set_count, struct tap_config **config,
                                    struct tap_error *err)
{
    struct builder b = *how;
    size_t before = tap_error_count(err);
    *config = NULL;
    b.err = err;
    b.config = calloc(1, sizeof *b.config);
    if (b.config)
        b.config->sinkless = sinkless;
    if (!b.config || !config_build(&b, name, text, len, sets, set_count))
        TAP_ERR(err, TAP_ERROR, "core", "out of memory while reading %s", name);
    if (tap_error_count(err) == before && b.config) {
        *config = b.config;
        return TAP_OK;
    }
    enum tap_status status = tap_error_status(err);
    if (b.config && b.config->instances && status == TAP_INVALID) {
        b.config->mistaken = true;
        *config = b.config;
    } else {
        tap_config_free(b.config);
    }
    return status == TAP_OK ? TAP_ERROR : status;
}

enum tap_status tap_config_parse(const char *name, const char *text, size_t len,
                                 const char *transport, const char *const *sets, size_t set_count,
                                 struct tap_config **config, struct tap_error *err)
{
    const struct builder how = {.transport = transport};
    return config_parse(&how, false, name, text, len, sets, set_count, config, err);
}

enum tap_status tap_config_of_nodes(const char *nodes, const char *transport,
                                    const char *const *sets, size_t set_count,
                                    struct tap_config **config, struct tap_error *err)
{
    const struct builder how = {.transport = transport};
    enum tap_status status = TAP_ERROR;
    char *set = NULL;
    const char **all = calloc(set_count + 1, sizeof *all);
    if (all && asprintf(&set, "session.nodes=%s", nodes) >= 0) {
        all[0] = set;
        for (size_t i = 0; i < set_count; i++)
            all[i + 1] = sets[i];
        status =
            config_parse(&how, true, "the command line", "", 0, all, set_count + 1, config, err);
    } else {
        TAP_ERR(err, status, "core", "out of memory");
        set = NULL;
    }
    free(set);
    free(all);
    return status;
}

enum tap_status tap_config_load(const char *path, const char *transport, const char *const *sets,
                                size_t set_count, struct tap_config **config, struct tap_error *err)
{
    return tap_config_embed(path, transport, sets, set_count, NULL, config, err);
}

enum tap_status tap_config_embed(const char *path, const char *transport, const char *const *sets,
                                 size_t set_count, const struct tap_loaded *sink,
                                 struct tap_config **config, struct tap_error *err)
{
    const struct builder how = {.sink = sink, .transport = transport};
    if (!path)
        return config_parse(&how, false, "options", "", 0, sets, set_count, config, err);
    size_t len;
    *config = NULL;
    char *text = tap_config_read(path, &len);
    if (!text)
        return TAP_ERR(err, TAP_INVALID, NULL, "cannot read %s: %s", *path ? path : "''",
                       strerror(errno));
    enum tap_status status =
        config_parse(&how, false, path, text, len, sets, set_count, config, err);
    free(text);
    return status;
}

void tap_config_free(struct tap_config *c)
{
    if (!c || c->in_use)
        return;
    tap_registry_free(c->registry);
    tap_mempool_free(c->pool);
    free(c);
}
