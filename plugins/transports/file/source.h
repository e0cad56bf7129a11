/* source.h: one of the files that are played, a recording or what a trace port wrote: its frames,
 * one after the other, and when each was. */
#ifndef TAP_TRANSPORTS_FILE_SOURCE_H
#define TAP_TRANSPORTS_FILE_SOURCE_H

#include "transports/file/cut.h"
#include "transports/file/expand.h"
#include "transports/file/pace.h"
#include "transports/file/port_file.h"
#include "transports/file/reader.h"
#include "transports/file/told.h"

/* Of a node's reports: in which of its lives, before which number, and the how manieth there. */
struct tap_report_place {
    unsigned life;
    uint64_t seq;
    uint32_t count;
};

struct tap_source_node {
    bool known, alive;
    bool traced;      /* since it is alive: there was more than what the recorder itself says */
    bool left_out;    /* events before its next frame were passed over, nobody lost them */
    uint64_t damaged; /* but for so many at the most */
    struct tap_unread unread;     /* before its next frame, and no filter would let them through */
    struct tap_source_node *twin; /* the same of the same run, in a file before this one */
    const struct tap_source *of;  /* whose it is */
    struct tap_report_place reports; /* up to there this file told them; of the first, all files */
    unsigned lives;                  /* whose end this file told */
    unsigned ended;                  /* and that ended: all files told it */
    bool told;                       /* the end of its present life */
    uint32_t index;                  /* the core's */
    char *name;
    struct tap_pace pace;
    uint64_t
        base; /* what its numbers begin behind: another file's, of which it is the next piece */
    uint64_t next;  /* of its present life: the number that comes next */
    int64_t offset; /* of its clock to the time since 1970, as far as that was told */
    bool aligned;   /* it was measured: what the node says of itself counts no more */
};

/* The node in the first file that has it. */
static inline struct tap_source_node *tap_node_first(struct tap_source_node *n)
{
    return n->twin ? n->twin : n;
}

struct tap_source {
    const struct tap_host *host;
    const char *path;
    struct tap_reader reader;
    struct tap_port_file *port; /* NULL: it is a recording */
    bool hollow; /* a trace port's, and no message tells whose: there is nothing to play */
    struct tap_source_node *nodes; /* by their index in the file */
    struct tap_told told;
    bool joint; /* another file is of the same run: what one left out the other may have */
    struct tap_expand *expand; /* NULL: items are played as they are */
    int64_t started;
    uint64_t damages;
    /* The frame that comes next. */
    bool ready, begun;
    enum tap_reader_got got; /* FRAME: it is there; else how the file ended */
    int error;               /* with TAP_READER_ERROR: why */
    struct tap_frame header;
    const uint8_t *frame;
    struct tap_cut cut; /* where several files take turns: the frame in pieces */
    int64_t time;       /* when it was, by its first event */
    int64_t passed;     /* the last event before what comes next */
    uint64_t events;    /* that came of it, and how many of them another file of the run had, too */
    uint64_t again;
};

/* Opens the file and reads what it says of its run, into *info as far as it says anything. `alone`:
 * a hollow one is no recording, else it is said what it held. */
enum tap_status tap_source_open(struct tap_source *, const struct tap_host *, const char *path,
                                bool alone, struct tap_run_info *info);
/* Before the first frame: items become trace messages. TAP_ERROR: there is no memory. */
enum tap_status tap_source_expand(struct tap_source *);
/* Makes `ready`. */
void tap_source_next(struct tap_source *, bool timed);
/* Says how it ended; OK: at its end. */
enum tap_status tap_source_ended(struct tap_source *);
/* The frame at hand is nothing that can be played: so ends this file, as tap_source_ended says, and
 * no other. OK. */
enum tap_status tap_source_bad(struct tap_source *);
void tap_source_close(struct tap_source *);

#endif
