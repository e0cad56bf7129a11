/* asked.c: see asked.h. */
#include "transports/file/asked.h"

#include <stdio.h>
#include <stdlib.h>

#define ALL_KINDS ((TAP_KIND_BIT(TAP_KIND_USER_LAST) << 1) - 1)

/* All of them, or none: one that is not understood may be any. */
static bool add_processes(struct tap_asked *a, const struct tap_plan *plan)
{
    a->processes = calloc(plan->process_count, sizeof *a->processes);
    for (size_t i = 0; a->processes && i < plan->process_count; i++) {
        unsigned id, serial;
        if (plan->processes[i]->type != TAP_PROCESS_PID ||
            sscanf(plan->processes[i]->text, "<0.%u.%u>", &id, &serial) != 2)
            return false;
        a->processes[i] = tap_bloom_process(id, serial);
    }
    return a->processes;
}

/* A module with wildcards may be any. */
static bool add_functions(struct tap_asked *a, const struct tap_plan *plan)
{
    a->functions = calloc(plan->function_count, sizeof *a->functions);
    for (size_t i = 0; a->functions && i < plan->function_count; i++) {
        const char *module = plan->functions[i]->module, *function = plan->functions[i]->function;
        if (!module || strpbrk(module, "*?"))
            return false;
        uint64_t m = tap_bloom_name(module, strlen(module));
        a->functions[i] = function
                              ? tap_bloom_function(m, tap_bloom_name(function, strlen(function)))
                              : tap_bloom_module(m);
    }
    return a->functions;
}

bool tap_asked_make(struct tap_asked *a, const struct tap_plan *plan)
{
    *a = (struct tap_asked){0};
    if (!plan || !TAP_HAS(plan, kinds))
        return false;
    a->by_kind = plan->pass_functions;
    a->kinds = plan->kinds;
    if (plan->pass_processes && plan->process_count && add_processes(a, plan))
        a->process_count = plan->process_count;
    if (a->by_kind && plan->function_count && add_functions(a, plan))
        a->function_count = plan->function_count;
    return a->process_count || a->function_count ||
           (a->by_kind && (a->kinds & ALL_KINDS) != ALL_KINDS);
}

void tap_asked_free(struct tap_asked *a)
{
    free(a->processes);
    free(a->functions);
    *a = (struct tap_asked){0};
}
