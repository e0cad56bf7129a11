/* local_socket.h: a Unix socket, for nodes on this machine.
 *
 * By itself it has a random name in Linux's abstract namespace: there is no file, no folder whose
 * rights could be in the way of a node that runs as another user, and nothing is left whatever
 * becomes of the collector. All that share the network namespace reach it; who may bring frames is
 * decided by the token, as over TCP. Where network namespaces differ and a folder is shared
 * (containers), a path does it.
 */
#ifndef TAP_TRANSPORTS_BEAM_LOCAL_SOCKET_H
#define TAP_TRANSPORTS_BEAM_LOCAL_SOCKET_H

#include <sys/un.h>

#include "transports/beam/clients.h"

#define TAP_LOCAL_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1) /* bytes of a name */
#define TAP_LOCAL_RANDOM "@"

struct tap_local {
    int fd; /* -1: not open */
    struct sockaddr_un address;
    socklen_t len;
    dev_t device; /* of its file */
    ino_t file;   /* 0: there is none */
};

/* A name: an absolute path, @NAME in the abstract namespace, or @, whose name is made. NULL, or
 * why it cannot be one. Pure. */
const char *tap_local_check(const char *name);
void tap_local_init(struct tap_local *);
/* Listens there, where a file may be left of a run that was killed. NULL, or why not. */
const char *tap_local_open(struct tap_local *, const char *name);
/* Its file goes too. */
void tap_local_close(struct tap_local *);
/* Tells a node where it is. */
void tap_local_tell(const struct tap_local *, struct tap_endpoint *);
/* Takes those who wait there. */
void tap_local_accept(struct tap_local *, struct tap_clients *, int64_t now);
/* Is the node, as far as can be seen from here, on this machine? It may be behind a tunnel; then it
 * finds nothing there. */
bool tap_local_is_near(const struct tap_beam_node *);

#endif
