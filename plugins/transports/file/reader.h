/* reader.h: a recorded file as its frames, one after the other (beamtap/frame.h). */
#ifndef TAP_TRANSPORTS_FILE_READER_H
#define TAP_TRANSPORTS_FILE_READER_H

#include "beamtap/transport.h"

enum tap_reader_got {
    TAP_READER_FRAME,
    TAP_READER_END,  /* the file ends behind a whole frame */
    TAP_READER_TORN, /* it ends within one */
    TAP_READER_BAD,  /* what comes here is not a frame of a recording */
    TAP_READER_ERROR /* see errno; ENOMEM too */
};

struct tap_reader {
    int fd;
    uint8_t *buf;
    size_t cap, at, len; /* not yet taken: at .. len */
    bool ended;
    uint64_t offset; /* of buf[at] in the file */
};

/* "-" is standard input. False: see errno. */
bool tap_reader_open(struct tap_reader *, const char *path);
/* The next frame, header and body at *frame, valid until the next call. */
enum tap_reader_got tap_reader_next(struct tap_reader *, struct tap_frame *header,
                                    const uint8_t **frame);
void tap_reader_close(struct tap_reader *);

#endif
