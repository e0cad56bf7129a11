/* handshake.c: ei's handshake over our own socket, overheard (overheard.h).
 *
 * ei calls back for each connect, read and write, and is told nothing of addresses: it knows IPv4
 * alone.
 */
#include "transports/beam/net/handshake.h"

#include <arpa/inet.h>
#include <ei.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "transports/beam/net/epmd.h"

struct shake {
    int fd;   /* -1: none */
    int key;  /* what ei knows it by */
    bool out; /* ei has had its part: the descriptor is no longer its */
    struct tap_addresses addresses;
    uint16_t port;
    int64_t deadline;
    struct tap_overheard heard;
    _Atomic(const char *) *stage;
};

static void stage_set(_Atomic(const char *) *stage, const char *what)
{
    if (stage)
        atomic_store(stage, what);
}

/* ---- Descriptors, as ei knows them
 *
 * It keeps a table of its connections, as long as the limit of descriptors was when it first
 * looked, and refuses what is beyond: so it is told small numbers, for the time of a handshake.
 */

#define KEYS 256

static pthread_mutex_t key_lock = PTHREAD_MUTEX_INITIALIZER;
static bool key_used[KEYS];

/* KEYS: none is free. */
static int key_take(void)
{
    int key = 0;
    pthread_mutex_lock(&key_lock);
    while (key < KEYS && key_used[key])
        key++;
    if (key < KEYS)
        key_used[key] = true;
    pthread_mutex_unlock(&key_lock);
    return key;
}
static void key_give(int key)
{
    pthread_mutex_lock(&key_lock);
    key_used[key] = false;
    pthread_mutex_unlock(&key_lock);
}

/* ---- ei's socket callbacks: errno values are returned */

static int shake_socket(void **ctx, void *setup)
{
    *ctx = setup;
    return 0;
}
static int shake_close(void *ctx)
{
    struct shake *s = ctx;
    if (s->fd >= 0 && !s->out)
        close(s->fd);
    s->fd = -1;
    return 0;
}
static int shake_note(struct shake *s, int error)
{
    s->heard.timed_out |= error == ETIMEDOUT;
    if (error && !s->heard.error)
        s->heard.error = error;
    return error;
}
static int shake_connect(void *ctx, void *addr, int len, unsigned tmo)
{
    struct shake *s = ctx;
    (void)addr, (void)len, (void)tmo;
    s->fd = tap_addresses_connect(&s->addresses, s->port, s->deadline, NULL);
    int error = s->fd < 0 ? shake_note(s, errno) : 0;
    stage_set(s->stage, "its part of the handshake");
    return error;
}
static int shake_write(void *ctx, const char *buf, ssize_t *len, unsigned tmo)
{
    struct shake *s = ctx;
    (void)tmo;
    /* ei writes each handshake packet in one piece */
    s->heard.digest_sent |= *len > 2 && buf[2] == 'r';
    return shake_note(s, tap_wire_write_all(s->fd, buf, (size_t)*len, s->deadline));
}
/* What came is noted even where it was not all: an alert, a greeting of something else. */
static int shake_read(void *ctx, char *buf, ssize_t *len, unsigned tmo)
{
    struct shake *s = ctx;
    struct tap_overheard *o = &s->heard;
    size_t got, room = sizeof o->bytes - o->len;
    (void)tmo;
    int error = shake_note(s, tap_wire_read(s->fd, buf, (size_t)*len, s->deadline, &got));
    size_t n = got < room ? got : room;
    memcpy(o->bytes + o->len, buf, n);
    o->len += n;
    o->digest_heard |= !error && o->digest_sent;
    return error;
}
static int shake_writev(void *ctx, const void *iov, int count, ssize_t *len, unsigned tmo)
{
    const struct iovec *v = iov;
    *len = 0;
    for (int i = 0; i < count; i++) {
        ssize_t n = (ssize_t)v[i].iov_len;
        int error = shake_write(ctx, v[i].iov_base, &n, tmo);
        if (error)
            return error;
        *len += n;
    }
    return 0;
}
static int shake_header_size(void *ctx, int *size)
{
    (void)ctx;
    *size = 2;
    return 0;
}
static int shake_complete(void *ctx)
{
    (void)ctx;
    return 0;
}
static int shake_fd(void *ctx, int *fd)
{
    *fd = ((struct shake *)ctx)->key;
    return 0;
}
/* Nobody connects to us. */
static int shake_listen(void *ctx, void *addr, int *len, int backlog)
{
    (void)ctx, (void)addr, (void)len, (void)backlog;
    return ENOTSUP;
}
static int shake_accept(void **ctx, void *addr, int *len, unsigned tmo)
{
    (void)ctx, (void)addr, (void)len, (void)tmo;
    return ENOTSUP;
}
static ei_socket_callbacks shake_callbacks = {
    .flags = EI_SCLBK_FLG_FULL_IMPL,
    .socket = shake_socket,
    .close = shake_close,
    .listen = shake_listen,
    .accept = shake_accept,
    .connect = shake_connect,
    .writev = shake_writev,
    .write = shake_write,
    .read = shake_read,
    .handshake_packet_header_size = shake_header_size,
    .connect_handshake_complete = shake_complete,
    .accept_handshake_complete = shake_complete,
    .get_fd = shake_fd,
};

