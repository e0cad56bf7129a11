/* agent_code.h: the agent as it is loaded into a node. */
#ifndef TAP_TRANSPORTS_BEAM_NODE_AGENT_CODE_H
#define TAP_TRANSPORTS_BEAM_NODE_AGENT_CODE_H

#include <stddef.h>

struct tap_agent_code {
    const char *module; /* its name carries the hash of its sources */
    const unsigned char *beam;
    size_t len;
};
extern const struct tap_agent_code tap_agent_code;

#endif
