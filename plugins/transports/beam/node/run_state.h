/* run_state.h: a run over several nodes, as each of them sees it. */
#ifndef TAP_TRANSPORTS_BEAM_NODE_RUN_STATE_H
#define TAP_TRANSPORTS_BEAM_NODE_RUN_STATE_H

#include "transports/beam/acceptor.h"
#include "transports/beam/node/node.h"

/* ns beyond a lease, or beside another connection's end, until no last report comes any more */
#define TAP_LATE_PATIENCE (2 * TAP_SECOND)
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
    /* A list of node names, as a node sees its cluster. */
    void (*seen)(struct tap_beam *, struct tap_cursor list);
};

#endif
