/* top.h: the sink top: who is busy now, as a screen that is drawn anew each second.
 *
 *     plugin.c    the plugin: options, life
 *     count.c     what each event counts for
 *     frame.c     what the tables held at one moment, its rows and what they are called
 *     text.c      numbers for people, and the tables as text in a file
 *     screen.c    the terminal's thread: keys, and when what is drawn
 *     draw.c      the screen's lines
 *     restore.c   the terminal as it was, whatever becomes of us
 *
 * Two threads: the sink's own counts, and never waits for the terminal; the screen's takes a frame
 * of the tables each second, under the lock, and draws it without. A terminal that is slow misses
 * frames and no event. Memory depends on caps, never on the trace's length.
 */
#ifndef TAP_SINKS_TOP_TOP_H
#define TAP_SINKS_TOP_TOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "sinks/common/call_times.h"
#include "sinks/common/counted_sums.h"
#include "sinks/common/process_name.h"
#include "sinks/common/server_calls.h"
#include "sinks/common/writer.h"

#define TOP_TERMINAL "/dev/tty"   /* the path that means a screen */
#define TOP_MOST_PROCESSES 65536u /* what comes after them is counted as one, the first */
#define TOP_MOST_PAIRS 65536u     /* what comes after them is counted as one, the first */
#define TOP_SLOWEST 100u          /* gen_server calls that are remembered */
#define TOP_COLUMNS 8u            /* numbers of a row */
#define TOP_UNKNOWN UINT64_MAX    /* a number that nobody knows */
#define TOP_SECOND INT64_C(1000000000)
/* A node tells of a mailbox when it has changed, and of all that are there in each tenth round: who
 * is in none of so many reports, or as many rounds long, is gone, be some reports lost. */
#define TOP_TOLD 20u
#define TOP_COUNTED (UINT32_C(1) << 31) /* of a row: the function is the profile's */

enum top_view { TOP_FUNCTIONS, TOP_PROCESSES, TOP_PAIRS, TOP_CALLS, TOP_VIEWS };
enum top_unit { TOP_COUNT, TOP_RATE /* thousandths a second */, TOP_TIME /* ns */, TOP_STATE };

struct top_column {
    const char *title;
    enum top_unit unit;
};
struct top_table {
    const char *name, *rows;  /* of the view, and what a row is called */
    unsigned columns, sorted; /* sorted: the column that it is sorted by at first */
    struct top_column column[TOP_COLUMNS];
};
extern const struct top_table top_tables[TOP_VIEWS];

struct top_process {
    struct tap_pid pid;
    uint32_t node;
    struct tap_process_facts facts;
    struct tap_call_stack stack;
    uint64_t events, calls, sent, received;
    bool measured; /* its mailbox was looked into */
    uint64_t mailbox, longest;
    uint32_t told;          /* top_node.told when that was told last */
    int64_t told_at, ended; /* and when that was, and when it ended, ns since the epoch; 0: never */
};

struct top_node {
    uint32_t epoch; /* one more each time that stacks break */
    uint32_t told;  /* reports of mailboxes */
};

struct top_pair {
    uint32_t from, name, node; /* a process's index; the receiver's registered name, or 0 */
    struct tap_pid to;
    uint64_t messages;
};

struct top_row {
    uint64_t cell[TOP_COLUMNS];
    uint32_t index; /* of the function, process or pair; of calls, in the frame; see TOP_COUNTED */
};

/* What the tables held at one moment. */
struct top_frame {
    struct top_row *rows[TOP_VIEWS];
    uint32_t count[TOP_VIEWS];
    struct tap_server_call *calls;
    uint64_t events, rate, lost;
    int64_t gap; /* ns without tracing */
};

/* What was counted when the frame before was taken. */
struct top_before {
    uint64_t *counts;
    uint32_t count;
};

struct top_settings {
    const char *path;
    int64_t interval;
    int64_t rows;
    int syntax;
};

struct top_screen;

struct top {
    const struct tap_host *host;
    const struct top_settings *settings;
    struct tap_writer w; /* of a file */
    bool file;
    struct top_screen *screen;
    atomic_bool quit;

    pthread_mutex_t lock; /* of all below */
    struct tap_sink_nodes names;
    struct tap_call_times times;
    struct tap_server_calls servers;
    struct tap_flow_times flows;
    bool no_memory;
    int64_t first, last, last_seen; /* last_seen: by our clock, when the last event was counted */
    uint64_t events, lost;
    int64_t gap;
    struct tap_map process_at, pair_at;
    struct top_process *processes; /* 0 stands for all that were too many */
    struct top_pair *pairs;        /* likewise */
    struct top_node *nodes;
    uint32_t process_count, pair_count, node_count;
    struct tap_server_call slow[TOP_SLOWEST]; /* the slowest first */
    uint32_t slow_count;
    struct tap_counted_sums counted; /* a profile's functions */
    struct top_before before[TOP_VIEWS], before_counted;
    uint64_t events_before;
    struct tap_writer line; /* in memory: a row's name */
};

/* ---- count.c */
bool top_count_init(struct top *); /* false: no memory */
void top_count_free(struct top *);
/* Counts a batch's events, under the lock; how many there were that are written with it. */
uint64_t top_count(struct top *, const struct tap_batch *, const uint32_t *select, size_t n);
int64_t top_now(void); /* ns, a clock that only goes forward */

/* ---- frame.c */
/* Takes a frame, `since` ns after the one before; what was in `f` is freed. False: no memory, and
 * the frame is empty. */
bool top_frame_take(struct top *, struct top_frame *f, int64_t since);
void top_frame_free(struct top_frame *);
/* What a row is called, until the next call; only ever from one thread. */
const char *top_row_name(struct top *, const struct top_frame *, enum top_view,
                         const struct top_row *, size_t *len);
/* Sorts rows by a column, the largest first, or with `reverse` the smallest. */
void top_rows_sort(struct top_row *, uint32_t n, unsigned column, bool reverse);

/* ---- text.c */
#define TOP_CELL 32 /* bytes of a number as text */
void top_cell_print(char dst[TOP_CELL], uint64_t value, enum top_unit);
/* How many columns a number takes, with the blank behind it. */
#define TOP_CELL_WIDTH 10
/* All tables, at the end. False: no memory, and nothing is written. */
bool top_text_write(struct top *);

/* ---- screen.c */
/* Takes the terminal and starts its thread; says why it cannot. */
enum tap_status top_screen_start(struct top *);
/* The terminal as it was. */
enum tap_status top_screen_stop(struct top *);

#endif
