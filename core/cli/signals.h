/* signals.h: what signals mean to a command that traces, in one place.
 *
 * The first SIGINT, SIGTERM or SIGHUP asks for a clean end: tracing off, what is on its way taken,
 * files finished. A second one leaves at once; not SIGHUP, for a terminal that closes sends it more
 * than once. SIGHUP that was ignored when we came (nohup) stays so. They are taken by a thread of
 * their own, so that they work whatever the others wait for.
 */
#ifndef TAP_CLI_SIGNALS_H
#define TAP_CLI_SIGNALS_H

#include <stdbool.h>

/* From now on `stop` is called at the first signal, once, on another thread; at once where that
 * came before, while something else was watched. The first time before any other thread is made.
 * False: told. */
bool tap_signals_watch(void (*stop)(void *arg), void *arg);
/* What `arg` points to is about to go: `stop` is not called any more. */
void tap_signals_forget(void);
/* Has the first signal come? What was played until then is not all. */
bool tap_signals_asked(void);

#endif
