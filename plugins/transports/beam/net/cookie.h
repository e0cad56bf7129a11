/* cookie.h: the secret that a node asks for, and where it came from.
 *
 * Its text is in the environment's BEAMTAP_COOKIE, else in a file; never on a command line. A file
 * is looked for and checked as erl does it (kernel's auth.erl).
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_COOKIE_H
#define TAP_TRANSPORTS_BEAM_NET_COOKIE_H

#include <stdbool.h>
#include <stddef.h>

#define TAP_COOKIE_MAX 512

struct tap_cookie {
    char text[TAP_COOKIE_MAX + 1];
    char from[512];  /* BEAMTAP_COOKIE, or the file's path */
    const char *odd; /* what about it may be the reason why a node refuses it; NULL: nothing */
};

/* `file`: as configured; NULL: where erl looks, that is ~/.erlang.cookie and then
 * $XDG_CONFIG_HOME/erlang/.erlang.cookie (~/.config/erlang where that is not set). False: `why` is
 * one sentence that names the places. */
bool tap_cookie_read(const char *file, struct tap_cookie *, char *why, size_t cap);

#endif
