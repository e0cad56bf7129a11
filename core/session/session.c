/* engine.c: the life of a session: create everything, start it, wait, end it, count it. host.c is its other half:
 * what plugins call; bus.c and sink.c do the work in between. */
#include "session/session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "session/internal.h"

#ifndef TAP_VERSION
#define TAP_VERSION "unknown"
#endif

/* ---- Creating ------------------------------------------------------------------------------------------------ */

/* A plugin that fails without a word still fails with one. `before`: how many causes there were. */
static enum tap_status blame(struct tap_engine *t, const struct tap_instance_host *h, enum tap_status status,
                             size_t before, const char *what)
{
    if (status != TAP_OK && tap_error_count(t->err) == before)
        TAP_ERR(t->err, status, h->instance->section, "%s failed and did not say why", what);
    return status;
}

static bool make_run_id(struct tap_engine *t)
{
    uint8_t bytes[8];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(t->run + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool several_nodes(const struct tap_text_list *nodes)
{
    return nodes->count > 1 || (nodes->count == 1 && strcmp(nodes->items[0].text, "all_nodes") == 0);
}

static bool prepare(struct tap_engine *t)
{
    const struct tap_config *config = t->config;
    pthread_condattr_t attr;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    t->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    t->memory = tap_pool_new();
    t->intern = tap_intern_new(0);
    if (t->wake < 0 || !t->memory || !t->intern || !make_run_id(t))
        return false;
    t->session = (struct tap_session){.struct_size = sizeof t->session,
                                      .run = t->run,
                                      .version = TAP_VERSION,
                                      .started = tap_clock_now(),
                                      .config = config->text ? config->text : "",
                                      .several_nodes = several_nodes(&config->session.nodes),
                                      .events = config->session.events};
    for (size_t i = 0; i < config->instance_count; i++)
        t->sink_count += config->instances[i].kind == TAP_PLUGIN_SINK;
    t->hosts = tap_pool_alloc(t->memory, (config->instance_count + 1) * sizeof *t->hosts);
    t->sinks = tap_pool_alloc(t->memory, (t->sink_count + 1) * sizeof *t->sinks);
    t->sink_list = tap_pool_alloc(t->memory, (t->sink_count + 1) * sizeof *t->sink_list);
    return t->hosts && t->sinks && t->sink_list;
}

static enum tap_status create_one(struct tap_engine *t, struct tap_instance_host *h)
{
    const void *ops = h->instance->loaded->plugin->ops;
    size_t before = tap_error_count(t->err);
    enum tap_status status;
    switch (h->instance->kind) {
    case TAP_PLUGIN_TRANSPORT:
        status = ((const struct tap_transport_ops *)ops)->create(&h->table, h->instance->settings, &h->self);
        t->transport = h;
        break;
    case TAP_PLUGIN_SINK: {
        size_t s = 0;
        while (t->sink_list[s])
            s++;
        t->sink_list[s] = h->sink = &t->sinks[s];
        h->sink->ops = ops;
        status = h->sink->ops->create(&h->table, h->instance->settings, &h->sink->self);
        h->self = h->sink->self;
        break;
    }
    default: {
        const struct tap_filter_ops *filter = ops;
        h->claim = tap_claim_new();
        status = h->claim ? filter->create(&h->table, h->instance->settings, &h->self) : TAP_ERROR;
        if (status == TAP_OK && !filter->plan)
            break;
        if (status == TAP_OK && (status = filter->plan(h->self, h->claim)) != TAP_OK)
            h->created = true;
    }
    }
    h->created |= status == TAP_OK;
    return blame(t, h, status, before, "create");
}

/* Every instance, so that all mistakes are told in one pass. */
static enum tap_status create_all(struct tap_engine *t)
{
    enum tap_status worst = TAP_OK;
    for (size_t i = 0; i < t->config->instance_count; i++) {
        struct tap_instance_host *h = &t->hosts[t->host_count++];
        tap_host_init(t, h, &t->config->instances[i]);
        enum tap_status status = create_one(t, h);
        worst = status > worst ? status : worst;
    }
    if (!t->transport || (!t->sink_count && !t->config->sinkless))
        return TAP_ERR(t->err, TAP_INVALID, "core", "a trace needs a transport and at least one sink");
    return worst;
}

static bool uses_filter(const struct tap_instance *sink, const struct tap_instance *filter)
{
    const struct tap_text_list *names = &sink->sink.filters;
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].text, filter->name) == 0)
            return true;
    return names->count == 0;
}

/* Sinks with the same judging filters share a selection: finds the row, or makes it. */
static uint32_t find_set(struct tap_bus *bus, const bool *row)
{
    size_t n = bus->filter_count;
    for (uint32_t s = 0; s < bus->set_count; s++)
        if (memcmp(bus->set_uses + s * n, row, n * sizeof *row) == 0)
            return s;
    if (n)
        memcpy(bus->set_uses + bus->set_count * n, row, n * sizeof *row);
    return bus->set_count++;
}

