/* call_rules.h: what events mean for the stack of traced calls of their process: the rules of all
 * who keep one, in one place. call_stacks.h has the stacks of sinks that want calls as they end;
 * call_times.c, chrome and stdout hold theirs where they have their processes, for a look-up more
 * an event would cost them what a stack is worth, and each frame has what they need of it.
 *
 *     a call        is open until its end is told, if that is: tap_call_has_end
 *     a return or   ends the newest open call of its function. What is open above that was left by
 *     an exception  an exception that nobody traced, at the latest now. None: its call was not seen
 *     a tail call   stands in the frame that its loop began with, and so does its end:
 *                   tap_call_is_turn
 *     an exit       ends all that is open of the process. So does a start: its pid lives again
 *     a loss, gap   end all that is open on their node, nobody knows when, and so does the end of
 *                   the node: tap_event_breaks_stacks
 *     returns off   no later call of the function has an end there: tap_returns_off_learn
 */
#ifndef TAP_SINKS_COMMON_CALL_RULES_H
#define TAP_SINKS_COMMON_CALL_RULES_H

#include <string.h>

#include "beamtap/returns_off.h"
#include "beamtap/sink.h"
#include "syntax/glob.h"

/* ---- Whose returns are traced: those of every function, or of the functions that the plan names
 * for it, or that of a run that is played. */

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

/* Will the end of this call be told? */
static inline bool tap_call_has_end(const struct tap_host *host, const struct tap_returns_off *off,
                                    const struct tap_event *call)
{
    return !tap_returns_off_has(off, call) &&
           tap_returns_traced(host, tap_name_get(host, call->module)->text,
                              tap_name_get(host, call->function)->text, call->arity);
}

/* ---- Loops */

/* Is this call, or the end of one, only a turn of a loop? `open`: its process has an open call. The
 * ends of all turns are told again at the loop's first frame. */
static inline bool tap_call_is_turn(const struct tap_event *e, bool open)
{
    return e->flags & TAP_EVENT_TAIL && open;
}

#endif
