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

const char *tap_plan_advice(const struct tap_plan *plan, size_t n)
{
    const struct {
        bool applies;
        const char *text;
    } known[] = {
        {dear_messages(plan),
         "messages of every process: dear in a busy node; a pids filter asks for less"},
        {open_ends(plan), "returns without exceptions: a call that an exception ends has no end in "
                          "the trace; with function_exception in events it has"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].applies && n-- == 0)
            return known[i].text;
    return NULL;
}
