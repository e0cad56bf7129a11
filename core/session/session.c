/* session.c: the life of a session: create everything, start it, wait, end it, count it. host.c is
 * its other half: what plugins call; bus.c and sink.c do the work in between. */
#include "session/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "session/internal.h"

/* ---- Creating */

static bool make_run_id(struct tap_session *session)
{
    uint8_t bytes[8];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(session->run + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool several_nodes(const struct tap_text_list *nodes)
{
    return nodes->count > 1 ||
           (nodes->count == 1 && strcmp(nodes->items[0].text, "all_nodes") == 0);
}

static bool cannot(const struct tap_session *session, const char *what)
{
    TAP_ERR(session->err, TAP_ERROR, "core", "cannot %s: %s", what, strerror(errno));
    return false;
}

/* False, and told: out of memory where nothing else is. */
static bool prepare(struct tap_session *session)
{
    const struct tap_config *config = session->config;
    pthread_condattr_t attr;
    pthread_mutex_init(&session->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&session->changed, &attr);
    pthread_condattr_destroy(&attr);
    session->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (session->wake < 0)
        return cannot(session, "make an eventfd");
    if (!make_run_id(session))
        return cannot(session, "read random numbers for the run's name");
    session->memory = tap_mempool_new();
    session->intern = tap_intern_new(0);
    if (!session->memory || !session->intern)
        return false;
    session->run_info =
        (struct tap_run_info){.struct_size = sizeof session->run_info,
                              .run = session->run,
                              .version = TAP_VERSION,
                              .started = tap_clock_now(),
                              .config = config->text ? config->text : "",
                              .several_nodes = several_nodes(&config->session.nodes),
                              .events = config->session.events};
    for (size_t i = 0; i < config->instance_count; i++)
        session->sink_count += config->instances[i].kind == TAP_PLUGIN_SINK;
    session->hosts =
        tap_mempool_alloc(session->memory, (config->instance_count + 1) * sizeof *session->hosts);
    session->sinks =
        tap_mempool_alloc(session->memory, (session->sink_count + 1) * sizeof *session->sinks);
    session->sink_list =
        tap_mempool_alloc(session->memory, (session->sink_count + 1) * sizeof *session->sink_list);
    return session->hosts && session->sinks && session->sink_list;
}

/* Every instance, so that all mistakes are told in one pass; also beside those that the
 * configuration has by itself. */
static enum tap_status create_all(struct tap_session *session)
{
    enum tap_status worst = session->config->mistaken ? TAP_INVALID : TAP_OK;
    for (size_t i = 0; i < session->config->instance_count; i++) {
        if (session->config->instances[i].lacking)
            continue; /* what it lacks has been told */
        struct tap_instance_host *h = &session->hosts[session->host_count++];
        tap_host_init(session, h, &session->config->instances[i]);
        enum tap_status status = tap_session_create_one(session, h);
        worst = status > worst ? status : worst;
    }
    if (session->config->mistaken)
        return worst;
    if (!session->transport || (!session->sink_count && !session->config->sinkless))
        return TAP_ERR(session->err, TAP_INVALID, "core",
                       "a trace needs a transport and at least one sink");
    return worst == TAP_OK ? tap_session_claim_outputs(session) : worst;
}

static bool uses_filter(const struct tap_instance *sink, const struct tap_instance *filter)
{
    const struct tap_text_list *names = &sink->sink.filters;
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].text, filter->name) == 0)
            return true;
    return names->count == 0;
}

/* Which filters run here, and for which sinks. `uses`: sinks * filters, running or not; leaves
 * those that do. */
static struct tap_bus_filter *live_filters(struct tap_session *session,
                                           const struct tap_plan_filter *filters,
                                           size_t filter_count, bool *uses, size_t *live_count)
{
    struct tap_bus_filter *live =
        tap_mempool_alloc(session->memory, (filter_count + 1) * sizeof *live);
    size_t n = 0, left = 0;
    for (size_t i = 0, f = 0; live && i < session->host_count; i++) {
        struct tap_instance_host *h = &session->hosts[i];
        if (tap_session_filters(h->instance) && filters[f++].live)
            live[n++] = tap_session_bus_filter(session, h);
    }
    for (size_t s = 0; s < session->sink_count; s++)
        for (size_t f = 0; f < filter_count; f++)
            if (filters[f].live)
                uses[left++] = uses[s * filter_count + f];
    *live_count = n;
    return live;
}

static void sink_eased(void *arg)
{
    tap_session_wake(arg);
}

