/* packet.h: the distribution protocol's packets, as far as a hidden C node speaks it.
 *
 * After the handshake everything is a packet: u32 length, then nothing (a tick) or 'p', a control
 * tuple and, for messages, the message; both terms with their version byte. A C node negotiates
 * neither fragments nor the atom cache, so a message is always one packet and its atoms stand in
 * full. Source: https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html
 *
 * Nothing here does I/O, allocates (but for the writer's buffer) or copies.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_PACKET_H
#define TAP_TRANSPORTS_BEAM_NET_PACKET_H

#include "beamtap/transport.h"

/* The largest packet that is accepted: a frame and its envelope. */
#define TAP_PACKET_MAX (TAP_FRAME_MAX + 4096u)

enum tap_packet_type {
    TAP_PACKET_PART, /* not all of it is here yet */
    TAP_PACKET_BAD,  /* not this protocol: end the connection */
    TAP_PACKET_TICK,
    TAP_PACKET_MESSAGE, /* to our pid or to a name: `term` */
    TAP_PACKET_FRAME,   /* a message that is a frame: `frame` */
    TAP_PACKET_OTHER    /* links, monitors, exits: nothing that we answer */
};
struct tap_packet {
    enum tap_packet_type type;
    size_t size;         /* of the whole packet with its length; PART: at least so much is needed */
    const uint8_t *term; /* MESSAGE: an external term without version byte; points into the input */
    size_t term_len;
    const uint8_t *to; /* MESSAGE, FRAME: the pid that it is for, an external term; NULL: a name */
    size_t to_len;
    const uint8_t *frame; /* FRAME: its header; the whole frame is there */
    struct tap_frame header;
};
/* Reads the packet that begins at `p`, of which `len` bytes are there. */
void tap_packet_read(const uint8_t *p, size_t len, struct tap_packet *);

/* The same on a connection that carries nothing but frames, one after the other. */
void tap_packet_read_bare(const uint8_t *p, size_t len, struct tap_packet *);

/* Append a whole packet: `term` (without version byte) to the process `to`, an external pid. */
void tap_packet_send(struct tap_buf *, const uint8_t *to, size_t to_len, const uint8_t *term,
                     size_t term_len);
/* The same to a registered name, from the process `from`. */
void tap_packet_send_name(struct tap_buf *, const uint8_t *from, size_t from_len, const char *name,
                          const uint8_t *term, size_t term_len);
void tap_packet_tick(struct tap_buf *);

#endif
