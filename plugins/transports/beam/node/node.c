/* node.c: what is said to a node while it is traced, and what its silence means.
 *
 * Everything while tracing goes to the guardian: the relay's mailbox may hold a hundred thousand
 * trace messages, and a grant of credit behind them would come too late.
 */
#include "transports/beam/node/node.h"

#include <stdarg.h>
#include <stdio.h>

#include "transports/beam/node/agent_load.h"
#include "transports/beam/cluster.h"
#include "transports/beam/protocol.h"

#define SECOND INT64_C(1000000000)
/* beyond a lease, in which a living node has said something each second */
#define SILENCE (5 * SECOND)

/* also what an idle node's last events wait for at most, in the core's merge */
#define CLOCK_EVERY (SECOND / 4)
#define CLOCK_AHEAD (2 * CLOCK_EVERY) /* so long the last word on a clock may have to hold */
/* that an answer to our start may still take once the run is to end */
#define START_END (2 * SECOND)

/* ---- The end */

static void node_end(struct tap_beam_node *n, enum tap_node_state state,
                     const struct tap_node_final *final)
{
    struct tap_beam *b = n->beam;
    if (n->state == TAP_BEAM_STARTING)
        tap_agent_forget(n); /* it may be there, and unused */
    tap_conn_close(&n->conn);
    tap_conn_close(&n->data);
    tap_rpc_free(&n->rpc);
    tap_dial_drop(&n->dial);
    free(n->trouble);
    n->trouble = NULL;
    n->state = TAP_BEAM_ENDED;
    n->failed = state == TAP_NODE_FAILED;
    b->ending |= n->failed && b->host->plan->require_all;
    b->host->transport->node_state(b->host, n->index, state, final);
}

static bool node_fail(struct tap_beam_node *n, const char *format, va_list args)
{
    char text[1000];
    if (n->state == TAP_BEAM_ENDED)
        return false;
    n->retry_at = 0;
    vsnprintf(text, sizeof text, format, args);
    TAP_FAIL(n->beam->host, TAP_ERROR, "%s: %s", n->name, text);
    node_end(n, TAP_NODE_FAILED, NULL);
    return true;
}

bool tap_beam_node_fail(struct tap_beam_node *n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    node_fail(n, format, args);
    va_end(args);
    return false;
}

static void node_retry(struct tap_beam_node *n)
{
    n->retry_pause = TAP_BEAM_RETRY;
    n->retry_at = tap_wire_now() + n->retry_pause;
}

bool tap_beam_node_lost(struct tap_beam_node *n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (node_fail(n, format, args))
        node_retry(n);
    va_end(args);
    return false;
}

void tap_beam_node_leave(struct tap_beam_node *n)
{
    static const struct tap_node_final nothing = {.struct_size = sizeof nothing};
    n->retry_at = 0;
    if (n->state == TAP_BEAM_DIALLING && n->failed) { /* it is known as failed, and stays so */
        tap_dial_drop(&n->dial);
        n->state = TAP_BEAM_ENDED;
    } else if (n->state != TAP_BEAM_ENDED) {
        node_end(n, TAP_NODE_DONE, &nothing);
    }
}

/* The final report is here and committed. An end that nobody asked for is a failure, with exact
 * figures. */
