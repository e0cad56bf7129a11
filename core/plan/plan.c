/* plan.c: joins the claims of all filters into one plan, and says who must still filter.
 *
 * Two axes are joined, functions and processes; each sink has a set on each, the common part of
 * what its filters claim (a sink none of whose filters claims has everything). The plan's set is
 * the union over the sinks. A filter works live when the node lets through more than it accepts:
 * its own claim was not exact, the common part had no exact form, or another sink wanted more.
 * Match specs are the exception: what one reports beside the event is for all sinks, so they must
 * share the filter that has them, and then every entry of the plan carries them.
 */
#include "plan/plan.h"
#include "base/event_names.h"

#include <string.h>

#include "plan/claim.h"

struct sink_sets { /* one sink's sets */
    struct plan_functions functions;
    struct plan_processes processes;
    bool claims_functions, claims_processes; /* false: everything */
    /* the set contains more than the filters accept together */
    bool loose_functions, loose_processes;
};

struct join {
    const struct tap_config *config;
    struct tap_plan_filter *filters;
    size_t filter_count;
    const bool *uses;
    size_t sink_count; /* at least 1: without sinks there is one that uses every filter */
    bool no_sinks;
    struct sink_sets *sinks;
    struct plan_functions functions;
    struct plan_processes processes;
    struct tap_mempool *pool;
    struct tap_error *err;
};

#define CALL_KINDS                                                         \
    (TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) | \
     TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION) | TAP_KIND_BIT(TAP_FUNCTION_COUNTERS))

static bool join_uses(const struct join *j, size_t sink, size_t filter)
{
    return j->no_sinks || j->uses[sink * j->filter_count + filter];
}

static const struct tap_instance *join_sink(const struct join *j, size_t sink)
{
    for (size_t i = 0; i < j->config->instance_count; i++)
        if (j->config->instances[i].kind == TAP_PLUGIN_SINK && sink-- == 0)
            return &j->config->instances[i];
    return NULL;
}

static const char *join_sink_name(const struct join *j, size_t sink)
{
    const struct tap_instance *in = join_sink(j, sink);
    return in ? in->section : "sink";
}

/* ---- Match specs */

/* Finds the one filter with match specs that every sink uses. Anything else is refused, naming both
 * sides. */
static bool join_spec_filter(struct join *j, const struct tap_plan_filter **found)
{
    const struct tap_plan_filter *first = NULL;
    *found = NULL;
    for (size_t s = 0; s < j->sink_count; s++) {
        const struct tap_plan_filter *own = NULL;
        const struct tap_instance *sink = join_sink(j, s);
        for (size_t f = 0; f < j->filter_count; f++) {
            const struct tap_plan_filter *filter = &j->filters[f];
            if (!join_uses(j, s, f) || !tap_claim_has_specs(filter->claim))
                continue;
            if (own) {
                tap_error_add_at(j->err, NULL, &filter->instance->where,
                                 "[%s] and [%s] both have match specs and meet in [%s]: write them "
                                 "into one section",
                                 own->instance->section, filter->instance->section,
                                 join_sink_name(j, s));
                return false;
            }
            own = filter;
        }
        if (s > 0 && own != first) {
            tap_error_add_at(
                j->err, NULL, sink ? &sink->where : NULL,
                "[%s] and [%s] differ in their match specs (%s, %s), which cannot be told apart: "
                "give both the same 'filters', or run them one after the other",
                join_sink_name(j, 0), join_sink_name(j, s),
                first ? first->instance->section : "none", own ? own->instance->section : "none");
            return false;
        }
        first = own;
    }
    *found = first;
    return true;
}

/* ---- One sink */

static bool put_function(struct plan_functions *set, struct tap_mempool *pool,
                         const struct tap_plan_function *f)
{
    for (size_t i = 0; i < set->count; i++) {
        struct tap_plan_function *same = &set->items[i];
        if (!plan_function_same(same, f))
            continue;
        same->flags =
            ((same->flags | f->flags) & ~(uint32_t)TAP_PLAN_EXACT) | (same->flags & f->flags);
        return true;
    }
    return plan_add_function(set, pool, f);
}

