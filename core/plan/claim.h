/* claim.h: what a filter claimed, and the two axes of the join. Inside of plan*.c only. */
#ifndef TAP_PLAN_CLAIM_H
#define TAP_PLAN_CLAIM_H

#include "plan/plan.h"

/* Lists that grow in a pool. */
struct plan_functions {
    struct tap_plan_function *items;
    size_t count, cap;
};
struct plan_processes {
    struct tap_plan_process *items;
    size_t count, cap;
};
struct plan_messages {
    struct tap_plan_message *items;
    size_t count, cap;
};

struct tap_claim {
    struct tap_mempool *pool;
    struct plan_functions functions;
    struct plan_processes processes;
    struct plan_messages sends, receives;
    bool oom;
    bool short_struct; /* it claimed with a struct that is shorter than version 1.0 has it */
};

/* Each appends a copy (shallow: strings and specs are not copied); false when out of memory. */
bool plan_add_function(struct plan_functions *, struct tap_mempool *,
                       const struct tap_plan_function *);
bool plan_add_process(struct plan_processes *, struct tap_mempool *,
                      const struct tap_plan_process *);
bool plan_add_message(struct plan_messages *, struct tap_mempool *,
                      const struct tap_plan_message *);

/* What two entries have in common. LOOSE: no entry says it exactly; the one given contains it. */
enum plan_overlap { PLAN_APART, PLAN_LOOSE, PLAN_SAME };
enum plan_overlap plan_function_overlap(const struct tap_plan_function *a,
                                        const struct tap_plan_function *b,
                                        struct tap_plan_function *both);
enum plan_overlap plan_process_overlap(const struct tap_plan_process *a,
                                       const struct tap_plan_process *b,
                                       struct tap_plan_process *both);
/* Do both entries speak of the same calls, with the same spec; of the same processes? Flags and
 * places aside. */
bool plan_function_same(const struct tap_plan_function *, const struct tap_plan_function *);
bool plan_process_same(const struct tap_plan_process *, const struct tap_plan_process *);

#endif
