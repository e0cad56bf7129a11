/* node_state.c: what every part of a node's life needs: how it ends, its clock, a word to its
 * guardian. It calls none of them.
 */
#include "transports/beam/node/node.h"

#include <stdarg.h>
#include <stdio.h>

#include "transports/beam/node/agent_code.h"
#include "transports/beam/node/run_state.h"

#define CLOCK_AHEAD \
    (2 * TAP_BEAM_CLOCK_EVERY) /* so long the last word on a clock may have to hold */

/* ---- The end */

/* Tells the agent that nobody needs it, without waiting: it follows whatever was asked before. */
static void forget_agent(struct tap_beam_node *n)
{
    struct tap_buf none = {0};
    tap_write_nil(&none);
    if (n->conn.wire)
        tap_rpc_send_inside(&n->rpc, &n->conn, tap_agent_code.module, "unload", &none);
    tap_buf_free(&none);
}

void tap_beam_node_end(struct tap_beam_node *n, enum tap_node_state state,
                       const struct tap_node_final *final)
{
    struct tap_beam *b = n->beam;
    if (n->state == TAP_BEAM_STARTING)
        forget_agent(n); /* it may be there, and unused */
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
    tap_beam_node_end(n, TAP_NODE_FAILED, NULL);
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

void tap_beam_node_retry(struct tap_beam_node *n)
{
    n->retry_pause = TAP_BEAM_RETRY;
    n->retry_at = tap_wire_now() + n->retry_pause;
}

bool tap_beam_node_lost(struct tap_beam_node *n, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (node_fail(n, format, args))
        tap_beam_node_retry(n);
    va_end(args);
    return false;
}

void tap_beam_node_broken(struct tap_beam_node *n)
{
    if (n->data_state != TAP_DATA_OPEN || n->state != TAP_BEAM_TRACING) {
        tap_beam_node_lost(n, "%s", n->conn.why);
        return;
    }
    snprintf(n->cut, sizeof n->cut, "%s", n->conn.why);
    tap_conn_close(&n->conn);
    n->held_by = tap_wire_now() + n->beam->host->plan->lease + TAP_LATE_PATIENCE;
}

void tap_beam_node_leave(struct tap_beam_node *n)
{
    static const struct tap_node_final nothing = {.struct_size = sizeof nothing};
    n->retry_at = 0;
    if (n->state == TAP_BEAM_DIALLING && n->failed) { /* it is known as failed, and stays so */
        tap_dial_drop(&n->dial);
        n->state = TAP_BEAM_ENDED;
    } else if (n->state != TAP_BEAM_ENDED) {
        tap_beam_node_end(n, TAP_NODE_DONE, &nothing);
    }
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
        b.oom ? NULL : host->transport->reserve(host, TAP_FRAME_HEADER + 4 + b.len);
    if (arena) { /* else the last word holds a little longer */
        struct tap_frame f = {
            .flags = TAP_FRAME_CONTROL | TAP_FRAME_OWN, .count = 1, .length = (uint32_t)b.len + 4};
        tap_frame_write(arena->data, &f);
        tap_put_u32(arena->data + TAP_FRAME_HEADER, (uint32_t)b.len);
        memcpy(arena->data + TAP_FRAME_HEADER + 4, b.data, b.len);
        host->transport->commit(host, arena, n->index, at, 1);
    }
    tap_buf_free(&b);
}

/* ---- Waiting */

const char *tap_beam_time(int64_t ns, char dst[TAP_BEAM_TIME])
{
    if (ns % TAP_SECOND == 0)
        snprintf(dst, TAP_BEAM_TIME, "%lld s", (long long)(ns / TAP_SECOND));
    else
        snprintf(dst, TAP_BEAM_TIME, "%lld ms", (long long)(ns / 1000000));
    return dst;
}

int64_t tap_beam_node_time(const struct tap_beam_node *n)
{
    int64_t left = n->dialled_at + n->beam->connect_timeout - tap_wire_now();
    return left > 0 ? left : 1;
}

void tap_beam_node_waits(struct tap_beam_node *n, const char *what, int64_t timeout)
{
    const struct tap_host *host = n->beam->host;
    char text[TAP_BEAM_TIME];
    if (n->waited)
        return;
    n->waited = true;
    host->log(host, TAP_LOG_INFO, "%s: waiting for %s, %s at the most", n->name, what,
              tap_beam_time(timeout, text));
}

/* ---- To its guardian */

/* It is renewed when half of it is used, and one message has up to two payloads. */
uint32_t tap_beam_credit(const struct tap_beam_node *n)
{
    int64_t twice = 2 * (2 * n->beam->host->plan->max_term + (64 << 10));
    return twice > TAP_AGENT_CREDIT ? (uint32_t)twice : TAP_AGENT_CREDIT;
}

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
        tap_beam_node_broken(n);
    tap_buf_free(&b);
}

void tap_beam_write_pid(struct tap_buf *b, const struct tap_host *host, const struct tap_pid *pid)
{
    const struct tap_name *node = tap_name_get(host, pid->node);
    tap_write_u8(b, TAP_EXT_NEW_PID);
    tap_write_atom_n(b, node->text, node->len);
    tap_write_u32(b, pid->id);
    tap_write_u32(b, pid->serial);
    tap_write_u32(b, pid->creation);
}
