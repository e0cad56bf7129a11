/* clients.h: those who have connected to bring a node's frames, and have not proven yet who they
 * are.
 *
 * A client has a few seconds to say a node's token. Whoever says something else, too little or
 * nothing is refused and logged; when too many say nothing, the oldest goes. Nobody here is waited
 * for, and no memory is given to anybody beyond a slot.
 */
#ifndef TAP_TRANSPORTS_BEAM_CLIENTS_H
#define TAP_TRANSPORTS_BEAM_CLIENTS_H

#include "transports/beam/beam.h"

#define TAP_CLIENTS_PENDING 32
#define TAP_CLIENT_TIME INT64_C(5000000000) /* ns that a client has to prove who it is */
#define TAP_CLIENT_FROM 300                 /* bytes: where it comes from, as text */
#define TAP_CLIENT_ACCEPTS 16               /* a turn: the nodes that trace want theirs */

struct tap_client {
    int fd;     /* -1: a free slot */
    bool local; /* over a Unix socket */
    int64_t by;
    size_t got;
    uint8_t hello[TAP_STREAM_HELLO];
    char from[TAP_CLIENT_FROM];
};
struct tap_clients {
    struct tap_beam *beam;
    struct tap_client pending[TAP_CLIENTS_PENDING];
    int64_t rest_until; /* no descriptors are left for clients: nobody is accepted before */
    unsigned refused;
};

void tap_clients_init(struct tap_clients *, struct tap_beam *);
/* May somebody be accepted now? */
bool tap_clients_may_accept(const struct tap_clients *);
/* accept(2) has failed: with this errno. */
void tap_clients_none(struct tap_clients *, int error, int64_t now);
/* A connection that was accepted: taken over. */
void tap_clients_add(struct tap_clients *, int fd, bool local, const char *from, int64_t now);
/* As an acceptor's poll and serve. */
size_t tap_clients_poll(const struct tap_clients *, struct pollfd *);
void tap_clients_serve(struct tap_clients *, const struct pollfd *, size_t n, int64_t now);
void tap_clients_close(struct tap_clients *);

#endif
