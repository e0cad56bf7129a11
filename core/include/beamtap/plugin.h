/* beamtap/plugin.h: the plugin ABI, version 1. This is all that a plugin author includes.
 *
 * A plugin is a shared object with one exported symbol, `beamtap_plugin_v1`, which returns a
 * constant descriptor. It links against nothing of beamtap: the core hands it a table of functions
 * (struct tap_host) when it creates an instance. Build it with -fPIC -shared -fvisibility=hidden
 * -Wl,-z,defs; it is loaded RTLD_NOW | RTLD_LOCAL and never unloaded. Call the host's functions
 * only from inside your own operations or the thread they run on.
 *
 * Life of an instance:
 *     create (no I/O: judge your settings) -> start -> run (transport) / filter (filter) / consume
 *     + flush
 * (sink)
 *     -> stop (once, also after an error) -> destroy
 * create and destroy run on the session's thread; a transport's run has a thread of its own; a
 * sink's start, consume, flush and stop never overlap. Filters judge on the transport's thread.
 *
 * Versions: fields are only ever appended to these structs inside version 1; every struct that
 * crosses the border begins with its own size, and TAP_HAS tells whether the other side knows a
 * field.
 */
#ifndef BEAMTAP_PLUGIN_H
#define BEAMTAP_PLUGIN_H

#include <poll.h>
#include <stdarg.h>

#include "event.h"
#include "term.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TAP_ABI_MAJOR 1
#define TAP_ABI_MINOR 5
#define TAP_ABI_MINOR_MIN 5 /* plugins built for an older one read events of another layout */
#define TAP_PLUGIN_SYMBOL "beamtap_plugin_v1"
#define TAP_EXPORT __attribute__((visibility("default")))
/* Does the struct that `p` points to (it begins with uint32_t struct_size) reach as far as
 * `field`? */
#define TAP_HAS(p, field) \
    ((p)->struct_size >= offsetof(__typeof__(*(p)), field) + sizeof((p)->field))

/* What operations return. On anything but TAP_OK, say why first: host->fail or host->fail_at. */
enum tap_status {
    TAP_OK = 0,
    TAP_ERROR = 1,  /* a node, file or plugin failed (exit 1) */
    TAP_INVALID = 2 /* the configuration is wrong (exit 2) */
};

enum tap_log_level { TAP_LOG_ERROR, TAP_LOG_WARNING, TAP_LOG_INFO, TAP_LOG_DEBUG };

/* ---- Options */

/* A piece of configuration text and where it stands, for error messages. The text may hold newlines
 * where a value goes on over indented lines; those lines keep their indentation, so that a column
 * can be told (host->fail_at does). */
struct tap_text {
    const char *text; /* NUL-terminated UTF-8 */
    const char *file; /* NULL: a default; "--set SECTION.KEY" with line 0: from the command line */
    int line, column; /* of text[0], from 1; columns count characters */
};
struct tap_text_list {
    size_t count;
    const struct tap_text *items;
};

enum tap_option_type {
    TAP_OPT_STRING, /* const char *: NULL when not given and without a default */
    TAP_OPT_PATH,   /* const char *: as STRING, with ~/ expanded */
    TAP_OPT_BOOL,   /* bool: true, false, yes, no, on, off, 1, 0 */
    TAP_OPT_INT,    /* int64_t within min..max */
    /* int64_t: takes k, M, G (powers of 1,000 for counts, of 1,024 with TAP_OPT_BYTES) */
    TAP_OPT_SIZE,
    TAP_OPT_DURATION, /* int64_t nanoseconds: takes ns, us, ms, s, m, h; a bare 0 needs no unit */
    TAP_OPT_CHOICE,   /* int: the index into choices */
    /* struct tap_text_list: separated by commas or lines, each trimmed, none empty */
    TAP_OPT_LIST,
    /* struct tap_text_list: one item for each time the key is given; the key may repeat */
    TAP_OPT_LINES
};
enum tap_option_flags {
    TAP_OPT_REQUIRED = 1 << 0,
    TAP_OPT_BYTES = 1 << 1 /* SIZE: the value counts bytes */
};

