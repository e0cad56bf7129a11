/* node.h: one node of a run, from the connection to the final report.
 *
 *     away -> dialling -> joined (connected, nothing in the node yet) -> starting -> tracing ->
 *     ended
 *
 * Nothing here waits: dialling has a thread, starting is a chain of calls whose answers come when
 * they come. A node that fails says so once (host->fail and TAP_NODE_FAILED), gives up its
 * connection and is ended; nobody else is disturbed by it. The agent in a node that we lost ends
 * tracing by itself. A node that was lost, or that was not there, is dialled again while the run
 * lasts (cluster.h): then it goes through the same states once more.
 */
#ifndef TAP_TRANSPORTS_BEAM_NODE_NODE_H
#define TAP_TRANSPORTS_BEAM_NODE_NODE_H

#include "transports/beam/node/align.h"
#include "transports/beam/net/dial.h"
#include "transports/beam/acceptor.h"
#include "transports/beam/protocol.h"
#include "transports/beam/node/report.h"
#include "transports/beam/net/rpc.h"

struct tap_beam;

enum tap_beam_state {
    TAP_BEAM_AWAY,
    TAP_BEAM_DIALLING,
    TAP_BEAM_JOINED,
    TAP_BEAM_STARTING,
    TAP_BEAM_TRACING,
    TAP_BEAM_ENDED
};

/* The second connection of a node whose frames do not come over the distribution. */
enum tap_data_state { TAP_DATA_NONE, TAP_DATA_EXPECTED, TAP_DATA_OPEN, TAP_DATA_ENDED };

struct tap_beam_node {
    struct tap_beam *beam;
    /* Owned. As the node calls itself, once it was reached; before that as it was given. */
    char *name;
    uint32_t creation; /* which of its lives it is in: its pids carry it */
    char *target;  /* owned: name@host that is dialled, which may lead to a node of another name */
    uint16_t port; /* of its distribution; 0: epmd knows */
    uint32_t index;
    enum tap_beam_state state;
    struct tap_dial *dial;
    int64_t dialled_at; /* when the last attempt began: tap_wire_now */
    int64_t joining;    /* ns that it took to be joined */
    bool waited;        /* what it waits for was said, for this attempt */
    struct tap_conn conn;
    struct tap_rpc rpc;

    /* When to dial it again, and the pause after that; 0: never. */
    int64_t retry_at, retry_pause;
    unsigned incarnations; /* how often it was connected */
    bool failed;           /* that it failed was said */

    /* While starting (node_start.c). */
    int step, tries;
    int64_t step_by;  /* when the answer must be here, or when the pause ends */
    int64_t start_by; /* when all of it must be done */
    int64_t atom_count, atom_limit;
    char *trouble; /* what to fail with, once the agent is unloaded; owned */

    /* While tracing. */
    uint8_t guardian[TAP_PID_EXT_MAX]; /* an external pid */
    size_t guardian_len;
    uint64_t granted;           /* bytes of frames, cumulative */
    int64_t renew_at, clock_at; /* when next: tap_wire_now */
    struct tap_align align;     /* its clock against ours */
    /* while starting: when the call under way was sent: tap_wire_now */
    int64_t asked_at;
    int64_t time_offset; /* its own, as it last said */
    int64_t stop_by;     /* when the final report must be here; 0: nobody asked for it */
    /* while that comes nearer: bytes of frames by then, and when it ends at the latest */
    uint64_t stop_taken;
    int64_t stop_last;
    /* when to ask for names next; the question under way, 0: none (name_query.c) */
    int64_t names_at, names_asked;
    bool final_here;
    struct tap_report_final final;
    /* where their descriptors are among those that are waited for; -1: nowhere */
    int conn_at, data_at;

    /* data_connection.c */
    enum tap_data_state data_state;
    bool data_local; /* over a Unix socket */
    struct tap_conn data;
    /* tokens over TCP and over a Unix socket, answers likewise */
    uint8_t secret[4 * TAP_STREAM_TOKEN];
    /* frames over the distribution that come after those of the data connection */
    struct tap_buf held;
    /* when the data connection must have ended; 0: nothing waits for that */
    int64_t held_by;
    /* why the distribution broke, while the data connection is still read */
    char cut[256];
};

/* ---- node_connect.c */
#define TAP_BEAM_RETRY INT64_C(500000000)     /* ns until a lost node is dialled again */
#define TAP_BEAM_PATIENCE INT64_C(2000000000) /* ns of waiting until it is said what for */
#define TAP_BEAM_TIME 32
/* ns; also what an idle node's last events wait for at most, in the core's merge */
#define TAP_BEAM_CLOCK_EVERY (TAP_SECOND / 4)
/* Begins to connect, on a thread; tap_beam_node_dialled looks for the outcome. */
void tap_beam_node_dial(struct tap_beam_node *);
void tap_beam_node_dialled(struct tap_beam_node *);
/* Connects, and blocks up to the timeout: for a single node. False: it has failed and is ended. */
bool tap_beam_node_connect(struct tap_beam_node *, const char *alive, const struct tap_cookie *,
                           int64_t timeout);
