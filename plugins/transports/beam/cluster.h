/* cluster.h: which nodes a run has: named, seen by the seed, joined later, and back again.
 *
 * With nodes = all_nodes the seed (or, while it is away, another traced node) is asked each second
 * whom it sees. A node that went down, and one that was not there, is dialled again until the run
 * ends; one that refuses us is not.
 */
#ifndef TAP_TRANSPORTS_BEAM_CLUSTER_H
#define TAP_TRANSPORTS_BEAM_CLUSTER_H

#include "transports/beam/node/run_state.h"

/* Does the plan say all_nodes? */
bool tap_cluster_open(const struct tap_beam *);
/* Adds a node, unless it is there already. `port`: of its distribution; 0: epmd knows. NULL: out
 * of memory. */
struct tap_beam_node *tap_cluster_add(struct tap_beam *, const char *name, size_t len,
                                      uint16_t port);
/* The nodes that the plan names; with all_nodes the seed alone. */
bool tap_cluster_name(struct tap_beam *);
/* A list of node names, as a node sees its cluster: adds those that are new, without collectors. */
void tap_cluster_seen(struct tap_beam *, struct tap_cursor list);
/* Dials what is due, looks for the outcome of what is being dialled, asks for newcomers. */
void tap_cluster_turn(struct tap_beam *, int64_t now);

#endif
