/* plan.h: joins what the filters claim into the plan that the transport makes real in the nodes.
 *
 * Within a sink all filters must accept: claims of one axis (functions, processes, sends, receives)
 * are intersected. Between sinks any will do: the results are united. Whatever the join cannot
 * express exactly becomes a superset, and the filters concerned filter live.
 */
#ifndef TAP_PLAN_PLAN_H
#define TAP_PLAN_PLAN_H

#include "beamtap/filter.h"
#include "config/config.h"

struct tap_claim *tap_claim_new(void);
void tap_claim_free(struct tap_claim *);
/* The host table's claim_* functions. */
void tap_claim_function(struct tap_claim *, const struct tap_plan_function *);
void tap_claim_process(struct tap_claim *, const struct tap_plan_process *);
void tap_claim_send(struct tap_claim *, const struct tap_plan_message *);
void tap_claim_receive(struct tap_claim *, const struct tap_plan_message *);

/* Does it say something that only a node can filter? */
bool tap_claim_has_specs(const struct tap_claim *);

/* One filter instance as the join sees it. */
struct tap_plan_filter {
    const struct tap_instance *instance;
    const struct tap_claim *claim;
    bool live; /* out: must this filter filter live for any sink? */
};
/* Fills *plan (all of it, from the session settings and the claims); its memory lives in `pool`.
 * sink_uses[s * filter_count + f] says whether sink s uses filter f. Adds causes and returns
 * TAP_INVALID for what cannot be done (two sinks whose match_spec filters differ cannot be told
 * apart yet: such a spec is neither exact nor filtered in C). */
enum tap_status tap_plan_join(const struct tap_config *, struct tap_plan_filter *filters,
                              size_t filter_count, const bool *sink_uses, size_t sink_count,
                              struct tap_plan *plan, struct tap_mempool *, struct tap_error *);
/* What its parts cannot be asked for together; and of a profile, that it is of whole functions. */
void tap_plan_refuse(const struct tap_config *, struct tap_plan *, struct tap_error *);
/* The kinds that reach the sinks: those asked for in `events`, and the returns and exceptions that
 * a pattern of its own asks for (`-> return`). */
uint32_t tap_plan_kinds(const struct tap_plan *);
/* Says in the plan what of a recording need not be read (pass_processes, pass_functions, kinds).
 * Everything else in it is there. */
void tap_plan_passes(const struct tap_config *, const struct tap_plan_filter *filters,
                     size_t filter_count, struct tap_plan *plan);
/* The n-th thing to know before it runs, a sentence; NULL: no more. */
const char *tap_plan_advice(const struct tap_plan *, size_t n);
/* What would be traced and written, for people: `beamtap check`. `transport`: the transport's
 * TAP_PLUGIN_REPLAYS and TAP_PLUGIN_LIMITS. Where it replays, others traced it: what a node is
 * asked for, what that costs it, and the limits of its trace are theirs. */
void tap_plan_print(const struct tap_plan *, unsigned transport, FILE *);

#endif
