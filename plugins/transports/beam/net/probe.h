/* probe.h: what is it that answers at a port where something else was expected?
 *
 * Asked only after a failure, so that the one sentence that a user reads names the mistake: the
 * port of a node's distribution was taken for epmd's, or epmd's for a node's, or TLS is spoken.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_PROBE_H
#define TAP_TRANSPORTS_BEAM_NET_PROBE_H

#include "transports/beam/net/addresses.h"

/* A probe gives up after so many ns, and at `deadline` anyway. */
#define TAP_PROBE_TIME INT64_C(1000000000)

/* Does the distribution of a node answer there? It is told a name and left before it learns more;
 * nothing is logged in the node. */
bool tap_probe_node(const struct tap_addresses *, uint16_t port, int64_t deadline);
/* Does epmd answer there? */
bool tap_probe_epmd(const struct tap_addresses *, uint16_t port, int64_t deadline);
/* Are these the first bytes of a TLS alert? That is how TLS answers what is not TLS. Pure. */
bool tap_probe_tls_alert(const uint8_t *bytes, size_t len);

#endif
