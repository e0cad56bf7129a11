/* lobby.h: the port that nodes connect to, and those who have not proven yet who they are.
 *
 * A guest has a few seconds to say a node's token. Whoever says something else, too little or nothing is refused and
 * logged; when too many say nothing, the oldest goes. Nobody here is waited for, and no memory is given to anybody
 * beyond a slot.
 */
#ifndef TAP_TCP_LOBBY_H
#define TAP_TCP_LOBBY_H

#include "transports/tcp/address.h"
#include "transports/beam/beam.h"

#define TAP_LOBBY_GUESTS 32

struct tap_guest {
    int fd; /* -1: a free slot */
    int64_t by;
    size_t got;
    uint8_t hello[TAP_STREAM_HELLO];
    char from[TAP_ADDRESS_TEXT];
};

struct tap_lobby {
    struct tap_door door; /* first: a door is a pointer to this */
    struct tap_beam *beam;
    struct tap_address listen, advertise; /* advertise.host "": what follows from listen */
    int fd;                               /* -1: not open */
    struct sockaddr_storage bound;
    struct tap_guest guests[TAP_LOBBY_GUESTS];
    int64_t rest_until; /* no descriptors are left for guests: not looked at before */
    unsigned refused;
    bool polled; /* the listening socket is the first of the descriptors */
};
void tap_lobby_init(struct tap_lobby *);

#endif
