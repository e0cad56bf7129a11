/* socket.h: the connection to the collector: made, proven, and written to without waiting. */
#ifndef TAP_NATIVE_SOCKET_H
#define TAP_NATIVE_SOCKET_H

#include "transports/beam/native/run.h"

/* Connects within options.timeout, to the Unix socket or else over TCP; both sides prove with 16
 * bytes each who they are, as in agent/stream.hrl. -1: `why` says it; where it is not by the first
 * way that there is, `why` says why, else it is "". On the run's thread: it waits, but not when the
 * run is aborted. */
int tap_socket_open(struct tap_run *, char why[TAP_WHY_TEXT]);
/* Writes what the socket takes; how many bytes. -1: broken, see `why`. */
ssize_t tap_socket_write(int fd, const uint8_t *bytes, size_t len, char why[TAP_WHY_TEXT]);
/* Has the other side ended it? Then `why` says so. */
bool tap_socket_is_over(int fd, char why[TAP_WHY_TEXT]);

#endif
