/* beamtap/filter.h: all that the author of a filter includes.
 *
 * A filter says which events of a batch do not pass, and, where it can, what the nodes need not
 * even trace (its claim on the plan).
 */
#ifndef BEAMTAP_FILTER_H
#define BEAMTAP_FILTER_H

#include "event.h"
#include "plan.h"
#include "plugin.h"
#include "term.h"
#include "term_write.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tap_claim; /* opaque: handed to plan */

/* host->filter: what the core does for a filter. */
struct tap_filter_host {
    uint32_t struct_size;
    /* From plan, with the claim that plan was given. Each copies what it is given, strings and
     * specs too. A filter that claims functions says: no other functions; likewise for processes.
     * A struct that is shorter than version 1.0 has it makes the configuration invalid. */
    void (*claim_function)(struct tap_claim *, const struct tap_plan_function *);
    void (*claim_process)(struct tap_claim *, const struct tap_plan_process *);
    void (*claim_send)(struct tap_claim *, const struct tap_plan_message *);
    void (*claim_receive)(struct tap_claim *, const struct tap_plan_message *);
};

/* `settings` is the plugin's settings struct, filled from the option table; it lives until
 * destroy. */
struct tap_filter_ops {
    uint32_t struct_size;
    /* Makes *self of the settings, and checks what the option table cannot. No I/O. */
    enum tap_status (*create)(const struct tap_host *, const void *settings, void **self);
    /* May be NULL. Says what the nodes can decide (host->filter->claim_*). No I/O. On create's
     * thread, once, behind it. */
    enum tap_status (*plan)(void *self, struct tap_claim *);
    /* Clears keep[i] for each event i of the batch that does not pass; must not set any. Sees
     * control events too (to learn names and spawns) but what it says of them is ignored. Not
     * called for what the node decides exactly. On the transport's thread. */
    void (*filter)(void *self, const struct tap_batch *, uint8_t *keep);
    void (*destroy)(void *self);
};

#ifdef __cplusplus
}
#endif
#endif
