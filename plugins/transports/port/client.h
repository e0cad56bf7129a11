/* client.h: a connection to one trace port, and the frames that are made of what it tells. */
#ifndef TAP_TRANSPORTS_PORT_CLIENT_H
#define TAP_TRANSPORTS_PORT_CLIENT_H

#include "beamtap/transport.h"
#include "transports/beam/net/reach.h"
#include "transports/common/port_frames.h"

struct tap_port_client {
    const struct tap_host *host;
    const char *text; /* as configured */
    char name[256];
    uint16_t port;
    struct tap_reach *reach; /* while it is being connected */
    int fd;                  /* -1: closed */
    struct tap_buf in;       /* what was received and is no whole message yet */
    struct tap_port_frames frames;
    uint32_t node;
    bool tracing, failed;
};

/* False: this is no address. */
bool tap_port_client_init(struct tap_port_client *, const struct tap_host *, const char *address);
/* Connects within `timeout`, without waiting: `wake`, an eventfd, is signalled when it is through.
 * Where it failed, that is said. */
void tap_port_client_connect(struct tap_port_client *, int64_t timeout, int wake);
void tap_port_client_connected(struct tap_port_client *); /* looks whether it is */
/* Takes what is there. False: the connection is closed, and what was to be said is said. */
bool tap_port_client_read(struct tap_port_client *);
/* Its node is known and added: what stands before its events. */
void tap_port_client_begin(struct tap_port_client *);
/* Has it told max_events events? Then the rest of what was received is counted alone. */
bool tap_port_client_is_full(const struct tap_port_client *);
void tap_port_client_commit(struct tap_port_client *);
void tap_port_client_close(struct tap_port_client *);
void tap_port_client_free(struct tap_port_client *);

#endif
