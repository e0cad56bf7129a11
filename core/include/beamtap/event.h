/* beamtap/event.h: events and batches.
 *
 * An event is an envelope: who, what, when, in fixed-size fields that every filter and sink needs.
 * What is large and seldom needed (arguments, messages, return values) stays as a raw external term
 * in the batch's arena and is printed only by a sink that wants it (term.h).
 *
 * Batches are immutable once a sink sees them, shared by all sinks, and reference counted by the
 * core. A filter never copies: it clears bytes in a keep vector, and a sink is handed the indexes
 * of the events that are its own.
 */
#ifndef BEAMTAP_EVENT_H
#define BEAMTAP_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every kind has a name (host->kind_name) that configuration files, CSV and JSON use:
 * `function_call`, ... */
enum tap_kind {
    TAP_FUNCTION_CALL = 0,
    TAP_FUNCTION_RETURN,
    TAP_FUNCTION_EXCEPTION,
    TAP_MESSAGE_SEND,
    TAP_MESSAGE_RECEIVE,
    TAP_PROCESS_SPAWN,
    TAP_PROCESS_START,
    TAP_PROCESS_EXIT,
    TAP_PROCESS_LINK,
    TAP_PROCESS_UNLINK,
    TAP_PROCESS_REGISTER,
    TAP_PROCESS_UNREGISTER,
    TAP_SCHEDULE_IN,
    TAP_SCHEDULE_OUT,
    TAP_GC_START,
    TAP_GC_END,
    /* no event, but what the VM has counted of a function (counters.h): payload {Calls, Ns, Bytes};
     * of one process, or (pid none) of all, or of all that have no row of their own */
    TAP_FUNCTION_COUNTERS,
    /* The kinds below TAP_LOST can be asked for, are filtered and are counted; up to here there are
     * some by now. */
    TAP_KIND_USER_LAST = TAP_FUNCTION_COUNTERS,
    TAP_LOST = 32, /* `lost` events are missing here; `reason` says why */
    /* tracing was off in the node from `ts` for `gap` nanoseconds (but see tap_event_is_part_gap);
     * `reason` says why, payload: a binary that says it to people */
    TAP_GAP,
    TAP_NODE_UP, /* control, from here on: never filtered, never counted */
    TAP_NODE_DOWN,
    /* the node's clock was compared with the collector's: `clock_offset` is added to the node's
     * monotonic time, right within `clock_error`; payload: the whole report {align, ...} (frame.h),
     * none where the offset is the node's own word */
    TAP_CLOCK,
    /* payload: a list of {Pid, Facts}, Facts a list of {name | initial_call | label, Value}; or a
     * bare name or {M,F,A} in its place */
    TAP_PROCESS_INFO,
    /* payload: what the plan became in the node (frame.h, {plan, Map}) */
    TAP_PLAN,
    TAP_MAILBOX, /* payload: a list of {Pid, Length}: messages that waited there at `ts` */
    /* from here on the function is traced without its returns in this node: the payload, a binary,
     * says why */
    TAP_RETURNS_OFF,
    /* where [session] start_on or stop_on found what it waits for, or follow its first message:
     * `pid` is that event's; payload: a binary that says which of them, and what it is */
    TAP_MARK,
    TAP_KIND_COUNT
};
/* Of a kind that can be asked for, in a mask of them; 0 for the others. */
#define TAP_KIND_BIT(kind) ((kind) < TAP_LOST ? 1u << (kind) : 0u)
static inline bool tap_kind_is_control(unsigned kind)
{
    return kind >= TAP_LOST;
}
/* Has people's outputs a row for it? Of the control events only what tells of a node's coming and
 * going, of what is missing, and of where a window begins and ends. */
static inline bool tap_kind_has_row(unsigned kind)
{
    return kind <= TAP_NODE_DOWN || kind == TAP_RETURNS_OFF || kind == TAP_MARK;
}

/* Why events are missing (TAP_LOST) or why tracing was off (TAP_GAP). The numbers travel in frames:
 * append only. */
enum tap_reason {
    TAP_REASON_NONE = 0,
    TAP_REASON_CREDIT,      /* the collector did not open its window: the node refused to wait */
    TAP_REASON_QUEUE,       /* the relay's message queue was above max_queue: shed in the node */
    TAP_REASON_RATE,        /* max_rate reached: tracing off until the next window (a gap) */
    TAP_REASON_MEMORY,      /* max_memory reached in the node */
    TAP_REASON_TERM,        /* a term above max_term */
    TAP_REASON_LIMIT,       /* max_events reached: what was already on its way is not sent */
    TAP_REASON_SINK_QUEUE,  /* a sink's bounded queue was full in the collector */
    TAP_REASON_SINK_FAILED, /* the sink had failed or was abandoned */
    /* the connection broke: unknown how many unless the final report came */
    TAP_REASON_CONNECTION,
    TAP_REASON_UNREADABLE, /* a frame or term could not be decoded */
    TAP_REASON_SEQUENCE,   /* sequence numbers are missing and nobody said why */
    TAP_REASON_CODE,       /* a module was loaded, and nobody could look at once (a gap) */
    TAP_REASON_KEEP,       /* within `keep` before start_on, and no room for it in keep_memory */
    TAP_REASON_COUNT
};

