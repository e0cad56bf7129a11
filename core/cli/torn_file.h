/* torn_file.h: what `beamtap repair` knows of file formats: which files are ours, and which of what
 * is in them is whole.
 *
 * A file is ours where it begins as only a sink of ours begins one, and where what follows is
 * events in the very form in which that sink writes them. It is read once, record by record (a
 * line, a row of a table, a frame of a recording). What is no whole event is left out, and the next
 * record is looked for behind it: one bad byte costs the event that it is in. What is kept is
 * handed on, with what parts and closes it, so that it is a whole file.
 */
#ifndef TAP_CLI_TORN_FILE_H
#define TAP_CLI_TORN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "beamtap/frame.h"
#include "beamtap/term_write.h"

enum tap_torn_format {
    TAP_TORN_UNKNOWN,
    /* {"displayTimeUnit":"ns","traceEvents":[ and an event a line: Trace Event Format */
    TAP_TORN_TIMELINE,
    TAP_TORN_ARRAY, /* [ and an event a line: the same, written to a pipe */
    TAP_TORN_LINES, /* one JSON object a line */
    TAP_TORN_CSV,
    TAP_TORN_RECORDING
};

#define TAP_TORN_HEAD ((size_t)64 << 10)  /* bytes that tap_torn_guess wants to see */
#define TAP_TORN_RECORD ((size_t)1 << 30) /* bytes: a longer record is none */
#define TAP_TORN_COLUMNS 16u

struct tap_torn_file {
    /* Set before. Each may be NULL. `keep` gets what belongs into the new file, and says whether it
     * could take it. `skip` is told of each damage that events follow: its line (of a recording:
     * its frame), from 1, and where it begins and how long it is, in bytes. */
    bool (*keep)(void *arg, const char *text, size_t len);
    void (*skip)(void *arg, uint64_t line, uint64_t offset, uint64_t bytes);
    void *arg;

    enum tap_torn_format format;
    bool began, headless; /* a recording: something is kept, and it does not begin as one */
    uint64_t events;      /* whole ones */
    uint64_t damaged;     /* places that were left out, with events behind them */
    uint64_t cut;         /* bytes left out behind the last event */
    bool failed;          /* keep did, or memory was short */

    char *buf; /* what is not checked yet: its beginning is that of a record */
    size_t len, cap;
    size_t seen;           /* of these have been looked through for the record's end */
    size_t wanted;         /* so many are to be there before a row is looked at again */
    uint64_t line, offset; /* of buf[0] */
    /* the damage that is being read over: no whole record came since */
    bool hurt;
    uint64_t hurt_line, hurt_offset;
    uint64_t foreign; /* records that are well formed, and none of ours */
    bool untidy;      /* an event stands where none may, or something between events is missing */
    bool comma;       /* the last event had a comma behind it: another must come */
    bool open;        /* the last line has no end */
    char *tail;       /* the line that closes a timeline; NULL: none yet */
    unsigned column_count;
    uint8_t columns[TAP_TORN_COLUMNS];
    /* Of a recording. */
    bool index_there;
    bool blocks, indexed;    /* it has blocks; its index stands last */
    struct tap_buf index;    /* of the blocks that were kept: so many bytes */
    uint64_t summed_in_vain; /* bytes of blocks that did not hold */
    uint64_t kept;
    uint32_t reports;
    struct tap_block last_block;
    uint32_t unbroken; /* number of the first block from which on none is missing */
    /* events of whole blocks that cannot be played, for a block of reports before them is missing;
     * and where that would be */
    uint64_t beyond, beyond_line, beyond_offset;
};

/* Which kind of file of ours begins so? UNKNOWN: none, or nobody can tell. `len` is at least
 * TAP_TORN_HEAD, or the whole file's length. */
enum tap_torn_format tap_torn_guess(const char *head, size_t len);
/* The next piece of text. Set the format before the first. */
void tap_torn_read(struct tap_torn_file *, const char *text, size_t len);
/* Here something is missing, of unknown length: what was begun will not go on. */
void tap_torn_break(struct tap_torn_file *);
/* There is no more. Closes what is kept. */
void tap_torn_end(struct tap_torn_file *);
/* After the end: is it ours beyond doubt, by the events in it? Where there is none, only what is
 * whole is: of anything else nothing could be saved. */
bool tap_torn_is_ours(const struct tap_torn_file *);
/* After the end: nothing is missing and nothing too much. */
bool tap_torn_is_whole(const struct tap_torn_file *);
void tap_torn_free(struct tap_torn_file *);

/* ---- The formats: torn_text.c, torn_csv.c, torn_recording.c */

/* A record begins at m->buf. What is it? `last`: nothing follows the buffer's end. */
enum tap_torn_verdict {
    TAP_TORN_MORE, /* its end is not there yet */
    TAP_TORN_TAKE, /* it was taken: `len` bytes */
    TAP_TORN_BAD   /* it is no whole record: `len` bytes are left out (0: up to the line's end) */
};
enum tap_torn_verdict tap_torn_line(struct tap_torn_file *, bool last, size_t *len);
enum tap_torn_verdict tap_torn_row(struct tap_torn_file *, bool last, size_t *len);
enum tap_torn_verdict tap_torn_frame(struct tap_torn_file *, bool last, size_t *len);
bool tap_torn_begins_lines(const char *head, size_t len);
bool tap_torn_begins_array(const char *head, size_t len);
bool tap_torn_begins_recording(const char *head, size_t len);
/* Behind what is kept of a recording in blocks. */
void tap_torn_put_index(struct tap_torn_file *);
/* Reads a table's header line; false: it is none of ours. */
bool tap_torn_columns(struct tap_torn_file *, const char *head, size_t len);
extern const char tap_torn_timeline_header[];
/* ---- What they do with a record: torn_keep.c */

/* Keeps a whole record. */
void tap_torn_keep(struct tap_torn_file *, const char *text, size_t len);
void tap_torn_put(struct tap_torn_file *, const char *text, size_t len);
/* The bytes of the buffer from `at` on are damage. */
void tap_torn_hurt(struct tap_torn_file *, size_t at);
/* The damage before `at` is over: a whole record stands there. */
void tap_torn_healed(struct tap_torn_file *, size_t at);

#endif