/* ---- Names */

/* A name of the long kind: a domain, or an address of either family. */
static bool is_long(const char *host)
{
    return strpbrk(host, ".:") != NULL;
}

/* The address that packets to the node leave from: a name of the long kind too. */
static bool shake_source(const struct sockaddr_storage *to, char *host, size_t cap)
{
    struct sockaddr_storage peer = *to, me = {0};
    socklen_t size = to->ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                              : sizeof(struct sockaddr_in6),
              len = sizeof me;
    in_port_t discard = htons(9);
    if (to->ss_family == AF_INET)
        ((struct sockaddr_in *)&peer)->sin_port = discard;
    else
        ((struct sockaddr_in6 *)&peer)->sin6_port = discard;
    int fd = socket(to->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const void *mine = to->ss_family == AF_INET
                           ? (const void *)&((struct sockaddr_in *)&me)->sin_addr
                           : (const void *)&((struct sockaddr_in6 *)&me)->sin6_addr;
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&peer, size) == 0 &&
              getsockname(fd, (struct sockaddr *)&me, &len) == 0 &&
              inet_ntop(to->ss_family, mine, host, (socklen_t)cap);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Our own host part, of the node's kind (short or long). It is a name and no more: nobody connects
 * back to a hidden node that does not listen. Beside a node on this very machine we take its host
 * part. */
static bool shake_host(const char *target, const struct sockaddr_storage *to, char *host,
                       size_t cap)
{
    if (tap_addresses_loopback(to)) {
        snprintf(host, cap, "%s", target);
        return true;
    }
    if (gethostname(host, cap) < 0)
        return false;
    host[cap - 1] = 0;
    if (!is_long(target)) {
        host[strcspn(host, ".")] = 0;
        return true;
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_flags = AI_CANONNAME}, *found = NULL;
    if (!is_long(host) && getaddrinfo(host, NULL, &hints, &found) == 0) {
        if (found->ai_canonname && is_long(found->ai_canonname))
            snprintf(host, cap, "%s", found->ai_canonname);
        freeaddrinfo(found);
    }
    return is_long(host) || shake_source(to, host, cap);
}

/* False: out of memory. */
static bool shake_pid(const ei_cnode *ec, struct tap_approached *to)
{
    struct tap_buf b = {0};
    tap_write_u8(&b, TAP_EXT_NEW_PID);
    tap_write_atom(&b, ec->thisnodename);
    tap_write_u32(&b, 1); /* id and serial: this C node has one process */
    tap_write_u32(&b, 0);
    tap_write_u32(&b, ec->creation);
    bool ok = !b.oom && b.len <= TAP_PID_EXT_MAX;
    if (ok)
        memcpy(to->pid, b.data, to->pid_len = b.len);
    tap_buf_free(&b);
    return ok;
}

/* ---- The handshake */

static pthread_once_t ei_once = PTHREAD_ONCE_INIT;
static void ei_begin(void)
{
    ei_init();
}

/* Splits the name; finds the addresses and the port. False: `why` says why not. */
static bool shake_find(const struct tap_approach *a, struct shake *s, const char **host,
                       struct tap_approached *to)
{
    const char *at = strchr(a->node, '@');
    char target[MAXATOMLEN];
    if (!at || at == a->node || !at[1] || strlen(a->node) >= MAXNODELEN) {
        snprintf(to->why, sizeof to->why, "this is not a node name: write name@host");
        to->refusal = TAP_REFUSAL_US;
        return false;
    }
    snprintf(target, sizeof target, "%.*s", (int)(at - a->node), a->node);
    *host = at + 1;
    stage_set(a->stage, "the address of its host (name lookup)");
    if (!tap_addresses_find(*host, &s->addresses, to->why, sizeof to->why))
        return false;
    stage_set(a->stage, "epmd at its host");
    s->port = a->port;
    return s->port || tap_epmd_find(*host, &s->addresses, target, a->deadline, &s->port, to->why,
                                    sizeof to->why);
}

/* It went well: ei forgets the descriptor, which is a wire from now on. */
static void shake_out(struct shake *s, const ei_cnode *ec, struct tap_approached *to)
{
    int fd = s->fd;
    s->out = true;
    ei_close_connection(s->key); /* which calls shake_close */
    s->out = false;
    s->fd = -1;
    if (shake_pid(ec, to))
        to->wire = tap_wire_socket(fd);
    else
        close(fd);
    if (!to->wire)
        snprintf(to->why, sizeof to->why, "out of memory");
}

/* The handshake with a node that was found. */
static void shake_hands(const struct tap_approach *a, struct shake *s, const char *host,
                        struct tap_approached *to)
{
    char mine[EI_MAXHOSTNAMELEN], me[2 * MAXATOMLEN];
    struct in_addr nobody = {htonl(INADDR_LOOPBACK)}; /* what ei believes; we connect elsewhere */
    uint32_t creation = 0;
    ei_cnode ec;
    stage_set(a->stage, "this machine's own name (name lookup)");
    if (!shake_host(host, &s->addresses.at[0], mine, sizeof mine)) {
        snprintf(to->why, sizeof to->why, "this machine's own name cannot be found (%s)",
                 strerror(errno));
        return;
    }
    stage_set(a->stage, "its host to accept a connection");
    snprintf(me, sizeof me, "%s@%s", a->alive, mine);
    if (getrandom(&creation, sizeof creation, 0) < 0)
        creation = (uint32_t)tap_wire_now();
    if (ei_connect_xinit_ussi(&ec, mine, a->alive, me, &nobody, a->cookie->text, creation | 4,
                              &shake_callbacks, sizeof shake_callbacks, s) < 0) {
        snprintf(to->why, sizeof to->why, "the name %s or the cookie is too long", me);
        return;
    }
    int64_t ms = (a->deadline - tap_wire_now()) / 1000000;
    bool ok = ei_xconnect_host_port_tmo(&ec, &nobody, s->port, ms > 0 ? (unsigned)ms : 1) >= 0;
    if (!tap_overheard_name(&s->heard, to->name))
        to->name[0] = 0;
    to->creation = tap_overheard_creation(&s->heard);
    if (ok) {
        shake_out(s, &ec, to);
        return;
    }
    struct tap_overheard_call call = {.me = me,
                                      .host = host,
                                      .addresses = &s->addresses,
                                      .port = s->port,
                                      .port_given = a->port != 0,
                                      .cookie = a->cookie,
                                      .deadline = a->deadline};
    to->refusal = tap_overheard_explain(&s->heard, &call, to->why, sizeof to->why);
}

void tap_handshake(const struct tap_approach *a, struct tap_approached *to)
{
    const char *host = NULL;
    struct shake *s = calloc(1, sizeof *s);
    *to = (struct tap_approached){.wire = NULL};
    pthread_once(&ei_once, ei_begin);
    if (!s) {
        snprintf(to->why, sizeof to->why, "out of memory");
        return;
    }
    if ((s->key = key_take()) == KEYS) {
        snprintf(to->why, sizeof to->why, "%d handshakes at once are as many as there may be",
                 KEYS);
        free(s);
        return;
    }
    s->fd = -1;
    s->deadline = a->deadline;
    s->stage = a->stage;
    if (shake_find(a, s, &host, to))
        shake_hands(a, s, host, to);
    shake_close(s);
    key_give(s->key);
    free(s);
}
