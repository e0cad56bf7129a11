/* node.c: what is said to a node while it is traced, and what its silence means.
 *
 * Everything while tracing goes to the guardian: the relay's mailbox may hold a hundred thousand
 * trace messages, and a grant of credit behind them would come too late.
 */
#include "transports/beam/node/node.h"

#include "transports/beam/node/run_state.h"
#include "transports/beam/protocol.h"

/* beyond a lease, in which a living node has said something each second */
#define SILENCE (5 * TAP_SECOND)

/* that an answer to our start may still take once the run is to end */
#define START_END (2 * TAP_SECOND)

/* that the final report may take from the last frame on, and from our stop on while frames come:
 * what waits in a node's relay, or on a slow line, is the last that it has to tell */
#define STOP_QUIET (5 * TAP_SECOND)
#define STOP_LONGEST (60 * TAP_SECOND)

/* ---- The end */

/* The final report is here and committed. An end that nobody asked for is a failure, with exact
 * figures. */
static void node_finish(struct tap_beam_node *n)
{
    const struct tap_host *host = n->beam->host;
    const char *reason = n->final.reason;
    bool failed = !strcmp(reason, "lease") || !strcmp(reason, "relay") || !strcmp(reason, "failed");
    bool back = n->cut[0] && failed; /* it lost us, and may be reached again */
    n->retry_at = 0;
    if (n->state == TAP_BEAM_STARTING) /* it was over before we were told that it had begun */
        tap_beam_node_traces(n);
    if (failed)
        TAP_FAIL(host, TAP_ERROR, "%s: tracing ended there: %s", n->name, n->final.text);
    else if (strcmp(reason, "stop") != 0 && strcmp(reason, "duration") != 0 &&
             strcmp(reason, "call") != 0)
        host->log(host, TAP_LOG_WARNING, "%s: tracing ended there: %s", n->name, n->final.text);
    if (n->final.peak_queue > host->plan->max_queue)
        host->log(host, TAP_LOG_INFO,
                  "%s: the relay's queue reached %lld messages; max_queue is %lld", n->name,
                  (long long)n->final.peak_queue, (long long)host->plan->max_queue);
    tap_beam_node_end(n, failed ? TAP_NODE_FAILED : TAP_NODE_DONE, &n->final.figures);
    if (back) {
        n->final_here = false; /* it was of this life: the next dial must not find it */
        tap_beam_node_data_reset(n);
        tap_beam_node_retry(n);
    }
}

void tap_beam_node_free(struct tap_beam_node *n)
{
    tap_conn_close(&n->conn);
    tap_beam_node_data_reset(n);
    tap_rpc_free(&n->rpc);
    tap_dial_drop(&n->dial);
    free(n->trouble);
    free(n->name);
    free(n->target);
    free(n);
}

/* ---- What comes in */

/* {beamtap, nodes, List}: the answer to tap_beam_node_look. */
static void node_neighbours(struct tap_beam_node *n, const uint8_t *term, size_t len)
{
    struct tap_cursor c = tap_cursor(term, len);
    uint32_t arity;
    if (tap_read_tuple(&c, &arity) && arity == 3 && tap_match_atom(&c, "beamtap") &&
        tap_match_atom(&c, "nodes"))
        n->beam->seen(n->beam, c);
}

static void node_message(void *arg, const uint8_t *term, size_t len)
{
    struct tap_beam_node *n = arg;
    if (!tap_rpc_message(&n->rpc, term, len)) /* whatever else is said to us is of no concern */
        node_neighbours(n, term, len);
}

static bool node_frame(void *arg, const struct tap_frame *header, const uint8_t *frame)
{
    struct tap_beam_node *n = arg;
    if (n->data_state != TAP_DATA_NONE && tap_beam_node_held(n, header, frame))
        return false;
    tap_beam_node_report(n, header, frame, n->conn.last_rx);
    return true;
}

const struct tap_conn_events tap_beam_node_events = {node_message, node_frame, tap_packet_read};

void tap_beam_node_ready(struct tap_beam_node *n, short revents, short data_revents)
{
    bool ok = true;
    if (n->state == TAP_BEAM_ENDED)
        return;
    if (!n->conn.wire) /* it broke in this turn, as something was said */
        revents = 0;
    if (revents & POLLOUT)
        ok = tap_conn_flush(&n->conn);
    if (revents & (POLLIN | POLLHUP | POLLERR))
        ok = tap_conn_receive(&n->conn) && ok;
    if (!ok && !n->final_here) /* first: what else is here then tells of that end */
        tap_beam_node_broken(n);
    if (n->state != TAP_BEAM_ENDED)
        tap_beam_node_data_ready(n, data_revents);
    if (n->final_here && n->state != TAP_BEAM_ENDED)
        node_finish(n);
}

