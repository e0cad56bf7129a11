/* listener.h: the port that nodes connect to, and those who have not proven yet who they are.
 *
 * A client has a few seconds to say a node's token. Whoever says something else, too little or
 * nothing is refused and logged; when too many say nothing, the oldest goes. Nobody here is waited
 * for, and no memory is given to anybody beyond a slot.
 */
#ifndef TAP_TRANSPORTS_TCP_LISTENER_H
#define TAP_TRANSPORTS_TCP_LISTENER_H

#include "transports/tcp/address.h"
#include "transports/beam/beam.h"

#define TAP_LISTENER_PENDING 32

struct tap_pending_client {
    int fd; /* -1: a free slot */
    int64_t by;
    size_t got;
    uint8_t hello[TAP_STREAM_HELLO];
    char from[TAP_ADDRESS_TEXT];
};

struct tap_listener {
    struct tap_acceptor acceptor; /* first: a acceptor is a pointer to this */
    struct tap_beam *beam;
    struct tap_address listen, advertise; /* advertise.host "": what follows from listen */
    int fd;                               /* -1: not open */
    struct sockaddr_storage bound;
    struct tap_pending_client pending[TAP_LISTENER_PENDING];
    int64_t rest_until; /* no descriptors are left for clients: not looked at before */
    unsigned refused;
    bool polled; /* the listening socket is the first of the descriptors */
};
void tap_listener_init(struct tap_listener *);

#endif
