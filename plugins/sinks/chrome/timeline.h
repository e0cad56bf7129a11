/* timeline.h: what the files of the chrome sink share.
 *
 * The sink turns a stream of events into slices on tracks. A node is a "process" of the viewer
 * (pid: its index + 1), a BEAM process is a track in it (tid: a counter, for pids are used again),
 * and a call is a slice, written as one complete event (ph X) when it returns. Until then it is an
 * open frame on its track's stack, with its arguments already printed, because the batch that they
 * came in is gone by then. So memory depends on what is open, never on how much was seen.
 *
 * One rule keeps every viewer right: on each track times strictly increase, for begins, ends and
 * instants alike. tap_track_time is the only source of a time that is written on a track.
 *
 * From the ground up, each calling those before it:
 *
 *     emit.c           events as JSON text
 *     function_labels.c         names of functions
 *     track_table.c         the table of processes
 *     stack.c          open frames: push, close, hide
 *     gen_table.c      calls of gen_server under way
 *     process_track.c  the track of a process: its name, its end
 *     arrows.c         from a send to its receive
 *     gen_spans.c      calls of gen_server as slices
 *     calls.c          calls, returns, exceptions
 *     messages.c       sends and receives
 *     schedule.c       waiting, running, garbage collection
 *     process.c        spawn, exit, names, links
 *     process_info.c   what the node tells of processes: names, mailboxes
 *     node_tracks.c    nodes, rates, losses
 *     other_data.c     otherData
 *     rotate.c         the files of a run, one after the other
 *     plugin.c         the plugin: options, life, dispatch
 *
 * Nothing here is thread safe: a sink's calls never overlap.
 */
#ifndef TAP_SINKS_CHROME_TIMELINE_H
#define TAP_SINKS_CHROME_TIMELINE_H

#include "beamtap/sink.h"
#include "beamtap/returns_off.h"
#include "sinks/chrome/emit.h"
#include "sinks/common/process_name.h"
#include "sinks/common/writer.h"

/* slices on top of each other; Perfetto drops what is deeper than 512 */
#define TAP_CHROME_DEPTH 500u
/* so many direct calls of a function by itself are drawn, the rest is counted */
#define TAP_CHROME_RUN 32u
#define TAP_CHROME_HIDDEN 65536u   /* entries of the memory of what is deeper than the cap */
#define TAP_CHROME_TEXT (1u << 20) /* bytes of printed arguments that one track may keep */
/* from so many tracks or labels on, their memory is asked for ahead */
#define TAP_CHROME_MANY 4096u
/* processes that ended a moment ago: some of their last events still come */
#define TAP_CHROME_DEAD 1024u
#define TAP_CHROME_CALLS 8192u      /* calls of gen_server remembered until their reply comes */
#define TAP_CHROME_FLOWS 65536u     /* sends remembered until their receive comes */
#define TAP_CHROME_FIRST_TID 1000u  /* tids of tracks; 1 is the node's own */
#define TAP_CHROME_RATE 100000000ll /* ns: a point of the events/s counter */

struct tap_chrome_settings {
    const char *path;
    bool args;
    int64_t limit;                    /* bytes of a printed term; 0: no limit */
    int syntax;                       /* enum tap_print_syntax */
    int64_t rotate_size, rotate_time; /* bytes, ns; 0: never */
    int64_t max_processes;            /* remembered at once */
};

/* A function, once for all its calls. `tail` is the end of its slices:
 * "cat":"call","name":"shop_cart:add/2" */
struct tap_label {
    uint32_t id; /* from 1 on */
    uint32_t module, function;
    int32_t arity;
    /* the name stands inside the tail, escaped, without quotes */
    uint32_t tail_len, name_off, name_len;
    /* its returns are traced, unless they were switched off in a node: its calls are slices with a
     * length */
    bool returns;
    char tail[];
};

struct tap_labels {
    struct tap_label **items; /* by id; they never move */
    struct tap_label **slots; /* a hash table of them */
    uint32_t count, cap, mask;
    struct tap_label_block *blocks; /* where they lie */
    size_t room;                    /* bytes of the newest block that are free */
};

enum tap_open_kind { TAP_OPEN_CALL, TAP_OPEN_OUT, TAP_OPEN_GC, TAP_OPEN_RUN };

