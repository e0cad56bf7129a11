/* perfetto.h: the perfetto sink: what its parts share.
 *
 * A trace is a stream of packets. Each node has a packet sequence of its own, with the names that
 * it has told so far (each is told once and has a number from then on), and a clock of its own,
 * whose times are told as differences. Nodes are processes there, Erlang processes are threads. A
 * process that has the pid of one that ended is another thread.
 */
#ifndef TAP_SINKS_PERFETTO_PERFETTO_H
#define TAP_SINKS_PERFETTO_PERFETTO_H

#include "sinks/common/flow_times.h"
#include "sinks/common/kit.h"
#include "sinks/common/map.h"
#include "sinks/common/protobuf.h"

#define PF_DEPTH 500u               /* Perfetto draws 512 slices in each other */
#define PF_NAMES 65536u             /* functions that a sequence has told; then it begins anew */
#define PF_TRACKS 262144u           /* processes that are remembered; then all are forgotten */
#define PF_FIRST 1000u              /* the first thread id */
#define PF_NODE (UINT64_C(1) << 32) /* the number of a node's track: this and its index */

/* The names that do not come from the node, by their numbers; their texts are in packets.c. */
enum pf_category {
    PF_CAT_NONE,
    PF_CAT_CALL,
    PF_CAT_MESSAGE,
    PF_CAT_PROCESS,
    PF_CAT_SCHEDULE,
    PF_CAT_GC,
    PF_CAT_LOST,
    PF_CAT_TRACING,
    PF_CAT_COUNTERS,
    PF_CAT_COUNT
};
enum pf_title {
    PF_TITLE_NONE,
    PF_TITLE_SEND,
    PF_TITLE_SEND_NOBODY,
    PF_TITLE_RECEIVE,
    PF_TITLE_RECEIVE_TIMEOUT,
    PF_TITLE_SPAWN,
    PF_TITLE_START,
    PF_TITLE_EXIT,
    PF_TITLE_LINK,
    PF_TITLE_LINKED,
    PF_TITLE_UNLINK,
    PF_TITLE_UNLINKED,
    PF_TITLE_REGISTER,
    PF_TITLE_UNREGISTER,
    PF_TITLE_RETURN,
    PF_TITLE_EXCEPTION,
    PF_TITLE_IN,
    PF_TITLE_OUT,
    PF_TITLE_WAITING,
    PF_TITLE_MINOR_GC,
    PF_TITLE_MAJOR_GC,
    PF_TITLE_GC_END,
    PF_TITLE_EVENTS_LOST,
    PF_TITLE_OFF,
    PF_TITLE_LEFT_OUT,
    PF_TITLE_LEFT_OUT_END,
    PF_TITLE_RETURNS_OFF,
    PF_TITLE_MARK,
    PF_TITLE_END,
    PF_TITLE_COUNTED,
    PF_TITLE_COUNT
};
enum pf_note {
    PF_NOTE_NONE,
    PF_NOTE_ARGS,
    PF_NOTE_RESULT,
    PF_NOTE_EXCEPTION,
    PF_NOTE_ENDED,
    PF_NOTE_TO,
    PF_NOTE_FROM,
    PF_NOTE_MESSAGE,
    PF_NOTE_CHILD,
    PF_NOTE_PARENT,
    PF_NOTE_FUNCTION,
    PF_NOTE_PEER,
    PF_NOTE_NAME,
    PF_NOTE_EXIT,
    PF_NOTE_BEFORE,
    PF_NOTE_AFTER,
    PF_NOTE_AT,
    PF_NOTE_SCHEDULER,
    PF_NOTE_EVENTS,
    PF_NOTE_REASON,
    PF_NOTE_NS,
    PF_NOTE_PROCESS,
    PF_NOTE_WHAT,
    PF_NOTE_WHY,
    PF_NOTE_GEN,
    PF_NOTE_TOOK,
    PF_NOTE_MOVED,
    PF_NOTE_CALLER,
    PF_NOTE_STACK,
    PF_NOTE_STACK_CUT,
    PF_NOTE_CUT,
    PF_NOTE_METADATA,
    PF_NOTE_CALLS,
    PF_NOTE_TIME,
    PF_NOTE_BYTES,
    PF_NOTE_COUNT
};

/* Fields of TracePacket; PF_PACKET is that of Trace. */
enum {
    PF_PACKET = 1,
    PF_CLOCK_SNAPSHOT = 6,
    PF_TIMESTAMP = 8,
    PF_SEQUENCE = 10,
    PF_TRACK_EVENT = 11,
    PF_INTERNED = 12,
    PF_FLAGS = 13,
    PF_CLOCK_ID = 58,
    PF_DEFAULTS = 59,
    PF_DESCRIPTOR = 60
};
enum pf_type { PF_BEGIN = 1, PF_END, PF_INSTANT, PF_COUNTER };
enum pf_flow { PF_FLOW_NONE = 0, PF_FLOW = 47, PF_FLOW_END = 48 }; /* fields of TrackEvent */

