/* address.h: HOST:PORT as users write it, and what a transport is to listen at. */
#ifndef TAP_TRANSPORTS_TCP_ADDRESS_H
#define TAP_TRANSPORTS_TCP_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define TAP_ADDRESS_TEXT 300 /* bytes: [host]:port */

struct tap_address {
    char host[256]; /* without brackets */
    uint16_t port;  /* 0: any */
};
/* HOST, HOST:PORT, [IPV6]:PORT, IPV6. False: it is none of these. Pure. */
bool tap_address_parse(const char *text, struct tap_address *);

struct tap_listen {
    struct tap_address tcp; /* host "": no TCP */
    char local[108];        /* a Unix socket, as tap_local_check takes it; "": none is named */
};
/* An address as above, unix:/PATH, unix:@NAME, unix:@, or an address, a comma and one of these.
 * NULL, or what it is not. Pure. */
const char *tap_listen_parse(const char *text, struct tap_listen *);
/* The nth address that it resolves to, to listen at. 0, or getaddrinfo's error, EAI_NONAME also
 * where there are not so many. */
int tap_address_resolve(const struct tap_address *, size_t nth, struct sockaddr_storage *,
                        socklen_t *len);
/* Writes "127.0.0.1:80" or "[::1]:80"; with_port false: the address alone, without brackets. */
void tap_address_print(const struct sockaddr_storage *, bool with_port, char dst[TAP_ADDRESS_TEXT]);
uint16_t tap_address_port(const struct sockaddr_storage *);
/* An IPv4 address, also as IPv6 writes it. */
bool tap_address_is_v4(const struct sockaddr_storage *);
/* 0.0.0.0 or ::, and 127.x.x.x or ::1 (also as IPv6 writes IPv4). */
bool tap_address_is_any(const struct sockaddr_storage *);
bool tap_address_is_loopback(const struct sockaddr_storage *);

#endif
