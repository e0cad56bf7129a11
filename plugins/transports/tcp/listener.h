/* listener.h: where nodes connect to: a TCP port, a Unix socket, or both. Who has connected and has
 * to prove itself: ../beam/clients.h.
 */
#ifndef TAP_TRANSPORTS_TCP_LISTENER_H
#define TAP_TRANSPORTS_TCP_LISTENER_H

#include "transports/tcp/address.h"
#include "transports/beam/local_socket.h"

struct tap_listener {
    struct tap_acceptor acceptor; /* first: a acceptor is a pointer to this */
    struct tap_listen listen;
    struct tap_address advertise; /* host "": what follows from listen */
    int fd;                       /* -1: not open */
    struct sockaddr_storage bound;
    struct tap_local local;
    struct tap_clients clients;
    size_t polled; /* how many of the descriptors, the first ones, are those that listen */
};
void tap_listener_init(struct tap_listener *);

#endif
