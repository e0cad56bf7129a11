/* beam.h: a run over several nodes, as the transports that join a cluster share it.
 *
 * One thread serves all nodes (turn.h). Only the handshakes have threads (dial.h).
 *
 *     beam.c     start, run and stop
 *     service.c  what a node is asked that is no trace
 *     turn.c     the loop
 *     cluster.c  which nodes there are
 *     node/      one node, from the connection to the final report
 *     net/       the distribution protocol
 */
#ifndef TAP_TRANSPORTS_BEAM_BEAM_H
#define TAP_TRANSPORTS_BEAM_BEAM_H

#include "transports/beam/node/run_state.h"

/* For create: checks the name (NULL: none was given). */
enum tap_status tap_beam_new(const struct tap_host *, int64_t connect_timeout, const char *name,
                             struct tap_beam **);
/* The other operations of a transport. Contracts as in transport.h. */
enum tap_status tap_beam_start(struct tap_beam *);
enum tap_status tap_beam_run(struct tap_beam *);
enum tap_status tap_beam_stop(struct tap_beam *);
void tap_beam_free(struct tap_beam *);
/* service.c: verbs are `info` and `clean`, without arguments; answers as the agent gives them
 * (protocol.h). */
enum tap_status tap_beam_service(struct tap_beam *, const char *verb, const uint8_t *args,
                                 size_t args_len, struct tap_buf *result);
/* The cookie, the nodes that the plan names, and a connection to each: joined, or failed and
 * ended. */
enum tap_status tap_beam_join(struct tap_beam *);
#endif
