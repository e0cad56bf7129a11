/* beamtap/plugin.h: what plugins of every kind share: the descriptor, options, names, and the
 * host's functions for everyone. An author includes sink.h, filter.h or transport.h, which include
 * this.
 *
 * A plugin is a shared object with one exported symbol, `beamtap_plugin_v1`, which returns a
 * constant descriptor. It links against nothing of beamtap: the core hands it a table of functions
 * (struct tap_host) when it creates an instance. Build it with -fPIC -shared -fvisibility=hidden
 * -Wl,-z,defs; it is loaded RTLD_NOW | RTLD_LOCAL and never unloaded. Call the host's functions
 * only from inside your own operations or the thread they run on.
 *
 * Life of an instance:
 *
 *     create (no I/O: check your settings)
 *       -> start
 *       -> run (transport) | filter (filter) | consume and flush (sink)
 *       -> stop (once, also after an error)
 *       -> destroy
 *
 * create has a thread of its own and ten seconds; destroy runs on the session's thread, as do a
 * transport's start and stop; a transport's run has a thread of its own; a sink's start, consume,
 * flush and stop run on one thread, and start has ten seconds. Filters run on the transport's
 * thread. What does not come back in time is left behind, and has failed. A plugin that crashes or
 * calls exit ends the command, which says in which operation; the other sinks finish.
 *
 * Versions: inside a major version structs, tables and enums are only ever appended to. A struct
 * begins with its own size, set by whoever made it (TAP_SIZED, or struct_size = sizeof), and a
 * field that was appended after 1.0 is looked at only where TAP_HAS says that the other side knows
 * it. Of structs that lie in arrays the stride stands beside the array (tap_batch.event_size,
 * tap_names.name_size, tap_plugin.option_size). A few are frozen as they are and have no size:
 * tap_pid, tap_port, tap_mfa, tap_span, tap_text, tap_text_list, tap_buf, tap_cursor. What is
 * shorter than 1.0 has it is a mistake; the core then does what each function says, and reads no
 * further.
 */
#ifndef BEAMTAP_PLUGIN_H
#define BEAMTAP_PLUGIN_H

#include "event.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TAP_ABI_MAJOR 1 /* another one has another symbol and another plugin folder */
#define TAP_ABI_MINOR 0 /* one more for each release that appended something */
#define TAP_PLUGIN_SYMBOL "beamtap_plugin_v1"
#define TAP_EXPORT __attribute__((visibility("default")))

/* Does a struct of this type that is `size` bytes large reach as far as `field`? */
#define TAP_REACHES(size, type, field) \
    ((size) >= offsetof(type, field) + sizeof(((type *)NULL)->field))
/* Does the struct that `p` points to, which begins with its size? */
#define TAP_HAS(p, field) TAP_REACHES((p)->struct_size, __typeof__(*(p)), field)
/* A struct of this type that says its size, with all else zero. */
#ifdef __cplusplus
#define TAP_SIZED(type)                   \
    ([]() -> type {                       \
        type sized = {};                  \
        sized.struct_size = sizeof sized; \
        return sized;                     \
    }())
#else
#define TAP_SIZED(type) ((type){.struct_size = sizeof(type)})
#endif

/* What operations return. On anything but TAP_OK, say why first: host->fail or host->fail_at. */
enum tap_status {
    TAP_OK = 0,
    TAP_ERROR = 1,   /* a node, file or plugin failed (exit 1) */
    TAP_INVALID = 2, /* the configuration is wrong (exit 2) */
    /* of a sink, from consume, flush or stop: nobody reads its output any more. No failure: the
     * core says so itself, and ends the run where no other sink is left */
    TAP_ENDED = 3
};

enum tap_log_level { TAP_LOG_ERROR, TAP_LOG_WARNING, TAP_LOG_INFO, TAP_LOG_DEBUG };

/* ---- Options */