/* Is there a sink, or a filter that runs here, that says none of these (TAP_PLUGIN_*) of itself? */
static bool any_says_none(const struct tap_session *session, const struct tap_plan_filter *filters,
                          unsigned flags)
{
    for (size_t i = 0; i < session->host_count; i++) {
        const struct tap_instance *instance = session->hosts[i].instance;
        bool runs = tap_session_filters(instance)
                        ? (filters++)->live
                        : instance->kind == TAP_PLUGIN_SINK || instance->trigger;
        if (runs && !tap_loaded_says(instance->loaded, flags))
            return true;
    }
    return false;
}

/* What came before start_on goes to the queues at once. */
static size_t kept_memory(const struct tap_session *session)
{
    const struct tap_session_settings *set = &session->config->session;
    return set->keep ? (size_t)set->keep_memory : 0;
}

/* Bytes of batches that may be alive: what the queues may hold, and what is on its way. */
static size_t bus_memory(const struct tap_session *session)
{
    size_t bytes = (16u << 20) + kept_memory(session);
    for (size_t i = 0; i < session->host_count; i++) {
        const struct tap_sink_settings *set = &session->hosts[i].instance->sink;
        if (session->hosts[i].sink)
            bytes += (size_t)set->queue + kept_memory(session) +
                     (set->on_full == TAP_BLOCK ? TAP_QUEUE_OVERSHOOT : 0);
    }
    return bytes;
}

static bool make_bus(struct tap_session *session, const struct tap_plan_filter *filters,
                     size_t filter_count, bool *uses)
{
    const struct tap_session_settings *set = &session->config->session;
    struct tap_bus_options o = {.intern = session->intern,
                                .frames = {NULL, session, tap_session_node_up, tap_session_node_log,
                                           tap_session_call_ended, tap_session_left_out},
                                .events = tap_plan_kinds(&session->plan),
                                .several = session->run_info.several_nodes,
                                .in_order = set->order == TAP_ORDER_TIME,
                                .reorder = set->reorder,
                                .recorded = tap_config_replays(session->config),
                                .guarded = !tap_config_replays(session->config),
                                .memory = bus_memory(session),
                                .uses = uses,
                                .sinks = session->sink_list,
                                .sink_count = session->sink_count};
    if (!tap_session_window(session, &o.window))
        return false;
    o.raw = any_says_none(session, filters, TAP_PLUGIN_NO_RAW);
    session->plan.numbered = o.frames.numbered =
        !any_says_none(session, filters, TAP_PLUGIN_NO_RAW | TAP_PLUGIN_ITEMS);
    o.filters = live_filters(session, filters, filter_count, uses, &o.filter_count);
    if (!o.filters || !(session->bus = tap_bus_new(&o)))
        return false;
    for (size_t i = 0; i < session->host_count; i++) {
        struct tap_sink *sink = session->hosts[i].sink;
        if (!sink)
            continue;
        const struct tap_sink_settings *own = &session->hosts[i].instance->sink;
        if (tap_queue_init(&sink->queue, tap_bus_pool(session->bus),
                           (size_t)own->queue + kept_memory(session),
                           (enum tap_on_full)own->on_full) != TAP_OK)
            return false;
        sink->arg = session;
        sink->eased = sink_eased;
        sink->ended = tap_session_sink_ended;
    }
    return true;
}

/* No node filters what is replayed, so every filter runs. */
static void all_filter_live(struct tap_plan_filter *filters, size_t n)
{
    for (size_t i = 0; i < n; i++)
        filters[i].live = true;
}

/* The plan, and from it who filters what. */
static enum tap_status join(struct tap_session *session)
{
    size_t n = session->host_count, filters = 0, s = 0;
    struct tap_plan_filter *list = tap_mempool_alloc(session->memory, (n + 1) * sizeof *list);
    bool *uses = tap_mempool_alloc(session->memory, n * n + 1);
    enum tap_status status = list && uses ? TAP_OK : TAP_ERROR;
    for (size_t i = 0; status == TAP_OK && i < n; i++)
        if (tap_session_filters(session->hosts[i].instance))
            list[filters++] = (struct tap_plan_filter){session->hosts[i].instance,
                                                       session->hosts[i].claim, false};
    for (size_t i = 0; status == TAP_OK && i < n; i++) {
        if (!session->hosts[i].sink)
            continue;
        for (size_t f = 0; f < filters; f++)
            uses[s * filters + f] = uses_filter(session->hosts[i].instance, list[f].instance);
        s++;
    }
    if (status == TAP_OK)
        status = tap_plan_join(session->config, list, filters, uses, s, &session->plan,
                               session->memory, session->err);
    if (status == TAP_OK)
        status = tap_session_check_triggers(session);
    if (status == TAP_OK && tap_config_replays(session->config))
        all_filter_live(list, filters);
    if (status == TAP_OK && !make_bus(session, list, filters, uses))
        status = TAP_ERR(session->err, TAP_ERROR, "core", "out of memory");
    return status;
}

