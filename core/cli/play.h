/* play.h: a session that runs to its end by itself, for commands that ask a recording.
 */
#ifndef TAP_CLI_PLAY_H
#define TAP_CLI_PLAY_H

#include "session/session.h"

/* From now on a signal ends the session, as tap_signals_watch says; tap_signals_forget takes it
 * back. */
bool tap_play_watch(struct tap_session *);
/* Starts it, waits for its end and finishes it: how that went. *begun: it could be started. */
enum tap_status tap_play(struct tap_session *, bool *begun);

#endif
