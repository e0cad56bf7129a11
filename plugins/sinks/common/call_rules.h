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

/* Verdicts on functions, which hold for the run: a recording may name tens of thousands whose
 * returns were traced, with wildcards, and calls come by the million. All zero: it knows none. */
#define TAP_RETURNS_KNOWN 1024u
struct tap_returns_known {
    struct {
        uint32_t module, function;
        int32_t arity;
        bool known, traced;
    } at[TAP_RETURNS_KNOWN];
};

static inline bool tap_returns_look(struct tap_returns_known *k, const struct tap_host *host,
                                    const struct tap_event *e)
{
    uint32_t at = (e->module * 7u ^ e->function * 31u ^ (uint32_t)e->arity) % TAP_RETURNS_KNOWN;
    if (!k->at[at].known || k->at[at].module != e->module || k->at[at].function != e->function ||
        k->at[at].arity != e->arity) {
        k->at[at].known = true;
        k->at[at].module = e->module;
        k->at[at].function = e->function;
        k->at[at].arity = e->arity;
        k->at[at].traced = tap_returns_traced(host, tap_name_get(host, e->module)->text,
                                              tap_name_get(host, e->function)->text, e->arity);
    }
    return k->at[at].traced;
}

/* Will the end of this call be told? */
static inline bool tap_call_has_end(const struct tap_host *host, const struct tap_returns_off *off,
                                    struct tap_returns_known *known, const struct tap_event *call)
{
    return !tap_returns_off_has(off, call) && tap_returns_look(known, host, call);
}

/* ---- Loops */

/* Is this call, or the end of one, only a turn of a loop? `open`: its process has an open call. The
 * ends of all turns are told again at the loop's first frame. */
static inline bool tap_call_is_turn(const struct tap_event *e, bool open)
{
    return e->flags & TAP_EVENT_TAIL && open;
}

#endif
