/* relations.h: what the events that sinks are given have to do with each other.
 *
 * Which send a receive belongs to and which call a reply (flow.h, gen_calls.h), what goes on a loop
 * (tails.h), and that no effect is earlier than its cause (settle.h). It is found out of nothing
 * but those events that some sink is given, in the order in which they are: so a recording that is
 * played again tells the same as the run did. One thread.
 */
#ifndef TAP_CORRELATE_RELATIONS_H
#define TAP_CORRELATE_RELATIONS_H

#include "correlate/flow.h"
#include "correlate/gen_calls.h"
#include "correlate/settle.h"
#include "correlate/tails.h"

#define TAP_FLOWS_OPEN 65536u /* sends that may wait for their receives */

struct tap_relations {
    struct tap_flow *flow;     /* NULL: nothing to pair */
    struct tap_gen_calls *gen; /* NULL: no messages */
    struct tap_tails *tails;   /* NULL: no calls */
    struct tap_settle *settle; /* NULL: nothing to pair */
};

/* `events`: TAP_KIND_BITs asked for. False when out of memory; free it then, too. */
bool tap_relations_init(struct tap_relations *, uint32_t events, struct tap_atom_cache *);
void tap_relations_free(struct tap_relations *);
/* The next event, whose spans point into `arena`. */
void tap_relations_event(struct tap_relations *, struct tap_event *, const uint8_t *arena);

/* Are both ends of something asked for? */
bool tap_relations_pairs(uint32_t events);
/* Has it an end that tap_flow_event looks at, or does it say that some may be missing? */
static inline bool tap_relations_has_end(const struct tap_event *ev)
{
    const uint64_t others =
        1ull << TAP_PROCESS_INFO | 1ull << TAP_LOST | 1ull << TAP_GAP | 1ull << TAP_NODE_DOWN;
    return (ev->kind >= TAP_MESSAGE_SEND && ev->kind <= TAP_PROCESS_UNREGISTER) ||
           (others >> ev->kind & 1);
}

#endif
