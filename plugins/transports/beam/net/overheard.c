/* overheard.c: see overheard.h.
 *
 * Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html, the handshake's packets:
 * u16 length, a tag, and for the tag s the status as text, for n and N the challenge with the name
 * at its end.
 */
#include "transports/beam/net/overheard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "transports/beam/net/probe.h"

#define STATUS_MAX 300 /* bytes of a status: named:NAME... is the longest */

static size_t packet_len(const struct tap_overheard *o, size_t at)
{
    return at + 2 <= o->len ? (size_t)o->bytes[at] << 8 | o->bytes[at + 1] : 0;
}

void tap_overheard_status(const struct tap_overheard *o, char status[64])
{
    size_t len = packet_len(o, 0);
    status[0] = 0;
    if (len > 1 && len + 2 <= o->len && o->bytes[2] == 's')
        snprintf(status, 64, "%.*s", (int)(len - 1), (const char *)o->bytes + 3);
}

/* The packet behind the status, in which a node says who it is; NULL: it did not come whole. */
static const uint8_t *challenge(const struct tap_overheard *o, size_t *len)
{
    size_t first = packet_len(o, 0), at = first + 2;
    *len = first ? packet_len(o, at) : 0;
    return *len && at + 2 + *len <= o->len && o->bytes[2] == 's' ? o->bytes + at + 2 : NULL;
}

/* Of any other name nobody knows in what encoding it came. */
static bool is_graphic(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] >= 127)
            return false;
    return true;
}

bool tap_overheard_name(const struct tap_overheard *o, char name[TAP_NODE_NAME_MAX])
{
    size_t len;
    const uint8_t *p = challenge(o, &len);
    if (!p)
        return false;
    /* N: flags 8, challenge 4, creation 4, length 2; n: version 2, flags 4, challenge 4 */
    size_t head = p[0] == 'N' ? 19 : p[0] == 'n' ? 11 : len, n = len - head;
    if (len <= head)
        return false;
    if (p[0] == 'N' && ((size_t)p[17] << 8 | p[18]) < n)
        n = (size_t)p[17] << 8 | p[18];
    if (n == 0 || n >= TAP_NODE_NAME_MAX || !is_graphic(p + head, n))
        return false;
    memcpy(name, p + head, n);
    name[n] = 0;
    return true;
}

uint32_t tap_overheard_creation(const struct tap_overheard *o)
{
    size_t len;
    const uint8_t *p = challenge(o, &len);
    if (!p || len < 17 || p[0] != 'N')
        return 0;
    return (uint32_t)p[13] << 24 | (uint32_t)p[14] << 16 | (uint32_t)p[15] << 8 | p[16];
}

/* Bytes came, and a node does not begin like that. */
static bool overheard_other_protocol(const struct tap_overheard *o)
{
    return o->len > 0 && (o->bytes[0] != 0 || (o->len >= 2 && packet_len(o, 0) > STATUS_MAX) ||
                          (o->len >= 3 && o->bytes[2] != 's'));
}

static void explain_cookie(const struct tap_overheard_call *c, char *why, size_t cap)
{
    snprintf(why, cap,
             "wrong cookie: set BEAMTAP_COOKIE or cookie_file to the node's (the one of %s was "
             "used%s%s)",
             c->cookie->from, c->cookie->odd ? "; " : "", c->cookie->odd ? c->cookie->odd : "");
}

/* No status came, and no handshake either. */
static void explain_port(const struct tap_overheard *o, const struct tap_overheard_call *c,
                         char *why, size_t cap)
{
    bool silent = o->len == 0 && o->error == ECONNRESET;
    if (tap_probe_tls_alert(o->bytes, o->len))
        snprintf(why, cap,
                 "the node speaks TLS (-proto_dist inet_tls; it answered with an alert): beamtap "
                 "speaks the distribution without TLS only");
    else if (overheard_other_protocol(o))
        snprintf(why, cap, "what answers at %s, port %u, is not an Erlang node", c->host, c->port);
    else if (o->error == ECONNREFUSED && c->port_given)
        snprintf(why, cap,
                 "port %u at %s refuses connections: no node listens there (the port is the "
                 "configuration's; without one epmd is asked)",
                 c->port, c->host);
    else if (o->error == ECONNREFUSED)
        snprintf(
            why, cap,
            "its port refuses connections, though epmd knows the node: it may have just ended");
    else if (silent && c->port_given && tap_probe_epmd(c->addresses, c->port, c->deadline))
        snprintf(why, cap,
                 "port %u at %s is epmd's and not the node's: leave it out, and epmd says where "
                 "the node is",
                 c->port, c->host);
    else if (silent)
        snprintf(
            why, cap,
            "the node hung up on the name %s: is it a node of the same kind (short or long names), "
            "and has it room for a connection (processes, ports)?",
            c->me);
    else
        why[0] = 0;
}

enum tap_refusal tap_overheard_explain(const struct tap_overheard *o,
                                       const struct tap_overheard_call *c, char *why, size_t cap)
{
    char status[64];
    tap_overheard_status(o, status);
    if (!strcmp(status, "nok") || !strcmp(status, "alive")) {
        snprintf(
            why, cap,
            "the name %s is in use there already: choose another `name` in the transport's section",
            c->me);
        return TAP_REFUSAL_NAME;
    }
    if (!strcmp(status, "not_allowed")) {
        snprintf(why, cap, "the node does not allow connections from %s (net_kernel:allow)", c->me);
        return TAP_REFUSAL_US;
    }
    if (o->digest_sent && !o->timed_out) {
        explain_cookie(c, why, cap);
        return TAP_REFUSAL_US;
    }
    explain_port(o, c, why, cap);
    if (!why[0] && o->timed_out)
        snprintf(why, cap,
                 "the node does not answer (timeout): it may be frozen, overloaded or behind a "
                 "firewall");
    else if (!why[0])
        snprintf(why, cap, "the handshake failed (%s%s%s)", strerror(o->error ? o->error : EIO),
                 status[0] ? ", its status: " : "", status);
    return TAP_REFUSAL_NONE;
}
