/* torn_file.h: how far an output file is whole, read piece by piece: what `beamtap repair` knows of
 * file formats.
 *
 * Sinks write whole events, one behind the other. A file that was torn (kill -9 in the middle of a
 * write, a full disk) is mended by cutting it behind its last whole event and closing what must be
 * closed.
 */
#ifndef TAP_CLI_TORN_FILE_H
#define TAP_CLI_TORN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/json_check.h"

enum tap_torn_file_format {
    TAP_MEND_UNKNOWN,
    /* {"displayTimeUnit":"ns","traceEvents":[ and an event a line: Trace Event Format */
    TAP_MEND_TIMELINE,
    TAP_MEND_ARRAY, /* [ and an event a line: the same, written to a pipe */
    TAP_MEND_LINES, /* one JSON object a line */
    TAP_MEND_CSV
};

struct tap_torn_file {
    enum tap_torn_file_format format;
    uint64_t at;     /* bytes seen */
    uint64_t whole;  /* the end of the last whole event */
    uint64_t events; /* whole ones */
    /* something stands where nothing of the kind may; what follows is not looked at */
    bool broken;
    unsigned state;
    bool line_open; /* the last event's line has no end yet */
    bool in_text;   /* of a table: between quotes */
    struct tap_json_check json;
};

/* Which kind of file begins so? `len` is the whole file's length where that is shorter than 64. */
enum tap_torn_file_format tap_torn_file_guess(const char *head, size_t len);
/* Reads on. Set nothing but the format before the first call. */
void tap_torn_file_read(struct tap_torn_file *, const char *text, size_t len);
/* At the end of the file: is nothing missing and nothing too much? */
bool tap_torn_file_is_whole(const struct tap_torn_file *);
/* What belongs behind the whole part. */
const char *tap_torn_file_footer(const struct tap_torn_file *);

#endif
