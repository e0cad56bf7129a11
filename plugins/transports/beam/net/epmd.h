/* epmd.h: where a node is, and when it is nowhere, why.
 *
 * ei asks epmd too, but says only "failed"; this asks first, so that a user reads whether the host,
 * epmd or the node is missing.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_EPMD_H
#define TAP_TRANSPORTS_BEAM_NET_EPMD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The host's IPv4 address. False: `why` says that it is unknown. */
bool tap_epmd_resolve(const char *host, struct in_addr *addr, char *why, size_t cap);
/* Is `alive` (the part before the @) registered at that host's epmd? False: `why` is one sentence:
 * no epmd there, a silent one, or no such node with the names that there are. Blocks until
 * `deadline` (tap_wire_now) at the latest. The port asked is ERL_EPMD_PORT's, else 4369. */
bool tap_epmd_find(const char *host, struct in_addr addr, const char *alive, int64_t deadline,
                   char *why, size_t cap);

#endif