static bool put_process(struct plan_processes *set, struct tap_mempool *pool,
                        const struct tap_plan_process *p)
{
    for (size_t i = 0; i < set->count; i++) {
        struct tap_plan_process *same = &set->items[i];
        if (!plan_process_same(same, p))
            continue;
        same->flags =
            ((same->flags | p->flags) & ~(uint32_t)TAP_PLAN_EXACT) | (same->flags & p->flags);
        return true;
    }
    return plan_add_process(set, pool, p);
}

/* Narrows a sink's set by one more filter's claim. */
static bool narrow_functions(struct join *j, struct sink_sets *sink,
                             const struct plan_functions *claim)
{
    struct plan_functions narrowed = {0};
    bool ok = true;
    for (size_t b = 0; ok && !sink->claims_functions && b < claim->count; b++)
        ok = put_function(&narrowed, j->pool, &claim->items[b]);
    for (size_t a = 0; ok && a < sink->functions.count; a++) {
        for (size_t b = 0; ok && b < claim->count; b++) {
            struct tap_plan_function both;
            enum plan_overlap overlap =
                plan_function_overlap(&sink->functions.items[a], &claim->items[b], &both);
            sink->loose_functions |= overlap == PLAN_LOOSE;
            ok = overlap == PLAN_APART || put_function(&narrowed, j->pool, &both);
        }
    }
    sink->functions = narrowed;
    sink->claims_functions = true;
    return ok;
}

static bool narrow_processes(struct join *j, struct sink_sets *sink,
                             const struct plan_processes *claim)
{
    struct plan_processes narrowed = {0};
    bool ok = true;
    for (size_t b = 0; ok && !sink->claims_processes && b < claim->count; b++)
        ok = put_process(&narrowed, j->pool, &claim->items[b]);
    for (size_t a = 0; ok && a < sink->processes.count; a++) {
        struct tap_plan_process best;
        enum plan_overlap overlap = PLAN_APART;
        for (size_t b = 0; b < claim->count && overlap != PLAN_SAME; b++) {
            struct tap_plan_process both;
            enum plan_overlap one =
                plan_process_overlap(&sink->processes.items[a], &claim->items[b], &both);
            if (one > overlap) {
                overlap = one;
                best = both;
            }
        }
        sink->loose_processes |= overlap == PLAN_LOOSE;
        ok = overlap == PLAN_APART || put_process(&narrowed, j->pool, &best);
    }
    sink->processes = narrowed;
    sink->claims_processes = true;
    return ok;
}

static bool join_sink_sets(struct join *j, size_t s, bool calls)
{
    struct sink_sets *sink = &j->sinks[s];
    for (size_t f = 0; f < j->filter_count; f++) {
        const struct tap_claim *claim = j->filters[f].claim;
        if (!join_uses(j, s, f))
            continue;
        if (calls && claim->functions.count && !narrow_functions(j, sink, &claim->functions))
            return false;
        if (claim->processes.count && !narrow_processes(j, sink, &claim->processes))
            return false;
    }
    const struct tap_instance *in = join_sink(j, s);
    const char *what = sink->claims_functions && !sink->functions.count   ? "function"
                       : sink->claims_processes && !sink->processes.count ? "process"
                                                                          : NULL;
    if (what)
        tap_error_add_at(j->err, join_sink_name(j, s), in ? &in->where : NULL,
                         "its filters have no %s in common: nothing would be traced for it", what);
    return true;
}

/* ---- All sinks */

static bool functions_hold(const struct plan_functions *set, const struct tap_plan_function *f)
{
    for (size_t i = 0; i < set->count; i++)
        if (plan_function_same(&set->items[i], f))
            return true;
    return false;
}

static bool processes_hold(const struct plan_processes *set, const struct tap_plan_process *p)
{
    for (size_t i = 0; i < set->count; i++)
        if (plan_process_same(&set->items[i], p))
            return true;
    return false;
}

/* The union; empty when any sink takes everything. An entry that not every sink has is exact for
 * none. */
static bool unite_functions(struct join *j)
{
    for (size_t s = 0; s < j->sink_count; s++)
        if (!j->sinks[s].claims_functions)
            return true;
    for (size_t s = 0; s < j->sink_count; s++)
        for (size_t i = 0; i < j->sinks[s].functions.count; i++)
            if (!put_function(&j->functions, j->pool, &j->sinks[s].functions.items[i]))
                return false;
    for (size_t i = 0; i < j->functions.count; i++)
        for (size_t s = 0; s < j->sink_count; s++)
            if (!functions_hold(&j->sinks[s].functions, &j->functions.items[i]))
                j->functions.items[i].flags &= ~(uint32_t)TAP_PLAN_EXACT;
    return true;
}

