/* acceptor.h: who lets nodes in that bring their frames over connections of their own.
 *
 * A transport that has such connections implements this (tcp does); the run over the nodes calls it
 * from its loop. The one that proves a node's token is handed over with
 * tap_beam_node_data_connection.
 */
#ifndef TAP_TRANSPORTS_BEAM_ACCEPTOR_H
#define TAP_TRANSPORTS_BEAM_ACCEPTOR_H

#include <poll.h>
#include <stddef.h>

#include "transports/beam/node/plan_term.h"

#define TAP_ACCEPTOR_FDS 40 /* descriptors of a acceptor at the most */

struct tap_beam;
struct tap_beam_node;
struct tap_acceptor {
    /* In start, before any node. False: it has said why (host->fail). */
    bool (*open)(struct tap_acceptor *, struct tap_beam *);
    /* Fills in what it waits for, at most TAP_ACCEPTOR_FDS; how many. */
    size_t (*poll)(struct tap_acceptor *, struct pollfd *);
    /* After each wait, with the same descriptors. */
    void (*serve)(struct tap_acceptor *, const struct pollfd *, size_t n, int64_t now);
    /* Where this node is to connect to; token and answer are the node's. Where neither address nor
     * `local` is filled in, it is not to. False: the node has failed and is ended. */
    bool (*endpoint)(struct tap_acceptor *, struct tap_beam_node *, struct tap_endpoint *);
    void (*close)(struct tap_acceptor *);
    /* Only the native tracer's frames come so; a process's come over the distribution. */
    bool native_only;
};

#endif
