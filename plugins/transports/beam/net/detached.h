/* detached.h: a thread that nobody waits for. */
#ifndef TAP_TRANSPORTS_BEAM_NET_DETACHED_H
#define TAP_TRANSPORTS_BEAM_NET_DETACHED_H

#include <stdbool.h>

/* Runs main(arg) on a thread of its own, which takes no signals: they are the session's thread's,
 * that is who waits in a poll that they should end. False: there is no thread. */
bool tap_detached(void *(*main)(void *), void *arg);

#endif