/* A piece of configuration text and where it stands, for error messages. The text may hold newlines
 * where a value goes on over indented lines; those lines keep their indentation, so that a column
 * can be told (host->fail_at does). */
struct tap_text {     /* frozen */
    const char *text; /* NUL-terminated UTF-8 */
    const char *file; /* NULL: a default; "--set SECTION.KEY" with line 0: from the command line */
    int line, column; /* of text[0], from 1; columns count characters */
};
struct tap_text_list { /* frozen */
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

/* One row of a plugin's option table; how large a row is stands in tap_plugin.option_size. The core
 * checks the configuration against it, fills the settings struct, and prints it (`beamtap plugins
 * KIND:NAME`). */
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
 * for the session. How large one is stands in tap_names.name_size. */
struct tap_name {
    uint32_t id, len;
    uint32_t atom_len, json_len, elixir_len;
    const char *text;   /* the bare characters: Elixir.Shop.Cart, hello world */
    const char *atom;   /* as an Erlang atom prints with ~tp: 'Elixir.Shop.Cart', 'hello world' */
    const char *json;   /* text, escaped for the inside of a JSON string */
    const char *elixir; /* as inspect prints it: Shop.Cart, :"hello world" */
    /* as Elixir writes it behind a module and its dot: add, "hello world"; of a fun
     * (-day/1-fun-0-) the function that it stands in: day/1 */
    const char *remote;
    uint32_t remote_len;
    bool is_fun;
};
/* Interned names live in chunks that never move; ids are dense and 0 is the empty name. */
#define TAP_NAME_CHUNK 4096u
struct tap_names {
    uint32_t struct_size;
    uint32_t name_size; /* stride of a chunk: a newer core may append fields */
    /* chunks[id / TAP_NAME_CHUNK] points to TAP_NAME_CHUNK names */
    const struct tap_name *const *chunks;
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

/* A function's name, in pieces that stand before its arity or arguments and behind them; what is
 * not used is empty.
 *
 *     shop_cart:add      /2
 *     Shop.Cart.add      (1, 2)
 *     anonymous fn       /1       in Shop.Door.day/1 */
struct tap_name_piece { /* frozen */
    const char *text;
    size_t len;
};
struct tap_function_text { /* frozen */
    struct tap_name_piece before[3], behind[4];
};
static inline struct tap_function_text
tap_function_text(const struct tap_name *m, const struct tap_name *f, enum tap_print_syntax syntax)
{
    const struct tap_name_piece none = {"", 0}, fn = {"anonymous fn", 12}, in = {" in ", 4};
    const struct tap_name_piece dot = {".", 1}, colon = {":", 1};
    const struct tap_name_piece module = {m->elixir, m->elixir_len},
                                remote = {f->remote, f->remote_len};
    struct tap_function_text text = {{module, dot, remote}, {none, none, none, none}};
    if (syntax != TAP_PRINT_ELIXIR) {
        struct tap_name_piece erl_module = {m->atom, m->atom_len}, name = {f->atom, f->atom_len};
        text.before[0] = erl_module;
        text.before[1] = colon;
        text.before[2] = name;
    } else if (f->is_fun) {
        text.before[0] = fn;
        text.before[1] = text.before[2] = none;
        text.behind[0] = in;
        text.behind[1] = module;
        text.behind[2] = dot;
        text.behind[3] = remote;
    }
    return text;
}
/* How a term is to be printed. */
struct tap_print {
    uint32_t struct_size;
    enum tap_print_syntax syntax;
    bool printable_unicode; /* what tap_node says of the term's node */
    bool json;              /* escape the output for the inside of a JSON string */
    /* pids, ports and references of this node (a name id) print as <0.1.2>, others by node name */
    uint32_t node_name;
    size_t limit; /* stop after about so many bytes and write "..." ; 0: never */
    /* 0: no bound. What is beyond is "...", such as [1,2|...]. */
    uint32_t max_depth; /* containers inside one another */
    uint32_t max_items; /* of a list, tuple or map; a string is one thing */
    /* Erlang's syntax of OTP 27 and later, where the atoms maybe and else have quotes: what
     * tap_node_has_maybe says of the term's node */
    bool has_maybe;
};
static inline bool tap_node_has_maybe(const struct tap_node *node)
{
    unsigned release = 0;
    for (const char *p = node->release; *p >= '0' && *p <= '9' && release < 1000; p++)
        release = 10 * release + (unsigned)(*p - '0');
    return release >= 27;
}

/* Constant facts about the run. */
struct tap_plan_function; /* plan.h */

struct tap_run_info {
    uint32_t struct_size;
    const char *run;     /* 16 hex digits, new for each run */
    const char *version; /* of beamtap */
    int64_t started;     /* ns since the epoch: sinks count their relative times from here */
    const char *config;  /* the configuration in force, as text; no secrets */
    bool several_nodes;
    uint32_t events; /* TAP_KIND_BITs asked for */
    bool in_order;   /* it is played, and its events are in the order that its sinks had */
    /* It is played, and of these functions returns or exceptions were asked for. */
    const struct tap_plan_function *returned;
    size_t returned_count;
};

struct tap_plan;           /* plan.h */
struct tap_sink_host;      /* sink.h */
struct tap_filter_host;    /* filter.h */
struct tap_transport_host; /* transport.h */

/* What the core does for an instance. Every function's first argument is this table. */
struct tap_host {
    uint32_t struct_size;
    uint32_t abi_minor;
    const struct tap_names *names; /* see tap_name_get */
    const struct tap_run_info *run_info;
    const struct tap_plan *plan; /* what the nodes are asked for; complete from start on */
    /* The functions for one kind of plugin alone, NULL for the others. */
    const struct tap_sink_host *sink;
    const struct tap_filter_host *filter;
    const struct tap_transport_host *transport;

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
     * #Bad<...>. How: NULL, or a struct shorter than version 1.0 has it, is Erlang's syntax without
     * limits. Any thread. */
    size_t (*term_print)(const struct tap_host *, char *dst, size_t cap, const uint8_t *term,
                         size_t len, const struct tap_print *);
    /* Prints the arguments of a call like term_print, without brackets, with `separator` between
     * them; `list` is their list as an external term. [97, 98] are two numbers here and not the
     * string "ab". */
    size_t (*arguments_print)(const struct tap_host *, char *dst, size_t cap, const uint8_t *list,
                              size_t len, const char *separator, const struct tap_print *);
    /* Prints a pid likewise; needs at most 2 * 1020 + 48 bytes, also escaped for JSON: of a node's
     * name 255 characters are printed, which is all that an atom has. */
    size_t (*pid_print)(const struct tap_host *, char *dst, size_t cap, const struct tap_pid *,
                        const struct tap_print *);
    /* An event's peer likewise (pid, name, {Name,Node}, port, m:f/a or term). Needs the event's
     * batch. */
    size_t (*peer_print)(const struct tap_host *, char *dst, size_t cap, const struct tap_batch *,
                         const struct tap_event *, const struct tap_print *);
    /* "function_call" of TAP_FUNCTION_CALL, "queue" of TAP_REASON_QUEUE, as files and tables have
     * them; "?" of a number that does not exist. Constant. Any thread. */
    const char *(*kind_name)(unsigned kind);
    const char *(*reason_name)(unsigned reason);
    /* What is known of a node; NULL for an index that does not exist. Its fields may still change
     * until the node's TAP_NODE_UP event. Any thread. */
    const struct tap_node *(*node)(const struct tap_host *, uint32_t index);
    /* Adds to a figure of this instance that the summary shows by this name (a string constant).
     * Any thread. */
    void (*count)(const struct tap_host *, const char *name, int64_t n);
    /* The key of [session] whose limit is behind a reason, "max_rate" of TAP_REASON_RATE; NULL:
     * none is. Constant. Any thread. */
    const char *(*reason_key)(unsigned reason);
};

#define TAP_FAIL(host, status, ...) \
    ((host)->fail((host), (status), __FILE__, __LINE__, __VA_ARGS__))

/* A name by its id. Any thread; valid for the session. */
static inline const struct tap_name *tap_name_get(const struct tap_host *host, uint32_t id)
{
    const struct tap_names *names = host->names;
    const char *chunk = (const char *)names->chunks[id / TAP_NAME_CHUNK];
    return (const struct tap_name *)(const void *)(chunk + (size_t)(id % TAP_NAME_CHUNK) *
                                                               names->name_size);
}

/* ---- The descriptor */

/* What a plugin is, and so what tap_plugin.ops points to. */
enum tap_plugin_kind { TAP_PLUGIN_TRANSPORT, TAP_PLUGIN_FILTER, TAP_PLUGIN_SINK };
enum tap_plugin_flags {
    /* A transport that plays what was recorded: [session] needs no nodes; where the configuration
     * does not say otherwise every kind of event is wanted, there is no end by time, and sinks are
     * waited for (on_full = block); and filters work here, for no node does. */
    TAP_PLUGIN_REPLAYS = 1 << 0,
    /* A sink or filter that never looks at an event's `raw`, which may then be empty: where all say
     * so, the core need not carry what an event was made of beside its pieces. */
    TAP_PLUGIN_NO_RAW = 1 << 1,
    /* A filter whose verdict on an event depends on that event and on control events alone; and, of
     * returns and exceptions, on events of the functions that it claims with match specs, and on
     * exits. What other filters leave out it need not see (plan->pass_processes). Where it claims
     * other processes than by pid that does not hold. */
    TAP_PLUGIN_ALONE = 1 << 2,
    /* A sink or filter that knows what it is where an event's `raw` is no trace message but an item
     * of a frame with TAP_FRAME_NUMBERED (frame.h): where all do, such frames come as they are. */
    TAP_PLUGIN_ITEMS = 1 << 3,
    /* With TAP_PLUGIN_REPLAYS: what it plays happens now, and of each node it takes no more than
     * plan->max_events. */
    TAP_PLUGIN_LIMITS = 1 << 4
};

/* What beamtap_plugin_v1 returns. Constant, and valid as long as the process lives. */
struct tap_plugin {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;
    uint32_t option_size; /* stride of `options`: a newer plugin may have longer rows */
    uint8_t word_size; /* sizeof(void *): a wrong build is refused with a sentence, not a crash */
    uint8_t kind;      /* enum tap_plugin_kind */
    uint16_t flags;    /* enum tap_plugin_flags */
    const char *name;  /* as in the file's name: beamtap_KIND_NAME.so */
    const char *version, *summary, *license; /* of the plugin, for people */
    const struct tap_option *options;
    size_t option_count;
    size_t settings_size; /* of the struct that the options fill */
    const void *ops;      /* struct tap_sink_ops, tap_filter_ops or tap_transport_ops */
    /* Sinks with an option `path`: how the names of their files end, without the dot, and what else
     * is set for such a file: {"txt", "jsonl format=json", NULL}. `beamtap trace -o FILE` goes by
     * them, and takes FILE.gz where FILE is taken. NULL: by none. */
    const char *const *endings;
};

typedef const struct tap_plugin *(*tap_plugin_entry)(void);
TAP_EXPORT const struct tap_plugin *beamtap_plugin_v1(void);

/* The first fields of a descriptor, which are the same for every plugin: `{TAP_PLUGIN_HEADER, .kind
 * = TAP_PLUGIN_SINK, ...}`. In C++ the rest follows without names, in the order above. */
#define TAP_PLUGIN_HEADER                                                               \
    sizeof(struct tap_plugin), TAP_ABI_MAJOR, TAP_ABI_MINOR, sizeof(struct tap_option), \
        sizeof(void *)

#ifdef __cplusplus
}
#endif
#endif
