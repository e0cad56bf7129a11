/* client.c: see client.h. */
#include "transports/port/client.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "transports/beam/net/wire.h"

#define READ_SIZE (256u << 10)
#define FRAMES_MAX 1024u
#define MS INT64_C(1000000)
#define UNREADABLE_MAX (1u << 20) /* of frames before a message tells whose they are */
#define NO_MESSAGE "what it sends is no message of a trace port"

bool tap_port_client_init(struct tap_port_client *c, const struct tap_host *host, const char *text)
{
    const char *colon = strrchr(text, ':'), *from = text, *end = colon;
    char *rest;
    *c = (struct tap_port_client){.host = host, .text = text, .fd = -1};
    if (!colon)
        return false;
    if (*text == '[') {
        from++;
        if (end == text || *--end != ']')
            return false;
    } else if (memchr(text, ':', (size_t)(colon - text))) {
        return false;
    }
    long port = strtol(colon + 1, &rest, 10);
    if (from == end || (size_t)(end - from) >= sizeof c->name || *rest || port < 1 || port > 65535)
        return false;
    memcpy(c->name, from, (size_t)(end - from));
    c->port = (uint16_t)port;
    return true;
}

/* ---- Connecting */

void tap_port_client_connect(struct tap_port_client *c, int64_t timeout, int wake)
{
    c->reach = tap_reach_begin(c->name, c->port, tap_wire_now() + timeout, wake);
    c->failed = !c->reach;
    if (c->failed)
        TAP_FAIL(c->host, TAP_ERROR,
                 "cannot connect to the trace port %s: there is no thread or no memory for it",
                 c->text);
}

void tap_port_client_connected(struct tap_port_client *c)
{
    char why[400];
    if (!tap_reach_take(&c->reach, &c->fd, why, sizeof why) || c->fd >= 0)
        return;
    c->failed = true;
    TAP_FAIL(c->host, TAP_ERROR, "cannot connect to the trace port %s: %s", c->text, why);
}

/* ---- The node */

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

bool tap_port_client_is_full(const struct tap_port_client *c)
{
    const struct tap_port_frames *f = &c->frames;
    int64_t most = c->host->plan->max_events;
    return f->known && most > 0 && f->seq - f->dropped - f->left_out >= (uint64_t)most;
}

/* The connection is closed and nobody knows whose it was. */
static void no_node_end(struct tap_port_client *c)
{
    const struct tap_port_frames *f = &c->frames;
    if (c->failed || f->known)
        return;
    if (f->dropped || f->seq) {
        c->failed = true;
        TAP_FAIL(c->host, TAP_ERROR,
                 "%s: the connection ended before a message told which node this is: %llu messages "
                 "that the port dropped, and %llu that cannot be read, are lost",
                 c->text, (unsigned long long)f->dropped, (unsigned long long)f->seq);
        return;
    }
    c->host->log(c->host, TAP_LOG_WARNING,
                 "%s: the connection ended and told nothing of any process", c->text);
}

static void node_end(struct tap_port_client *c, bool failed)
{
    struct tap_node_final final = {.struct_size = sizeof final, .produced = c->frames.seq};
    if (c->frames.left_out)
        c->host->log(c->host, TAP_LOG_WARNING,
                     "%s: %llu messages that are not of processes (of ports, of seq_trace) were "
                     "left out",
                     c->text, (unsigned long long)c->frames.left_out);
    if (c->tracing && tap_port_client_is_full(c))
        c->host->log(c->host, TAP_LOG_WARNING,
                     "%s: max_events was reached: no more is read (the trace itself is dbg's, and "
                     "goes on)",
                     c->text);
    if (c->tracing)
        c->host->transport->node_state(c->host, c->node, failed ? TAP_NODE_FAILED : TAP_NODE_DONE,
                                       &final);
    else
        no_node_end(c);
    c->tracing = false;
}

