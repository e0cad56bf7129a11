/* refused.c: the kinds that a plan brings, and what a plan's parts cannot be asked for together. */
#include "base/event_names.h"
#include "beamtap/counters.h"
#include "plan/plan.h"

uint32_t tap_plan_kinds(const struct tap_plan *plan)
{
    uint32_t kinds = plan->events;
    for (size_t i = 0; i < plan->function_count; i++) {
        if (plan->functions[i]->flags & (TAP_PLAN_RETURN | TAP_PLAN_EXCEPTION))
            kinds |= TAP_KIND_BIT(TAP_FUNCTION_RETURN);
        if (plan->functions[i]->flags & TAP_PLAN_EXCEPTION)
            kinds |= TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION);
    }
    return kinds;
}

/* What carries a term that no flag of the VM leaves out. */
static void refuse_terms(const struct tap_plan *plan, struct tap_error *err)
{
    static const uint8_t carrying[] = {TAP_FUNCTION_RETURN, TAP_FUNCTION_EXCEPTION,
                                       TAP_MESSAGE_SEND, TAP_MESSAGE_RECEIVE};
    for (size_t i = 0; plan->arity_only && i < sizeof carrying; i++)
        if (tap_plan_kinds(plan) & TAP_KIND_BIT(carrying[i]))
            TAP_ERR(
                err, TAP_INVALID, "session",
                "arguments = false and %s do not go together: its term is copied and carried whole",
                tap_event_name(carrying[i]));
}

/* Is it [{'_', [], []}], which takes every call and says nothing more? */
static bool takes_all(const struct tap_plan_function *f)
{
    struct tap_cursor c = tap_cursor(f->spec, f->spec_len);
    uint32_t one, three;
    tap_read_version(&c);
    return tap_read_list(&c, &one) && one == 1 && tap_read_tuple(&c, &three) && three == 3 &&
           tap_match_atom(&c, "_") && tap_read_nil(&c) && tap_read_nil(&c) && tap_read_nil(&c);
}

static void refuse_specs(struct tap_plan *plan, struct tap_error *err)
{
    for (size_t i = 0; i < plan->function_count; i++) {
        /* It lies in the plan's own memory. */
        struct tap_plan_function *f = (struct tap_plan_function *)(uintptr_t)plan->functions[i];
        if (f->spec_len && !takes_all(f))
            tap_error_add_at(err, "session", &f->where,
                             "counters are of whole functions: no arguments, guards or actions can "
                             "be asked for (module, module:function or module:function/arity)");
        f->spec = NULL;
        f->spec_len = 0;
    }
}

void tap_plan_refuse(const struct tap_config *config, struct tap_plan *plan, struct tap_error *err)
{
    refuse_terms(plan, err);
    if (tap_config_replays(config) || !config->session.counters)
        return;
    plan->counters = config->session.counters;
    plan->interval = config->session.interval;
    refuse_specs(plan, err);
    if (plan->counters == TAP_COUNT_CALLS && plan->process_count)
        tap_error_add_at(err, "session", &plan->processes[0]->where,
                         "the VM counts calls of all processes together: with counters = time (or "
                         "memory) it counts them for each");
    if (plan->collect == TAP_COLLECT_NATIVE)
        TAP_ERR(err, TAP_INVALID, "session",
                "counters and collect = native do not go together: there are no events to take");
    plan->collect = TAP_COLLECT_PROCESS;
}
