/* play.c: see play.h. */
#include "cli/play.h"

#include "cli/signals.h"

#define POLL_MS 50

static void stop_session(void *session)
{
    tap_session_stop(session);
}

bool tap_play_watch(struct tap_session *session)
{
    return tap_signals_watch(stop_session, session);
}

enum tap_status tap_play(struct tap_session *session, bool *begun)
{
    *begun = tap_session_start(session) == TAP_OK;
    while (*begun && !tap_session_poll(session, POLL_MS))
        ;
    return tap_session_finish(session);
}
