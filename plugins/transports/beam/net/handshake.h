/* handshake.h: joins a node's cluster as a hidden C node, and says clearly why when it may not.
 *
 * The handshake is ei's. Its socket callbacks are ours: they keep the deadline, and they overhear
 * the node's answers, which ei does not pass on (all it says is EIO). Afterwards ei has no part in
 * the connection.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_HANDSHAKE_H
#define TAP_TRANSPORTS_BEAM_NET_HANDSHAKE_H

#include "beamtap/transport.h"
#include "transports/beam/net/wire.h"

/* bytes of an external pid: tag, atom of 255 characters, three integers */
#define TAP_PID_EXT_MAX 1100

/* Connects to `node` (name@host). `alive` names us there; our host part follows from the node's:
 * long names when its host has a dot. On success the result is the connection (its owner closes it)
 * and `pid` our own pid as an external term. NULL: `why` is one sentence, without the node's name,
 * and errno is EACCES where asking again would be in vain, EADDRINUSE where `alive` is what is
 * in the way. Blocks until `deadline` at the latest.
 * Any thread. */
struct tap_wire *tap_handshake(const char *node, const char *alive, const char *cookie,
                               int64_t deadline, uint8_t pid[TAP_PID_EXT_MAX], size_t *pid_len,
                               char *why, size_t cap);
/* Reads the cookie: the environment's BEAMTAP_COOKIE, else the first line of `file`. False: `why`
 * is one sentence. */
bool tap_handshake_cookie(const char *file, char *cookie, size_t cookie_cap, char *why, size_t cap);

#endif