/* The filters that judge, and for each sink which of them. `uses`: sinks * filters, judging or not. */
static bool fill_bus(struct tap_engine *t, const struct tap_plan_filter *filters, size_t filter_count,
                     const bool *uses)
{
    struct tap_bus *bus = &t->bus;
    bus->filters = tap_pool_alloc(t->memory, (filter_count + 1) * sizeof *bus->filters);
    bus->set_uses = tap_pool_alloc(t->memory, (t->sink_count * filter_count + 1) * sizeof *bus->set_uses);
    bool *row = tap_pool_alloc(t->memory, filter_count + 1);
    if (!bus->filters || !bus->set_uses || !row)
        return false;
    for (size_t i = 0, f = 0; i < t->host_count; i++) {
        struct tap_instance_host *h = &t->hosts[i];
        if (h->instance->kind == TAP_PLUGIN_FILTER && filters[f++].judge)
            bus->filters[bus->filter_count++] =
                (struct tap_bus_filter){.ops = h->instance->loaded->plugin->ops, .self = h->self};
    }
    for (size_t s = 0; s < t->sink_count; s++) {
        size_t n = 0;
        for (size_t f = 0; f < filter_count; f++)
            if (filters[f].judge)
                row[n++] = uses[s * filter_count + f];
        t->sinks[s].set = find_set(bus, row);
    }
    return true;
}

static void sink_eased(void *arg)
{
    tap_session_wake(arg);
}

static bool looks_at_raw(const struct tap_instance *instance)
{
    return instance->kind != TAP_PLUGIN_TRANSPORT && !tap_loaded_says(instance->loaded, TAP_PLUGIN_NO_RAW);
}

static bool ready_bus(struct tap_engine *t)
{
    struct tap_bus *bus = &t->bus;
    const uint32_t ends = TAP_KIND_BIT(TAP_MESSAGE_SEND) | TAP_KIND_BIT(TAP_MESSAGE_RECEIVE),
                   births = TAP_KIND_BIT(TAP_PROCESS_SPAWN) | TAP_KIND_BIT(TAP_PROCESS_START),
                   calls_end = TAP_KIND_BIT(TAP_FUNCTION_RETURN) | TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION);
    uint32_t events = tap_plan_kinds(&t->plan);
    size_t limit = 16u << 20;
    for (size_t i = 0; i < t->host_count; i++) {
        const struct tap_instance_host *h = &t->hosts[i];
        bus->raw |= looks_at_raw(h->instance);
        if (!h->sink)
            continue;
        const struct tap_sink_settings *set = &h->instance->sink;
        limit += (size_t)set->queue + (set->on_full == TAP_BLOCK ? TAP_QUEUE_OVERSHOOT : 0);
        if (tap_queue_init(&h->sink->queue, &bus->pool, (size_t)set->queue, (enum tap_on_full)set->on_full))
            return false;
        h->sink->arg = t;
        h->sink->eased = sink_eased;
        h->sink->ended = tap_session_sink_ended;
    }
    t->bus_ready = true;
    bus->sinks = t->sink_list;
    bus->sink_count = t->sink_count;
    bus->events = events;
    bus->frames =
        (struct tap_frames){t->intern, t, tap_session_node_up, tap_session_node_log, tap_session_call_ended};
    if ((events & ends) == ends || (events & births) == births)
        if (!(bus->flow = tap_flow_new(TAP_FLOWS_OPEN, t->intern)))
            return false;
    if (events & ends && !(bus->gen = tap_gen_calls_new()))
        return false;
    if (events & TAP_KIND_BIT(TAP_FUNCTION_CALL) && events & calls_end && !tap_config_replays(t->config) &&
        !(bus->relief = tap_relief_new()))
        return false;
    bus->several = t->session.several_nodes;
    if (t->config->session.order == TAP_ORDER_TIME &&
        !(bus->merge = tap_merge_new(t->config->session.reorder)))
        return false;
    t->pool_ready = tap_batch_pool_init(&bus->pool, bus->set_count, limit) == TAP_OK;
    return t->pool_ready && pthread_mutex_init(&bus->lock, NULL) == 0;
}

/* No node judges what is replayed, so every filter does; what only a node can judge is not. */
static void judge_all(struct tap_engine *t, struct tap_plan_filter *filters, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        filters[i].judge = true;
        if (tap_claim_has_specs(filters[i].claim))
            tap_session_log(
                t, TAP_LOG_WARNING, filters[i].instance->section,
                "match specs are judged in nodes: of a recording this keeps every call of the functions "
                "named, and every message");
    }
}

