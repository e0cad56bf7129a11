/* beamtap/beamtap.h: tracing BEAM nodes from a program of your own. Link with `pkg-config --cflags
 * --libs beamtap`.
 *
 *     struct tap_trace_options options = TAP_TRACE_OPTIONS;
 *     options.nodes = (const char *[]){"shop@web1", NULL};
 *     options.modules = (const char *[]){"shop_cart", NULL};
 *     struct tap_trace *trace;
 *     char *why;
 *     if (tap_trace_start(&options, &trace, &why) == TAP_OK) {
 *         struct tap_events *events = tap_trace_events(trace, TAP_PRINT_ERLANG);
 *         struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
 *         while (tap_events_next(events, &e, 1000) == TAP_NEXT_EVENT)
 *             printf("%s %s:%s/%d %s\n", e.event, e.module, e.function, e.arity, e.message);
 *         tap_events_close(events);
 *         tap_trace_stop(trace, &why);
 *         tap_trace_free(trace);
 *     }
 *
 * Any number of traces may run at once; each has an id and threads of its own. The library keeps no
 * state beside them, prints nothing (see `log`), installs no signal handler (its threads block all
 * signals but those of a fault of their own) and never ends the process. The only thing of the
 * process that it reads is the environment: BEAMTAP_COOKIE, BEAMTAP_DEBUG, BEAMTAP_PLUGIN_PATH,
 * ERL_EPMD_PORT, HOME, XDG_CONFIG_HOME; and plugins that it is told to use what they say, such as
 * OTEL_EXPORTER_OTLP_ENDPOINT and _HEADERS, TERM, NO_COLOR, LANG.
 *
 * Threads: functions on one trace may be called from any thread at any time, but for
 * tap_trace_free, which must be the last. A cursor (struct tap_events) is for one thread at a time;
 * a trace may have many.
 *
 * Failures: `why`, where it is given, is set to a text of one or more lines that the caller frees
 * with free(), or to NULL. A status of TAP_INVALID means that the options are wrong, or that there
 * is NULL in the place of something; TAP_ERROR that a node, file or plugin failed. Functions
 * without a status do nothing for NULL.
 */
#ifndef BEAMTAP_BEAMTAP_H
#define BEAMTAP_BEAMTAP_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct tap_trace;
struct tap_events;

/* ---- Starting */

/* One call that is traced from its beginning to its end, with every process that it spawns. */
enum tap_syntax { TAP_SYNTAX_AUTO, TAP_SYNTAX_ERLANG, TAP_SYNTAX_ELIXIR };
struct tap_call {
    uint32_t struct_size;
    const char *module;    /* shop_cart, 'my mod'; Shop.Cart, :shop_cart */
    const char *function;  /* add */
    const char *arguments; /* a list: [1, {a, "text"}]; NULL: see arguments_term */
    /* Of module and arguments. AUTO: Elixir when the module is written as Elixir writes it
     * (Shop.Cart, :shop_cart). It matters: "text" is a list in Erlang and a binary in Elixir. */
    enum tap_syntax syntax;
    const uint8_t *arguments_term; /* the list as an external term with version byte */
    size_t arguments_term_len;
    int64_t timeout; /* ns, then the caller is killed; 0: 5 s; below 0: no limit */
    /* ns that the processes it spawned may go on being traced after it came back; at most */
    int64_t linger;
};
#define TAP_CALL TAP_SIZED(struct tap_call)

/* Lists end with NULL. What is not given is as the file says, or the default (README: INI
 * reference). */
struct tap_trace_options {
    uint32_t struct_size;
    const char *file;         /* an INI file, as `beamtap run` takes it; its sinks write too */
    const char *const *nodes; /* or the one word all_nodes, with seed */
    const char *seed;
    const char *cookie_file;
    const char *const *events;     /* function_call, message_send, ... */
    const char *const *modules;    /* [filter:modules] */
    const char *const *pids;       /* [filter:pids] */
    const char *const *match_spec; /* lines of [filter:match_spec] trace = */
    const char *const
        /* everything else, as SECTION.KEY=VALUE: "session.duration=10s", "sink:csv.path=a.csv" */
        *settings;
    int64_t keep; /* bytes of events that are kept for tap_trace_events; 0: 64 MiB */
    /* The trace is this call. Without events, all but scheduling and garbage collection; without a
     * file, max_queue is 1M and max_rate 0, so that no pause leaves a hole. */
    const struct tap_call *call;
    /* Where log lines go: `actor` is a section of the configuration, or core. On any thread, also
     * on those of the trace, which waits for it: there tap_trace_stop only asks for the end and
     * gives TAP_OK, tap_trace_free does no more than that, and nothing waits for the trace
     * (tap_trace_wait, tap_events_next); and who holds a lock that it takes must not be in
     * tap_trace_stop. Not called any more once the trace is freed. */
    void (*log)(void *arg, enum tap_log_level, const char *actor, const char *text);
    void *log_arg;
    /* Asked several times a second while it starts, which may wait for nodes and for readers of
     * named pipes: true ends that. On the caller's thread. NULL: it is never ended. */
    bool (*to_end)(void *arg);
    void *to_end_arg;
};
#define TAP_TRACE_OPTIONS TAP_SIZED(struct tap_trace_options)

/* Connects and switches tracing on; with TAP_OK at least one node is traced, but where `to_end`
 * said true before: then it ends at once. Without a file and a duration in `settings` the trace
 * runs until it is stopped, or until max_events. */