/* A frame that has begun and not ended. */
struct tap_open {
    int64_t start;
    uint32_t label;          /* TAP_OPEN_CALL: its function; TAP_OPEN_RUN: the tid of the process */
    uint32_t run;            /* how many frames down from here are the same function */
    uint32_t text, text_len; /* its args so far, as JSON members, in the stack's text */
    uint64_t events;         /* events that its slice stands for */
    uint32_t collapsed;      /* calls of itself that have no slice of their own ... */
    uint32_t returns;        /* ... and how many of those have not returned yet */
    uint32_t capped;         /* calls below it that were too deep to draw */
    uint8_t kind;            /* enum tap_open_kind */
    bool major;              /* TAP_OPEN_GC */
    bool received;           /* TAP_OPEN_CALL: it took a message, or its wait for one timed out */
};

/* `count` calls of one function, too deep to draw. */
struct tap_hidden {
    uint32_t label, count;
};

struct tap_stack {
    struct tap_open *open;
    char *text;
    struct tap_hidden *hidden;
    struct tap_stack *next; /* in the pool */
    uint64_t beyond;        /* calls deeper than even `hidden` remembers */
    uint32_t depth, depth_cap, text_len, text_cap, hidden_len, hidden_cap;
};

/* A process, or a scheduler. Kept small: there is one for each live process that was heard of. */
struct tap_track {
    /* In the first line of a cache: what each event of a process needs. */
    struct tap_pid pid;
    struct tap_stack *stack; /* NULL while nothing is open */
    int64_t last;            /* ns since the session's start: the last time written; -1: none */
    uint32_t tid;            /* 0: nothing was written for it yet */
    uint32_t node;           /* index */
    uint32_t epoch;          /* the node's, when its frames were last known to be right */
    uint32_t part;           /* the file that names it last; 0: none */
    uint32_t unwinding;      /* which exception it is leaving frames by; 0: by none */
    uint32_t call_count;     /* in `calls` */
    bool used, recent, dead;
    uint32_t scheduler; /* where it runs; 0: nowhere, or not told */
    /* In the second: the rest. */
    int64_t first;              /* when it was first seen */
    int64_t life;               /* its birth, when that was seen; -1 else */
    uint32_t label;             /* its initial call; 0: unknown */
    uint32_t name;              /* its registered name; 0: none */
    struct tap_gen_open *calls; /* of gen_server, under way, the latest first */
    char *title;                /* its process label, printed and escaped; NULL: none */
    char *mailbox; /* cat and name of the counter of its mailbox, once there is one; NULL: none */
    char room[16]; /* up to the line's end */
};

struct tap_track_slot {
    uint32_t hash, index; /* index 0: free */
};

struct tap_tracks {
    struct tap_track **chunks;
    uint32_t chunk_count; /* that there may be */
    struct tap_track_slot *slots;
    uint32_t mask, count, made, hand, free; /* `free`: the first of a list through `tid` */
    struct {
        uint32_t index, tid;
    } dead[TAP_CHROME_DEAD];
    uint32_t dead_next;
};

/* The end of an arrow that was told first: written together with the other, so that no arrow is
 * left without one. */
struct tap_flow {
    uint64_t key;
    int64_t ts;
    uint32_t pid, tid;
    bool end; /* else its start */
};

struct tap_chrome_node {
    bool known, told;
    bool ended;       /* and what is open when all is over is only unfinished */
    uint32_t epoch;   /* one more each time that stacks break (tap_event_breaks_stacks) */
    int64_t loss_at;  /* when they did last, ns since the session's start */
    int64_t ended_at; /* when the node's tracing did */
    int64_t bucket;   /* start of the current point of the rate; -1: none yet */
    int64_t latest;   /* the latest time of an event */
    uint64_t bucket_events;
    uint64_t lost, gaps, gap_ns;
    uint64_t clock_error; /* ns: the largest; 0: the clock was not compared */
    int64_t clock_skew;   /* ns that the node's own clock is ahead of the collector's */
    struct tap_track own; /* tid 1: losses and gaps */
    struct tap_print print;
};

struct tap_chrome_counts {
    uint64_t slices, collapsed, capped, unwound, arrows, unpaired, evicted, open, gen, gen_apart;
};