struct tap_session *tap_session_new(const struct tap_config *config, struct tap_error *err)
{
    return tap_session_new_logged(config, err, NULL, NULL);
}

struct tap_session *tap_session_new_logged(const struct tap_config *config, struct tap_error *err,
                                           void (*log)(void *arg, enum tap_log_level,
                                                       const char *actor, const char *text),
                                           void *arg)
{
    struct tap_session *session = calloc(1, sizeof *session);
    if (!session) {
        TAP_ERR(err, TAP_ERROR, "core", "out of memory");
        return NULL;
    }
    session->config = config;
    session->err = err;
    session->log = log;
    session->log_arg = arg;
    size_t told = tap_error_count(err);
    enum tap_status status = prepare(session) ? create_all(session) : TAP_ERROR;
    if (status == TAP_OK)
        status = join(session);
    if (status == TAP_ERROR && tap_error_count(err) == told)
        TAP_ERR(err, TAP_ERROR, "core", "out of memory");
    if (status == TAP_OK)
        return session;
    tap_session_free(session);
    return NULL;
}

static void destroy(struct tap_instance_host *h)
{
    if (h->created) {
        const void *ops = h->instance->loaded->plugin->ops;
        struct tap_operation before = tap_operation_begin(tap_session_operation(h, "destroy"));
        switch (h->instance->kind) {
        case TAP_PLUGIN_TRANSPORT: ((const struct tap_transport_ops *)ops)->destroy(h->self); break;
        case TAP_PLUGIN_SINK: ((const struct tap_sink_ops *)ops)->destroy(h->self); break;
        default: ((const struct tap_filter_ops *)ops)->destroy(h->self); break;
        }
        tap_operation_end(before);
    }
    if (h->claim)
        tap_claim_free(h->claim);
    tap_counters_destroy(&h->counters);
}

void tap_session_free(struct tap_session *session)
{
    if (!session)
        return;
    if (session->abandoned) { /* a thread that was left behind may still use any of it */
        bool writes = false;
        for (size_t i = 0; i < session->sink_count; i++)
            writes |= atomic_load(&session->sinks[i].abandoned);
        if (!writes)
            tap_session_give_standard(session);
        return;
    }
    for (size_t i = 0; session->bus && i < session->sink_count; i++)
        tap_queue_destroy(&session->sinks[i].queue);
    for (size_t i = session->host_count; i-- > 0;)
        destroy(&session->hosts[i]);
    tap_bus_free(session->bus);
    for (uint32_t i = 0; i < atomic_load(&session->node_count); i++) {
        tap_unnamed_free(tap_session_node(session, i)->bus.unnamed);
        tap_numbers_free(tap_session_node(session, i)->bus.stream.numbers);
    }
    tap_intern_free(session->intern);
    tap_session_give_standard(session);
    tap_mempool_free(session->memory);
    free(session->call_kind);
    free(session->call_term);
    pthread_cond_destroy(&session->changed);
    pthread_mutex_destroy(&session->lock);
    if (session->wake >= 0)
        close(session->wake);
    free(session);
}

const struct tap_plan *tap_session_plan(const struct tap_session *session)
{
    return &session->plan;
}

enum tap_status tap_session_set_call(struct tap_session *session, const struct tap_plan_call *call)
{
    const struct tap_plan *plan = &session->plan;
    if (plan->node_count != 1 || strcmp(plan->nodes[0].text, "all_nodes") == 0)
        return TAP_ERR(session->err, TAP_INVALID, NULL,
                       "a call is made in one node: name exactly one");
    if (plan->process_count)
        return TAP_ERR(session->err, TAP_INVALID, NULL,
                       "a call is traced with its own processes: no filter may name others");
    session->call = *call;
    session->plan.call = &session->call;
    if (session->config->session.arguments == TAP_ARGUMENTS_AUTO)
        session->plan.arity_only = false; /* no filter names it, but the caller does */
    return TAP_OK;
}

void tap_session_set_log(struct tap_session *session,
                         void (*log)(void *, enum tap_log_level, const char *, const char *),
                         void *arg)
{
    session->log = log;
    session->log_arg = arg;
}
