/* cut.h: a frame of events in pieces that are short in time. A recorder fills its frames; where
 * several files take turns, one frame must not be further ahead of the others than the core's order
 * of nodes looks (correlate/merge.h). */
#ifndef TAP_TRANSPORTS_FILE_CUT_H
#define TAP_TRANSPORTS_FILE_CUT_H

#include "beamtap/frame.h"
#include "beamtap/term_write.h"

struct tap_cut {
    struct tap_frame header; /* of the piece that comes next; count: what is left */
    struct tap_cursor at;    /* its first message */
    struct tap_buf out;
    /* Of the piece that was given, by the node's clock; false: its messages have no times. */
    bool timed;
    int64_t first, last;
};

/* The frame stays where it is until all pieces are taken. */
void tap_cut_begin(struct tap_cut *, const struct tap_frame *, const uint8_t *frame);
/* The next piece, until the next call. False: there is none, or no memory (out.oom). */
bool tap_cut_next(struct tap_cut *, struct tap_frame *, const uint8_t **frame);
void tap_cut_free(struct tap_cut *);

#endif
