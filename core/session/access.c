/* access.c: what someone who reads a session's events beside its sinks needs of it: names, nodes,
 * and a host table for a sink of his own. */
#include <stdlib.h>
#include <string.h>

#include "session/internal.h"

const char *tap_session_id(const struct tap_session *session)
{
    return session->run;
}

const struct tap_names *tap_session_names(const struct tap_session *session)
{
    return tap_intern_names(session->intern);
}

const struct tap_node *tap_session_node_facts(const struct tap_session *session, uint32_t index)
{
    const struct tap_node_impl *node = tap_session_node(session, index);
    return node ? &node->base : NULL;
}

bool tap_session_abandoned(const struct tap_session *session)
{
    return session->abandoned;
}

bool tap_session_stop_wanted(const struct tap_session *session)
{
    return atomic_load(&session->stop_wanted);
}

void *tap_session_self_of(const struct tap_session *session, const struct tap_loaded *plugin)
{
    for (size_t i = 0; i < session->host_count; i++)
        if (session->hosts[i].instance->loaded == plugin)
            return session->hosts[i].self;
    return NULL;
}

/* ---- One more sink */

struct extra_host {
    struct tap_instance_host host; /* first: what is given out is its table */
    struct tap_sink sink;          /* counts what is written */
    struct tap_sink_host functions;
    struct tap_driven_sink how;
};

static const struct tap_driven_sink *how_of(const struct tap_host *host)
{
    return &((const struct extra_host *)(const void *)host)->how;
}

static void driven_hold(const struct tap_host *host, const struct tap_batch *batch)
{
    how_of(host)->hold(batch);
}

static void driven_release(const struct tap_host *host, const struct tap_batch *batch)
{
    how_of(host)->release(batch);
}

static bool driven_ending(const struct tap_host *host)
{
    return how_of(host)->ending(how_of(host)->arg);
}

const struct tap_host *tap_session_host_new(struct tap_session *session,
                                            const struct tap_instance *instance,
                                            struct tap_error *err,
                                            const struct tap_driven_sink *how)
{
    struct extra_host *x = calloc(1, sizeof *x);
    if (!x)
        return TAP_ERR(err, TAP_ERROR, "core", "out of memory"), NULL;
    if (tap_session_take_standard(instance, x, err) != TAP_OK) {
        free(x);
        return NULL;
    }
    tap_host_init(session, &x->host, instance);
    x->host.err = err;
    x->host.sink = &x->sink;
    x->how = *how;
    x->functions = *x->host.table.sink;
    x->functions.hold = driven_hold;
    x->functions.release = driven_release;
    x->functions.ending = driven_ending;
    x->host.table.sink = &x->functions;
    x->sink.taken = UINT64_MAX; /* whoever drives it knows what it was given */
    return &x->host.table;
}

void tap_session_host_free(const struct tap_host *table)
{
    struct extra_host *x = (struct extra_host *)(uintptr_t)table;
    if (!x)
        return;
    tap_session_give_standard(x);
    tap_counters_destroy(&x->host.counters);
    free(x);
}
