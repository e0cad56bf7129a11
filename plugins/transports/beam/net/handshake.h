/* handshake.h: joins a node's cluster as a hidden C node, and says clearly why when it may not.
 *
 * The handshake is ei's. Its socket callbacks are ours: they keep the deadline, connect to either
 * family, and overhear the node's answers, which ei does not pass on. ei is given the port, so that
 * it asks nobody by itself, and waits nowhere in select(2). Afterwards it has no part in the
 * connection.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_HANDSHAKE_H
#define TAP_TRANSPORTS_BEAM_NET_HANDSHAKE_H

#include "beamtap/transport.h"
#include "transports/beam/net/cookie.h"
#include "transports/beam/net/overheard.h"
#include "transports/beam/net/wire.h"

/* bytes of an external pid: tag, atom of 255 characters, three integers */
#define TAP_PID_EXT_MAX 1100

/* Which node, and as whom. */
struct tap_approach {
    const char *node;  /* name@host: whom epmd is asked for, and where */
    uint16_t port;     /* of its distribution; 0: epmd knows */
    const char *alive; /* our name there; our host part follows from the node's */
    const struct tap_cookie *cookie;
    int64_t deadline; /* tap_wire_now: it blocks until then at the latest, but for name lookups */
    /* What it waits for at the moment, for whoever waits for it; NULL: nobody asks. */
    _Atomic(const char *) *stage;
};

struct tap_approached {
    struct tap_wire *wire;        /* the connection, its owner closes it; NULL: see why */
    uint8_t pid[TAP_PID_EXT_MAX]; /* our own pid there, an external term */
    size_t pid_len;
    char name[TAP_NODE_NAME_MAX]; /* as the node calls itself; "" where it did not say */
    uint32_t creation;            /* likewise; 0 */
    enum tap_refusal refusal;     /* without a wire */
    char why[900];                /* likewise: one sentence, without the node's name */
};

/* Any thread. */
void tap_handshake(const struct tap_approach *, struct tap_approached *);

#endif
