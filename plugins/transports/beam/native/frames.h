/* frames.h: messages and reports into frames (beamtap/frame.h), and their numbers.
 *
 * Each message that was taken has a number, sent or lost; what was lost stands in front of the next
 * frame. Reports take no number.
 */
#ifndef TAP_NATIVE_FRAMES_H
#define TAP_NATIVE_FRAMES_H

#include "transports/beam/native/run.h"

#define TAP_FRAMES_BYTES (64u << 10) /* of a frame, but for a larger message */
#define TAP_FRAMES_EVENTS 1024u
#define TAP_FRAMES_OUT (1u << 20) /* bytes that wait for the socket, at the most */

struct tap_frames_out {
    struct tap_run *run;
    uint8_t *bytes;
    size_t len, cap, written; /* complete or begun; room; what the socket has */
    size_t frame;             /* where the frame begins that is being made */
    uint32_t count;           /* its messages; 0: none is being made */
    uint32_t number;
    uint64_t seq, sent, lost_all;
    uint64_t lost; /* before the next frame */
    uint32_t why;
    uint64_t given; /* bytes of all frames: what credit is about */
    bool oom;
};

/* May a message of `size` bytes be added, by credit? */
bool tap_frames_may(const struct tap_frames_out *, size_t size);
/* Room for a message, which counts as sent. NULL: there is no memory. */
uint8_t *tap_frames_add(struct tap_frames_out *, size_t size);
/* The next n numbers are lost. */
void tap_frames_lose(struct tap_frames_out *, uint64_t n, uint32_t why);
/* Completes the frame that is being made. */
void tap_frames_close(struct tap_frames_out *);
/* A report, behind everything so far. */
void tap_frames_report(struct tap_frames_out *, const uint8_t *term, size_t len);
/* Bytes that wait to be written. */
static inline size_t tap_frames_waiting(const struct tap_frames_out *o)
{
    return o->len - o->written;
}
/* n bytes were written. */
void tap_frames_written(struct tap_frames_out *, size_t n);

#endif