struct tap_chrome {
    const struct tap_host *host;
    const struct tap_chrome_settings *settings;
    struct tap_writer w;
    int64_t started;
    bool returns; /* returns of every function are traced */
    bool first;   /* nothing was written yet */
    bool in_args; /* the event being written has begun its args */
    bool no_memory;
    int64_t latest; /* the latest time of an event, ns since the session's start */
    uint32_t next_tid;
    uint64_t next_flow;
    struct tap_labels labels;
    struct tap_returns_off returns_off;
    struct tap_tracks tracks;
    struct tap_stack *pool;
    uint32_t pooled;
    struct tap_flow *flows;
    struct tap_gen_table *gen;
    struct tap_chrome_node *nodes;
    uint32_t node_count;
    struct tap_chrome_counts count, count_before; /* of the run, and of its files before this one */
    uint32_t part;                                /* which file this is, from 1 on */
    /* when it was begun, ns since the session's start */
    int64_t part_ts;
    /* NULL: the first one's, which is in the settings */
    char *part_path;
};

/* One event as the functions below get it. */
struct tap_chrome_in {
    const struct tap_batch *batch;
    const struct tap_event *ev;
    int64_t ts; /* ns since the session's start, not negative */
};

/* ---- Times */

/* The time to write for something that happens at `ts` on this track: later than all that was
 * written there. */
static inline int64_t tap_track_time(struct tap_track *t, int64_t ts)
{
    return t->last = ts > t->last ? ts : t->last + 1;
}

/* ---- function_labels.c */

bool tap_labels_start(struct tap_chrome *);
void tap_labels_free(struct tap_labels *);
/* The label of a function; NULL when out of memory (c->no_memory is set). */
struct tap_label *tap_label_get(struct tap_chrome *, uint32_t module, uint32_t function,
                                int32_t arity);
/* As tap_tracks_fetch, for the functions of two calls. */
void tap_labels_fetch(const struct tap_labels *, const struct tap_event *soon,
                      const struct tap_event *later);
static inline struct tap_label *tap_label_at(struct tap_chrome *c, uint32_t label)
{
    return c->labels.items[label];
}
/* A registered name as people write it (shop_door, Shop.Door), escaped; dst has room for 6 *
 * name->len + 64. */
char *tap_label_name(char *dst, const struct tap_name *name);
/* The label of the function that a process runs; 0: not told. */
uint32_t tap_label_initial(struct tap_chrome *, struct tap_initial_call);

/* ---- track_table.c */

/* `most`: processes at once, as the option says. */
bool tap_tracks_start(struct tap_tracks *, uint32_t most);
void tap_tracks_free(struct tap_tracks *);
/* NULL: there is none. Ended processes are found too, for a while. */
struct tap_track *tap_tracks_find(struct tap_tracks *, const struct tap_pid *);
/* Asks for the memory that finding these takes, so that it is there when they come. */
void tap_tracks_fetch(const struct tap_tracks *, const struct tap_pid *soon,
                      const struct tap_pid *later);
/* A new, empty track, which must not exist yet. NULL: out of memory. */
struct tap_track *tap_tracks_add(struct tap_tracks *, const struct tap_pid *, uint32_t node);
/* Takes a track out. Its stack must be empty. */
void tap_tracks_remove(struct tap_tracks *, struct tap_track *);
/* The process that was not used for longest, more or less; NULL: there is none. Never a scheduler:
 * those are few. */
struct tap_track *tap_tracks_evict(struct tap_tracks *);
/* Marks a track as ended and returns the one that has been ended for so long that it should be
 * removed, or NULL. */
struct tap_track *tap_tracks_retire(struct tap_tracks *, struct tap_track *);
/* Calls `visit` for each track. */
void tap_tracks_each(struct tap_chrome *, void (*visit)(struct tap_chrome *, struct tap_track *));

/* ---- stack.c */

enum tap_close_how {
    TAP_CLOSE_RETURN,    /* with the event's payload as result */
    TAP_CLOSE_EXCEPTION, /* with the event's payload as exception */
    TAP_CLOSE_UNWOUND,   /* skipped by a return further down */
    TAP_CLOSE_EXIT,      /* the process ended */
    TAP_CLOSE_LOST,      /* events were lost: its return may be among them */
    TAP_CLOSE_EVICTED,   /* too many processes */
    TAP_CLOSE_PLAIN      /* with the event's payload as "end" */
};