/* ---- What is said while tracing */

static void node_say_number(struct tap_beam_node *n, const char *what, int64_t number)
{
    struct tap_buf b = {0};
    tap_write_i64(&b, number);
    tap_beam_node_say(n, what, &b);
    tap_buf_free(&b);
}

void tap_beam_node_look(struct tap_beam_node *n, bool hidden)
{
    struct tap_buf b = {0};
    tap_write_atom(&b, hidden ? "connected" : "visible");
    tap_beam_node_say(n, "nodes", &b);
    tap_buf_free(&b);
}

void tap_beam_node_stop(struct tap_beam_node *n, int64_t by)
{
    n->retry_at = 0;
    if (n->state == TAP_BEAM_TRACING && !n->stop_by) {
        n->stop_by = by;
        n->stop_taken = tap_beam_node_taken(n);
        n->stop_last = tap_wire_now() + STOP_LONGEST;
        tap_beam_node_say(n, "stop", NULL);
    } else if (n->state == TAP_BEAM_STARTING && tap_beam_node_may_trace(n)) {
        int64_t soon = tap_wire_now() + START_END;
        n->start_by = n->start_by < soon ? n->start_by : soon;
    } else if (n->state != TAP_BEAM_TRACING && n->state != TAP_BEAM_ENDED) {
        tap_beam_node_leave(n);
    }
}

/* Frames still come: there is more time for the final report behind them. */
static void node_stop_later(struct tap_beam_node *n, int64_t now)
{
    uint64_t taken = tap_beam_node_taken(n);
    int64_t by = now + STOP_QUIET;
    if (taken <= n->stop_taken)
        return;
    n->stop_taken = taken;
    by = by < n->stop_last ? by : n->stop_last;
    if (by > n->stop_by)
        n->stop_by = by;
}

static void node_serve_tracing(struct tap_beam_node *n, int64_t now)
{
    int64_t lease = n->beam->host->plan->lease;
    /* While stopping the credit flows whatever the sinks say: what is on its way must come out. */
    uint64_t taken = tap_beam_node_taken(n);
    int64_t heard = n->conn.last_rx > n->data.last_rx ? n->conn.last_rx : n->data.last_rx;
    if (n->granted <= taken + tap_beam_credit(n) / 2 && (n->beam->granting || n->stop_by)) {
        n->granted = taken + tap_beam_credit(n);
        node_say_number(n, "credit", (int64_t)n->granted);
    }
    if (n->state == TAP_BEAM_TRACING)
        tap_beam_node_returns_off(n);
    if (n->state == TAP_BEAM_TRACING && now >= n->renew_at) {
        n->renew_at = now + lease / 3;
        tap_beam_node_say(n, "renew", NULL);
    }
    if (n->state == TAP_BEAM_TRACING && now >= n->clock_at) {
        n->clock_at = now + TAP_BEAM_CLOCK_EVERY;
        node_say_number(n, "clock", tap_wire_now());
    }
    if (n->state == TAP_BEAM_TRACING && !n->stop_by)
        tap_beam_node_names(n, now);
    if (n->stop_by)
        node_stop_later(n, now);
    if (n->state == TAP_BEAM_TRACING && n->stop_by && now > n->stop_by)
        tap_beam_node_fail(
            n,
            "the final report did not come: tracing ends there by itself when its lease is over");
    else if (n->state == TAP_BEAM_TRACING && now - heard > lease + SILENCE)
        tap_beam_node_lost(n,
                           "the node has said nothing for %d s: it is frozen or cut off (tracing "
                           "ends there by itself when its lease is over)",
                           (int)((now - heard) / TAP_SECOND));
}

void tap_beam_node_serve(struct tap_beam_node *n, int64_t now)
{
    tap_beam_node_data_serve(n, now);
    if (n->final_here && n->state != TAP_BEAM_ENDED)
        node_finish(n);
    if (n->state == TAP_BEAM_TRACING)
        node_serve_tracing(n, now);
    else if (n->state == TAP_BEAM_STARTING)
        tap_beam_node_step(n, now);
    /* Any node takes a connection for dead that is silent for net_ticktime, and some set that
     * low. */
    if (n->conn.wire && now - n->conn.last_tx >= TAP_SECOND && !tap_conn_tick(&n->conn))
        tap_beam_node_broken(n);
}
