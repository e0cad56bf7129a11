/* otlp.h: the otlp sink's parts, from the ground up:
 *
 *     http.c       one request to the collector, and what it answered (libcurl)
 *     headers.c    the headers that a user gives, which may be secrets
 *     sending.c    the thread that sends: tries again, gives up
 *     sender.c     what waits for it, and what the sink is told
 *     fields.c     attributes, links, statuses as bytes
 *     gather.c     spans that have ended, until they are a request; nodes as resources
 *     spans.c      spans that are open, and their numbers
 *     processes.c  what a process does just now belongs to
 *     messages.c   calls of servers, casts and spawns as spans
 *     events.c     what each event is
 *     plugin.c     the plugin: options, life
 *
 * What becomes of what is in README.md. Numbers of fields are those of opentelemetry-proto
 * (trace/v1/trace.proto, collector/trace/v1/trace_service.proto).
 */
#ifndef TAP_SINKS_OTLP_OTLP_H
#define TAP_SINKS_OTLP_OTLP_H

#include "beamtap/term_write.h"
#include "sinks/common/flow_times.h"
#include "sinks/common/kit.h"
#include "sinks/common/map.h"
#include "sinks/otlp/sender.h"

#define OTLP_REQUEST ((size_t)1 << 20) /* bytes of spans that are sent as soon as they are there */
#define OTLP_OPEN ((size_t)32 << 20)   /* bytes that open spans take at most; more are lost */
#define OTLP_PROCESSES 65536u          /* that something is known of; then all are forgotten */
#define OTLP_FETCHED 262144u           /* messages that they may not be done with */
#define OTLP_LOOKED 1024u              /* of a process that a callback's message may be among */
#define OTLP_CALLS 16384u              /* calls of servers under way that are remembered */
#define OTLP_CALL_SET 8u               /* places of the same keys among them */

enum otlp_kind { OTLP_INTERNAL = 1, OTLP_SERVER, OTLP_CLIENT, OTLP_PRODUCER, OTLP_CONSUMER };

struct otlp_settings {
    const char *endpoint, *headers_file, *ca_file, *service;
    bool args;
    int64_t limit, batch, buffer, timeout;
    int syntax, messages, compression;
};

/* What others name a span by. */
struct otlp_ids {
    uint8_t trace[16], span[8];
};

/* A span that has begun: its first fields, and what its end needs to know. */
struct otlp_span {
    struct otlp_ids ids;
    uint64_t number; /* counts spans as they began; 0: nothing is here */
    int64_t start;
    uint64_t parent; /* its id, as it stands in `ids`; 0: none */
    uint32_t node;   /* index */
    uint32_t events; /* counted ones that it tells of */
    char *fields;
    size_t len;
};
/* Of one that may have ended meanwhile. `at` is its place and 1; 0: of none. */
struct otlp_ref {
    uint32_t at;
    uint64_t number;
};

/* A message that a process has fetched, and may not be done with. */
struct otlp_fetched {
    struct otlp_fetched *next;
    struct otlp_ids ids; /* of its handling */
    struct otlp_ref span;
    uint64_t number;   /* counts as spans do: when it became the first of them */
    uint64_t hash;     /* of its content */
    int64_t lasts;     /* until then at least it was handled: its spans ended, or it was sure */
    uint64_t callback; /* the number of the span of what it was given to; 0: of nothing */
    enum tap_gen gen;
    bool replied;
};

/* What is known of a process as long as it matters. */
struct otlp_process {
    struct tap_pid pid;
    uint32_t node;
    struct otlp_fetched *first, *last_one;
    int64_t fetched;       /* when it fetched the first one */
    bool active;           /* it did something since it fetched one */
    int64_t seen;          /* when it was last seen to do something */
    struct otlp_ref call;  /* that it made of a server */
    bool waits;            /* for the answer: it did nothing else since */
    struct otlp_ids cause; /* the spawn that it comes from */
    bool caused;
};

/* A call of a server under way. */
struct otlp_call {
    uint64_t key, seen; /* seen: numbers the calls as they began */
    struct otlp_ref client, server;
    struct otlp_ids ids; /* the client's */
    struct tap_pid from; /* and its pid */
    bool sent;           /* of which that is known */
};

/* A node: what its resource says, and its spans that have ended. */
struct otlp_node {
    bool known;
    uint64_t hash; /* of its name */
    char *resource;
    size_t resource_len;
    struct tap_buf spans;
};

struct otlp {
    const struct tap_host *host;
    const struct otlp_settings *settings;
    struct otlp_sender *sender;
    struct tap_sink_nodes labels;
    struct tap_call_stacks *stacks;
    struct tap_process_table *names;
    struct tap_flow_times flows;
    struct otlp_ids *flow_ids; /* of what sent them, by their places in `flows` */
    struct tap_writer w;       /* for making bytes; goes nowhere */
    uint64_t run;              /* the run's id */

    struct otlp_span *spans;
    uint32_t span_count, span_free; /* free: place and 1 of the first of a list */
    uint64_t begun;                 /* spans */
    size_t open_bytes;
    uint64_t unopened, too_deep; /* spans missing: without room among the open ones, or as calls */

    struct otlp_node *nodes;
    uint32_t node_count;
    size_t gathered_bytes;
    uint32_t gathered_spans;
    uint64_t gathered_events;

    struct tap_map process_at; /* by pid: index + 1 */
    struct otlp_process *processes;
    uint32_t process_count;
    uint32_t fetched;      /* messages, of all of them */
    uint32_t callbacks[3]; /* handle_info, handle_call, handle_cast: names, by enum tap_gen */