static inline struct tap_open *tap_stack_top(const struct tap_track *t)
{
    return t->stack && t->stack->depth ? &t->stack->open[t->stack->depth - 1] : NULL;
}
/* Opens a frame that begins at `ts`; NULL: out of memory. What the caller has written since
 * tap_writer_begun becomes its args and is taken from the writer. */
struct tap_open *tap_stack_push(struct tap_chrome *, struct tap_track *, int64_t ts,
                                enum tap_open_kind, uint32_t label);
/* Writes the top frame's slice and takes it off. `in` may be NULL where `how` needs no payload.
 * `events` more are counted with it. */
void tap_stack_close(struct tap_chrome *, struct tap_track *, int64_t ts, enum tap_close_how,
                     const struct tap_chrome_in *in, uint32_t events);
/* Closes all frames. */
void tap_stack_close_all(struct tap_chrome *, struct tap_track *, int64_t ts, enum tap_close_how);
/* The function that runs took a message. */
void tap_stack_received(struct tap_track *);
/* Closes what is open above the topmost call: waiting, garbage collection. */
void tap_stack_close_special(struct tap_chrome *, struct tap_track *, int64_t ts);
/* Writes all frames as begins without an end. */
void tap_stack_finish(struct tap_chrome *, struct tap_track *);
/* A call that is too deep to draw, and the search for it at its return: true when it was found. */
void tap_stack_hide(struct tap_chrome *, struct tap_track *, uint32_t label);
bool tap_stack_unhide(struct tap_stack *, uint32_t label);
void tap_stack_forget_hidden(struct tap_stack *);
/* Gives the stack of a track back when nothing is open. */
void tap_stack_release(struct tap_chrome *, struct tap_track *);
void tap_stack_free_pool(struct tap_chrome *);

/* ---- process_track.c */

/* The track of an event's process, with a tid; a process not seen before gets one. NULL: out of
 * memory. */
struct tap_track *tap_process_track(struct tap_chrome *, const struct tap_chrome_in *);
/* The same by pid, for a process or a scheduler; `show` gives it a tid. NULL: out of memory. */
struct tap_track *tap_process_get(struct tap_chrome *, const struct tap_pid *, uint32_t node,
                                  int64_t ts, bool show);
/* Writes what a track is called at the writer: "shop_door <0.123.0>", escaped. */
void tap_process_title(struct tap_chrome *, const struct tap_track *);
/* A better name was learned. */
void tap_process_rename(struct tap_chrome *, const struct tap_track *);
/* The slice of its life, where its birth was seen: begun, or whole. Left open for args. */
void tap_process_life(struct tap_chrome *, const struct tap_track *, char ph, int64_t dur);
/* Takes a process out whose end was not seen. */
void tap_process_forget(struct tap_chrome *, struct tap_track *, int64_t ts, enum tap_close_how);
/* For the end of the trace: what is still open, as begins without an end. */
void tap_process_finish(struct tap_chrome *, struct tap_track *);

/* ---- process_info.c */

void tap_process_info_names(struct tap_chrome *, const struct tap_chrome_in *);
void tap_process_info_mailboxes(struct tap_chrome *, const struct tap_chrome_in *);

/* ---- arrows.c */

enum tap_flow_kind { TAP_FLOW_MESSAGE, TAP_FLOW_SPAWN };
/* Notes the start of an arrow, standing on the slice that begins at `ts` on `t`; writes it when its
 * end waits already. */
void tap_flow_start(struct tap_chrome *, uint64_t key, enum tap_flow_kind,
                    const struct tap_track *t, int64_t ts);
bool tap_flow_begun(const struct tap_chrome *, uint64_t key);
/* `ts`, or where that is a little before the arrow's start (the clocks of two nodes differ), the
 * time right after it. */
int64_t tap_flow_bend(const struct tap_chrome *, uint64_t key, int64_t ts);
/* The same for its end: writes the arrow when it has begun, and waits for its start otherwise. */
void tap_flow_end(struct tap_chrome *, uint64_t key, enum tap_flow_kind, const struct tap_track *t,
                  int64_t ts);
