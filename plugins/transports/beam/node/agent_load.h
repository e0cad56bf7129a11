/* agent_load.h: brings the agent into a node, and out of it.
 *
 * First the node's limits are looked at: an atom table that fills up ends the VM. Then it is loaded
 * unless exactly this one is loaded already; the node's code server, which may be busy or have lost
 * its path, is not asked. In parts, so that a node that is one of many never waits (node_start.c):
 * ask for limits, look at them, ask whether it is there, load. All of them are calls inside of rex
 * (net/rpc.h).
 */
#ifndef TAP_TRANSPORTS_BEAM_NODE_AGENT_LOAD_H
#define TAP_TRANSPORTS_BEAM_NODE_AGENT_LOAD_H

#include "transports/beam/node/node.h"

#define TAP_AGENT_UNLOAD_TIMEOUT INT64_C(2000000000) /* ns */

/* Arguments of lists:map, erlang:module_loaded and erlang:load_module, and what their answers (in
 * rpc.answer) mean. */
void tap_agent_write_limits(struct tap_buf *);
/* False: the node has failed and is ended. */
bool tap_agent_fits(struct tap_beam_node *);
void tap_agent_write_ask(struct tap_buf *);
bool tap_agent_is_there(const struct tap_beam_node *);
/* May it be loaded? False: the node has failed and is ended. */
bool tap_agent_may_load(struct tap_beam_node *);
void tap_agent_write_load(struct tap_buf *);
/* LATER: an earlier one is just leaving, ask again. FAILED: the node has failed and is ended. */
enum tap_agent_loaded { TAP_AGENT_LOADED, TAP_AGENT_LATER, TAP_AGENT_FAILED };
enum tap_agent_loaded tap_agent_loaded_now(struct tap_beam_node *);

/* A sentence for an answer that is not what was asked for. */
void tap_agent_explain(const struct tap_beam_node *, char *text, size_t cap);

#endif
