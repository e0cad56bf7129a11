/* traced_returns.h: whose returns are traced: those of every function, or of the functions that the
 * plan names for it, or that of a run that is played. */
#ifndef TAP_SINKS_COMMON_TRACED_RETURNS_H
#define TAP_SINKS_COMMON_TRACED_RETURNS_H

#include <string.h>

#include "beamtap/sink.h"
#include "syntax/glob.h"

static inline bool tap_returns_wanted(const struct tap_plan_function *f)
{
    return f->flags & (TAP_PLAN_RETURN | TAP_PLAN_EXCEPTION);
}

static inline bool tap_returns_are_of(const struct tap_plan_function *f, const char *module,
                                      const char *function, int32_t arity)
{
    return (!f->module || tap_glob_matches(f->module, module)) &&
           (!f->function || strcmp(f->function, function) == 0) &&
           (f->arity < 0 || f->arity == arity);
}

static inline bool tap_returns_traced(const struct tap_host *host, const char *module,
                                      const char *function, int32_t arity)
{
    const struct tap_run_info *run = host->run_info;
    const struct tap_plan *plan = host->plan;
    if (run->events & TAP_KIND_BIT(TAP_FUNCTION_RETURN))
        return true;
    for (size_t i = 0; i < plan->function_count; i++)
        if (tap_returns_wanted(plan->functions[i]) &&
            tap_returns_are_of(plan->functions[i], module, function, arity))
            return true;
    for (size_t i = 0; i < run->returned_count; i++)
        if (tap_returns_are_of(&run->returned[i], module, function, arity))
            return true;
    return false;
}

#endif
