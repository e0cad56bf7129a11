/* traced_returns.h: whose returns are traced: those of every function, or of the functions that the
 * plan names for it. */
#ifndef TAP_SINKS_COMMON_TRACED_RETURNS_H
#define TAP_SINKS_COMMON_TRACED_RETURNS_H

#include <string.h>

#include "beamtap/sink.h"
#include "syntax/glob.h"

static inline bool tap_returns_traced(const struct tap_host *host, const char *module,
                                      const char *function, int32_t arity)
{
    if (host->run_info->events & TAP_KIND_BIT(TAP_FUNCTION_RETURN))
        return true;
    const struct tap_plan *plan = host->plan;
    for (size_t i = 0; i < plan->function_count; i++) {
        const struct tap_plan_function *f = plan->functions[i];
        if ((f->flags & (TAP_PLAN_RETURN | TAP_PLAN_EXCEPTION)) &&
            (!f->module || tap_glob_matches(f->module, module)) &&
            (!f->function || strcmp(f->function, function) == 0) &&
            (f->arity < 0 || f->arity == arity))
            return true;
    }
    return false;
}

#endif