/* ns that are left of connect_timeout for this node, from its first attempt on; at least 1. */
int64_t tap_beam_node_time(const struct tap_beam_node *);
/* Says, once an attempt, that it waits for this, and for how long at the most. */
void tap_beam_node_waits(struct tap_beam_node *, const char *what, int64_t timeout);
/* Prints ns as "5 s" or "500 ms". */
const char *tap_beam_time(int64_t ns, char dst[TAP_BEAM_TIME]);

/* What a connection to a node does with what comes in. */
extern const struct tap_conn_events tap_beam_node_events;
/* Joined: begins to load the agent (agent_load.h) and to trace. */
void tap_beam_node_start(struct tap_beam_node *);
/* Starting: goes on, if there is something to go on with. */
void tap_beam_node_step(struct tap_beam_node *, int64_t now);
/* One exchange of clocks, by tap_wire_now. */
void tap_beam_node_exchanged(struct tap_beam_node *, int64_t asked, int64_t answered,
                             int64_t monotonic);
/* Puts what is known of its clock into the stream. */
void tap_beam_node_align(struct tap_beam_node *);
/* Starting: tracing is on there. */
void tap_beam_node_traces(struct tap_beam_node *);
/* Starting: may tracing be on there already? */
bool tap_beam_node_may_trace(const struct tap_beam_node *);
/* Takes what the sockets hold, after poll reported `revents`. */
void tap_beam_node_ready(struct tap_beam_node *, short revents, short data_revents);
/* Takes what a frame says to the transport itself; it came at `heard`. */
void tap_beam_node_report(struct tap_beam_node *, const struct tap_frame *, const uint8_t *frame,
                          int64_t heard);
/* Bytes of the relay's frames that have come: what credit is about. */
uint64_t tap_beam_node_taken(const struct tap_beam_node *);
/* Bytes of frames that may be in flight to the node's collector. Half of it holds the largest
 * event: when nothing is in flight any frame may be sent, or it would wait for ever. */
uint32_t tap_beam_credit(const struct tap_beam_node *);
/* Renews credit, lease and clock where it is time; ticks; notices silence; goes on starting. */
void tap_beam_node_serve(struct tap_beam_node *, int64_t now);
/* Tracing: asks whom the node sees; the answer goes to tap_cluster_seen. */
void tap_beam_node_look(struct tap_beam_node *, bool hidden);
/* {beamtap, What} or {beamtap, What, Value} to the guardian. */
void tap_beam_node_say(struct tap_beam_node *, const char *what, const struct tap_buf *value);
/* A process's pid, in the external term format. */
void tap_beam_write_pid(struct tap_buf *, const struct tap_host *, const struct tap_pid *);
/* Tracing: asks what processes are called, if there is somebody to ask about and it is time; and
 * the answer. name_query.c */
void tap_beam_node_names(struct tap_beam_node *, int64_t now);
void tap_beam_node_named(struct tap_beam_node *, const struct tap_frame *, const uint8_t *frame);
/* Tracing: says what piles up on stacks there. stack_guard.c */
void tap_beam_node_returns_off(struct tap_beam_node *);
/* Asks for the end, whatever it is doing; `by`: when the final report must be here. */
void tap_beam_node_stop(struct tap_beam_node *, int64_t by);
/* The cause of a failure, one sentence. The node is ended. Returns false. */
bool tap_beam_node_fail(struct tap_beam_node *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for one that may come back. */
bool tap_beam_node_lost(struct tap_beam_node *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* ---- With a acceptor (acceptor.h): data_connection.c */
/* A new token for it, and where to bring it. False: the node has failed and is ended. */
bool tap_beam_node_endpoint(struct tap_beam_node *, struct tap_endpoint *);
/* Its connection has come and has proven its token; takes the wire over. `local`: it is a Unix
 * socket's. False: it is not expected, and not taken. */
bool tap_beam_node_data_connection(struct tap_beam_node *, struct tap_wire *, bool local);
/* The node traces: where only the native tracer's frames come so and none has connected, all come
 * over the distribution. */
void tap_beam_node_data_unused(struct tap_beam_node *);
/* As tap_beam_node_ready and _serve, for the data connection. */
void tap_beam_node_data_ready(struct tap_beam_node *, short revents);
void tap_beam_node_data_serve(struct tap_beam_node *, int64_t now);
/* As before the first invitation. */
void tap_beam_node_data_reset(struct tap_beam_node *);
/* A frame over the distribution; true: it is kept until the data connection has ended. */
bool tap_beam_node_held(struct tap_beam_node *, const struct tap_frame *, const uint8_t *frame);
/* The distribution broke (conn.why), whoever noticed: while the data connection is there it may
 * still say how the run ended, and else the node is lost. */
void tap_beam_node_broken(struct tap_beam_node *);

/* Closes without a word: a node where nothing was started. */
void tap_beam_node_leave(struct tap_beam_node *);
/* Ended, as this is told to the host; `final` as in host->transport->node_state. */
void tap_beam_node_end(struct tap_beam_node *, enum tap_node_state,
                       const struct tap_node_final *final);
/* It is dialled again in a while. */
void tap_beam_node_retry(struct tap_beam_node *);
void tap_beam_node_free(struct tap_beam_node *);

#endif