void tap_port_client_commit(struct tap_port_client *c)
{
    struct tap_buf *b = &c->frames.out;
    uint32_t at[FRAMES_MAX];
    tap_port_end(&c->frames);
    for (size_t from = 0, to; c->tracing && from < b->len; from = to) {
        size_t n = 0;
        for (to = from; to < b->len && n < FRAMES_MAX; n++) {
            at[n] = (uint32_t)(to - from);
            to += TAP_FRAME_HEADER + (size_t)tap_get_u32(b->data + to + 36);
        }
        struct tap_arena *arena = c->host->transport->reserve(c->host, to - from);
        if (!arena) {
            TAP_FAIL(c->host, TAP_ERROR, "out of memory");
            c->failed = true;
            break;
        }
        memcpy(arena->data, b->data + from, to - from);
        c->host->transport->commit(c->host, arena, c->node, at, n);
    }
    if (c->tracing)
        b->len = 0;
}

/* ---- Receiving */

static bool fail(struct tap_port_client *c, const char *what)
{
    TAP_FAIL(c->host, TAP_ERROR, "%s: %s", c->text, what);
    c->failed = true;
    tap_port_client_close(c);
    return false;
}

/* The whole messages of what was received. False: it is none. */
static bool take_all(struct tap_port_client *c)
{
    size_t at = 0;
    uint64_t over = 0;
    struct tap_buf *b = &c->in;
    while (b->len - at >= TAP_PORT_HEADER) {
        uint32_t size = tap_get_u32(b->data + at + 1);
        if (b->data[at] == TAP_PORT_DROP) {
            tap_port_drop(&c->frames, size);
            at += TAP_PORT_HEADER;
            continue;
        }
        if (b->data[at] != TAP_PORT_MESSAGE || size > TAP_PORT_MESSAGE_MAX)
            return false;
        if (b->len - at - TAP_PORT_HEADER < size)
            break;
        bool knew = c->frames.known;
        if (knew && tap_port_client_is_full(c))
            at += TAP_PORT_HEADER + (size_t)size, over++;
        else if (tap_port_take(&c->frames, b->data + at + TAP_PORT_HEADER, size))
            at += TAP_PORT_HEADER + (size_t)size;
        else if (c->frames.out.oom)
            return false;
        else if (!knew)
            break; /* what stands before it is to be written first */
    }
    memmove(b->data, b->data + at, b->len - at);
    b->len -= at;
    tap_port_over(&c->frames, over);
    return c->frames.known || c->frames.out.len <= UNREADABLE_MAX;
}

bool tap_port_client_read(struct tap_port_client *c)
{
    if (!tap_buf_reserve(&c->in, READ_SIZE))
        return fail(c, "out of memory");
    ssize_t n = recv(c->fd, c->in.data + c->in.len, READ_SIZE, 0);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR || fail(c, strerror(errno));
    if (n == 0 && c->in.len)
        return fail(c, "the connection ended within a message");
    if (n == 0) {
        tap_port_client_close(c);
        return false;
    }
    c->in.len += (size_t)n;
    return take_all(c) || fail(c, NO_MESSAGE);
}

void tap_port_client_begin(struct tap_port_client *c)
{
    struct tap_port_frames *f = &c->frames;
    struct tap_port_passed passed;
    int64_t offset = 0;
    c->host->transport->node_state(c->host, c->node, TAP_NODE_CONNECTING, NULL);
    c->host->transport->node_state(c->host, c->node, TAP_NODE_TRACING, NULL);
    c->tracing = true;
    if (f->clock != TAP_PORT_WALL) {
        if (__builtin_sub_overflow(now(), f->first, &offset))
            offset = 0;
        c->host->log(c->host, TAP_LOG_WARNING,
                     f->clock == TAP_PORT_NO_TIME
                         ? "%s: its messages have no times (they are traced without the flag "
                           "timestamp): all are told as of now"
                         : "%s: its messages have times of the node's own clock alone: they are "
                           "counted from now",
                     c->text);
    }
    tap_port_front_begin(f, &passed);
    tap_port_node_up(f, offset);
    tap_port_front_end(f, &passed);
    if (!take_all(c))
        fail(c, NO_MESSAGE);
}

void tap_port_client_close(struct tap_port_client *c)
{
    tap_reach_drop(&c->reach);
    if (c->fd < 0)
        return;
    close(c->fd);
    c->fd = -1;
    tap_port_client_commit(c);
    node_end(c, c->failed);
}

void tap_port_client_free(struct tap_port_client *c)
{
    tap_reach_drop(&c->reach);
    if (c->fd >= 0)
        close(c->fd);
    tap_buf_free(&c->in);
    tap_buf_free(&c->frames.out);
}
