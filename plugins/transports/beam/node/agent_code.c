/* agent_code.c: the agent's beam travels inside the plugin, as bytes, so that nothing has to be
 * installed in the node. */
#include "transports/beam/node/agent_code.h"

#include "agent_beam.h"

const struct tap_agent_code tap_agent_code = {
    .module = TAP_AGENT_MODULE, .beam = tap_agent_beam, .len = sizeof tap_agent_beam};