/* The plan, and from it who judges what. */
static enum tap_status join(struct tap_engine *t)
{
    size_t n = t->host_count, filters = 0, s = 0;
    struct tap_plan_filter *list = tap_pool_alloc(t->memory, (n + 1) * sizeof *list);
    bool *uses = tap_pool_alloc(t->memory, n * n + 1);
    enum tap_status status = list && uses ? TAP_OK : TAP_ERROR;
    for (size_t i = 0; status == TAP_OK && i < n; i++)
        if (t->hosts[i].instance->kind == TAP_PLUGIN_FILTER)
            list[filters++] = (struct tap_plan_filter){t->hosts[i].instance, t->hosts[i].claim, false};
    for (size_t i = 0; status == TAP_OK && i < n; i++) {
        if (!t->hosts[i].sink)
            continue;
        for (size_t f = 0; f < filters; f++)
            uses[s * filters + f] = uses_filter(t->hosts[i].instance, list[f].instance);
        s++;
    }
    if (status == TAP_OK)
        status = tap_plan_join(t->config, list, filters, uses, s, &t->plan, t->memory, t->err);
    if (status == TAP_OK && tap_config_replays(t->config))
        judge_all(t, list, filters);
    if (status == TAP_OK && !(fill_bus(t, list, filters, uses) && ready_bus(t)))
        status = TAP_ERR(t->err, TAP_ERROR, "core", "out of memory");
    return status;
}

struct tap_engine *tap_engine_new(const struct tap_config *config, struct tap_error *err)
{
    return tap_engine_new_logged(config, err, NULL, NULL);
}

struct tap_engine *tap_engine_new_logged(const struct tap_config *config, struct tap_error *err,
                                         void (*log)(void *arg, enum tap_log_level, const char *actor,
                                                     const char *text),
                                         void *arg)
{
    struct tap_engine *t = calloc(1, sizeof *t);
    if (!t) {
        TAP_ERR(err, TAP_ERROR, "core", "out of memory");
        return NULL;
    }
    t->config = config;
    t->err = err;
    t->log = log;
    t->log_arg = arg;
    enum tap_status status = prepare(t) ? create_all(t) : TAP_ERR(err, TAP_ERROR, "core", "out of memory");
    if (status == TAP_OK)
        status = join(t);
    if (status == TAP_OK)
        return t;
    tap_engine_free(t);
    return NULL;
}

static void destroy(struct tap_instance_host *h)
{
    if (h->created) {
        const void *ops = h->instance->loaded->plugin->ops;
        switch (h->instance->kind) {
        case TAP_PLUGIN_TRANSPORT: ((const struct tap_transport_ops *)ops)->destroy(h->self); break;
        case TAP_PLUGIN_SINK: ((const struct tap_sink_ops *)ops)->destroy(h->self); break;
        default: ((const struct tap_filter_ops *)ops)->destroy(h->self); break;
        }
    }
    if (h->claim)
        tap_claim_free(h->claim);
    tap_counters_destroy(&h->counters);
}

void tap_engine_free(struct tap_engine *t)
{
    if (!t || t->abandoned) /* a thread that was left behind may still use any of it */
        return;
    tap_merge_free(t->bus.merge);
    for (size_t i = 0; t->bus_ready && i < t->sink_count; i++)
        tap_queue_destroy(&t->sinks[i].queue);
    for (size_t i = t->host_count; i-- > 0;)
        destroy(&t->hosts[i]);
    for (size_t f = 0; f < t->bus.filter_count; f++)
        free(t->bus.filters[f].keep);
    if (t->pool_ready) {
        tap_batch_pool_destroy(&t->bus.pool);
        pthread_mutex_destroy(&t->bus.lock);
    }
    for (uint32_t i = 0; i < atomic_load(&t->node_count); i++)
        tap_strangers_free(tap_session_node(t, i)->stream.strangers);
    tap_flow_free(t->bus.flow);
    tap_gen_calls_free(t->bus.gen);
    tap_relief_free(t->bus.relief);
    tap_intern_free(t->intern);
    tap_pool_free(t->memory);
    free(t->call_kind);
    free(t->call_term);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    if (t->wake >= 0)
        close(t->wake);
    free(t);
}

const struct tap_plan *tap_engine_plan(const struct tap_engine *t)
{
    return &t->plan;
}

enum tap_status tap_engine_set_call(struct tap_engine *t, const struct tap_plan_call *call)
{
    const struct tap_plan *plan = &t->plan;
    if (plan->node_count != 1 || strcmp(plan->nodes[0].text, "all_nodes") == 0)
        return TAP_ERR(t->err, TAP_INVALID, NULL, "a call is made in one node: name exactly one");
    if (plan->process_count)
        return TAP_ERR(t->err, TAP_INVALID, NULL,
                       "a call is traced with its own processes: no filter may name others");
    t->call = *call;
    t->plan.call = &t->call;
    return TAP_OK;
}

void tap_engine_set_log(struct tap_engine *t,
                        void (*log)(void *, enum tap_log_level, const char *, const char *), void *arg)
{
    t->log = log;
    t->log_arg = arg;
}
