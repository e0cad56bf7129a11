/* conn.c: the receiving end. See conn.h for how arenas are used; this is the hot path of live
 * tracing, and its cost a byte is one read(2).
 */
#include "transports/beam/net/conn.h"

#include <errno.h>
#include <stdio.h>

#define READ_MAX (256u << 10)
#define READ_MIN (48u << 10)
#define ARENA_READS 2u    /* an arena without a tail holds so many reads */
#define READ_EVENTS 2000u /* a read brings about so many: they and their bytes stay in a cache */
#define READ_ROUNDS 4     /* reads a turn: then the other nodes' turn comes */

static bool conn_fail(struct tap_conn *c, const char *why)
{
    if (!c->why[0])
        snprintf(c->why, sizeof c->why, "%s", why);
    return false;
}

static bool conn_fail_errno(struct tap_conn *c, int error)
{
    if (!c->why[0])
        snprintf(c->why, sizeof c->why, "the connection broke (%s)", strerror(error));
    return false;
}

void tap_conn_open(struct tap_conn *c, const struct tap_host *host, uint32_t node,
                   struct tap_wire *wire, const struct tap_conn_events *events, void *arg)
{
    c->host = host;
    c->node = node;
    c->wire = wire;
    c->events = events;
    c->arg = arg;
    c->read = READ_MAX;
    c->last_rx = c->last_tx = tap_wire_now();
}

/* How much is read at once, by what the events of this arena took. */
static void conn_fit(struct tap_conn *c)
{
    if (c->event_count < READ_EVENTS / 8)
        return;
    size_t bytes = c->parsed * READ_EVENTS / c->event_count;
    c->read = bytes < READ_MIN ? READ_MIN : bytes > READ_MAX ? READ_MAX : bytes;
}

/* Hands the arena over; the unfinished rest moves to a new one with room for `need` bytes. */
static bool conn_commit(struct tap_conn *c, size_t need)
{
    size_t rest = c->used - c->parsed;
    struct tap_arena *next = NULL;
    conn_fit(c);
    if (rest > 0) {
        size_t size = rest + c->read;
        next = c->host->transport->reserve(c->host, need > size ? need : size);
        if (next)
            memcpy(next->data, c->arena->data + c->parsed, rest);
    }
    if (c->frame_count > 0)
        c->host->transport->commit(c->host, c->arena, c->node, c->frames, c->frame_count);
    else
        c->host->transport->discard(c->host, c->arena);
    c->arena = next;
    c->used = next ? rest : 0;
    c->parsed = 0;
    c->frame_count = 0;
    c->event_count = 0;
    return next || rest == 0 || conn_fail(c, "out of memory");
}

void tap_conn_close(struct tap_conn *c)
{
    if (c->arena) {
        c->used = c->parsed;
        conn_commit(c, 0);
    }
    if (c->wire)
        c->wire->ops->close(c->wire);
    c->wire = NULL;
    tap_buf_free(&c->out);
    c->out_done = 0;
    free(c->frames);
    c->frames = NULL;
    c->frame_count = c->frame_cap = 0;
}

static bool conn_note_frame(struct tap_conn *c, const struct tap_packet *p)
{
    if (c->frame_count == c->frame_cap) {
        size_t cap = c->frame_cap ? 2 * c->frame_cap : 64;
        uint32_t *frames = realloc(c->frames, cap * sizeof *frames);
        if (!frames)
            return conn_fail(c, "out of memory");
        c->frames = frames;
        c->frame_cap = cap;
    }
    c->frame_bytes += TAP_FRAME_HEADER + p->header.length;
    if (c->mask)
        tap_mask_bytes(c->mask, c->arena->data + (p->frame - c->arena->data) + TAP_FRAME_HEADER,
                       p->header.length);
    if (!c->events->frame(c->arg, &p->header, p->frame))
        return true;
    c->frames[c->frame_count++] = (uint32_t)(p->frame - c->arena->data);
    c->event_count += p->header.count;
    return true;
}

/* Is it for another life of ours? An agent that lost us tries to reach us under the name that we
 * still have. Nodes write the atom of a pid in several ways; behind it come id, serial and
 * creation. */
static bool conn_stale(const struct tap_conn *c, const struct tap_packet *p)
{
    return p->to && c->self_len > 12 && p->to_len > 12 &&
           memcmp(p->to + p->to_len - 12, c->self + c->self_len - 12, 12) != 0;
}

