/* addresses.h: the addresses of a host, of both families, and a connection to whichever answers
 * first.
 *
 * A host may have addresses of both families and listen on one, or have a route to one: so the
 * families take turns, attempts overlap, and the first that is accepted wins (RFC 8305, in small).
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_ADDRESSES_H
#define TAP_TRANSPORTS_BEAM_NET_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define TAP_ADDRESSES_MAX 16

struct tap_addresses {
    struct sockaddr_storage at[TAP_ADDRESSES_MAX]; /* ports are of no meaning */
    size_t count;
};

/* All addresses of a host, in the order in which they are to be tried. A name lookup may take as
 * long as the resolver likes. False: `why` says that the host is unknown. */
bool tap_addresses_find(const char *host, struct tap_addresses *, char *why, size_t cap);
/* Lets the families take turns, beginning with the first one's; within a family the order stays.
 * Pure. */
void tap_addresses_order(struct tap_addresses *);
/* Moves the one that has just answered to the front. Pure. */
void tap_addresses_prefer(struct tap_addresses *, const struct sockaddr_storage *);
/* Takes one away. Pure. */
void tap_addresses_remove(struct tap_addresses *, const struct sockaddr_storage *);
/* 127.x.x.x or ::1, also as IPv6 writes IPv4. Pure. */
bool tap_addresses_loopback(const struct sockaddr_storage *);
/* A TCP connection to one of them, not blocking, NODELAY; *reached, which may be NULL: to which.
 * Returns the descriptor, or -1 with errno: ETIMEDOUT at `deadline` (tap_wire_now), else why the
 * one that came closest failed. */
int tap_addresses_connect(const struct tap_addresses *, uint16_t port, int64_t deadline,
                          struct sockaddr_storage *reached);

#endif