/* One row of a plugin's option table. The core checks the configuration against it, fills the
 * settings struct, and prints it (`beamtap plugins KIND:NAME`). */
struct tap_option {
    const char *name;
    enum tap_option_type type;
    const char *def;            /* default, in the syntax of the file; NULL: none */
    int64_t min, max;           /* INT, SIZE, DURATION: the range; both 0: any value from 0 up */
    const char *const *choices; /* CHOICE: NULL-terminated */
    const char *help;           /* one line, no full stop */
    size_t offset;              /* of the field in the settings struct */
    uint32_t flags;
};

/* ---- Names */

/* An interned atom, with the forms that sinks write, made once. All UTF-8, NUL-terminated, valid
 * for the session. */
struct tap_name {
    uint32_t id, len;
    uint32_t atom_len, json_len, elixir_len;
    const char *text;   /* the bare characters: Elixir.Shop.Cart, hello world */
    const char *atom;   /* as an Erlang atom prints with ~tp: 'Elixir.Shop.Cart', 'hello world' */
    const char *json;   /* text, escaped for the inside of a JSON string */
    const char *elixir; /* as inspect prints it: Shop.Cart, :"hello world" */
};
/* Interned names live in chunks that never move; ids are dense and 0 is the empty name. */
#define TAP_NAME_CHUNK 4096u
struct tap_names {
    /* chunks[id / TAP_NAME_CHUNK] points to TAP_NAME_CHUNK names */
    const struct tap_name *const *chunks;
};

/* ---- The plan */

/* What a filter can push down into the node is a claim; the core joins the claims (within a sink:
 * all must accept; between sinks: any) into the plan that the transport makes real. */
enum tap_plan_flags {
    TAP_PLAN_EXACT = 1 << 0, /* the node judges this fully: the filter need not judge again */
    /* named explicitly: traced even when it belongs to OTP and include_otp is off */
    TAP_PLAN_NAMED = 1 << 1,
    TAP_PLAN_RETURN = 1 << 2,    /* returns wanted, for this entry alone */
    TAP_PLAN_EXCEPTION = 1 << 3, /* exceptions (and returns) wanted, for this entry alone */
    TAP_PLAN_CALLER = 1 << 4     /* the caller wanted */
};
struct tap_plan_function {
    /* as the node writes it (Elixir.Shop.Cart); * and ? are wildcards; NULL: every module */
    const char *module;
    const char *function; /* exact name; NULL: every function */
    int arity;            /* -1: every arity */
    uint32_t flags;
    /* a match spec as an external term with version byte: [{Head, Conditions, Body}, ...]; */
    const uint8_t *spec;
    /* NULL, 0: [{'_', [], []}]. As the user wrote it: the agent adds what beamtap needs. */
    size_t spec_len;
    struct tap_text where;
};
enum tap_plan_process_type {
    TAP_PROCESS_PID,      /* text: <0.123.0> */
    TAP_PROCESS_NAME,     /* text: a registered name */
    TAP_PROCESS_NEW,      /* every process spawned from now on */
    TAP_PROCESS_TREE_PID, /* text is a pid: it and all that it spawns from now on */
    TAP_PROCESS_TREE_NAME
};
struct tap_plan_process {
    enum tap_plan_process_type type;
    uint32_t flags;
    const char *text;
    struct tap_text where;
};
struct tap_plan_message { /* a match spec on send or receive; several are joined, in order */
    const uint8_t *spec;
    size_t spec_len;
    uint32_t flags;
    struct tap_text where;
};
/* One call that is the whole run: made in the node, in a process of its own, which is traced with
 * all that it spawns. */
