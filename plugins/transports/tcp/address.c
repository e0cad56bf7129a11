/* address.c: see address.h. */
#include "transports/tcp/address.h"

#include "transports/beam/local_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_port(const char *text, uint16_t *port)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long n = strtoul(text, &end, 10);
    *port = (uint16_t)n;
    return *end == 0 && n <= 65535;
}

static bool host_is_sound(const char *host)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:%";
    return *host && !host[strspn(host, allowed)];
}

bool tap_address_parse(const char *text, struct tap_address *to)
{
    const char *host = text, *end, *port = NULL;
    *to = (struct tap_address){.port = 0};
    if (*text == '[') {
        host++;
        end = strchr(host, ']');
        if (!end || (end[1] && end[1] != ':'))
            return false;
        port = end[1] ? end + 2 : NULL;
    } else {
        const char *first = strchr(text, ':'), *last = strrchr(text, ':');
        bool one = first && first == last; /* with several it is an IPv6 address alone */
        end = one ? first : text + strlen(text);
        port = one ? first + 1 : NULL;
    }
    if ((size_t)(end - host) >= sizeof to->host)
        return false;
    memcpy(to->host, host, (size_t)(end - host));
    return host_is_sound(to->host) && (!port || parse_port(port, &to->port));
}

#define LOCAL "unix:"

/* unix:80 is port 80 of a host that is called so. */
static bool is_local(const char *text)
{
    size_t n = sizeof LOCAL - 1;
    return !strncmp(text, LOCAL, n) && (text[n] == '/' || text[n] == '@');
}

const char *tap_listen_parse(const char *text, struct tap_listen *to)
{
    static const char reads[] = "it reads ADDRESS:PORT, [IPV6]:PORT, unix:/PATH, or ADDRESS:PORT, "
                                "unix:/PATH";
    char address[TAP_ADDRESS_TEXT];
    const char *local = text;
    *to = (struct tap_listen){.local = ""};
    if (!is_local(text)) {
        size_t len = strcspn(text, ",");
        local = text + len + (text[len] == ',');
        local += strspn(local, " ");
        if (len >= sizeof address || (text[len] && !is_local(local)))
            return reads;
        snprintf(address, sizeof address, "%.*s", (int)len, text);
        if (!tap_address_parse(address, &to->tcp))
            return reads;
    }
    if (!*local)
        return NULL;
    local += sizeof LOCAL - 1;
    const char *why = tap_local_check(local);
    if (!why)
        snprintf(to->local, sizeof to->local, "%s", local);
    return why;
}

int tap_address_resolve(const struct tap_address *a, size_t nth, struct sockaddr_storage *to,
                        socklen_t *len)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE},
                    *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", a->port);
    int error = getaddrinfo(a->host, port, &hints, &found);
    if (error)
        return error;
    const struct addrinfo *at = found;
    for (; at && nth > 0; nth--)
        at = at->ai_next;
    if (at) {
        memset(to, 0, sizeof *to);
        memcpy(to, at->ai_addr, at->ai_addrlen);
        *len = at->ai_addrlen;
    }
    freeaddrinfo(found);
    return at ? 0 : EAI_NONAME;
}

/* The IPv4 address in an IPv6 one (::ffff:1.2.3.4), or of an IPv4 one; NULL: neither. */
static const void *as_v4(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return &((const struct sockaddr_in *)a)->sin_addr;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)a)->sin6_addr;
    return IN6_IS_ADDR_V4MAPPED(v6) ? v6->s6_addr + 12 : NULL;
}

uint16_t tap_address_port(const struct sockaddr_storage *a)
{
    return ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
                                         : ((const struct sockaddr_in6 *)a)->sin6_port);
}

void tap_address_print(const struct sockaddr_storage *a, bool with_port, char dst[TAP_ADDRESS_TEXT])
{
    char text[INET6_ADDRSTRLEN] = "?";
    const void *v4 = as_v4(a);
    if (v4)
        inet_ntop(AF_INET, v4, text, sizeof text);
    else
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)a)->sin6_addr, text, sizeof text);
    if (with_port)
        snprintf(dst, TAP_ADDRESS_TEXT, v4 ? "%s:%u" : "[%s]:%u", text, tap_address_port(a));
    else
        snprintf(dst, TAP_ADDRESS_TEXT, "%s", text);
}

bool tap_address_is_v4(const struct sockaddr_storage *a)
{
    return as_v4(a) != NULL;
}

static uint32_t v4_number(const void *v4)
{
    uint32_t n;
    memcpy(&n, v4, sizeof n);
    return ntohl(n);
}

bool tap_address_is_any(const struct sockaddr_storage *a)
{
    const void *v4 = as_v4(a);
    return v4 ? v4_number(v4) == INADDR_ANY
              : IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

bool tap_address_is_loopback(const struct sockaddr_storage *a)
{
    const void *v4 = as_v4(a);
    return v4 ? v4_number(v4) >> 24 == 127
              : IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}
