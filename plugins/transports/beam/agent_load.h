/* agent_load.h: brings the agent into a node. */
#ifndef TAP_BEAM_AGENT_LOAD_H
#define TAP_BEAM_AGENT_LOAD_H

#include "node.h"

/* The module's name: it carries the hash of its sources. */
const char *tap_agent_module(void);
/* Loads the agent unless exactly this one is loaded already: loading it over itself would, at the third time, kill the
 * processes that run the first. False: the node has failed and is ended. */
bool tap_agent_load(struct tap_beam_node *);
/* Tells the agent that nobody needs it, after a start that failed. Its answer does not matter, and a node that has
 * failed is not asked. */
void tap_agent_unload(struct tap_beam_node *);

#endif