struct tap_plan_call {
    const char *module, *function;
    const uint8_t *args; /* a list, an external term without version byte */
    size_t args_len;
    int64_t timeout; /* ns, then the caller is killed; 0: no limit */
    int64_t linger;  /* ns that what it spawned may go on being traced after it */
};
enum tap_overload { TAP_OVERLOAD_PAUSE, TAP_OVERLOAD_DROP, TAP_OVERLOAD_STOP };
/* The plan as a transport gets it: read-only, valid until destroy. */
struct tap_plan {
    uint32_t struct_size;
    /* names as configured; the single item all_nodes: the cluster that `seed` sees */
    const struct tap_text *nodes;
    size_t node_count;
    const char *seed; /* NULL: none */
    /* never NULL; the environment's BEAMTAP_COOKIE comes first */
    const char *cookie_file;
    uint32_t events;                           /* TAP_KIND_BITs asked for */
    const struct tap_plan_function *functions; /* count 0 while calls are wanted: every function */
    size_t function_count;
    const struct tap_plan_process *processes; /* count 0: every process, those to come too */
    size_t process_count;
    const struct tap_plan_message *sends, *receives; /* count 0: every message */
    size_t send_count, receive_count;
    bool include_otp;
    /* spawn events are needed to judge pids, even when nobody asked for them */
    bool need_spawns;
    int64_t duration, lease;       /* ns; duration 0: no limit */
    int64_t max_events, max_rate;  /* events, events a second; 0: no limit; for each node */
    int64_t max_queue, max_memory; /* messages; bytes: of the relay */
    int64_t max_term;              /* bytes of an encoded event */
    enum tap_overload overload;
    bool require_all;  /* a node that cannot be traced, or is lost, ends the run */
    bool hidden_nodes; /* all_nodes: hidden nodes too */
    /* NULL: none. Then there is one node, and processes is empty */
    const struct tap_plan_call *call;
    /* Since minor 3. */
    /* the node is asked for names of processes; never while schedule_in or _out is among the
     * events */
    bool names;
    int64_t mailbox; /* ns: how often the lengths of mailboxes are sampled; 0: never */
    /* Since minor 4. */
    /* calls come without their arguments, which then are not copied for the tracer */
    bool arity_only;
};

/* ---- The host */

/* What the core knows of a node. Strings live as long as the session. */
struct tap_node {
    uint32_t struct_size;
    uint32_t index;
    uint32_t name_id;       /* interned name */
    const char *name;       /* shop@web1 */
    const char *release;    /* OTP release, "25"; "" until the node has told */
    bool printable_unicode; /* the node runs with +pc unicode */
};

enum tap_print_syntax { TAP_PRINT_ERLANG, TAP_PRINT_ELIXIR };
struct tap_print {
    enum tap_print_syntax syntax;
    bool printable_unicode;
    /* pids, ports and references of this node (a name id) print as <0.1.2>, others by node name */
    uint32_t node_name;
    size_t limit; /* stop after about so many bytes and write "..." ; 0: never */
    bool json;    /* escape the output for the inside of a JSON string */
    /* Since minor 4; 0: no bound. What is beyond is "...", such as [1,2|...]. */
    uint32_t max_depth; /* containers inside one another */
    uint32_t max_items; /* of a list, tuple or map; a string is one thing */
};

/* A piece of memory that a transport receives into; see reserve. */
struct tap_arena {
    uint8_t *data;
    size_t size;
};

enum tap_node_state { TAP_NODE_CONNECTING, TAP_NODE_TRACING, TAP_NODE_DONE, TAP_NODE_FAILED };
struct tap_node_final { /* the relay's final report */
    uint64_t produced, lost;
};

/* A function with many calls open on one process's stack: `open` of them have not returned. */
struct tap_deep_stack {
    struct tap_pid pid;
    uint32_t module, function; /* name ids */
    int32_t arity;
    uint32_t open;
};

