/* conn.h: one connection to a node: packets in, packets out, liveness.
 *
 * Input lands in the host's arenas, some 2,000 events a read, and stays there: frames are
 * committed by their offsets, and only an unfinished tail is ever copied, into the next arena.
 * Everything that is not a frame (answers of rex) is handed to the owner while it lies there.
 * Output is a bounded queue that is written whenever the socket takes it; nothing here waits. One
 * thread at a time.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_CONN_H
#define TAP_TRANSPORTS_BEAM_NET_CONN_H

#include "transports/beam/net/handshake.h"
#include "transports/beam/net/mask.h"
#include "transports/beam/net/packet.h"

#define TAP_CONN_OUT_MAX (4u << 20) /* bytes that may wait for a node that does not read */

struct tap_conn_events {
    /* A message that is no frame: an external term without version byte. Valid during the call. */
    void (*message)(void *arg, const uint8_t *term, size_t len);
    /* A frame, before it is committed; it lies whole at `frame`. False: the owner has taken it, it
     * is not committed. */
    bool (*frame)(void *arg, const struct tap_frame *header, const uint8_t *frame);
    /* How bytes become packets: tap_packet_read, or tap_packet_read_bare. */
    void (*packet)(const uint8_t *p, size_t len, struct tap_packet *);
};

struct tap_conn {
    const struct tap_host *host;
    struct tap_wire *wire; /* owned; NULL: closed */
    const struct tap_conn_events *events;
    void *arg;
    const struct tap_mask *mask;   /* of what is taken out of frames; NULL: nothing */
    uint32_t node;                 /* the host's index: whose frames these are */
    uint8_t self[TAP_PID_EXT_MAX]; /* our pid there, an external term */
    size_t self_len;
    struct tap_arena *arena; /* what is being received into; NULL between arenas */
    size_t used, parsed;     /* bytes of it that are filled, and that are whole packets */
    uint32_t *frames;        /* their offsets */
    size_t frame_count, frame_cap;
    uint64_t event_count; /* in these frames, as they say themselves */
    size_t read;          /* bytes a read at most */
    struct tap_buf out;
    size_t out_done;
    int64_t last_rx, last_tx; /* when bytes last came and went: tap_wire_now */
    uint64_t frame_bytes;     /* of frames received: what credit is about */
    char why[256];            /* after a failure: one sentence without the node's name */
};

/* Takes the wire over. */
void tap_conn_open(struct tap_conn *, const struct tap_host *, uint32_t node, struct tap_wire *,
                   const struct tap_conn_events *, void *arg);
/* Commits what is whole, gives back everything, closes. Twice does no harm. */
void tap_conn_close(struct tap_conn *);
/* Reads what is there (a bounded part: other nodes want their turn), tells the owner, commits.
 * False: the connection is broken, see `why`; what was whole has been told and committed all the
 * same. */
bool tap_conn_receive(struct tap_conn *);
/* Writes what the socket takes. False: broken, see `why`. */
bool tap_conn_flush(struct tap_conn *);
/* poll events that this connection waits for. */
static inline short tap_conn_wants(const struct tap_conn *c)
{
    return (short)(POLLIN | (c->out.len > c->out_done ? POLLOUT : 0));
}
/* Queue a message (a term without version byte) for the process `to` (an external pid), for a
 * registered name, or a tick; and write what goes at once. False: broken, or the node has not read
 * for too long. */
bool tap_conn_send(struct tap_conn *, const uint8_t *to, size_t to_len, const struct tap_buf *term);
bool tap_conn_send_name(struct tap_conn *, const char *name, const struct tap_buf *term);
bool tap_conn_tick(struct tap_conn *);

#endif
