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

/* As tap_handshake says, with copies of its texts; `stage` is of no meaning. Where our name is in
 * use at the node, it is asked once more under another one, for its own name alone: it may be that
 * we are there already (tap_approached.name is set then, and wire is not). NULL: no memory or no
 * thread. */
struct tap_dial *tap_dial_begin(const struct tap_approach *, int wake);
/* True once it is through: the outcome is moved to *out and the dial is gone. Never waits. */
bool tap_dial_take(struct tap_dial **, struct tap_approached *out);
/* What it waits for at the moment. */
const char *tap_dial_stage(struct tap_dial *);
/* Lets go of it; its thread ends by itself, at the deadline, and closes what it got. */
void tap_dial_drop(struct tap_dial **);

#endif
