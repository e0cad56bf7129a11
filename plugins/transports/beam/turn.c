/* turn.c: the loop that all nodes of a run share, and a call into one of them that waits in it. */
#include "transports/beam/turn.h"

#include <stdio.h>
#include <unistd.h>

#include "transports/beam/cluster.h"

/* Its place among the descriptors; -1: it is closed. */
static int beam_poll(struct tap_beam *b, const struct tap_conn *c, size_t *n)
{
    if (!c->wire)
        return -1;
    b->fds[*n] = (struct pollfd){.fd = c->wire->fd, .events = tap_conn_wants(c)};
    return (int)(*n)++;
}

void tap_beam_turn(struct tap_beam *b, int timeout)
{
    const struct tap_host *host = b->host;
    size_t n = 0, acceptor = 0, dials = b->dialling > 0;
    uint64_t count;
    if (dials)
        b->fds[n++] = (struct pollfd){.fd = b->wake, .events = POLLIN};
    for (size_t i = 0; i < b->count; i++) {
        b->nodes[i]->conn_at = beam_poll(b, &b->nodes[i]->conn, &n);
        b->nodes[i]->data_at = beam_poll(b, &b->nodes[i]->data, &n);
    }
    if (b->acceptor)
        acceptor = b->acceptor->poll(b->acceptor, b->fds + n);
    /* A sink that withholds credit does not wake us when it has room again. */
    host->transport->wait(host, b->fds, n + acceptor, !b->granting && timeout > 20 ? 20 : timeout);
    if (dials && b->fds[0].revents && read(b->wake, &count, sizeof count) < 0)
        dials = 0; /* somebody was faster: no harm */
    for (size_t i = 0; i < b->count; i++) {
        struct tap_beam_node *node = b->nodes[i];
        tap_beam_node_ready(node, node->conn_at < 0 ? 0 : b->fds[node->conn_at].revents,
                            node->data_at < 0 ? 0 : b->fds[node->data_at].revents);
    }
    b->granting = host->transport->may_grant(host);
    int64_t now = tap_wire_now();
    if (b->acceptor)
        b->acceptor->serve(b->acceptor, b->fds + n, acceptor, now);
    tap_cluster_turn(b, now);
    for (size_t i = 0; i < b->count; i++)
        tap_beam_node_serve(b->nodes[i], now);
}

/* Waits for the answer to a call that was `sent`. */
static bool await_answer(struct tap_beam_node *n, bool sent, const char *module,
                         const char *function, int64_t timeout)
{
    const struct tap_host *host = n->beam->host;
    char text[TAP_BEAM_TIME], call[300];
    bool all = timeout == TAP_BEAM_TIME_LEFT;
    int64_t now = tap_wire_now(), tell_at = now + TAP_BEAM_PATIENCE,
            deadline = now + (all ? tap_beam_node_time(n) : timeout);
    timeout = all ? n->beam->connect_timeout : timeout;
    if (!sent)
        return tap_beam_node_fail(n, "%s", n->conn.why);
    while (n->state != TAP_BEAM_ENDED && n->rpc.waiting) {
        int64_t left = deadline - (now = tap_wire_now());
        if (now > tell_at) {
            snprintf(call, sizeof call, "%s:%s", module, function);
            tap_beam_node_waits(n, call, timeout);
            tell_at = INT64_MAX;
        }
        if (left <= 0)
            return tap_beam_node_fail(n,
                                      "the node does not answer %s:%s within %s%s: it may be "
                                      "frozen or overloaded, or have no `rex`",
                                      module, function, tap_beam_time(timeout, text),
                                      all ? " of connecting (connect_timeout)" : "");
        if (host->transport->stopping(host)) {
            tap_beam_node_leave(n);
            return false;
        }
        tap_beam_turn(n->beam, left / 1000000 < 200 ? (int)(left / 1000000) + 1 : 200);
    }
    if (n->state != TAP_BEAM_ENDED && n->rpc.answer.oom)
        return tap_beam_node_fail(n, "out of memory");
    return n->state != TAP_BEAM_ENDED;
}

bool tap_beam_call(struct tap_beam_node *n, const char *module, const char *function,
                   const struct tap_buf *args, int64_t timeout)
{
    struct tap_buf none = {0};
    if (!n->conn.wire)
        return false;
    if (!args)
        tap_write_nil(&none);
    bool sent = tap_rpc_send(&n->rpc, &n->conn, module, function, args ? args : &none);
    tap_buf_free(&none);
    return await_answer(n, sent, module, function, timeout);
}

bool tap_beam_call_inside(struct tap_beam_node *n, const char *module, const char *function,
                          const struct tap_buf *args, int64_t timeout)
{
    return n->conn.wire &&
           await_answer(n, tap_rpc_send_inside(&n->rpc, &n->conn, module, function, args), module,
                        function, timeout);
}
