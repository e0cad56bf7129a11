/* agent_load.h: brings the agent into a node.
 *
 * It is loaded unless exactly this one is loaded already: loading it over itself would, at the
 * third time, kill the processes that run the first. Either as one call that waits
 * (tap_agent_load), or in its parts, for a node that is one of many (node_start.c): ask
 * code:is_loaded, judge, load_binary, judge.
 */
#ifndef TAP_TRANSPORTS_BEAM_NODE_AGENT_LOAD_H
#define TAP_TRANSPORTS_BEAM_NODE_AGENT_LOAD_H

#include "transports/beam/node/node.h"

#define TAP_AGENT_LOAD_TIMEOUT INT64_C(15000000000)
#define TAP_AGENT_UNLOAD_TIMEOUT INT64_C(2000000000)

/* The module's name: it carries the hash of its sources. */
const char *tap_agent_module(void);

/* Arguments of code:is_loaded and code:load_binary, and what their answers (in rpc.answer) mean.
 * After loaded_now a false means that the node has failed and is ended. */
void tap_agent_write_ask(struct tap_buf *);
bool tap_agent_is_there(const struct tap_beam_node *);
void tap_agent_write_load(struct tap_buf *);
bool tap_agent_loaded_now(struct tap_beam_node *);

/* All of it, waiting. False: the node has failed and is ended. */
bool tap_agent_load(struct tap_beam_node *);
/* Tells the agent that nobody needs it, after a start that failed. Its answer does not matter, and
 * a node that has failed is not asked. */
void tap_agent_unload(struct tap_beam_node *);

#endif
