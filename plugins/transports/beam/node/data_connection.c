/* data_connection.c: a node's second connection, over which its frames come (protocol.h, stream).
 *
 * Frames are committed in the order in which they were made. Those that its guardian sends over the
 * distribution come after all that the relay sent, so they wait here until this connection has
 * ended. And when the distribution breaks first, the relay still says here how it ended.
 */
#include <stdio.h>
#include <sys/random.h>

#include "transports/beam/node/run_state.h"

#define LATE_MAX (64u << 20) /* bytes of frames over the distribution: there are one or two */

void tap_beam_node_data_reset(struct tap_beam_node *n)
{
    tap_conn_close(&n->data);
    tap_buf_free(&n->held);
    n->data = (struct tap_conn){0};
    n->data_state = TAP_DATA_NONE;
    n->held_by = 0;
    n->cut[0] = 0;
}

bool tap_beam_node_endpoint(struct tap_beam_node *n, struct tap_endpoint *to)
{
    struct tap_acceptor *acceptor = n->beam->acceptor;
    tap_beam_node_data_reset(n); /* of an earlier try */
    n->data_state = TAP_DATA_EXPECTED;
    if (getrandom(n->secret, sizeof n->secret, 0) != (ssize_t)sizeof n->secret)
        return tap_beam_node_fail(n, "no random numbers for its token");
    *to = (struct tap_endpoint){.token = n->secret, .answer = n->secret + 2 * TAP_STREAM_TOKEN};
    bool ok = acceptor->endpoint(acceptor, n, to);
    if (!to->address[0] && !to->local_len)
        n->data_state = TAP_DATA_NONE;
    return ok;
}

static void data_message(void *arg, const uint8_t *term, size_t len)
{
    (void)arg, (void)term, (void)len; /* frames only */
}

static bool data_frame(void *arg, const struct tap_frame *header, const uint8_t *frame)
{
    struct tap_beam_node *n = arg;
    tap_beam_node_report(n, header, frame, n->data.last_rx);
    return true;
}

bool tap_beam_node_data_connection(struct tap_beam_node *n, struct tap_wire *wire, bool local)
{
    static const struct tap_conn_events events = {data_message, data_frame, tap_packet_read_bare};
    const struct tap_host *host = n->beam->host;
    if (n->data_state != TAP_DATA_EXPECTED || n->state == TAP_BEAM_ENDED)
        return false;
    n->data_state = TAP_DATA_OPEN;
    n->data_local = local;
    tap_conn_open(&n->data, host, n->index, wire, &events, n);
    n->data.mask = &n->beam->mask;
    if (local)
        host->log(host, TAP_LOG_INFO, "%s: its frames come over a Unix socket", n->name);
    if (local && host->count)
        host->count(host, "nodes over a Unix socket", 1);
    return true;
}

/* Only the library's frames come over the connection, and it has not connected: where a process
 * takes the events instead, all come over the distribution. */
static bool data_may_be_unused(const struct tap_beam_node *n)
{
    const struct tap_acceptor *acceptor = n->beam->acceptor;
    return n->data_state == TAP_DATA_EXPECTED && acceptor && acceptor->native_only;
}

bool tap_beam_node_held(struct tap_beam_node *n, const struct tap_frame *header,
                        const uint8_t *frame)
{
    size_t size = TAP_FRAME_HEADER + (size_t)header->length;
    if (n->data_state == TAP_DATA_ENDED || data_may_be_unused(n))
        return false; /* it is its turn */
    if (n->held.len + size <= LATE_MAX)
        tap_buf_put(&n->held, frame, size);
    if (!n->held_by)
        n->held_by = tap_wire_now() + TAP_LATE_PATIENCE;
    return true;
}

/* Some of what came over the distribution meanwhile; gives back how many bytes. */
static size_t data_commit_some(struct tap_beam_node *n, const uint8_t *from, size_t len)
{
    const struct tap_host *host = n->beam->host;
    uint32_t frames[64];
    size_t count = 0, size = 0;
    struct tap_frame header;
    while (size < len && count < sizeof frames / sizeof *frames &&
           tap_frame_read(from + size, &header)) {
        data_frame(n, &header, from + size);
        frames[count++] = (uint32_t)size;
        size += TAP_FRAME_HEADER + header.length;
    }
    struct tap_arena *arena = count ? host->transport->reserve(host, size) : NULL;
    if (!arena)
        return count ? size : len;
    memcpy(arena->data, from, size);
    host->transport->commit(host, arena, n->index, frames, count);
    return size;
}

/* All of it. What there is no memory for shows as missing. */
static void data_commit_held(struct tap_beam_node *n)
{
    for (size_t at = 0; !n->held.oom && at < n->held.len;)
        at += data_commit_some(n, n->held.data + at, n->held.len - at);
    tap_buf_free(&n->held);
}

void tap_beam_node_data_unused(struct tap_beam_node *n)
{
    if (!data_may_be_unused(n))
        return;
    n->data_state = TAP_DATA_NONE;
    n->held_by = 0;
    data_commit_held(n);
}

/* Nothing more comes here. */
static void data_end(struct tap_beam_node *n)
{
    tap_conn_close(&n->data);
    n->data_state = TAP_DATA_ENDED;
    data_commit_held(n);
    if (!n->final_here && n->cut[0])
        tap_beam_node_lost(n, "%s", n->cut);
    else if (!n->final_here && !n->stop_by) /* its guardian has a lease to tell how it ended */
        n->stop_by = tap_wire_now() + n->beam->host->plan->lease + TAP_LATE_PATIENCE;
}

void tap_beam_node_data_ready(struct tap_beam_node *n, short revents)
{
    if (n->data_state != TAP_DATA_OPEN || !revents || tap_conn_receive(&n->data) || n->final_here)
        return;
    /* The node will say that we closed it: here is why. */
    n->beam->host->log(n->beam->host, TAP_LOG_WARNING, "%s: its %s ended: %s", n->name,
                       n->data_local ? "connection over a Unix socket" : "TCP connection",
                       n->data.why[0] ? n->data.why : "it was closed");
    if (n->state == TAP_BEAM_STARTING && n->beam->acceptor->native_only) {
        tap_conn_close(&n->data); /* a process may take the events instead */
        n->data_state = TAP_DATA_EXPECTED;
        tap_beam_node_data_unused(n);
        return;
    }
    data_end(n);
}

void tap_beam_node_data_serve(struct tap_beam_node *n, int64_t now)
{
    if (n->data_state == TAP_DATA_OPEN && n->held_by && now > n->held_by)
        data_end(n);
}
