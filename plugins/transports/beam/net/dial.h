/* dial.h: connecting to a node on a thread of its own, so that many are tried at once and nobody
 * waits for a slow one.
 *
 * A handshake blocks: in name lookups, in epmd, in the node. The thread does nothing else and then
 * signals `wake`, an eventfd that the run polls.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_DIAL_H
#define TAP_TRANSPORTS_BEAM_NET_DIAL_H

#include "transports/beam/net/handshake.h"

struct tap_dial;

struct tap_dialled {
    struct tap_wire *wire; /* the caller's; NULL: see why */
    uint8_t pid[TAP_PID_EXT_MAX];
    size_t pid_len;
    char why[900];
    /* asking again would be in vain: the cookie is wrong, or the node does not allow us */
    bool refused;
};

/* NULL: no memory or no thread. */
struct tap_dial *tap_dial_begin(const char *node, const char *alive, const char *cookie,
                                int64_t timeout, int wake);
/* True once it is through: the outcome is moved to *out and the dial is gone. Never waits. */
bool tap_dial_take(struct tap_dial **, struct tap_dialled *out);
/* Lets go of it; its thread ends by itself, within the timeout, and closes what it got. */
void tap_dial_drop(struct tap_dial **);

#endif
