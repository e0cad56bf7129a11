/* epmd.h: at which port a node is, and when it is nowhere, why.
 *
 * ei asks epmd too, but says only "failed", and waits in select(2): so it is not asked to.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_EPMD_H
#define TAP_TRANSPORTS_BEAM_NET_EPMD_H

#include "transports/beam/net/addresses.h"

/* In the place of a node's name: the node of that host, where there is one alone. */
#define TAP_EPMD_ANY "*"
/* The port of `alive` (the part before the @), by the host's epmd; the address at which epmd
 * answered becomes the first. False: `why` is one sentence: no epmd there, a silent one, something
 * else, or no such node with the names that there are. Blocks until `deadline` (tap_wire_now) at
 * the latest. epmd's own port is ERL_EPMD_PORT's, else 4369. */
bool tap_epmd_find(const char *host, struct tap_addresses *, const char *alive, int64_t deadline,
                   uint16_t *port, char *why, size_t cap);

#endif