struct pf_settings {
    const char *path;
    bool args;
    int64_t limit;
    int syntax;
};

struct pf_node {
    bool known;
    int64_t last; /* the time of its clock */
    struct tap_map names;
    uint32_t *listed; /* the tracks on which something may be open, each once */
    uint32_t listed_count;
};

struct pf_track {
    struct tap_pid pid;
    uint32_t node;
    uint32_t depth;  /* slices that are open on it */
    int64_t last;    /* nothing on it is earlier than what was there before */
    uint64_t title;  /* a hash of what it is called; 0: it is not told yet */
    uint8_t open[2]; /* what the machine does with it, innermost last: enum pf_title */
    uint8_t open_count;
    bool ended, counted; /* counted: its mailbox has a track */
    bool listed;         /* among its node's */
};

struct pf {
    struct tap_file_sink sink;
    struct tap_call_stacks *stacks;
    struct tap_process_table *processes;
    struct tap_flow_times flows;
    struct pf_node *nodes;
    uint32_t node_count;
    struct tap_map track_at; /* by pid: index + 1 */
    struct pf_track *tracks;
    uint32_t track_count, first; /* first: the thread id of tracks[0] */
    const struct tap_batch *batch;
    const struct tap_event *event;
    struct tap_print print;
    uint32_t calls;             /* tells two calls of one track apart */
    bool point;                 /* the call that was told has no end */
    bool any;                   /* a call has ended by this event */
    struct tap_pb packet, body; /* what is open */
    uint32_t fresh;             /* the number of a name that is told with this packet; 0: none */
    struct tap_mfa fresh_name;
};

/* ---- packets.c */

/* The node's sequence, which is begun when it is new; NULL: no memory. */
struct pf_node *pf_node(struct pf *, uint32_t index);
/* Says what the node is called; `told`: again, with its release, which it has told at this place of
 * the stream. */
void pf_node_describe(struct pf *, uint32_t index, bool told);
/* Opens the packet of an event: what is written before pf_close are fields of TrackEvent. */
void pf_open(struct pf *, uint32_t node, enum pf_type, uint64_t track, int64_t ts);
void pf_named(struct pf *, enum pf_category, uint32_t title);
void pf_flow(struct pf *, enum pf_flow, uint64_t id);
void pf_close(struct pf *);
/* The number of a function's name on this node's sequence, for the next packet; 0: no memory. */
uint32_t pf_function(struct pf *, uint32_t node, const struct tap_mfa *);

/* What an event says besides, as the viewer shows it. */
void pf_text(struct pf *, enum pf_note, const char *text);
void pf_number(struct pf *, enum pf_note, int64_t);
void pf_term(struct pf *, enum pf_note, struct tap_span);
void pf_peer(struct pf *, enum pf_note);
void pf_mfa(struct pf *, enum pf_note); /* the event's function */
void pf_pid(struct pf *, enum pf_note); /* the event's process */
void pf_arguments(struct pf *);
void pf_extras(struct pf *);

/* ---- tracks.c */

/* The track of the event's process, which is told when it is new; NULL: no memory. */
struct pf_track *pf_track(struct pf *);
/* By its thread id; NULL: it is forgotten. */
struct pf_track *pf_track_at(struct pf *, uint32_t thread);
/* Whoever has the pid next is another one. */
void pf_track_part(struct pf *, const struct tap_pid *);
static inline uint32_t pf_thread(const struct pf *p, const struct pf_track *t)
{
    return p->first + (uint32_t)(t - p->tracks);
}
/* The number of its track; that of its mailbox's is the next one. The first ones take one byte. */
static inline uint64_t pf_number_of(uint32_t thread)
{
    return 2 * (uint64_t)(thread - PF_FIRST + 1);
}
/* Opens an event's packet there, never before what is there already; its time. */
int64_t pf_on(struct pf *, struct pf_track *, enum pf_type, int64_t ts);
/* Ends what the machine does with it: it calls, returns or ends. */
void pf_track_settle(struct pf *, struct pf_track *, int64_t ts);
/* The same for all of a node. */
void pf_tracks_break(struct pf *, uint32_t node, int64_t ts);
/* Something will be open on it; false: no memory. */
bool pf_track_list(struct pf *, struct pf_track *);
/* What is told of processes' names, and of their mailboxes. */
void pf_learn(struct pf *);
void pf_mailboxes(struct pf *);

/* ---- schedule.c */

/* False: no memory. */
bool pf_schedule(struct pf *, struct pf_track *);

/* ---- events.c */

bool pf_event(struct pf *);
bool pf_call_ended(void *self, const struct tap_call *);

#endif
