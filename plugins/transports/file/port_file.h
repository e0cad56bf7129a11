/* port_file.h: what a trace port wrote to a file (dbg:trace_port(file, ...), ttb), as the frames of
 * a recording: a node's name, what ttb knows of its processes (the .ti file beside it), its events,
 * its end. */
#ifndef TAP_TRANSPORTS_FILE_PORT_FILE_H
#define TAP_TRANSPORTS_FILE_PORT_FILE_H

#include "transports/common/port_frames.h"
#include "transports/file/reader.h"

struct tap_port_file {
    struct tap_port_frames frames;
    size_t at;         /* in frames.out: what is there before was given */
    int64_t started;   /* when it began, ns since 1970: as it says, or as the file was written */
    int64_t offset;    /* of its times to that */
    bool begun, ended; /* what stands before its events was given; and what stands behind */
    enum tap_reader_got end; /* how */
};

/* Is it such a file? Its bytes are read through the reader. */
bool tap_port_file_is(struct tap_reader *);
/* Up to its first message: frames.known, frames.node, started. FRAME: it has one. */
enum tap_reader_got tap_port_file_open(struct tap_port_file *, struct tap_reader *);
/* Before the first frame is taken: its times count from the same moment as another file's. */
void tap_port_file_like(struct tap_port_file *, const struct tap_port_file *);
/* `path`: beside which ttb's file may be. */
enum tap_reader_got tap_port_file_next(struct tap_port_file *, struct tap_reader *,
                                       const char *path, struct tap_frame *, const uint8_t **frame);
void tap_port_file_close(struct tap_port_file *);

/* ttb_info.c: tells what ttb's file beside the trace at `path` says, if there is one, as terms
 * {process_info, [{Pid, [{Key, Value}]}]} of some MiB. */
void tap_ttb_info(const char *path, void (*tell)(void *arg, const struct tap_buf *term), void *arg);

#endif