static bool unite_processes(struct join *j)
{
    for (size_t s = 0; s < j->sink_count; s++)
        if (!j->sinks[s].claims_processes)
            return true;
    for (size_t s = 0; s < j->sink_count; s++)
        for (size_t i = 0; i < j->sinks[s].processes.count; i++)
            if (!put_process(&j->processes, j->pool, &j->sinks[s].processes.items[i]))
                return false;
    for (size_t i = 0; i < j->processes.count; i++)
        for (size_t s = 0; s < j->sink_count; s++)
            if (!processes_hold(&j->sinks[s].processes, &j->processes.items[i]))
                j->processes.items[i].flags &= ~(uint32_t)TAP_PLAN_EXACT;
    return true;
}

/* ---- Who filters live */

static bool claim_is_exact(const struct tap_claim *c, bool calls)
{
    bool exact = true;
    for (size_t i = 0; calls && i < c->functions.count; i++)
        exact &= (c->functions.items[i].flags & TAP_PLAN_EXACT) != 0;
    for (size_t i = 0; i < c->processes.count; i++)
        exact &= (c->processes.items[i].flags & TAP_PLAN_EXACT) != 0;
    for (size_t i = 0; i < c->sends.count; i++)
        exact &= (c->sends.items[i].flags & TAP_PLAN_EXACT) != 0;
    for (size_t i = 0; i < c->receives.count; i++)
        exact &= (c->receives.items[i].flags & TAP_PLAN_EXACT) != 0;
    return exact;
}

/* Does the node let through more than this sink wants, on an axis of which this filter speaks? The
 * plan's set holds the sink's, so equal counts are equal sets. */
static bool sink_needs_filter(const struct join *j, const struct sink_sets *s,
                              const struct tap_claim *c, bool calls)
{
    bool functions = calls && c->functions.count &&
                     (s->loose_functions || s->functions.count != j->functions.count);
    bool processes =
        c->processes.count && (s->loose_processes || s->processes.count != j->processes.count);
    return functions || processes;
}

static void join_live_filters(struct join *j, bool calls, struct tap_plan *plan)
{
    for (size_t f = 0; f < j->filter_count; f++) {
        struct tap_plan_filter *filter = &j->filters[f];
        const struct tap_claim *c = filter->claim;
        bool nothing =
            !c->functions.count && !c->processes.count && !c->sends.count && !c->receives.count;
        filter->live = false;
        for (size_t s = 0; s < j->sink_count; s++)
            if (join_uses(j, s, f))
                filter->live |= nothing || !claim_is_exact(c, calls) ||
                                sink_needs_filter(j, &j->sinks[s], c, calls);
        for (size_t i = 0; filter->live && i < c->processes.count; i++)
            plan->need_spawns |= c->processes.items[i].type >= TAP_PROCESS_NEW;
    }
}

/* ---- The plan */

static void plan_settings(const struct tap_config *config, struct tap_plan *plan)
{
    const struct tap_session_settings *s = &config->session;
    bool live = !tap_config_replays(config); /* a recording cannot be asked */
    *plan = (struct tap_plan){
        .struct_size = sizeof *plan,
        .nodes = s->node_names ? s->node_names : s->nodes.items,
        .node_count = s->nodes.count,
        .seed = s->seed_name,
        .require_all = s->require == TAP_REQUIRE_ALL,
        .hidden_nodes = s->hidden_nodes,
        .cookie_file = s->cookie_file,
        .events = s->events,
        .include_otp = s->include_otp,
        .duration = s->duration,
        .lease = s->lease,
        .max_events = s->max_events,
        .max_rate = s->max_rate,
        .max_queue = s->max_queue,
        .max_memory = s->max_memory,
        .max_term = s->max_term,
        .overload = (enum tap_overload)s->overload,
        .names = live && s->names && !(s->events & TAP_CONFIG_SCHEDULING),
        .mailbox = live ? s->mailbox : 0,
        .arity_only = live && s->arguments == TAP_ARGUMENTS_FALSE,
        .collect = live ? (enum tap_collect)s->collect : TAP_COLLECT_PROCESS,
        .native_arity_only = live && s->arguments == TAP_ARGUMENTS_FALSE,
        .native_library = s->native_library,
        .node_ports = s->node_ports,
        .seed_port = s->seed_port,
        .port = (uint16_t)s->port,
        .leave_unloaded = !s->load,
    };
}

