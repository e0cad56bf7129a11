/* passes.c: what of a recording need not even be read (beamtap/bloom.h), because no filter lets it
 * through and nothing that does get through depends on it. Where that is not certain everything is
 * read.
 */
#include "plan/claim.h"

/* What match specs judge and count, whether or not sinks get it: of a return the call. */
#define JUDGED                                                               \
    (TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) |   \
     TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION) | TAP_KIND_BIT(TAP_MESSAGE_SEND) | \
     TAP_KIND_BIT(TAP_MESSAGE_RECEIVE))

/* Does what happens depend on all events there are: triggers and chains look at them before the
 * filters do, and so does the order where it is not the recording's own. */
static bool needs_all(const struct tap_config *config)
{
    const struct tap_session_settings *s = &config->session;
    return !tap_config_replays(config) || config->trigger_count || s->keep || s->follow ||
           (s->order == TAP_ORDER_TIME && !s->keep_order);
}

/* A process that is named otherwise than by its pid is found by events of others: who registered
 * the name, who spawned whom. */
static bool finds_processes(const struct tap_claim *c)
{
    for (size_t i = 0; i < c->processes.count; i++)
        if (c->processes.items[i].type != TAP_PROCESS_PID)
            return true;
    return false;
}

void tap_plan_passes(const struct tap_config *config, const struct tap_plan_filter *filters,
                     size_t filter_count, struct tap_plan *plan)
{
    bool alone = !needs_all(config), specs = false;
    size_t of_functions = 0;
    for (size_t i = 0; i < filter_count; i++) {
        const struct tap_claim *c = filters[i].claim;
        alone &=
            tap_loaded_says(filters[i].instance->loaded, TAP_PLUGIN_ALONE) && !finds_processes(c);
        specs |= tap_claim_has_specs(c);
        of_functions += c->functions.count > 0;
    }
    plan->kinds = tap_plan_kinds(plan) | (specs ? JUDGED : 0);
    /* Of a return a match spec has to have seen the call, and it counts what it cannot decide: of
     * its own functions it sees everything. */
    plan->pass_processes = alone && plan->process_count > 0 && !specs;
    plan->pass_functions = alone && (!specs || of_functions <= 1);
}
