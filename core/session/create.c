/* create.c: an instance is created on a thread of its own, for a plugin that never comes back from
 * its create must not hold up everything: it is left behind, with all that it may use.
 */
#include "session/internal.h"

struct creating {
    struct tap_instance_host *h;
    enum tap_status status;
};

static void create_filter(struct creating *c)
{
    struct tap_instance_host *h = c->h;
    const struct tap_filter_ops *ops = h->instance->loaded->plugin->ops;
    c->status = ops->create(&h->table, h->instance->settings, &h->self);
    h->created = c->status == TAP_OK;
    if (h->created && ops->plan)
        c->status = ops->plan(h->self, h->claim);
}

static void create(void *arg)
{
    struct creating *c = arg;
    struct tap_instance_host *h = c->h;
    const void *ops = h->instance->loaded->plugin->ops, *settings = h->instance->settings;
    switch (h->instance->kind) {
    case TAP_PLUGIN_TRANSPORT:
        c->status = ((const struct tap_transport_ops *)ops)->create(&h->table, settings, &h->self);
        break;
    case TAP_PLUGIN_SINK:
        c->status = ((const struct tap_sink_ops *)ops)->create(&h->table, settings, &h->self);
        break;
    default: create_filter(c); return;
    }
    h->created = c->status == TAP_OK;
}

/* What it may still use stays: the session, what is configured, and a list of mistakes, for the
 * session's own is its caller's to free. */
static void leave_behind(struct tap_session *session, struct tap_instance_host *h)
{
    session->abandoned = true;
    ((struct tap_config *)(uintptr_t)session->config)->in_use = true;
    struct tap_error *own = tap_error_new();
    h->err = own ? own : h->err;
}

/* What every kind has before its create. */
static bool prepare(struct tap_session *session, struct tap_instance_host *h)
{
    if (h->instance->kind == TAP_PLUGIN_TRANSPORT)
        session->transport = h;
    if (h->instance->kind == TAP_PLUGIN_FILTER)
        return (h->claim = tap_claim_new()) != NULL;
    if (h->instance->kind != TAP_PLUGIN_SINK)
        return true;
    size_t s = 0;
    while (session->sink_list[s])
        s++;
    session->sink_list[s] = h->sink = &session->sinks[s];
    h->sink->ops = h->instance->loaded->plugin->ops;
    h->sink->section = h->instance->section;
    h->sink->file = h->instance->loaded->path;
    return true;
}

enum tap_status tap_session_create_one(struct tap_session *session, struct tap_instance_host *h)
{
    const char *section = h->instance->section;
    size_t before = tap_error_count(session->err);
    struct creating *c = tap_mempool_alloc(session->memory, sizeof *c);
    if (!c || !prepare(session, h))
        return TAP_ERR(session->err, TAP_ERROR, "core", "out of memory");
    c->h = h;
    switch (tap_operation_guard(tap_session_operation(h, "create"), create, c)) {
    case TAP_GUARDED_DONE: break;
    case TAP_GUARDED_LATE:
        leave_behind(session, h);
        return TAP_ERR(session->err, TAP_ERROR, section,
                       "%s did not come back from create within %lld s", h->instance->loaded->path,
                       (long long)(TAP_OPERATION_DEADLINE / TAP_SECOND));
    case TAP_GUARDED_CRASHED:
        leave_behind(session, h);
        return TAP_ERR(session->err, TAP_ERROR, section,
                       "%s crashed in create, or called exit there", h->instance->loaded->path);
    case TAP_GUARDED_NO_THREAD:
        return TAP_ERR(session->err, TAP_ERROR, "core", "cannot start a thread");
    }
    if (h->sink)
        h->sink->self = h->self;
    if (c->status != TAP_OK && tap_error_count(session->err) == before)
        TAP_ERR(session->err, c->status, section, "create failed and did not say why");
    return c->status;
}
