/* node.h: one node of a run, from the connection to the final report.
 *
 *     connecting -> joined (connected, nothing in the node yet) -> tracing -> ended
 *
 * A node that fails says so once (host->fail and TAP_NODE_FAILED), gives up its connection and is ended; nobody else
 * is disturbed by it. The agent in a node that we lost ends tracing by itself.
 */
#ifndef TAP_BEAM_NODE_H
#define TAP_BEAM_NODE_H

#include "report.h"
#include "rpc.h"

struct tap_beam;

enum tap_beam_state { TAP_BEAM_CONNECTING, TAP_BEAM_JOINED, TAP_BEAM_TRACING, TAP_BEAM_ENDED };

struct tap_beam_node {
    struct tap_beam *beam;
    char *name; /* owned */
    uint32_t index;
    enum tap_beam_state state;
    struct tap_conn conn;
    struct tap_rpc rpc;
    uint8_t guardian[TAP_PID_EXT_MAX]; /* an external pid; while tracing */
    size_t guardian_len;
    uint64_t granted;           /* bytes of frames, cumulative */
    int64_t renew_at, clock_at; /* when next: tap_wire_now */
    int64_t stop_by;            /* when the final report must be here; 0: nobody asked for it */
    bool final_here;
    struct tap_report_final final;
};

/* Connects. False: it has failed and is ended. Blocks up to the connect timeout. */
bool tap_beam_node_connect(struct tap_beam_node *, const char *alive, const char *cookie, int64_t timeout);
/* Calls a function there and waits for its answer; meanwhile every node of the run is served. NULL args: none. False:
 * the node has failed and is ended. The answer is in rpc.answer until the next call. */
bool tap_beam_node_call(struct tap_beam_node *, const char *module, const char *function,
                        const struct tap_buf *args, int64_t timeout);
/* Loads the agent (agent_load.h) and starts tracing. False: the node has failed and is ended. */
bool tap_beam_node_start(struct tap_beam_node *, const char *run);
/* Takes what the socket holds, after poll reported `revents`. */
void tap_beam_node_ready(struct tap_beam_node *, short revents);
/* Renews credit, lease and clock where it is time; ticks; judges silence. */
void tap_beam_node_serve(struct tap_beam_node *, int64_t now);
/* Asks the guardian to end tracing; `by`: when the final report must be here. */
void tap_beam_node_stop(struct tap_beam_node *, int64_t by);
/* The cause of a failure, one sentence. The node is ended. Returns false. */
bool tap_beam_node_fail(struct tap_beam_node *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Closes without a word: a node where nothing was started. */
void tap_beam_node_leave(struct tap_beam_node *);
void tap_beam_node_free(struct tap_beam_node *);

#endif
