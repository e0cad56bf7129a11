/* beam.c: start, run and stop over all nodes.
 *
 * First every node is connected, then every one started: connecting may take its whole timeout for a node that is
 * frozen, and nothing should be traced meanwhile that nobody collects.
 */
#include "beam.h"

#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define CALL_TIMEOUT (10 * SECOND)
#define STOP_PATIENCE (5 * SECOND) /* beyond a lease */
#define COOKIE_MAX 512

/* ---- The round */

void tap_beam_turn(struct tap_beam *b, int timeout)
{
    const struct tap_host *host = b->host;
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        if (b->nodes[i]->conn.wire)
            b->fds[n++] = (struct pollfd){.fd = b->nodes[i]->conn.wire->fd,
                                          .events = tap_conn_wants(&b->nodes[i]->conn)};
    /* A sink that withholds credit does not wake us when it has room again. */
    host->wait(host, b->fds, n, !b->granting && timeout > 20 ? 20 : timeout);
    n = 0;
    for (size_t i = 0; i < b->count; i++)
        if (b->nodes[i]->conn.wire)
            tap_beam_node_ready(b->nodes[i], b->fds[n++].revents);
    b->granting = host->may_grant(host);
    int64_t now = tap_wire_now();
    for (size_t i = 0; i < b->count; i++)
        tap_beam_node_serve(b->nodes[i], now);
}

static size_t beam_in_state(const struct tap_beam *b, enum tap_beam_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        n += b->nodes[i]->state == state;
    return n;
}

/* ---- Start */

/* Adds a node, unless it is there already. NULL: out of memory. */
static struct tap_beam_node *beam_add(struct tap_beam *b, const char *name, size_t len)
{
    for (size_t i = 0; i < b->count; i++)
        if (strlen(b->nodes[i]->name) == len && !memcmp(b->nodes[i]->name, name, len))
            return b->nodes[i];
    struct tap_beam_node **nodes = realloc(b->nodes, (b->count + 1) * sizeof *nodes);
    if (nodes)
        b->nodes = nodes;
    struct pollfd *fds = realloc(b->fds, (b->count + 1) * sizeof *fds);
    if (fds)
        b->fds = fds;
    struct tap_beam_node *n = nodes && fds ? calloc(1, sizeof *n) : NULL;
    if (!n || !(n->name = strndup(name, len))) {
        free(n);
        return NULL;
    }
    n->beam = b;
    n->index = b->host->node_add(b->host, n->name);
    b->host->node_state(b->host, n->index, TAP_NODE_CONNECTING, NULL);
    b->nodes[b->count++] = n;
    return n;
}

/* Connects what is not connected yet; what is, is kept alive meanwhile. */
static void beam_connect(struct tap_beam *b, const char *alive, const char *cookie)
{
    for (size_t i = 0; i < b->count && !b->host->stopping(b->host); i++) {
        if (b->nodes[i]->state == TAP_BEAM_CONNECTING)
            tap_beam_node_connect(b->nodes[i], alive, cookie, b->connect_timeout);
        tap_beam_turn(b, 0);
    }
}

/* all_nodes: the seed, and the nodes that it sees (not the hidden ones: we are one). */
static bool beam_discover(struct tap_beam *b, const char *alive, const char *cookie)
{
    const char *seed = b->host->plan->seed;
    struct tap_beam_node *n = beam_add(b, seed, strlen(seed));
    if (!n)
        return false;
    beam_connect(b, alive, cookie);
    if (!tap_beam_node_call(n, "erlang", "nodes", NULL, CALL_TIMEOUT))
        return true; /* it has said why */
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    uint32_t count, len;
    const char *text;
    bool latin1;
    if (!tap_read_list(&c, &count)) {
        tap_beam_node_fail(n, "its answer to nodes() makes no sense");
        return true;
    }
    for (uint32_t i = 0; i < count && tap_read_atom(&c, &text, &len, &latin1); i++)
        if (!beam_add(b, text, len))
            return false;
    return true;
}

static bool beam_name_nodes(struct tap_beam *b, const char *alive, const char *cookie)
{
    const struct tap_plan *plan = b->host->plan;
    if (plan->node_count == 1 && !strcmp(plan->nodes[0].text, "all_nodes"))
        return beam_discover(b, alive, cookie);
    for (size_t i = 0; i < plan->node_count; i++)
        if (!beam_add(b, plan->nodes[i].text, strlen(plan->nodes[i].text)))
            return false;
    return true;
}

enum tap_status tap_beam_start(struct tap_beam *b)
{
    const struct tap_host *host = b->host;
    char cookie[COOKIE_MAX + 1], alive[64], why[400];
    uint32_t random = 0;
    const struct tap_plan *plan = host->plan;
    if (plan->node_count == 1 && !strcmp(plan->nodes[0].text, "all_nodes") && !plan->seed)
        return host->fail_at(host, &plan->nodes[0], 0,
                             "all_nodes needs `seed`: a node of the cluster that is meant");
    if (!tap_handshake_cookie(plan->cookie_file, cookie, sizeof cookie, why, sizeof why))
        return TAP_FAIL(host, TAP_ERROR, "%s", why);
    if (getrandom(&random, sizeof random, 0) < 0)
        random = (uint32_t)tap_wire_now();
    if (b->name)
        snprintf(alive, sizeof alive, "%s", b->name);
    else
        snprintf(alive, sizeof alive, "beamtap_%d_%08x", (int)getpid(), random);
    b->granting = true;
    if (!beam_name_nodes(b, alive, cookie))
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    beam_connect(b, alive, cookie);
    for (size_t i = 0; i < b->count; i++) {
        if (b->nodes[i]->state == TAP_BEAM_JOINED && !host->stopping(host))
            tap_beam_node_start(b->nodes[i], host->session->run);
        else if (b->nodes[i]->state != TAP_BEAM_ENDED)
            tap_beam_node_leave(b->nodes[i]); /* stopped before anything was done there */
    }
    /* A node may be through with its duration before the last one started. */
    for (size_t i = 0; i < b->count; i++)
        if (b->nodes[i]->state == TAP_BEAM_TRACING || b->nodes[i]->final_here)
            return TAP_OK;
    return host->stopping(host) == 1 ? TAP_OK : TAP_ERROR;
}

/* ---- Run and stop */

enum tap_status tap_beam_run(struct tap_beam *b)
{
    const struct tap_host *host = b->host;
    while (beam_in_state(b, TAP_BEAM_TRACING) > 0) {
        int stopping = host->stopping(host);
        if (stopping == 2)
            break;
        if (stopping == 1) {
            int64_t by = tap_wire_now() + host->plan->lease + STOP_PATIENCE;
            for (size_t i = 0; i < b->count; i++)
                tap_beam_node_stop(b->nodes[i], by);
        }
        tap_beam_turn(b, 250);
    }
    return TAP_OK;
}

enum tap_status tap_beam_stop(struct tap_beam *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->nodes[i]->state == TAP_BEAM_TRACING)
            tap_beam_node_fail(b->nodes[i],
                               "left without its final report: tracing ends there with the connection");
        else if (b->nodes[i]->state == TAP_BEAM_JOINED)
            tap_beam_node_leave(b->nodes[i]);
    return TAP_OK;
}

void tap_beam_free(struct tap_beam *b)
{
    for (size_t i = 0; i < b->count; i++)
        tap_beam_node_free(b->nodes[i]);
    free(b->nodes);
    free(b->fds);
    free(b);
}
