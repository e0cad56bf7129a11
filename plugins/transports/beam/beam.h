/* beam.h: a run over several nodes, as the transports that join a cluster share it.
 *
 * One thread serves all nodes: a poll loop that receives, commits and grants. It is the loop of
 * run, and also what a call into one node waits in, so that no node starves while another is slow.
 * Only the handshakes have threads (dial.h).
 */
#ifndef TAP_TRANSPORTS_BEAM_BEAM_H
#define TAP_TRANSPORTS_BEAM_BEAM_H

#include "transports/beam/acceptor.h"
#include "transports/beam/node/node.h"

/* two connections each, the dials, the acceptor */
#define TAP_BEAM_FDS(nodes) (2 * (nodes) + 1 + TAP_ACCEPTOR_FDS)

struct tap_beam {
    const struct tap_host *host;
    int64_t connect_timeout; /* ns: for one node, from the first attempt until it is traced */
    const char *name;        /* our name in the cluster; NULL: one of a few (net/own_name.h) */
    struct tap_acceptor *acceptor; /* NULL: frames come over the distribution */
    struct tap_beam_node **nodes;
    size_t count;
    struct pollfd *fds;
    bool granting; /* the host lets credit be given, as of this turn */

    char alive[64];
    struct tap_cookie cookie;
    struct tap_mask mask; /* the cookie, in what nodes send */
    int own_name;         /* what holds it; -1: nothing */
    int wake;             /* an eventfd: a dial is through */
    size_t dialling;      /* how many are under way */
    int64_t began;        /* when the first node was traced: tap_wire_now; 0: not yet */
    int64_t look_at;      /* when to ask next whom the seed sees */
    /* tap_wire_now + epoch is the time by our clock, as of the start: it never jumps */
    int64_t epoch;
    bool ending; /* a node failed and the plan requires all */
};

/* For create: judges the name (NULL: none was given). */
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
/* One round for all nodes; waits at most `timeout` ms. */
void tap_beam_turn(struct tap_beam *, int timeout);

#endif