/* The key for a spawn whose event brings none: made from the child. */
uint64_t tap_flow_key(const struct tap_pid *child);

/* ---- calls.c, messages.c, process.c, schedule.c */

void tap_calls_call(struct tap_chrome *, const struct tap_chrome_in *);
/* a return or an exception */
void tap_calls_end(struct tap_chrome *, const struct tap_chrome_in *);

void tap_messages_send(struct tap_chrome *, const struct tap_chrome_in *);
void tap_messages_receive(struct tap_chrome *, const struct tap_chrome_in *);

void tap_process_spawn(struct tap_chrome *, const struct tap_chrome_in *);
void tap_process_start(struct tap_chrome *, const struct tap_chrome_in *);
void tap_process_exit(struct tap_chrome *, const struct tap_chrome_in *);
void tap_process_link(struct tap_chrome *, const struct tap_chrome_in *);
void tap_process_register(struct tap_chrome *, const struct tap_chrome_in *);

void tap_schedule_in(struct tap_chrome *, const struct tap_chrome_in *);
void tap_schedule_out(struct tap_chrome *, const struct tap_chrome_in *);
void tap_schedule_gc_start(struct tap_chrome *, const struct tap_chrome_in *);
void tap_schedule_gc_end(struct tap_chrome *, const struct tap_chrome_in *);
/* A process ended: so did its run, of which no event tells unless somebody asked for `exiting`. */
void tap_schedule_exit(struct tap_chrome *, const struct tap_chrome_in *, struct tap_track *);

/* ---- gen_table.c, gen_spans.c: calls of gen_server */

bool tap_gen_start(struct tap_chrome *);
void tap_gen_free(struct tap_chrome *);
/* A call that was sent or received, before its message is drawn at `ts`. */
void tap_gen_request(struct tap_chrome *, const struct tap_chrome_in *, struct tap_track *,
                     int64_t ts);
/* A reply that was sent or received by this process, after its message was drawn. */
void tap_gen_replied(struct tap_chrome *, const struct tap_chrome_in *, const struct tap_track *by);
/* The process has ended. */
void tap_gen_forget(const struct tap_track *);

/* ---- rotate.c: the files of a run */

/* Judges the options that rotate. */
enum tap_status tap_rotate_check(struct tap_chrome *);
/* What stands in front of the events of a file, which is open; with it the file is whole. */
enum tap_status tap_rotate_begin(struct tap_chrome *);
/* Between batches: goes on in the next file when this one is large or old enough. */
enum tap_status tap_rotate_next(struct tap_chrome *, int64_t ts);
/* Ends the object form with otherData, in the place of the footer. */
void tap_rotate_end(struct tap_chrome *);
/* Says so where files of an earlier, longer run stand behind the last one. */
void tap_rotate_left(const struct tap_chrome *);

/* ---- node_tracks.c */

/* The node of an index, known from now on; NULL: out of memory. */
struct tap_chrome_node *tap_nodes_get(struct tap_chrome *, uint32_t index);
void tap_nodes_up(struct tap_chrome *, const struct tap_chrome_in *);
void tap_nodes_down(struct tap_chrome *, const struct tap_chrome_in *);
void tap_nodes_returns_off(struct tap_chrome *, const struct tap_chrome_in *);
void tap_nodes_mark(struct tap_chrome *, const struct tap_chrome_in *);
void tap_nodes_lost(struct tap_chrome *, const struct tap_chrome_in *);
void tap_nodes_counted(struct tap_chrome *, const struct tap_chrome_in *);
void tap_nodes_clock(struct tap_chrome *, const struct tap_chrome_in *);
void tap_nodes_gap(struct tap_chrome *, const struct tap_chrome_in *);
/* Names the nodes again, for another file. */
void tap_nodes_again(struct tap_chrome *, int64_t ts);
/* Counts an event for its node's rate; writes the points that are due. */
void tap_nodes_tick(struct tap_chrome *, struct tap_chrome_node *, uint32_t index, int64_t ts);
/* The last points of the rates. */
void tap_nodes_finish(struct tap_chrome *);

/* ---- other_data.c */

/* The top-level member otherData, for the end of the object form: ,"otherData":{...} */
void tap_other_data(struct tap_chrome *);

#endif
