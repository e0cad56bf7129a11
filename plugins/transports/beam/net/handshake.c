/* handshake.c: ei's handshake over our own socket, overheard.
 *
 * ei calls back for each read and write. From what passes by we learn the node's status ("ok",
 * "alive", "not_allowed", ...) and how far the two came, and from that the one sentence for the
 * user: a node that hangs up after our digest does not like the cookie; one that hangs up before
 * does not like the name.
 */
#include "transports/beam/net/handshake.h"

#include <arpa/inet.h>
#include <ei.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "transports/beam/net/epmd.h"

struct shake {
    struct tap_wire wire; /* first: a wire's close finds the whole */
    int64_t deadline;
    uint8_t seen[64]; /* the first bytes that the node said: u16 length, 's', status */
    size_t seen_len;
    bool digest_sent, digest_heard, timed_out;
    int error;
};

/* ---- ei's socket callbacks: errno values are returned */

static int shake_socket(void **ctx, void *setup)
{
    *ctx = setup;
    return 0;
}
static int shake_close(void *ctx)
{
    struct shake *s = ctx;
    if (s->wire.fd >= 0)
        close(s->wire.fd);
    s->wire.fd = -1;
    return 0;
}
static int shake_note(struct shake *s, int error)
{
    s->timed_out |= error == ETIMEDOUT;
    if (error && !s->error)
        s->error = error;
    return error;
}
static int shake_connect(void *ctx, void *addr, int len, unsigned tmo)
{
    struct shake *s = ctx;
    const struct sockaddr_in *to = addr;
    (void)len, (void)tmo;
    s->wire.fd = tap_wire_connect(to->sin_addr, ntohs(to->sin_port), s->deadline);
    return s->wire.fd < 0 ? shake_note(s, errno) : 0;
}
static int shake_write(void *ctx, const char *buf, ssize_t *len, unsigned tmo)
{
    struct shake *s = ctx;
    (void)tmo;
    s->digest_sent |= *len > 2 && buf[2] == 'r'; /* ei writes each handshake packet in one piece */
    return shake_note(s, tap_wire_write_all(s->wire.fd, buf, (size_t)*len, s->deadline));
}
static int shake_read(void *ctx, char *buf, ssize_t *len, unsigned tmo)
{
    struct shake *s = ctx;
    (void)tmo;
    int error = shake_note(s, tap_wire_read_all(s->wire.fd, buf, (size_t)*len, s->deadline));
    if (error)
        return error;
    s->digest_heard |= s->digest_sent;
    size_t room = sizeof s->seen - s->seen_len, n = (size_t)*len < room ? (size_t)*len : room;
    memcpy(s->seen + s->seen_len, buf, n);
    s->seen_len += n;
    return 0;
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
    *fd = ((struct shake *)ctx)->wire.fd;
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

/* ---- The wire that remains */

static ssize_t socket_read(struct tap_wire *s, void *dst, size_t len)
{
    return recv(s->fd, dst, len, 0);
}
static ssize_t socket_write(struct tap_wire *s, const void *src, size_t len)
{
    return send(s->fd, src, len, MSG_NOSIGNAL);
}
static void socket_close(struct tap_wire *s)
{
    ei_close_connection(s->fd); /* ei forgets the descriptor, and calls shake_close */
    free(s);
}
static const struct tap_wire_ops socket_ops = {socket_read, socket_write, socket_close};

/* ---- Names */

static bool has_dot(const char *host)
{
    return strchr(host, '.') != NULL;
}

/* Our own host part. The node refuses names of the other mode (long, short), and that is all that
 * matters: nobody connects back to a hidden node that does not listen. Beside a node on this very
 * machine we take its host part. */
static bool shake_host(const char *target, struct in_addr addr, char *host, size_t cap)
{
    if (ntohl(addr.s_addr) >> 24 == 127) {
        snprintf(host, cap, "%s", target);
        return true;
    }
    if (gethostname(host, cap) < 0)
        return false;
    host[cap - 1] = 0;
    if (!has_dot(target)) {
        host[strcspn(host, ".")] = 0;
        return true;
    }
    struct addrinfo hints = {.ai_family = AF_INET, .ai_flags = AI_CANONNAME}, *found = NULL;
    if (!has_dot(host) && getaddrinfo(host, NULL, &hints, &found) == 0) {
        if (found->ai_canonname && has_dot(found->ai_canonname))
            snprintf(host, cap, "%s", found->ai_canonname);
        freeaddrinfo(found);
    }
    if (has_dot(host))
        return true;
    /* No name with a dot: the address that packets to the node leave from is one too. */
    struct sockaddr_in me = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = addr};
    socklen_t len = sizeof me;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&me, sizeof me) == 0 &&
              getsockname(fd, (struct sockaddr *)&me, &len) == 0 &&
              inet_ntop(AF_INET, &me.sin_addr, host, (socklen_t)cap);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* False: out of memory. */
static bool shake_pid(const ei_cnode *ec, uint8_t pid[TAP_PID_EXT_MAX], size_t *len)
{
    struct tap_buf b = {0};
    tap_write_u8(&b, TAP_EXT_NEW_PID);
    tap_write_atom(&b, ec->thisnodename);
    tap_write_u32(&b, 1); /* id and serial: this C node has one process */
    tap_write_u32(&b, 0);
    tap_write_u32(&b, ec->creation);
    bool ok = !b.oom && b.len <= TAP_PID_EXT_MAX;
    if (ok)
        memcpy(pid, b.data, *len = b.len);
    tap_buf_free(&b);
    return ok;
}

/* ---- What went wrong */

/* EACCES where asking again is in vain: the node refuses us for what we are. EADDRINUSE: another
 * name may do. */
