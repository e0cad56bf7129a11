/* reach.h: a TCP connection to HOST:PORT, made on a thread of its own.
 *
 * A name lookup takes as long as the resolver likes, and nothing ends it: so nobody waits for it
 * but that thread, which signals `wake`, an eventfd that the run polls.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_REACH_H
#define TAP_TRANSPORTS_BEAM_NET_REACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tap_reach;

/* Tries the host's addresses as tap_addresses_connect does, all of them by `deadline`
 * (tap_wire_now). NULL: no memory or no thread. */
struct tap_reach *tap_reach_begin(const char *host, uint16_t port, int64_t deadline, int wake);
/* True once it is through, and gone: *fd is the connection, or -1 and `why` says why there is none.
 * A lookup that is not through by the deadline is through then. Never waits; false, and *fd is left
 * alone, also where there is none. */
bool tap_reach_take(struct tap_reach **, int *fd, char *why, size_t cap);
/* Lets go of it; its thread ends by itself and closes what it got. */
void tap_reach_drop(struct tap_reach **);

#endif
