/* local_acceptor.h: the way for the native tracer's frames, which cannot come over the
 * distribution, from nodes on this machine: a Unix socket, of which nobody has to be told anything.
 */
#ifndef TAP_TRANSPORTS_DIST_LOCAL_ACCEPTOR_H
#define TAP_TRANSPORTS_DIST_LOCAL_ACCEPTOR_H

#include "transports/beam/local_socket.h"

struct tap_local_acceptor {
    struct tap_acceptor acceptor; /* first: an acceptor is a pointer to this */
    struct tap_local local;
    struct tap_clients clients;
    bool polled; /* the listening socket is the first of the descriptors */
};
void tap_local_acceptor_init(struct tap_local_acceptor *);

#endif
