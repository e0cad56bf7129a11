/* beam.c: start, run and stop over all nodes.
 *
 * First every node is connected, all at once, then every one started, all at once: connecting may
 * take its whole timeout for a node that is frozen, and a picture of several nodes is of use only
 * where all of them are in it.
 */
#include "transports/beam/beam.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "transports/beam/cluster.h"
#include "transports/beam/turn.h"
#include "transports/beam/net/own_name.h"

#define STOP_PATIENCE (5 * TAP_SECOND) /* beyond a lease */
#define NAME_MAX_LEN 60
#define START_PATIENCE (2 * TAP_SECOND) /* that the first nodes traced wait for the last */

enum tap_status tap_beam_new(const struct tap_host *host, int64_t connect_timeout, const char *name,
                             struct tap_beam **beam)
{
    if (name &&
        (!*name || strlen(name) > NAME_MAX_LEN ||
         name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")]))
        return TAP_FAIL(host, TAP_INVALID,
                        "name = %s: letters, digits, _ and - only, at most %d, and no @host", name,
                        NAME_MAX_LEN);
    struct tap_beam *b = calloc(1, sizeof *b);
    if (!b)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    b->host = host;
    b->own_name = -1;
    b->connect_timeout = connect_timeout;
    b->name = name;
    *beam = b;
    return TAP_OK;
}

static size_t beam_in_state(const struct tap_beam *b, enum tap_beam_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        n += b->nodes[i]->state == state;
    return n;
}

/* ---- Start */

/* all_nodes: asks the seed, which is joined, and waits for its answer. */
static void beam_discover(struct tap_beam *b)
{
    struct tap_beam_node *seed = b->nodes[0];
    struct tap_buf args = {0};
    tap_write_list(&args, 1);
    tap_write_atom(&args, b->host->plan->hidden_nodes ? "connected" : "visible");
    tap_write_nil(&args);
    /* else it has said why */
    bool ok = tap_beam_call(seed, "erlang", "nodes", &args, TAP_BEAM_TIME_LEFT);
    tap_buf_free(&args);
    if (ok)
        tap_cluster_seen(b, tap_cursor(seed->rpc.answer.data, seed->rpc.answer.len));
}

/* Dials every node that is due until there is an outcome for each. */
static void beam_connect(struct tap_beam *b)
{
    do
        tap_beam_turn(b, b->dialling ? 250 : 0);
    while (!b->host->transport->stopping(b->host) && !b->ending &&
           beam_in_state(b, TAP_BEAM_AWAY) + beam_in_state(b, TAP_BEAM_DIALLING) > 0);
}

/* Starts every node that is connected and waits for the outcome of each, though not long when some
 * are tracing and may go on alone. */
static void beam_begin(struct tap_beam *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->nodes[i]->state == TAP_BEAM_JOINED)
            tap_beam_node_start(b->nodes[i]);
    while (!b->host->transport->stopping(b->host) && !b->ending &&
           beam_in_state(b, TAP_BEAM_STARTING) > 0 &&
           (!b->began || tap_wire_now() - b->began < START_PATIENCE))
        tap_beam_turn(b, 20);
}

static bool beam_prepare(struct tap_beam *b)
{
    const struct tap_host *host = b->host;
    char why[1200];
    if (!tap_cookie_read(host->plan->cookie_file, &b->cookie, why, sizeof why))
        return TAP_FAIL(host, TAP_ERROR, "%s", why), false;
    tap_mask_set(&b->mask, b->cookie.text, host->plan);
    if (b->name)
        snprintf(b->alive, sizeof b->alive, "%s", b->name);
    else
        b->own_name = tap_own_name(b->alive, sizeof b->alive);
    b->granting = true;
    b->seen = tap_cluster_seen;
    b->epoch = tap_wire_epoch();
    b->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (b->wake < 0)
        return TAP_FAIL(host, TAP_ERROR, "cannot make an eventfd: %s", strerror(errno)), false;
    return tap_cluster_name(b) || (TAP_FAIL(host, TAP_ERROR, "out of memory"), false);
}

enum tap_status tap_beam_join(struct tap_beam *b)
{
    const struct tap_host *host = b->host;
    if (tap_cluster_open(b) && !host->plan->seed)
        return host->fail_at(host, &host->plan->nodes[0], 0,
                             "all_nodes needs `seed`: a node of the cluster that is meant");
    if (!beam_prepare(b) || (b->acceptor && !b->acceptor->open(b->acceptor, b)))
        return TAP_ERROR;
    beam_connect(b);
    if (tap_cluster_open(b) && b->nodes[0]->state == TAP_BEAM_JOINED &&
        !host->transport->stopping(host)) {
        beam_discover(b);
        beam_connect(b);
    }
    return TAP_OK;
}

enum tap_status tap_beam_start(struct tap_beam *b)
{
    const struct tap_host *host = b->host;
    enum tap_status status = tap_beam_join(b);
    if (status != TAP_OK)
        return status;
    if (!b->ending && !host->transport->stopping(host))
        beam_begin(b);
    if (!b->began) /* nothing was begun: what is connected is let go */
        for (size_t i = 0; i < b->count; i++)
            if (b->nodes[i]->state != TAP_BEAM_STARTING)
                tap_beam_node_leave(b->nodes[i]);
    if (b->began || beam_in_state(b, TAP_BEAM_STARTING) > 0)
        return TAP_OK;
    return host->transport->stopping(host) == 1 ? TAP_OK : TAP_ERROR;
}

/* ---- Run and stop */

enum tap_status tap_beam_run(struct tap_beam *b)
{
    const struct tap_host *host = b->host;
    while (beam_in_state(b, TAP_BEAM_TRACING) + beam_in_state(b, TAP_BEAM_STARTING) > 0) {
        int stopping = host->transport->stopping(host);
        if (stopping == 2)
            break;
        if (stopping == 1 || b->ending) {
            int64_t by = tap_wire_now() + host->plan->lease + STOP_PATIENCE;
            for (size_t i = 0; i < b->count; i++)
                tap_beam_node_stop(b->nodes[i], by);
        }
        tap_beam_turn(b, beam_in_state(b, TAP_BEAM_STARTING) > 0 ? 50 : 250);
    }
    return TAP_OK;
}

enum tap_status tap_beam_stop(struct tap_beam *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct tap_beam_node *n = b->nodes[i];
        bool traced = n->state == TAP_BEAM_TRACING ||
                      (n->state == TAP_BEAM_STARTING && tap_beam_node_may_trace(n));
        if (traced)
            tap_beam_node_fail(
                n, "left without its final report: tracing ends there with the connection");
        else
            tap_beam_node_leave(n);
    }
    if (b->acceptor)
        b->acceptor->close(b->acceptor);
    return TAP_OK;
}

void tap_beam_free(struct tap_beam *b)
{
    for (size_t i = 0; i < b->count; i++)
        tap_beam_node_free(b->nodes[i]);
    if (b->alive[0])
        close(b->wake);
    if (b->own_name >= 0)
        close(b->own_name);
    explicit_bzero(&b->cookie, sizeof b->cookie);
    explicit_bzero(&b->mask, sizeof b->mask);
    free(b->nodes);
    free(b->fds);
    free(b);
}