/* Goes through the whole packets; *need is the size of the one that is not whole yet. */
static bool conn_parse(struct tap_conn *c, size_t *need)
{
    struct tap_packet p;
    for (;;) {
        c->events->packet(c->arena->data + c->parsed, c->used - c->parsed, &p);
        *need = p.size;
        if (p.type != TAP_PACKET_BAD && conn_stale(c, &p))
            p.type = TAP_PACKET_OTHER;
        switch (p.type) {
        case TAP_PACKET_PART: return true;
        case TAP_PACKET_BAD:
            return conn_fail(
                c, "the node sent what is not the protocol of this connection, or a bad frame");
        case TAP_PACKET_TICK:
            if (!tap_conn_tick(c))
                return false;
            break;
        case TAP_PACKET_MESSAGE: c->events->message(c->arg, p.term, p.term_len); break;
        case TAP_PACKET_FRAME:
            if (!conn_note_frame(c, &p))
                return false;
            break;
        case TAP_PACKET_OTHER: break;
        }
        c->parsed += p.size;
    }
}

/* One read and what it brought. *more: the socket may hold more. */
static bool conn_read(struct tap_conn *c, bool *more)
{
    if (!c->arena) {
        c->arena = c->host->transport->reserve(c->host, ARENA_READS * c->read);
        c->used = c->parsed = 0;
        if (!c->arena)
            return conn_fail(c, "out of memory");
    }
    size_t room = c->arena->size - c->used, want = room < c->read ? room : c->read, need = 0;
    ssize_t n = c->wire->ops->read(c->wire, c->arena->data + c->used, want);
    *more = n == (ssize_t)want;
    if (n == 0)
        return conn_fail(c, "the node closed the connection: it ended, or was told to disconnect");
    if (n < 0)
        return errno == EAGAIN || errno == EINTR || conn_fail_errno(c, errno);
    c->used += (size_t)n;
    c->last_rx = tap_wire_now();
    if (!conn_parse(c, &need))
        return false;
    if (c->parsed == c->used && c->frame_count == 0) {
        c->used = c->parsed = 0; /* only ticks and answers: the arena is as good as new */
    } else if (c->parsed + need > c->arena->size || c->arena->size - c->used < c->read / 2 ||
               c->event_count >= READ_EVENTS) {
        return conn_commit(c, need);
    }
    return true;
}

bool tap_conn_receive(struct tap_conn *c)
{
    bool ok = true, more = true;
    for (int i = 0; ok && more && i < READ_ROUNDS; i++)
        ok = conn_read(c, &more);
    if (c->arena && c->frame_count > 0)
        ok = conn_commit(c, c->used - c->parsed) && ok;
    else if (c->arena && c->used == 0) {
        c->host->transport->discard(c->host, c->arena); /* an idle node holds no memory */
        c->arena = NULL;
    }
    return ok;
}

bool tap_conn_flush(struct tap_conn *c)
{
    if (c->out.oom)
        return conn_fail(c, "out of memory");
    while (c->wire && c->out_done < c->out.len) {
        ssize_t n =
            c->wire->ops->write(c->wire, c->out.data + c->out_done, c->out.len - c->out_done);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0 && errno != EINTR)
            return conn_fail_errno(c, errno);
        if (n > 0) {
            c->out_done += (size_t)n;
            c->last_tx = tap_wire_now();
        }
    }
    if (c->out_done == c->out.len)
        c->out.len = c->out_done = 0;
    return c->out.len - c->out_done <= TAP_CONN_OUT_MAX ||
           conn_fail(c, "the node does not read what is sent to it");
}

bool tap_conn_send(struct tap_conn *c, const uint8_t *to, size_t to_len, const struct tap_buf *term)
{
    if (term->oom)
        return conn_fail(c, "out of memory");
    tap_packet_send(&c->out, to, to_len, term->data, term->len);
    return tap_conn_flush(c);
}

bool tap_conn_send_name(struct tap_conn *c, const char *name, const struct tap_buf *term)
{
    if (term->oom)
        return conn_fail(c, "out of memory");
    tap_packet_send_name(&c->out, c->self, c->self_len, name, term->data, term->len);
    return tap_conn_flush(c);
}

bool tap_conn_tick(struct tap_conn *c)
{
    tap_packet_tick(&c->out);
    return tap_conn_flush(c);
}