enum tap_status tap_trace_start(const struct tap_trace_options *, struct tap_trace **, char **why);
/* 16 hex digits, new for each trace. */
const char *tap_trace_id(const struct tap_trace *);

/* ---- Ending */

/* Waits at most `timeout` ms (below 0: without limit) for the trace to end by itself. True: it has
 * ended. */
bool tap_trace_wait(struct tap_trace *, int timeout);
/* Tracing off everywhere, the last events delivered, every sink finished. Also after it has ended
 * by itself: gives the same status and reasons again. Bounded in time, whatever the nodes do. */
enum tap_status tap_trace_stop(struct tap_trace *, char **why);
/* Stops it if need be, and frees it. Its cursors must be closed before. */
void tap_trace_free(struct tap_trace *);

/* Where every trace message of the nodes went: produced = kept + filtered + lost, once the trace
 * has ended. */
struct tap_trace_figures {
    uint32_t struct_size; /* set it before: TAP_SIZED(struct tap_trace_figures) */
    uint64_t produced;
    uint64_t kept;     /* reached the memory that cursors read */
    uint64_t filtered; /* taken away by filters */
    uint64_t lost;     /* in a node, on the way, or in the queue before the memory */
    uint64_t evicted;  /* of those kept: gone by now, because `keep` was reached */
    uint32_t nodes;
    uint32_t nodes_failed;
    bool exact; /* every node's final report came: the figures are not only lower bounds */
};
void tap_trace_figures(const struct tap_trace *, struct tap_trace_figures *);

/* ---- Events */

/* Texts are UTF-8 and never NULL; they are valid until the cursor's next call. */
struct tap_trace_event {
    uint32_t struct_size; /* set it before: TAP_SIZED(struct tap_trace_event) */
    int64_t ts;           /* ns since the Unix epoch */
    uint64_t seq;         /* per node */
    /* enum tap_kind: one that can be asked for, or TAP_LOST, TAP_GAP, TAP_NODE_UP, TAP_NODE_DOWN,
     * TAP_RETURNS_OFF, TAP_MARK */
    unsigned kind;
    int arity;         /* -1: none */
    const char *event; /* the kind's name */
    const char *node, *pid, *module, *function, *peer;
    const char *message;  /* arguments, message, value, reason, ... as the node would print it */
    const char *metadata; /* what a match spec's message(X) asked for */
    const char *reason;   /* lost and gap: why */
    uint64_t lost;        /* TAP_LOST: events; else 0 */
    int64_t gap;          /* TAP_GAP: ns; else 0 */
    /* the same for a send and its receive, for a spawn and its start; 0: none */
    uint64_t flow;
    /* what `message` is printed from, an external term without version byte; NULL: none */
    const uint8_t *term;
    size_t term_len;
    const char *gen; /* of a message to or from a behaviour: "call", "cast", "reply"; else "" */
    int64_t took;    /* reply: ns since the call */
    /* module, function and arity as the syntax writes them: shop_cart:add/2, Shop.Cart.add/2,
     * anonymous fn/1 in Shop.Door.day/1; "" where there is no function */
    const char *mfa;
};

enum tap_next {
    TAP_NEXT_EVENT,
    TAP_NEXT_NONE, /* nothing came within the time: there may be more */
    TAP_NEXT_END   /* the trace has ended, and everything was read */
};
/* A cursor that stands before the oldest event that is kept. NULL: out of memory. */
struct tap_events *tap_trace_events(struct tap_trace *, enum tap_print_syntax);
/* The next event; waits for it at most `timeout` ms (0: does not wait; below 0: without limit). */
enum tap_next tap_events_next(struct tap_events *, struct tap_trace_event *, int timeout);
/* Events that fell out of memory before this cursor came to them. */
uint64_t tap_events_missed(const struct tap_events *);
void tap_events_close(struct tap_events *);

/* ---- One call */

enum tap_call_end {
    TAP_CALL_NONE,     /* nobody said: the node was lost, or it is still running */
    TAP_CALL_RETURNED, /* with `text` */
    TAP_CALL_THROW,
    TAP_CALL_ERROR,
    TAP_CALL_EXIT, /* the three exceptions: the reason is `text` */
    TAP_CALL_DIED, /* an exit signal ended the caller: the reason is `text` */
    TAP_CALL_TIMEOUT,
    TAP_CALL_STOPPED /* the trace was stopped before */
};
struct tap_call_result {
    uint32_t struct_size; /* set it before: TAP_SIZED(struct tap_call_result) */
    enum tap_call_end end;
    const char *text;    /* printed in the syntax of the call; valid as long as the trace */
    const char *stack;   /* of an exception, else "" */
    const uint8_t *term; /* what `text` is printed from, without version byte; NULL: none */
    size_t term_len;
};
/* After the end of a trace with `call`. */
void tap_trace_result(struct tap_trace *, struct tap_call_result *);
/* Start and wait for the end in one; the result may be NULL. *trace, which holds the events, is set
 * (and is to be freed) whenever the call was made; TAP_OK says that its end is known, not that it
 * returned. */
enum tap_status tap_trace_call(const struct tap_trace_options *, const struct tap_call *,
                               struct tap_trace **trace, struct tap_call_result *, char **why);

/* ---- Export */

/* Writes what is kept by now through any installed sink: "chrome", with the options of its section
 * as KEY=VALUE ("path=a.json", ...; NULL at the end). Events that fell out are missing, and an
 * event for each node says how many. A named pipe's reader is waited for, for ten seconds, or until
 * the trace is stopped meanwhile. */
enum tap_status tap_trace_export(struct tap_trace *, const char *sink, const char *const *options,
                                 char **why);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