/* The plan's list of what `claimed` holds; NULL: out of memory. */
#define POINTERS(pool, claimed)                                           \
    ({                                                                    \
        const __typeof__(*(claimed).items) **list_ =                      \
            tap_mempool_alloc(pool, (claimed).count * sizeof *list_ + 1); \
        for (size_t i_ = 0; list_ && i_ < (claimed).count; i_++)          \
            list_[i_] = &(claimed).items[i_];                             \
        list_;                                                            \
    })

/* The lists in `plan` must outlive the claims: strings and specs go to the plan's pool. */
static bool plan_keep(struct join *j, const struct tap_plan_filter *specs, struct tap_plan *plan)
{
    struct tap_claim own = {.pool = j->pool};
    uint32_t events = plan->events;
    for (size_t i = 0; i < j->functions.count; i++)
        tap_claim_function(&own, &j->functions.items[i]);
    for (size_t i = 0; i < j->processes.count; i++)
        tap_claim_process(&own, &j->processes.items[i]);
    for (size_t i = 0;
         specs && events & TAP_KIND_BIT(TAP_MESSAGE_SEND) && i < specs->claim->sends.count; i++)
        tap_claim_send(&own, &specs->claim->sends.items[i]);
    for (size_t i = 0;
         specs && events & TAP_KIND_BIT(TAP_MESSAGE_RECEIVE) && i < specs->claim->receives.count;
         i++)
        tap_claim_receive(&own, &specs->claim->receives.items[i]);
    plan->functions = POINTERS(j->pool, own.functions);
    plan->function_count = own.functions.count;
    plan->processes = POINTERS(j->pool, own.processes);
    plan->process_count = own.processes.count;
    plan->sends = POINTERS(j->pool, own.sends);
    plan->send_count = own.sends.count;
    plan->receives = POINTERS(j->pool, own.receives);
    plan->receive_count = own.receives.count;
    return !own.oom && plan->functions && plan->processes && plan->sends && plan->receives;
}

static bool join_all(struct join *j, struct tap_plan *plan)
{
    const struct tap_plan_filter *specs;
    bool calls = (plan->events & CALL_KINDS) != 0;
    j->sinks = tap_mempool_alloc(j->pool, j->sink_count * sizeof *j->sinks);
    if (!j->sinks)
        return false;
    for (size_t f = 0; f < j->filter_count; f++) {
        if (j->filters[f].claim->oom)
            return false;
        if (j->filters[f].claim->short_struct)
            tap_error_add_at(j->err, j->filters[f].instance->section,
                             &j->filters[f].instance->where,
                             "the plugin claims with a struct that is too short for plugin ABI %d: "
                             "build it again",
                             TAP_ABI_MAJOR);
    }
    if (!join_spec_filter(j, &specs))
        return true; /* told */
    for (size_t s = 0; s < j->sink_count; s++)
        if (!join_sink_sets(j, s, calls))
            return false;
    if (!unite_functions(j) || !unite_processes(j))
        return false;
    join_live_filters(j, calls, plan);
    return plan_keep(j, specs, plan);
}

enum tap_status tap_plan_join(const struct tap_config *config, struct tap_plan_filter *filters,
                              size_t filter_count, const bool *sink_uses, size_t sink_count,
                              struct tap_plan *plan, struct tap_mempool *pool,
                              struct tap_error *err)
{
    struct join j = {.config = config,
                     .filters = filters,
                     .filter_count = filter_count,
                     .uses = sink_uses,
                     .sink_count = sink_count ? sink_count : 1,
                     .no_sinks = sink_count == 0,
                     .pool = pool,
                     .err = err};
    size_t before = tap_error_count(err);
    plan_settings(config, plan);
    if (!join_all(&j, plan))
        return TAP_ERR(err, TAP_ERROR, "core", "out of memory while planning");
    tap_plan_refuse(config, plan, err);
    tap_plan_passes(config, filters, filter_count, plan);
    if (config->session.arguments == TAP_ARGUMENTS_AUTO && !tap_config_replays(config))
        plan->arity_only = (plan->events & CALL_KINDS) && plan->function_count == 0 &&
                           plan->collect != TAP_COLLECT_NATIVE;
    return tap_error_count(err) > before ? TAP_INVALID : TAP_OK;
}
