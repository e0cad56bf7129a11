/* epmd.c: two requests of epmd's protocol, by hand.
 *
 * Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html, PORT_PLEASE2_REQ (122) and
 * NAMES_REQ (110).
 */
#include "transports/beam/net/epmd.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transports/beam/net/wire.h"

#define EPMD_PORT 4369
#define EPMD_NAMES_MAX 16384 /* bytes of the listing that are looked at */

static uint16_t epmd_port(void)
{
    const char *text = getenv("ERL_EPMD_PORT");
    long port = text ? strtol(text, NULL, 10) : 0;
    return port > 0 && port < 65536 ? (uint16_t)port : EPMD_PORT;
}

bool tap_epmd_resolve(const char *host, struct in_addr *addr, char *why, size_t cap)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error) {
        snprintf(why, cap, "the host '%s' is unknown (%s)", host, gai_strerror(error));
        return false;
    }
    *addr = ((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr;
    freeaddrinfo(found);
    return true;
}

/* Sends one request on a connection of its own; its descriptor, or -1 with errno. */
static int epmd_ask(struct in_addr addr, const char *request, size_t len, int64_t deadline)
{
    uint8_t packet[600];
    if (len > sizeof packet - 2) {
        errno = EMSGSIZE;
        return -1;
    }
    int fd = tap_wire_connect(addr, epmd_port(), deadline);
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
static void epmd_list(struct in_addr addr, int64_t deadline, char *dst, size_t cap)
{
    char text[EPMD_NAMES_MAX + 1];
    size_t got = 0, n = 0;
    dst[0] = 0;
    int fd = epmd_ask(addr, "n", 1, deadline);
    if (fd < 0)
        return;
    /* epmd closes when it has told all: read byte by byte costs nothing here and ends there. */
    while (got < EPMD_NAMES_MAX && tap_wire_read_all(fd, text + got, 1, deadline) == 0)
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

bool tap_epmd_find(const char *host, struct in_addr addr, const char *alive, int64_t deadline,
                   char *why, size_t cap)
{
    char request[300], names[400];
    uint8_t answer[2];
    int n = snprintf(request, sizeof request, "z%s", alive);
    if (n < 0 || (size_t)n >= sizeof request) {
        snprintf(why, cap, "the name is too long");
        return false;
    }
    int fd = epmd_ask(addr, request, (size_t)n, deadline);
    int error = fd < 0 ? errno : tap_wire_read_all(fd, answer, 2, deadline);
    if (fd >= 0)
        close(fd);
    if (error == ECONNREFUSED) {
        snprintf(why, cap,
                 "no epmd runs at %s, port %u (connection refused): start the node with -name or "
                 "-sname there, or set ERL_EPMD_PORT to the port it uses",
                 host, epmd_port());
        return false;
    }
    if (error) {
        snprintf(why, cap, "epmd at %s, port %u, does not answer (%s)", host, epmd_port(),
                 strerror(error));
        return false;
    }
    if (answer[0] == 119 && answer[1] == 0) /* PORT2_RESP, and found */
        return true;
    epmd_list(addr, deadline, names, sizeof names);
    snprintf(why, cap, "epmd at %s knows no node '%s'; %s%s", host, alive,
             names[0] ? "it knows: " : "none is registered there", names);
    return false;
}
