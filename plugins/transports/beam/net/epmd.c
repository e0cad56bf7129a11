/* epmd.c: two requests of epmd's protocol, by hand.
 *
 * Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html, PORT_PLEASE2_REQ (122) and
 * NAMES_REQ (110).
 */
#include "transports/beam/net/epmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transports/beam/net/probe.h"
#include "transports/beam/net/wire.h"

#define EPMD_PORT 4369
#define EPMD_NAMES_MAX 16384 /* bytes of the listing that are looked at */
#define EPMD_PORT2_RESP 119  /* the tag of its answer */
#define SECOND_EPMD_TIME \
    INT64_C(500000000) /* for a further one, where the first knew no such node */

struct epmd {
    const char *host, *alive;
    uint16_t port; /* epmd's own */
    int64_t deadline;
    struct sockaddr_storage reached; /* where the last request went */
    uint8_t answer[4];
    size_t answered; /* bytes of it */
};

static uint16_t epmd_port(void)
{
    const char *text = getenv("ERL_EPMD_PORT");
    long port = text ? strtol(text, NULL, 10) : 0;
    return port > 0 && port < 65536 ? (uint16_t)port : EPMD_PORT;
}

/* Sends one request on a connection of its own; its descriptor, or -1 with errno. */
static int epmd_ask(struct epmd *e, const struct tap_addresses *to, const char *request, size_t len,
                    int64_t deadline)
{
    uint8_t packet[600];
    if (len > sizeof packet - 2) {
        errno = EMSGSIZE;
        return -1;
    }
    int fd = tap_addresses_connect(to, e->port, deadline, &e->reached);
    if (fd < 0)
        return -1;
    packet[0] = (uint8_t)(len >> 8), packet[1] = (uint8_t)len;
    memcpy(packet + 2, request, len);
    int error = tap_wire_write_all(fd, packet, len + 2, deadline);
    if (error) {
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Writes "a, b, c" from the answer's lines "name a at port 1234\n". */
static void epmd_list(struct epmd *e, const struct sockaddr_storage *at_address, char *dst,
                      size_t cap)
{
    char text[EPMD_NAMES_MAX + 1];
    size_t got = 0, n = 0;
    struct tap_addresses one = {.at[0] = *at_address, .count = 1};
    dst[0] = 0;
    int fd = epmd_ask(e, &one, "n", 1, e->deadline);
    if (fd < 0)
        return;
    /* epmd closes when it has told all: read byte by byte costs nothing here and ends there. */
    while (got < EPMD_NAMES_MAX && tap_wire_read_all(fd, text + got, 1, e->deadline) == 0)
        got++;
    close(fd);
    text[got] = 0;
    for (char *at = got > 4 ? text + 4 : text + got; (at = strstr(at, "name ")); at++) {
        at += 5;
        char *end = strstr(at, " at port ");
        if (!end)
            break;
        if (n + (size_t)(end - at) + 6 > cap) {
            snprintf(dst + n, cap - n, ", ...");
            break;
        }
        n += (size_t)snprintf(dst + n, cap - n, "%s%.*s", n ? ", " : "", (int)(end - at), at);
        at = end;
    }
}

/* One PORT_PLEASE2_REQ. 0: `answer` holds what came, at least its first two bytes; else errno. */
static int epmd_request(struct epmd *e, const struct tap_addresses *to, int64_t deadline)
{
    char request[300];
    int n = snprintf(request, sizeof request, "z%s", e->alive);
    e->answered = 0;
    if (n < 0 || (size_t)n >= sizeof request)
        return ENAMETOOLONG;
    int fd = epmd_ask(e, to, request, (size_t)n, deadline);
    int error =
        fd < 0 ? errno : tap_wire_read(fd, e->answer, sizeof e->answer, deadline, &e->answered);
    if (fd >= 0)
        close(fd);
    return e->answered >= 2 ? 0 : error; /* "not found" is two bytes */
}

static bool epmd_found(const struct epmd *e)
{
    return e->answered == 4 && e->answer[0] == EPMD_PORT2_RESP && e->answer[1] == 0;
}
static bool epmd_unknown(const struct epmd *e)
{
    return e->answered >= 2 && e->answer[0] == EPMD_PORT2_RESP && e->answer[1] != 0;
}

/* Neither an answer nor a refusal that epmd gives. */
static void epmd_explain(struct epmd *e, const struct tap_addresses *to, int error, char *why,
                         size_t cap)
{
    struct tap_addresses one = {.at[0] = e->reached, .count = 1};
    bool reached = error == 0 || error == ECONNRESET;
    if (error == ENAMETOOLONG)
        snprintf(why, cap, "the name is too long");
    else if (error == ECONNREFUSED)
        snprintf(why, cap,
                 "no epmd runs at %s, port %u (connection refused): start the node with -name or "
                 "-sname there, or set ERL_EPMD_PORT to the port it uses; a node without epmd is "
                 "reached by its own port, as in nodes = %s@%s:PORT",
                 e->host, e->port, e->alive, strchr(e->host, ':') ? "[IPV6]" : e->host);
    else if (reached && tap_probe_tls_alert(e->answer, e->answered))
        snprintf(why, cap,
                 "port %u at %s is not epmd's: something answers there that speaks TLS, such as a "
                 "node with -proto_dist inet_tls (is ERL_EPMD_PORT right?)",
                 e->port, e->host);
    else if (reached && tap_probe_node(error ? to : &one, e->port, e->deadline))
        snprintf(why, cap,
                 "port %u at %s is not epmd's but a node's own distribution port: take it out of "
                 "ERL_EPMD_PORT and name it in the configuration, as port = %u",
                 e->port, e->host, e->port);
    else if (reached)
        snprintf(why, cap,
                 "port %u at %s is not epmd's: what answers there hangs up or says "
                 "something else (is ERL_EPMD_PORT right?)",
                 e->port, e->host);
    else
        snprintf(why, cap, "epmd at %s, port %u, does not answer (%s)", e->host, e->port,
                 strerror(error));
}

/* A host of two families may have two of them. What they say is asked one after the other. */
bool tap_epmd_find(const char *host, struct tap_addresses *addresses, const char *alive,
                   int64_t deadline, uint16_t *port, char *why, size_t cap)
{
    struct epmd e = {.host = host, .alive = alive, .port = epmd_port(), .deadline = deadline};
    struct tap_addresses left = *addresses;
    struct sockaddr_storage first = {0};
    char names[400];
    int64_t by = deadline;
    bool unknown = false;
    while (left.count > 0) {
        int error = epmd_request(&e, &left, by);
        if (!error && epmd_found(&e)) {
            *port = (uint16_t)(e.answer[2] << 8 | e.answer[3]);
            tap_addresses_prefer(addresses, &e.reached);
            return true;
        }
        if (error || !epmd_unknown(&e)) {
            if (unknown) /* the first one has given its answer */
                break;
            epmd_explain(&e, addresses, error, why, cap);
            return false;
        }
        if (!unknown)
            first = e.reached;
        unknown = true;
        tap_addresses_remove(&left, &e.reached);
        int64_t soon = tap_wire_now() + SECOND_EPMD_TIME;
        by = soon < deadline ? soon : deadline;
    }
    epmd_list(&e, &first, names, sizeof names);
    if (strcmp(alive, TAP_EPMD_ANY) == 0 && names[0] && !strstr(names, ", ") &&
        strcmp(names, TAP_EPMD_ANY) != 0) /* no node is called so, whatever it says */
        return tap_epmd_find(host, addresses, names, deadline, port, why, cap);
    if (strcmp(alive, TAP_EPMD_ANY) == 0)
        snprintf(why, cap,
                 names[0] ? "epmd at %s knows several nodes, so name one of them: %s"
                          : "epmd at %s knows no node%s",
                 host, names);
    else
        snprintf(why, cap, "epmd at %s knows no node '%s'; %s%s", host, alive,
                 names[0] ? "it knows: " : "none is registered there", names);
    return false;
}