    struct otlp_call *calls; /* by key, in sets */
    uint64_t calls_seen;

    uint64_t left_out; /* events that no span tells of, on purpose */

    /* the event at work */
    const struct tap_batch *batch;
    const struct tap_event *event;
    struct tap_print print;
    bool counted;            /* it counts, and no span has it yet */
    struct otlp_ids sent_by; /* what sent the message that it fetches; all 0: unknown */
    bool point;              /* the call that was told has no end */
    struct otlp_ids begins;  /* of the span that is being made */
    uint64_t begins_in;      /* its parent */
    struct tap_pb ends;      /* the span that is being ended */
};

/* ---- spans.c. A span is begun, gets its fields, and is opened; later it is ended, gets the rest
 * of its fields, and is closed. Nothing else is written in between. */

void otlp_begin(struct otlp *, enum otlp_kind, const struct otlp_ids *parent);
/* It takes the event with it. `at` 0: there is no room for it, which is a loss, or no memory. */
struct otlp_ref otlp_open(struct otlp *);
/* One without a length. */
void otlp_open_point(struct otlp *);
/* NULL: it has ended. */
struct otlp_span *otlp_span_at(struct otlp *, struct otlp_ref);
/* False: there is no such span any more. `takes`: the event is its, too. */
bool otlp_end(struct otlp *, struct otlp_ref, int64_t ts, bool takes);
void otlp_close(struct otlp *, struct otlp_ref);
/* Forgets one that has not begun after all. */
void otlp_forget(struct otlp *, struct otlp_ref);

/* ---- fields.c */

/* What it is called, between these. */
struct tap_pb otlp_name_begin(struct otlp *);
void otlp_name_end(struct otlp *, struct tap_pb);
void otlp_link(struct otlp *, const struct otlp_ids *, const char *why);
/* Attributes, in this field of what is open. */
#define OTLP_ATTRIBUTES 9u
void otlp_text(struct otlp *, unsigned field, const char *key, const char *text, size_t len);
void otlp_number(struct otlp *, const char *key, int64_t);
void otlp_term(struct otlp *, const char *key, const uint8_t *term, size_t len);
void otlp_span_term(struct otlp *, const char *key, struct tap_span); /* unless it is left out */
void otlp_peer(struct otlp *, const char *key);
void otlp_arguments(struct otlp *);
void otlp_process_of(struct otlp *); /* who the event's process is */
void otlp_extras(struct otlp *);     /* what an event says besides */
void otlp_why(struct otlp *, const char *end);
void otlp_failed(struct otlp *, const char *why, size_t len);
/* The exception that the event tells: an event of the span, and its status. */
void otlp_exception(struct otlp *);

/* ---- gather.c */

struct otlp_node *otlp_node(struct otlp *, uint32_t index, bool again); /* NULL: no memory */
/* The span whose bytes stand in the writer. */
void otlp_gather(struct otlp *, uint32_t node, uint32_t events);
/* What is gathered goes to the sender. */
bool otlp_send(struct otlp *);

/* ---- processes.c */

struct otlp_process *otlp_process(struct otlp *, const struct tap_pid *); /* NULL: not known */
/* Is made where there is none. NULL: no memory. */
struct otlp_process *otlp_process_make(struct otlp *, const struct tap_pid *, uint32_t node);
/* The span that what the event's process does now is inside; NULL: in none, as far as is known. */
const struct otlp_ids *otlp_inside(struct otlp *);
/* The same, where it is a call, which may wait for just this message. */
const struct otlp_ids *otlp_in_call(struct otlp *);
/* This span ends, which may be inside the message that the event's process handles. */
void otlp_process_lasts(struct otlp *, struct otlp_ref, int64_t ts);
/* The event is one of a process. */
void otlp_process_seen(struct otlp *);
/* It fetches a message, which was sent then (0: unknown); and, behind that, what the message is.
 * A span at 0: it has none. False: no memory. */
void otlp_process_fetches(struct otlp *, struct otlp_process *, int64_t sent);
bool otlp_process_takes(struct otlp *, struct otlp_process *, enum tap_gen, uint64_t hash,
                        struct otlp_ref span);
/* A message of this kind and content (0: unknown) is given to a callback, whose span has this
 * number as soon as it has one. False: none of those that were fetched. */
bool otlp_process_calls_back(struct otlp *, struct otlp_process *, enum tap_gen, uint64_t hash);
void otlp_process_called_back(struct otlp_process *, uint64_t number);
/* A call ended: a callback's, perhaps. */
void otlp_process_call_ended(struct otlp *, const struct tap_pid *, uint64_t number, int64_t ts);
/* The event replies to the call with this span. */
void otlp_process_replied(struct otlp *, struct otlp_ref server);
void otlp_process_free(struct otlp_process *);
/* It ended. */
void otlp_process_exit(struct otlp *);
/* Nobody knows what became of those of this node. */
void otlp_processes_forget(struct otlp *, bool every, uint32_t node);
/* A call of it ended by an exception or an exit, and so did what it waited for in that call. */
void otlp_process_unwound(struct otlp *, const struct tap_pid *, uint64_t number, int64_t ts);

/* ---- messages.c. False: no memory. */

bool otlp_message(struct otlp *);
bool otlp_spawn(struct otlp *);
/* No more will come. */
void otlp_calls_end(struct otlp *);

/* ---- events.c */

bool otlp_event(struct otlp *);
bool otlp_call_ended(void *self, const struct tap_call *);

#endif