static void node_finish(struct tap_beam_node *n)
{
    const struct tap_host *host = n->beam->host;
    const char *reason = n->final.reason;
    bool failed = !strcmp(reason, "lease") || !strcmp(reason, "relay") || !strcmp(reason, "failed");
    bool back = n->cut[0]; /* it lost us, and may be reached again */
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
    node_end(n, failed ? TAP_NODE_FAILED : TAP_NODE_DONE, &n->final.figures);
    if (back)
        node_retry(n);
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

/* ---- Clocks */

void tap_beam_node_exchanged(struct tap_beam_node *n, int64_t asked, int64_t answered,
                             int64_t monotonic)
{
    int64_t epoch = n->beam->epoch;
    tap_align_sample(&n->align, asked + epoch, answered + epoch, monotonic);
}

/* A control frame of our own: {align, Monotonic, Offset, Error, TimeOffset} (beamtap/frame.h). */
void tap_beam_node_align(struct tap_beam_node *n)
{
    static const uint32_t at[] = {0};
    const struct tap_host *host = n->beam->host;
    uint8_t head[TAP_FRAME_HEADER] = {
        'B', 'T', 'F', '1', TAP_FRAME_VERSION, TAP_FRAME_CONTROL | TAP_FRAME_OWN};
    struct tap_buf b = {0};
    if (!n->align.samples)
        return;
    tap_write_version(&b);
    tap_write_tuple(&b, 5);
    tap_write_atom(&b, "align");
    tap_write_i64(&b, n->align.monotonic);
    tap_write_i64(&b, tap_align_offset(&n->align));
    tap_write_i64(&b, tap_align_error(&n->align, CLOCK_AHEAD));
    tap_write_i64(&b, n->time_offset);
    struct tap_arena *arena =
        b.oom ? NULL : host->transport->reserve(host, sizeof head + 4 + b.len);
    if (arena) { /* else the last word holds a little longer */
        tap_put_u32(head + 24, 1);
        tap_put_u32(head + 36, (uint32_t)b.len + 4);
        memcpy(arena->data, head, sizeof head);
        tap_put_u32(arena->data + sizeof head, (uint32_t)b.len);
        memcpy(arena->data + sizeof head + 4, b.data, b.len);
        host->transport->commit(host, arena, n->index, at, 1);
    }
    tap_buf_free(&b);
}

/* ---- What comes in */

/* {beamtap, nodes, List}: the answer to tap_beam_node_look. */
static void node_neighbours(struct tap_beam_node *n, const uint8_t *term, size_t len)
{
    struct tap_cursor c = tap_cursor(term, len);
    uint32_t arity;
    if (tap_read_tuple(&c, &arity) && arity == 3 && tap_match_atom(&c, "beamtap") &&
        tap_match_atom(&c, "nodes"))
        tap_cluster_seen(n->beam, c);
}

static void node_message(void *arg, const uint8_t *term, size_t len)
{
    struct tap_beam_node *n = arg;
    if (!tap_rpc_message(&n->rpc, term, len)) /* whatever else is said to us is of no concern */
        node_neighbours(n, term, len);
}

void tap_beam_node_report(struct tap_beam_node *n, const struct tap_frame *header,
                          const uint8_t *frame, int64_t heard)
{
    struct tap_report_clock clock;
    if (tap_report_clock(header, frame, &clock)) {
        n->time_offset = clock.offset;
        if (clock.answer) {
            tap_beam_node_exchanged(n, clock.ref, heard, clock.monotonic);
            tap_beam_node_align(n);
        }
    }
    tap_beam_node_named(n, header, frame);
    if (!n->final_here)
        n->final_here = tap_report_final(header, frame, &n->final);
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
    if (revents & POLLOUT)
        ok = tap_conn_flush(&n->conn);
    if (revents & (POLLIN | POLLHUP | POLLERR))
        ok = tap_conn_receive(&n->conn) && ok;
    tap_beam_node_data_ready(n, data_revents);
    if (n->final_here && n->state != TAP_BEAM_ENDED)
        node_finish(n);
    else if (!ok && !tap_beam_node_cut(n))
        tap_beam_node_lost(n, "%s", n->conn.why);
}

/* ---- Calling */

/* Waits for the answer to a call that was `sent`. */
static bool node_await(struct tap_beam_node *n, bool sent, const char *module, const char *function,
                       int64_t timeout)
{
    const struct tap_host *host = n->beam->host;
    char text[TAP_BEAM_TIME], call[300];
    int64_t now = tap_wire_now(), tell_at = now + TAP_BEAM_PATIENCE, deadline = now + timeout;
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
                                      "the node does not answer %s:%s within %s: it may be "
                                      "frozen or overloaded, or have "
                                      "no `rex`",
                                      module, function, tap_beam_time(timeout, text));
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

bool tap_beam_node_call(struct tap_beam_node *n, const char *module, const char *function,
                        const struct tap_buf *args, int64_t timeout)
{
    struct tap_buf none = {0};
    if (!n->conn.wire)
        return false;
    if (!args)
        tap_write_nil(&none);
    bool sent = tap_rpc_send(&n->rpc, &n->conn, module, function, args ? args : &none);
    tap_buf_free(&none);
    return node_await(n, sent, module, function, timeout);
}

bool tap_beam_node_call_inside(struct tap_beam_node *n, const char *module, const char *function,
                               const struct tap_buf *args, int64_t timeout)
{
    return n->conn.wire &&
           node_await(n, tap_rpc_send_inside(&n->rpc, &n->conn, module, function, args), module,
                      function, timeout);
}

/* ---- What is said while tracing */

uint64_t tap_beam_node_taken(const struct tap_beam_node *n)
{
    return n->data_state == TAP_DATA_NONE ? n->conn.frame_bytes : n->data.frame_bytes;
}

void tap_beam_node_say(struct tap_beam_node *n, const char *what, const struct tap_buf *value)
{
    struct tap_buf b = {0};
    if (!n->conn.wire)
        return; /* the distribution broke, and the feed is still read */
    tap_write_tuple(&b, value ? 3 : 2);
    tap_write_atom(&b, "beamtap");
    tap_write_atom(&b, what);
    if (value)
        tap_buf_put(&b, value->data, value->len);
    b.oom |= value && value->oom;
    if (!tap_conn_send(&n->conn, n->guardian, n->guardian_len, &b))
        tap_beam_node_lost(n, "%s", n->conn.why);
    tap_buf_free(&b);
}

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
        tap_beam_node_say(n, "stop", NULL);
    } else if (n->state == TAP_BEAM_STARTING && tap_beam_node_may_trace(n)) {
        int64_t soon = tap_wire_now() + START_END;
        n->start_by = n->start_by < soon ? n->start_by : soon;
    } else if (n->state != TAP_BEAM_TRACING && n->state != TAP_BEAM_ENDED) {
        tap_beam_node_leave(n);
    }
}