enum tap_event_flags {
    TAP_EVENT_ARITY_ONLY = 1 << 0, /* a call whose arguments were not carried */
    /* the payload was too large and was cut in the node; `true_size` says how large it was */
    TAP_EVENT_TRUNCATED = 1 << 1,
    /* a receive of the atom timeout from the VM's clock: it timed out, or a timer sent that atom
     * (erlang:send_after(T, P, timeout)); the VM tells both alike */
    TAP_EVENT_TIMEOUT = 1 << 2,
    TAP_EVENT_NONEXISTING = 1 << 3, /* a send to a process that does not exist */
    TAP_EVENT_EXITING = 1 << 4,     /* schedule_in_exiting, out_exiting, out_exited */
    TAP_EVENT_GC_MAJOR = 1 << 5,
    TAP_EVENT_LINK_GOT = 1 << 6, /* getting_linked, getting_unlinked: the peer did it */
    /* the clocks of two nodes do not say whether it or its cause was first: `ts` is right after the
     * cause, or after what its process did before */
    TAP_EVENT_MOVED = 1 << 7,
    /* a call: by it a loop of functions that call each other last goes on, in the place of the
     * frame that it left. A return or exception: the end of such a call, which comes with those of
     * all others when the loop ends. Whoever keeps a stack passes over both. */
    TAP_EVENT_TAIL = 1 << 8,
    TAP_EVENT_STACK = 1 << 9 /* a call whose stack was asked for: `stack` */
};

/* What a message is to OTP's behaviours (gen.h reads its parts). */
enum tap_gen { TAP_GEN_NONE = 0, TAP_GEN_CALL, TAP_GEN_CAST, TAP_GEN_REPLY };

/* A process, by value. `node` is the name id of the node atom; a local pid has its own node's name
 * there. Two pids are the same process when all four fields are equal. id 0 and serial 0 with node
 * 0 means: none. Source: NEW_PID_EXT in the External Term Format. */
struct tap_pid { /* frozen */
    uint32_t node, id, serial, creation;
};
static inline bool tap_pid_same(const struct tap_pid *a, const struct tap_pid *b)
{
    return a->id == b->id && a->serial == b->serial && a->node == b->node &&
           a->creation == b->creation;
}
/* For a table of processes: pids that differ in any field, be it by one, fall on places that have
 * nothing in common. */
static inline uint64_t tap_pid_hash64(const struct tap_pid *p)
{
    uint64_t h = ((uint64_t)p->id << 32 | p->serial) * 0x9e3779b97f4a7c15ull;
    return (h ^ (h >> 29) ^ ((uint64_t)p->creation << 32 | p->node)) * 0xd6e8feb86659fd93ull;
}
static inline uint32_t tap_pid_hash(const struct tap_pid *p)
{
    return (uint32_t)(tap_pid_hash64(p) >> 32);
}

enum tap_peer_type {
    TAP_PEER_NONE = 0, /* a receive may still know the sender's node: peer.node */
    TAP_PEER_PID,      /* peer */
    TAP_PEER_NAME,     /* a registered name: peer_name; with peer.node != 0, {Name, Node} */
    TAP_PEER_PORT,     /* peer_port */
    TAP_PEER_MFA,      /* the function that called: caller */
    TAP_PEER_TERM      /* anything else (a reference: a process alias): the term at peer_term */
};

/* A port, by value, as a pid is. Source: V4_PORT_EXT in the External Term Format. */
struct tap_port {            /* frozen */
    uint32_t node, creation; /* node: a name id */
    uint64_t id;
};

/* A function. */
struct tap_mfa {               /* frozen */
    uint32_t module, function; /* name ids */
    int32_t arity;
};

/* A piece of the batch's arena: an external term without the version byte 131. len 0: there is
 * none. */
struct tap_span { /* frozen */
    uint32_t off, len;
};

/* How large one is stands in tap_batch.event_size. In 1.0 two lines of a cache, on the borders of
 * lines where the core made it: every event goes through all of them. */
