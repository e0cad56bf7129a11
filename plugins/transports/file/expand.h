/* expand.h: a frame of the native tracer's items as one list of trace messages: for whoever wants
 * these, or parts of a frame. */
#ifndef TAP_TRANSPORTS_FILE_EXPAND_H
#define TAP_TRANSPORTS_FILE_EXPAND_H

#include "beamtap/frame.h"
#include "beamtap/term_write.h"

struct tap_expand {
    struct tap_buf out;
    /* What the frame has defined so far: terms within it. */
    uint32_t process_count, function_count;
    struct tap_cursor processes[TAP_ITEM_RECORDED], functions[TAP_ITEM_RECORDED];
};

/* Header and frame, of TAP_FRAME_NUMBERED, become the other ones, until the next call. An item that
 * is not whole, or whose names are not defined, ends it: what follows is missing behind the rest.
 * False: there is no memory. */
bool tap_expand_frame(struct tap_expand *, struct tap_frame *header, const uint8_t **frame);

#endif