static void node_serve_tracing(struct tap_beam_node *n, int64_t now)
{
    int64_t lease = n->beam->host->plan->lease;
    /* While stopping the credit flows whatever the sinks say: what is on its way must come out. */
    uint64_t taken = tap_beam_node_taken(n);
    int64_t heard = n->conn.last_rx > n->data.last_rx ? n->conn.last_rx : n->data.last_rx;
    if (n->granted <= taken + TAP_AGENT_CREDIT / 2 && (n->beam->granting || n->stop_by)) {
        n->granted = taken + TAP_AGENT_CREDIT;
        node_say_number(n, "credit", (int64_t)n->granted);
    }
    if (n->state == TAP_BEAM_TRACING)
        tap_beam_node_returns_off(n);
    if (n->state == TAP_BEAM_TRACING && now >= n->renew_at) {
        n->renew_at = now + lease / 3;
        tap_beam_node_say(n, "renew", NULL);
    }
    if (n->state == TAP_BEAM_TRACING && now >= n->clock_at) {
        n->clock_at = now + CLOCK_EVERY;
        node_say_number(n, "clock", tap_wire_now());
    }
    if (n->state == TAP_BEAM_TRACING && !n->stop_by)
        tap_beam_node_names(n, now);
    if (n->state == TAP_BEAM_TRACING && n->stop_by && now > n->stop_by)
        tap_beam_node_fail(
            n,
            "the final report did not come: tracing ends there by itself when its lease is over");
    else if (n->state == TAP_BEAM_TRACING && now - heard > lease + SILENCE)
        tap_beam_node_lost(n,
                           "the node has said nothing for %d s: it is frozen or cut off (tracing "
                           "ends there by itself when its lease is over)",
                           (int)((now - heard) / SECOND));
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
    if (n->conn.wire && now - n->conn.last_tx >= SECOND && !tap_conn_tick(&n->conn))
        tap_beam_node_lost(n, "%s", n->conn.why);
}
