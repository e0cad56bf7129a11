/* addresses.c: see addresses.h. The waiting is one poll(2) over all attempts that are under way. */
#include "transports/beam/net/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "transports/beam/net/wire.h"

/* How long one attempt is alone before the next begins (RFC 8305, Connection Attempt Delay). */
#define ATTEMPT_DELAY INT64_C(250000000)

/* ---- The addresses */

static socklen_t address_size(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* The same host, whatever the ports. */
static bool address_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    const struct sockaddr_in6 *v6 = (const void *)a, *w6 = (const void *)b;
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return !memcmp(&v6->sin6_addr, &w6->sin6_addr, sizeof v6->sin6_addr) &&
           v6->sin6_scope_id == w6->sin6_scope_id;
}

bool tap_addresses_find(const char *host, struct tap_addresses *to, char *why, size_t cap)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    int error = getaddrinfo(host, NULL, &hints, &found);
    to->count = 0;
    if (error) {
        snprintf(why, cap, "the host '%s' is unknown (%s)", host, gai_strerror(error));
        return false;
    }
    for (const struct addrinfo *a = found; a && to->count < TAP_ADDRESSES_MAX; a = a->ai_next) {
        if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
            continue;
        struct sockaddr_storage *at = &to->at[to->count];
        memset(at, 0, sizeof *at);
        memcpy(at, a->ai_addr, a->ai_addrlen);
        size_t same = 0;
        while (same < to->count && !address_same(&to->at[same], at))
            same++;
        to->count += same == to->count;
    }
    freeaddrinfo(found);
    tap_addresses_order(to);
    if (to->count == 0)
        snprintf(why, cap, "the host '%s' has no IP address", host);
    return to->count > 0;
}

void tap_addresses_order(struct tap_addresses *a)
{
    struct tap_addresses from = *a;
    size_t next[2] = {0, 0}; /* where to look for the next of the first's family, of the other */
    sa_family_t first = from.at[0].ss_family;
    for (size_t n = 0, other = 0; n < a->count; other = !other) {
        size_t *i = &next[other];
        while (*i < from.count && (from.at[*i].ss_family == first) == (bool)other)
            ++*i;
        if (*i < from.count)
            a->at[n++] = from.at[(*i)++];
    }
}

static size_t address_index(const struct tap_addresses *a, const struct sockaddr_storage *which)
{
    size_t i = 0;
    while (i < a->count && !address_same(&a->at[i], which))
        i++;
    return i;
}

void tap_addresses_prefer(struct tap_addresses *a, const struct sockaddr_storage *which)
{
    size_t i = address_index(a, which);
    if (i == a->count)
        return;
    struct sockaddr_storage first = a->at[i];
    memmove(&a->at[1], &a->at[0], i * sizeof a->at[0]);
    a->at[0] = first;
}

void tap_addresses_remove(struct tap_addresses *a, const struct sockaddr_storage *which)
{
    size_t i = address_index(a, which);
    if (i == a->count)
        return;
    a->count--;
    memmove(&a->at[i], &a->at[i + 1], (a->count - i) * sizeof a->at[0]);
}

bool tap_addresses_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)a)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}

/* ---- The race */

struct race {
    const struct tap_addresses *addresses;
    uint16_t port;
    struct pollfd fds[TAP_ADDRESSES_MAX];
    size_t which[TAP_ADDRESSES_MAX]; /* the address of each descriptor */
    size_t running, next;
    int64_t next_at, delay;
    int error; /* why the one that came closest failed */
};

/* A host that answers, if only to refuse, came closer than one that there is no way to. */
static void race_failed(struct race *r, int error)
{
    bool no_way = r->error == ENETUNREACH || r->error == EHOSTUNREACH ||
                  r->error == EADDRNOTAVAIL || r->error == EAFNOSUPPORT;
    if (!r->error || no_way)
        r->error = error;
    r->next_at = 0; /* nothing to wait for before the next one's turn */
}

/* Begins the next attempt: its descriptor where it is through already, else -1. */
static int race_begin(struct race *r, int64_t now)
{
    int one = 1;
    struct sockaddr_storage to = r->addresses->at[r->next];
    if (to.ss_family == AF_INET)
        ((struct sockaddr_in *)&to)->sin_port = htons(r->port);
    else
        ((struct sockaddr_in6 *)&to)->sin6_port = htons(r->port);
    r->next_at = now + r->delay;
    r->which[r->running] = r->next++;
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        race_failed(r, errno);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&to, address_size(&to)) == 0)
        return fd;
    if (errno == EINPROGRESS || errno == EINTR) {
        r->fds[r->running++] = (struct pollfd){.fd = fd, .events = POLLOUT};
    } else {
        race_failed(r, errno);
        close(fd);
    }
    return -1;
}

static void race_drop(struct race *r, size_t i)
{
    r->running--;
    r->fds[i] = r->fds[r->running];
    r->which[i] = r->which[r->running];
}

/* After poll: the descriptor of the one that is through, and its address; else -1. */
static int race_check(struct race *r, size_t *which)
{
    for (size_t i = r->running; i-- > 0;) {
        int error = 0, fd = r->fds[i].fd;
        socklen_t len = sizeof error;
        if (!r->fds[i].revents)
            continue;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
            error = errno;
        *which = r->which[i];
        race_drop(r, i);
        if (!error)
            return fd;
        race_failed(r, error);
        close(fd);
    }
    return -1;
}

int tap_addresses_connect(const struct tap_addresses *addresses, uint16_t port, int64_t deadline,
                          struct sockaddr_storage *reached)
{
    struct race r = {.addresses = addresses, .port = port};
    int64_t now = tap_wire_now();
    /* each has its turn, however little time there is */
    r.delay = (deadline - now) / (int64_t)(addresses->count + 1);
    r.delay = r.delay > ATTEMPT_DELAY ? ATTEMPT_DELAY : r.delay;
    int fd = -1;
    size_t which = 0;
    while (fd < 0 && (r.running > 0 || r.next < addresses->count)) {
        if (now >= deadline) {
            race_failed(&r, ETIMEDOUT);
            break;
        }
        bool more = r.next < addresses->count;
        if (more && now >= r.next_at) {
            which = r.next;
            fd = race_begin(&r, now);
        } else {
            int64_t left = (more && r.next_at < deadline ? r.next_at : deadline) - now;
            left = left > INT64_C(60000000000) ? INT64_C(60000000000) : left;
            if (poll(r.fds, r.running, (int)(left / 1000000) + 1) > 0)
                fd = race_check(&r, &which);
        }
        now = tap_wire_now();
    }
    for (size_t i = 0; i < r.running; i++)
        close(r.fds[i].fd);
    if (fd >= 0 && reached)
        *reached = addresses->at[which];
    errno = fd < 0 ? r.error : 0;
    return fd;
}
