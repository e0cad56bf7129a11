/* overheard.h: what a node said during the handshake, which ei does not pass on (all it says is
 * EIO), and from that one sentence for the user.
 *
 * A node that hangs up after our digest does not like the cookie; one that hangs up before does not
 * like the name; one that answers with an alert speaks TLS. Pure but for tap_overheard_explain,
 * which may ask who it is that hung up.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_OVERHEARD_H
#define TAP_TRANSPORTS_BEAM_NET_OVERHEARD_H

#include "transports/beam/net/addresses.h"
#include "transports/beam/net/cookie.h"

#define TAP_NODE_NAME_MAX 1024 /* bytes: 255 characters of UTF-8, and a NUL */

struct tap_overheard {
    uint8_t bytes[1280]; /* all that it said, from the first byte on: status, challenge */
    size_t len;
    bool digest_sent, digest_heard, timed_out;
    int error; /* the first one of the socket; 0: none */
};

/* What the sentence speaks of. */
struct tap_overheard_call {
    const char *me, *host; /* our name there; the node's host */
    const struct tap_addresses *addresses;
    uint16_t port;
    bool port_given; /* by the configuration, and not by epmd */
    const struct tap_cookie *cookie;
    int64_t deadline;
};

enum tap_refusal {
    TAP_REFUSAL_NONE, /* it may be there later */
    TAP_REFUSAL_NAME, /* our name is in use there: somebody's, or ours under another name of it */
    TAP_REFUSAL_US    /* asking again is in vain: the node refuses us for what we are */
};

/* The node's status: ok, nok, alive, not_allowed, ...; "" where it gave none. */
void tap_overheard_status(const struct tap_overheard *, char status[64]);
/* The node's own name, from its challenge. False: none came. */
bool tap_overheard_name(const struct tap_overheard *, char name[TAP_NODE_NAME_MAX]);
/* Which of its lives it is in, from there too: what its pids carry. 0: it did not say. */
uint32_t tap_overheard_creation(const struct tap_overheard *);
/* Why the handshake failed. */
enum tap_refusal tap_overheard_explain(const struct tap_overheard *,
                                       const struct tap_overheard_call *, char *why, size_t cap);

#endif