struct tap_run_info { /* constant facts about the run */
    uint32_t struct_size;
    const char *run;     /* 16 hex digits, new for each run */
    const char *version; /* of beamtap */
    int64_t started;     /* ns since the epoch: sinks count their relative times from here */
    const char *config;  /* the configuration in force, as text; no secrets */
    bool several_nodes;
    uint32_t events; /* TAP_KIND_BITs asked for */
};

struct tap_claim; /* opaque: handed to a filter's plan */

struct tap_host {
    uint32_t struct_size;
    uint32_t abi_minor;
    const struct tap_names *names; /* see tap_name_get */
    const struct tap_run_info *run_info;

    /* ---- for every plugin */
    /* A line in the log (stderr), with the plugin's name in front. No newline at the end. Any
     * thread. */
    void (*log)(const struct tap_host *, enum tap_log_level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
    /* Adds a cause to the error that you are about to return; gives `status` back. Use TAP_FAIL.
     * Any thread. */
    enum tap_status (*fail)(const struct tap_host *, enum tap_status status, const char *file,
                            int line, const char *format, ...)
        __attribute__((format(printf, 5, 6)));
    /* Adds "file:line:column: [section] ..." for the place `offset` bytes into a configured text;
     * returns TAP_INVALID. In create: several may be reported before it returns. */
    enum tap_status (*fail_at)(const struct tap_host *, const struct tap_text *where, size_t offset,
                               const char *format, ...) __attribute__((format(printf, 4, 5)));
    /* The id of a name; the same for the same characters. 0 when the table is full. Any thread. */
    uint32_t (*intern)(const struct tap_host *, const char *text, size_t len);
    /* Prints an external term (no version byte) the way ~0tp does in its node. Like snprintf:
     * writes at most `cap` bytes, returns the length needed, no NUL. An undecodable term prints as
     * #Bad<...>. Any thread. */
    size_t (*term_print)(const struct tap_host *, char *dst, size_t cap, const uint8_t *term,
                         size_t len, const struct tap_print *);
    /* Prints a pid likewise; needs at most 2 * 1020 + 48 bytes. */
    size_t (*pid_print)(const struct tap_host *, char *dst, size_t cap, const struct tap_pid *,
                        const struct tap_print *);
    /* An event's peer likewise (pid, name, {Name,Node}, port, m:f/a or term). Needs the event's
     * batch. */
    size_t (*peer_print)(const struct tap_host *, char *dst, size_t cap, const struct tap_batch *,
                         const struct tap_event *, const struct tap_print *);
    const char *(*kind_name)(unsigned kind);
    const char *(*reason_name)(unsigned reason);
    /* What is known of a node; NULL for an index that does not exist. Its fields may still change
     * until the node's TAP_NODE_UP event. Any thread. */
    const struct tap_node *(*node)(const struct tap_host *, uint32_t index);
    /* Adds to a figure of this instance that the summary shows by this name (a string constant).
     * Any thread. */
    void (*count)(const struct tap_host *, const char *name, int64_t n);

    /* ---- for sinks */
    /* `n` more events are in the file: write(2) took them. What a sink was given and never reports
     * here is lost. */
    void (*written)(const struct tap_host *, uint64_t events, uint64_t bytes);
    /* Keep a batch past consume's return, and let it go. */
    void (*hold)(const struct tap_host *, const struct tap_batch *);
    void (*release)(const struct tap_host *, const struct tap_batch *);

    /* ---- for filters, in plan */
    /* Each copies what it is given. A filter that claims functions says: no other functions;
     * likewise for processes. */
    void (*claim_function)(struct tap_claim *, const struct tap_plan_function *);
    void (*claim_process)(struct tap_claim *, const struct tap_plan_process *);
    void (*claim_send)(struct tap_claim *, const struct tap_plan_message *);
    void (*claim_receive)(struct tap_claim *, const struct tap_plan_message *);

    /* ---- for transports */
    const struct tap_plan *plan;
    /* A node of this run, by name; gives its index. From start or run. */
    uint32_t (*node_add)(const struct tap_host *, const char *name);
    /* What became of a node. TAP_NODE_CONNECTING after an end: it is back, and a new relay begins
     * its numbers at 0; the core goes on counting from where the node was. With TAP_NODE_FAILED, a
     * cause (host->fail) must have been given before. `final` is the relay's final report, or NULL
     * where it never came. Puts node_down into the stream on DONE and FAILED. */
    void (*node_state)(const struct tap_host *, uint32_t node, enum tap_node_state,
                       const struct tap_node_final *final);
    /* An empty arena of at least `min` bytes to receive into; the transport owns it until commit or
     * discard. */
    struct tap_arena *(*reserve)(const struct tap_host *, size_t min);
    /* Hands over an arena with whole frames of one node in it, at these places (offsets of frame
     * headers, ascending; each frame lies fully inside). The core decodes them into events.
     * Afterwards the arena is the core's: copy an unfinished rest out before. */
    void (*commit)(const struct tap_host *, struct tap_arena *, uint32_t node,
                   const uint32_t *frames, size_t n);
    void (*discard)(const struct tap_host *, struct tap_arena *);
    /* May the node have more credit now? False while a sink with on_full = block is full. Ask again
     * after wait. */
    bool (*may_grant)(const struct tap_host *);
    /* poll(2) on the transport's descriptors, that also ends when the session wants something. At
     * most `timeout` ms (-1: no limit). Returns poll's result; ready descriptors have revents
     * set. */
    int (*wait)(const struct tap_host *, struct pollfd *, size_t n, int timeout);
    /* 0: go on. 1: stop tracing in the nodes, take what is on its way, then return from run. 2:
     * return at once. */
    int (*stopping)(const struct tap_host *);

    /* ---- for every plugin, since minor 2 */
    /* Prints the arguments of a call like term_print, without brackets, with `separator` between
     * them; `list` is their list as an external term. [97, 98] are two numbers here and not the
     * string "ab". */
    size_t (*arguments_print)(const struct tap_host *, char *dst, size_t cap, const uint8_t *list,
                              size_t len, const char *separator, const struct tap_print *);

    /* ---- for transports, since minor 3 */
    /* Processes of a node that its events spoke of and that nobody has named (with plan->mailbox:
     * all), at most `max`; how many. Each is given about once in a life of the node. None where the
     * plan has neither names nor mailbox. From run. */
    size_t (*unnamed)(const struct tap_host *, uint32_t node, struct tap_pid *pids, size_t max);
    /* The next function of this node whose returns should no longer be traced; false: there is
     * none. */
    bool (*deep_stack)(const struct tap_host *, uint32_t node, struct tap_deep_stack *);
};

#define TAP_FAIL(host, status, ...) \
    ((host)->fail((host), (status), __FILE__, __LINE__, __VA_ARGS__))

static inline const struct tap_name *tap_name_get(const struct tap_host *host, uint32_t id)
{
    return &host->names->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
}

/* ---- Operations */

/* `settings` is the plugin's settings struct, filled from the option table; it lives until
 * destroy. */
struct tap_sink_ops {
    uint32_t struct_size;
    enum tap_status (*create)(const struct tap_host *, const void *settings, void **self);
    enum tap_status (*start)(void *self); /* open the output */
    /* Takes the events `select[0..n)` of the batch, in order. Control, lost and gap events are
     * always among them. The batch is only borrowed (host->hold). Once it fails it is not called
     * again, only stop is. */
    enum tap_status (*consume)(void *self, const struct tap_batch *, const uint32_t *select,
                               size_t n);
    /* At least each second, also when idle: what was taken should be on its way to the file. Not
     * before the run has begun (the transport has started, or the first counted event is here), and
     * then once before stop, unless consume or flush failed: when stop comes without it there was
     * no run, and a file that was there should stay as it was. */
    enum tap_status (*flush)(void *self);
    /* The end: finish the output. Also after an error, exactly once, if start was called. */
    enum tap_status (*stop)(void *self);
    void (*destroy)(void *self);
};

struct tap_filter_ops {
    uint32_t struct_size;
    enum tap_status (*create)(const struct tap_host *, const void *settings, void **self);
    /* Says what the nodes can judge (host->claim_*). No I/O. */
    enum tap_status (*plan)(void *self, struct tap_claim *);
    /* Clears keep[i] for each event i of the batch that does not pass; must not set any. Sees
     * control events too (to learn names and spawns) but what it says of them is ignored. Not
     * called for what the node judges exactly. */
    void (*filter)(void *self, const struct tap_batch *, uint8_t *keep);
    void (*destroy)(void *self);
};

struct tap_transport_ops {
    uint32_t struct_size;
    enum tap_status (*create)(const struct tap_host *, const void *settings, void **self);
    /* Connects and begins to trace (host->plan is ready, sinks have started). TAP_OK when at least
     * one node traces; nodes that failed have been reported with node_state. */
    enum tap_status (*start)(void *self);
    /* Receives and commits until every node is done or stopping says so. On its own thread. Leaves
     * nothing in a node. */
    enum tap_status (*run)(void *self);
    enum tap_status (*stop)(void *self); /* after run returned: closes connections */
    void (*destroy)(void *self);
    /* Since minor 1; may be NULL. Between create and destroy, instead of start, run and stop: asks
     * every node of the plan for something that is no trace, and leaves nothing behind. What `verb`
     * and `args` (an external term without version byte; may be empty) mean is the transport's; a
     * verb that it does not know is TAP_INVALID. Appends to `result` a list of {NodeName :: binary,
     * Answer}, an external term without version byte, of those that answered; the others are causes
     * (host->fail) and make it TAP_ERROR. On the session's thread. */
    enum tap_status (*service)(void *self, const char *verb, const uint8_t *args, size_t args_len,
                               struct tap_buf *result);
    /* Since minor 2; may be NULL. Before the sinks and the transport start, on the session's
     * thread: corrects what is said of the session, as a recording must (it began earlier, with
     * other events). What it points to then is the transport's until destroy. */
    enum tap_status (*facts)(void *self, struct tap_run_info *info);
};

enum tap_plugin_kind { TAP_PLUGIN_TRANSPORT, TAP_PLUGIN_FILTER, TAP_PLUGIN_SINK };
enum tap_plugin_flags {
    /* A transport that plays what was recorded: [session] needs no nodes; where the configuration
     * does not say otherwise every kind of event is wanted, there is no end by time, and sinks are
     * waited for (on_full = block); and filters judge here, for no node does. */
    TAP_PLUGIN_REPLAYS = 1 << 0,
    /* Since minor 5. A sink or filter that never looks at an event's `raw`, which may then be
     * empty: where all say so, the core need not carry what an event was made of beside its
     * pieces. */
    TAP_PLUGIN_NO_RAW = 1 << 1
};

struct tap_plugin {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;
    uint8_t word_size; /* sizeof(void *): a wrong build is refused with a sentence, not a crash */
    uint8_t kind;      /* enum tap_plugin_kind */
    const char *name, *version, *summary, *license;
    const struct tap_option *options;
    size_t option_count;
    size_t settings_size;
    const void *ops; /* struct tap_sink_ops, tap_filter_ops or tap_transport_ops */
    uint32_t flags;  /* since minor 2: enum tap_plugin_flags */
};

typedef const struct tap_plugin *(*tap_plugin_entry)(void);
TAP_EXPORT const struct tap_plugin *beamtap_plugin_v1(void);

/* The fields of a descriptor that are the same for every plugin. */
#define TAP_PLUGIN_HEADER                                                 \
    .struct_size = sizeof(struct tap_plugin), .abi_major = TAP_ABI_MAJOR, \
    .abi_minor = TAP_ABI_MINOR, .word_size = sizeof(void *)

#ifdef __cplusplus
}
#endif
#endif