struct tap_event {
    /* ns since the Unix epoch; aligned over nodes; within 1 .. 2^62, whatever a node says, so that
     * the difference of two never overflows */
    int64_t ts;
    /* per node, from 0, gaps are losses; control events have the next event's number */
    uint64_t seq;
    struct tap_pid pid;
    union {                        /* see peer_type */
        struct tap_pid peer;       /* TAP_PEER_PID; of NONE and NAME the node */
        struct tap_port peer_port; /* TAP_PEER_PORT */
        struct tap_mfa caller;     /* TAP_PEER_MFA */
        struct tap_span peer_term; /* TAP_PEER_TERM */
    };
    union {
        /* TAP_GEN_REPLY: ns since the call was sent, or, where that was not seen, received */
        int64_t took;
        uint64_t clock_error; /* TAP_CLOCK: ns; 0: unknown, the node's own word */
        /* TAP_EVENT_STACK (stack.h): frames, whoever called first */
        struct tap_span stack;
    };
    union {
        uint64_t lost;        /* TAP_LOST: events */
        uint64_t gap;         /* TAP_GAP: ns, up to 2^62 */
        int64_t clock_offset; /* TAP_CLOCK: ns */
        uint64_t true_size;   /* TAP_EVENT_TRUNCATED: of the payload, bytes of external term */
    };
    union {
        uint64_t flow; /* pairs a send with its receive, a spawn with its start; 0: none */
        int64_t
            clock_before; /* TAP_CLOCK: events up to this time of the node's were timed before */
    };
    uint32_t node;      /* index of the node (host->node) */
    uint32_t module;    /* name id; 0: none */
    uint32_t function;  /* name id; 0: none */
    int32_t arity;      /* -1: none */
    uint32_t peer_name; /* TAP_PEER_NAME: a name id */
    uint32_t scheduler; /* schedule_in/out with scheduler ids: the id; else 0 */
    /* arguments (a list), message, value, {M,F,Args}, reason, name, gc info */
    struct tap_span payload;
    struct tap_span metadata; /* what a user's {message, X} asked for */
    uint8_t kind;             /* enum tap_kind */
    uint8_t peer_type;        /* enum tap_peer_type */
    uint8_t reason;           /* enum tap_reason */
    uint8_t gen;              /* enum tap_gen */
    uint32_t flags;           /* enum tap_event_flags */
    /* the whole trace message or report that it was made of, or, where all who look know that
     * (TAP_PLUGIN_ITEMS), its item; len 0: the collector's own word, or nobody looks there
     * (TAP_PLUGIN_NO_RAW) */
    struct tap_span raw;
};

/* A gap that leaves out less than everything: the arguments or messages of one process (`pid`), or
 * of every process (pid none), since one was above max_term or would be; or the calls of modules
 * that were just loaded. The payload says what. Two rows: where it begins (count 0, it is open),
 * and at its end, with `count` nanoseconds behind it; of modules the end alone, for it is known
 * then. */
static inline bool tap_event_is_part_gap(const struct tap_event *e)
{
    return e->kind == TAP_GAP && (e->reason == TAP_REASON_TERM || e->reason == TAP_REASON_CODE);
}

/* What was open on the node may have ended unseen from here on: whoever keeps stacks of calls takes
 * all of them there as ended at an unknown time, and believes no return that comes later for one of
 * their calls, for it may be that of another call. */
static inline bool tap_event_breaks_stacks(const struct tap_event *e)
{
    return e->kind == TAP_LOST || e->kind == TAP_NODE_DOWN ||
           (e->kind == TAP_GAP && !tap_event_is_part_gap(e));
}

/* The term that stands for a peer, where one does; len 0: none does. */
static inline struct tap_span tap_event_peer_term(const struct tap_event *e)
{
    struct tap_span none = {0, 0};
    return e->peer_type == TAP_PEER_TERM ? e->peer_term : none;
}

/* The stack of a call; len 0: nobody asked for it. */
static inline struct tap_span tap_event_stack(const struct tap_event *e)
{
    struct tap_span none = {0, 0};
    return e->flags & TAP_EVENT_STACK ? e->stack : none;
}

struct tap_batch {
    uint32_t struct_size;
    uint32_t event_size; /* stride of `events`: a newer core may append fields */
    uint32_t count;
    uint32_t arena_len;
    const struct tap_event *events;
    const uint8_t *arena;
    /* The core's own fields follow. */
};

static inline const struct tap_event *tap_batch_event(const struct tap_batch *batch, uint32_t index)
{
    return (const struct tap_event *)((const char *)batch->events +
                                      (size_t)index * batch->event_size);
}

#ifdef __cplusplus
}
#endif
#endif
