/* gen_table.h: calls of gen_server that are under way, of which gen_spans.c makes slices. */
#ifndef TAP_SINKS_CHROME_GEN_TABLE_H
#define TAP_SINKS_CHROME_GEN_TABLE_H

#include "sinks/chrome/timeline.h"

#define TAP_GEN_SERVER 0x8000000000000000ull /* in a key: the call as the server has it */

struct tap_gen_open {
    uint64_t key, seen; /* key 0: none */
    struct tap_pid pid;
    struct tap_track *track;   /* NULL when it is drawn apart */
    struct tap_gen_open *next; /* on this track */
    int64_t start, came;       /* of the slice; of its message */
    int64_t top;               /* when the frame below it began; -1: there is none */
    struct tap_pid server;     /* where it is known by pid: its name may be learned meanwhile */
    uint32_t server_len, name_len, text_len;
    uint32_t inner; /* how many of its like it holds on top of each other */
    char *text;     /* the end of its fixed part, and the members of its args */
};

struct tap_gen_table {
    uint64_t seen;
    struct tap_gen_open open[TAP_CHROME_CALLS];
};

/* NULL: there is none. */
struct tap_gen_open *tap_gen_find(struct tap_chrome *, uint64_t key);
/* A free place for a call with this key, never NULL: the one of an older call is emptied. */
struct tap_gen_open *tap_gen_place(struct tap_chrome *, uint64_t key);
/* Takes a call off its track: from now on it is drawn apart, if at all. */
void tap_gen_unlink(struct tap_gen_open *);
void tap_gen_drop(struct tap_gen_open *);

#endif
