/* replay_defaults.c: see replay_defaults.h. A recording is played as fast as the sinks take it and
 * to its end, and nothing of it is left out unless somebody asks for that. */
#include "config/replay_defaults.h"

#include <string.h>

#include "base/event_names.h"

bool tap_config_replays(const struct tap_config *c)
{
    for (size_t i = 0; i < c->instance_count; i++) {
        const struct tap_instance *in = &c->instances[i];
        if (in->kind == TAP_PLUGIN_TRANSPORT && tap_loaded_says(in->loaded, TAP_PLUGIN_REPLAYS))
            return true;
    }
    return false;
}

static bool is_given(const struct tap_ini *ini, const char *section, const char *key)
{
    const struct tap_ini_section *s = tap_ini_find(ini, section);
    for (size_t i = 0; s && i < s->count; i++)
        if (strcmp(s->settings[i].key, key) == 0)
            return true;
    return false;
}

static bool want_every_event(struct tap_config *c)
{
    size_t n = TAP_KIND_USER_LAST + 1;
    struct tap_text *items = tap_mempool_alloc(c->pool, n * sizeof *items);
    if (!items)
        return false;
    for (size_t k = 0; k < n; k++)
        items[k].text = tap_event_name((unsigned)k);
    c->session.event_names = (struct tap_text_list){n, items};
    c->session.events = TAP_KIND_BIT(n) - 1;
    return true;
}

/* A transport that is not there may have been one that needs no nodes: that mistake has been
 * told. */
static bool has_transport(const struct tap_config *c)
{
    for (size_t i = 0; i < c->instance_count; i++)
        if (c->instances[i].kind == TAP_PLUGIN_TRANSPORT && c->instances[i].loaded)
            return true;
    return false;
}

bool tap_config_replay(struct tap_config *c, const struct tap_ini *ini, struct tap_error *err)
{
    if (!tap_config_replays(c)) {
        const struct tap_ini_section *s = tap_ini_find(ini, "session");
        struct tap_text whole = {"", c->path, 0, 0};
        if (!is_given(ini, "session", "nodes") && has_transport(c))
            tap_error_add_at(err, "session", s ? &s->where : &whole,
                             "key 'nodes' is missing (the nodes to trace, as name@host)");
        return true;
    }
    if (!is_given(ini, "session", "events") && !want_every_event(c))
        return false;
    c->session.keep_order = !is_given(ini, "session", "order");
    if (!is_given(ini, "session", "duration"))
        c->session.duration = 0;
    for (size_t i = 0; i < c->instance_count; i++)
        if (c->instances[i].kind == TAP_PLUGIN_SINK &&
            !is_given(ini, c->instances[i].section, "on_full"))
            c->instances[i].sink.on_full = TAP_BLOCK;
    return true;
}
