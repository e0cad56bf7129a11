/* advice.c: what someone who knows the VM would say before this plan runs. */
#include "plan/plan.h"

/* Every process copies every message for the tracer. */
static bool dear_messages(const struct tap_plan *plan)
{
    uint32_t messages = TAP_KIND_BIT(TAP_MESSAGE_SEND) | TAP_KIND_BIT(TAP_MESSAGE_RECEIVE);
    return (plan->events & messages) && plan->process_count == 0;
}

/* A frame that an exception unwinds says nothing by itself. */
static bool open_ends(const struct tap_plan *plan)
{
    uint32_t kinds = tap_plan_kinds(plan);
    return (kinds & TAP_KIND_BIT(TAP_FUNCTION_RETURN)) &&
           !(kinds & TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION));
}

static bool every_module(const struct tap_plan *plan)
{
    uint32_t calls = TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) |
                     TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION);
    return (plan->events & calls) && plan->function_count == 0 && !plan->call;
}

/* The process that calls copies them. */
static bool dear_arguments(const struct tap_plan *plan)
{
    return every_module(plan) && !plan->arity_only && plan->collect != TAP_COLLECT_NATIVE;
}

/* It goes through them where they are, as far as max_term. */
static bool walked_arguments(const struct tap_plan *plan)
{
    return every_module(plan) && !plan->arity_only && plan->collect == TAP_COLLECT_NATIVE;
}

static bool no_arguments(const struct tap_plan *plan)
{
    return every_module(plan) && plan->arity_only;
}

/* A value is copied too, and no flag of the VM leaves it out. */
static bool dear_values(const struct tap_plan *plan)
{
    return every_module(plan) && (tap_plan_kinds(plan) & TAP_KIND_BIT(TAP_FUNCTION_RETURN)) &&
           plan->collect != TAP_COLLECT_NATIVE;
}

const char *tap_plan_advice(const struct tap_plan *plan, size_t n)
{
    const struct {
        bool applies;
        const char *text;
    } known[] = {
        {dear_messages(plan),
         "messages of every process: costly on a busy node; a pids filter limits them"},
        {no_arguments(plan),
         "every module is traced: calls come with their arity alone; where a filter "
         "names modules or functions, or with arguments = true, with arguments"},
        {dear_arguments(plan),
         "arguments of every module's calls: each is copied, and what servers "
         "hold with it; processes that hold much are traced without"},
        {walked_arguments(plan),
         "arguments of every module's calls: each is gone through as far as max_term; where "
         "servers hand large states on, a smaller max_term costs them less"},
        {dear_values(plan),
         "returns of every module: a server that returns what it holds copies it "
         "each time, before max_term can stop that; name modules or functions"},
        {open_ends(plan), "returns without exceptions: a call that an exception ends has no end in "
                          "the trace; with -> return, exception behind the pattern, or "
                          "function_exception in events, it has"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].applies && n-- == 0)
            return known[i].text;
    return NULL;
}
