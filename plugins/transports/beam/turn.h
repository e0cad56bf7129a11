/* turn.h: one thread serves all nodes: a poll loop that receives, commits and grants. It is the
 * loop of run, and also what a call into one node waits in, so that no node starves while another
 * is slow. */
#ifndef TAP_TRANSPORTS_BEAM_TURN_H
#define TAP_TRANSPORTS_BEAM_TURN_H

#include "transports/beam/node/run_state.h"

/* One round for all nodes; waits at most `timeout` ms. */
void tap_beam_turn(struct tap_beam *, int timeout);
/* Calls a function in a node and waits for its answer; meanwhile every node of the run is served.
 * NULL args: none. `timeout` is ns, or what is left of connect_timeout. False: the node has failed
 * and is ended. The answer is in rpc.answer until the next call. */
#define TAP_BEAM_TIME_LEFT 0
bool tap_beam_call(struct tap_beam_node *, const char *module, const char *function,
                   const struct tap_buf *args, int64_t timeout);
/* The same, done by rex itself (net/rpc.h). */
bool tap_beam_call_inside(struct tap_beam_node *, const char *module, const char *function,
                          const struct tap_buf *args, int64_t timeout);

#endif
