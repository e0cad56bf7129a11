/* port_frames.h: what a trace port of the VM's (dbg:trace_port, ttb) writes, as frames.
 *
 * Such a port writes, to a file or a connection, a byte 0, a length of 32 bits and a trace message
 * as an external term, or a byte 1 and how many messages it dropped. Messages stay as they are, but
 * for times of the flag `timestamp`, {MegaSecs, Secs, MicroSecs}, which become what beamtap/frame.h
 * says. Whose they are is told by their pids. What is no message of a process (of ports, of
 * seq_trace) is left out, and counted.
 */
#ifndef TAP_TRANSPORTS_COMMON_PORT_FRAMES_H
#define TAP_TRANSPORTS_COMMON_PORT_FRAMES_H

#include "beamtap/event.h"
#include "beamtap/frame.h"
#include "beamtap/term_write.h"

#define TAP_PORT_HEADER 5u                          /* the byte and the length */
#define TAP_PORT_MESSAGE_MAX (TAP_FRAME_MAX - 256u) /* a longer one is damage */
#define TAP_PORT_CHUNK (128u << 10)                 /* a frame is ended where it has so much */

enum tap_port_op { TAP_PORT_MESSAGE, TAP_PORT_DROP };

/* Where the times of a trace come from. */
enum tap_port_clock {
    TAP_PORT_NO_TIME,
    TAP_PORT_WALL,     /* {MegaSecs, Secs, MicroSecs}: since 1970, by the node's clock */
    TAP_PORT_MONOTONIC /* since nobody knows when */
};

struct tap_port_frames {
    struct tap_buf out; /* frames, one after the other; the last one may be open */
    size_t begun;       /* where the open one begins */
    uint32_t count;     /* messages in it; 0: none is open */
    uint64_t seq;       /* of the next message */
    uint64_t dropped, left_out;
    /* What the first message said. */
    bool known;
    char node[1024]; /* its name */
    enum tap_port_clock clock;
    int64_t first; /* its time in ns, by that clock */
};

/* Does this begin what a trace port writes? At least TAP_PORT_HEADER + 3 bytes are needed. */
bool tap_port_begins(const uint8_t *p, size_t len);
/* One message, an external term with its version byte. The first one makes `known`, and has to wait
 * for what is to stand before it (tap_port_front_begin): it is to be given again. False: it has to
 * wait, or there is no memory (out.oom). Before it, `out` grows by messages that cannot be read
 * alone. */
bool tap_port_take(struct tap_port_frames *, const uint8_t *message, size_t len);
/* So many messages are missing here. */
void tap_port_drop(struct tap_port_frames *, uint64_t n);
/* So many that were there are not taken: max_events was reached. */
void tap_port_over(struct tap_port_frames *, uint64_t n);
/* Reports between these two stand before all that was passed before the first message, and before
 * its numbers. */
struct tap_port_passed {
    struct tap_buf frames;
    uint64_t seq;
};
void tap_port_front_begin(struct tap_port_frames *, struct tap_port_passed *);
void tap_port_front_end(struct tap_port_frames *, struct tap_port_passed *);
/* {node_up, Map}: the node's clock is `offset` ns before the time since 1970. */
void tap_port_node_up(struct tap_port_frames *, int64_t offset);
/* A report (TAP_FRAME_CONTROL) or a frame of a recording's own (TAP_FRAME_OWN with it): the term
 * between begin and end is the caller's to write to `out`. */
void tap_port_report_begin(struct tap_port_frames *, unsigned flags);
void tap_port_report_end(struct tap_port_frames *);
/* Ends the open frame. */
void tap_port_end(struct tap_port_frames *);

#endif