static int shake_explain(const struct shake *s, const char *me, char *why, size_t cap)
{
    size_t len = s->seen_len > 2 ? (size_t)s->seen[0] << 8 | s->seen[1] : 0;
    char status[64] = "";
    if (len > 1 && len + 2 <= s->seen_len && s->seen[2] == 's')
        snprintf(status, sizeof status, "%.*s", (int)(len - 1), (const char *)s->seen + 3);
    if (!strcmp(status, "nok") || !strcmp(status, "alive"))
        snprintf(
            why, cap,
            "the name %s is in use there already: choose another `name` in the transport's section",
            me);
    else if (!strcmp(status, "not_allowed"))
        snprintf(why, cap, "the node does not allow connections from %s (net_kernel:allow)", me);
    else if (s->digest_sent && !s->timed_out)
        snprintf(why, cap, "wrong cookie: set BEAMTAP_COOKIE or cookie_file to the node's");
    else if (s->timed_out)
        snprintf(why, cap,
                 "the node does not answer (timeout): it may be frozen, overloaded or behind a "
                 "firewall");
    else if (s->error == ECONNREFUSED)
        snprintf(
            why, cap,
            "its port refuses connections, though epmd knows the node: it may have just ended");
    else if (s->seen_len == 0 && s->error == ECONNRESET)
        snprintf(
            why, cap,
            "the node hung up on the name %s: is it a node of the same kind (short or long names), "
            "and has it room for a connection (processes, ports)?",
            me);
    else
        snprintf(why, cap, "the handshake failed (%s%s%s)", strerror(s->error ? s->error : EIO),
                 status[0] ? ", its status: " : "", status);
    if (!strcmp(status, "nok") || !strcmp(status, "alive"))
        return EADDRINUSE;
    return !strcmp(status, "not_allowed") || (s->digest_sent && !s->timed_out) ? EACCES : EIO;
}

static pthread_once_t ei_once = PTHREAD_ONCE_INIT;
static void ei_begin(void)
{
    ei_init();
}

struct tap_wire *tap_handshake(const char *node, const char *alive, const char *cookie,
                               int64_t deadline, uint8_t pid[TAP_PID_EXT_MAX], size_t *pid_len,
                               char *why, size_t cap)
{
    pthread_once(&ei_once, ei_begin);
    const char *at = strchr(node, '@');
    char target[MAXATOMLEN], host[EI_MAXHOSTNAMELEN], me[2 * MAXATOMLEN];
    struct in_addr addr;
    uint32_t creation = 0;
    ei_cnode ec;
    if (!at || at == node || !at[1] || strlen(node) >= MAXNODELEN) {
        snprintf(why, cap, "this is no node name: it reads name@host");
        errno = EACCES;
        return NULL;
    }
    snprintf(target, sizeof target, "%.*s", (int)(at - node), node);
    if (!tap_epmd_resolve(at + 1, &addr, why, cap) ||
        !tap_epmd_find(at + 1, addr, target, deadline, why, cap))
        return NULL;
    if (!shake_host(at + 1, addr, host, sizeof host)) {
        snprintf(why, cap, "this machine's own name cannot be found (%s)", strerror(errno));
        return NULL;
    }
    snprintf(me, sizeof me, "%s@%s", alive, host);
    struct shake *s = calloc(1, sizeof *s);
    if (!s || getrandom(&creation, sizeof creation, 0) < 0) {
        free(s);
        snprintf(why, cap, "out of memory");
        return NULL;
    }
    *s = (struct shake){.wire = {&socket_ops, -1}, .deadline = deadline};
    int64_t ms = (deadline - tap_wire_now()) / 1000000;
    if (ei_connect_xinit_ussi(&ec, host, alive, me, &addr, cookie, creation | 4, &shake_callbacks,
                              sizeof shake_callbacks, s) < 0) {
        snprintf(why, cap, "the name %s or the cookie is too long", me);
        free(s);
        return NULL;
    }
    if (ei_xconnect_tmo(&ec, &addr, target, ms > 0 ? (unsigned)ms : 1) < 0) {
        int error = shake_explain(s, me, why, cap);
        shake_close(s);
        free(s);
        errno = error;
        return NULL;
    }
    if (!shake_pid(&ec, pid, pid_len)) {
        snprintf(why, cap, "out of memory");
        s->wire.ops->close(&s->wire);
        return NULL;
    }
    return &s->wire;
}

bool tap_handshake_cookie(const char *file, char *cookie, size_t cookie_cap, char *why, size_t cap)
{
    const char *given = getenv("BEAMTAP_COOKIE"), *home = getenv("HOME");
    char path[4096];
    if (given && *given) {
        if (snprintf(cookie, cookie_cap, "%s", given) < (int)cookie_cap)
            return true;
        snprintf(why, cap, "BEAMTAP_COOKIE is too long");
        return false;
    }
    if (file[0] == '~' && file[1] == '/' && home)
        snprintf(path, sizeof path, "%s%s", home, file + 1);
    else
        snprintf(path, sizeof path, "%s", file);
    FILE *f = fopen(path, "re");
    bool read = f && fgets(cookie, (int)cookie_cap, f);
    int error = errno;
    if (f)
        fclose(f);
    if (!read) {
        snprintf(why, cap, "no cookie: %s: %s, and BEAMTAP_COOKIE is not set", path,
                 f ? "it is empty" : strerror(error));
        return false;
    }
    cookie[strcspn(cookie, "\r\n")] = 0;
    if (cookie[0])
        return true;
    snprintf(why, cap, "no cookie: %s: it is empty, and BEAMTAP_COOKIE is not set", path);
    return false;
}
