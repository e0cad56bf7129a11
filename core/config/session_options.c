/* session_options.c: the options of [session] and those that every sink has, and what a table
 * cannot say of them. */
#include <string.h>

#include "base/event_names.h"
#include "config/option_value.h"
#include "syntax/suggest.h"
#include "config/session_options.h"

static const char *const collect_choices[] = {"process", "auto", "native", NULL};
static const char *const overload_choices[] = {"pause", "drop", "stop", NULL};
static const char *const arguments_choices[] = {"auto", "true", "false", NULL};
static const char *const require_choices[] = {"any", "all", NULL};
static const char *const follow_choices[] = {"none", "message", NULL};
static const char *const order_choices[] = {"time", "arrival", NULL};
static const char *const on_full_choices[] = {"drop-newest", "drop-oldest", "block", NULL};

#define SESSION(field) .offset = offsetof(struct tap_session_settings, field)
#define DAYS(n) ((n)*24 * 3600 * INT64_C(1000000000))
#define MS(n) ((n)*INT64_C(1000000))

const struct tap_option tap_session_options[] = {
    {.name = "nodes",
     .type = TAP_OPT_LIST,
     .help = "the nodes to trace, as name@host, or name@host:PORT where no epmd is to be asked; "
             "*@host: the one node that its epmd knows; or all_nodes: the cluster that `seed` "
             "sees, and who joins it. Required, but for a "
             "recording",
     SESSION(nodes)},
    {.name = "port",
     .type = TAP_OPT_INT,
     .def = "0",
     .max = 65535,
     .help = "the port of the nodes' distribution where they have no epmd (-start_epmd false "
             "-erl_epmd_port PORT), for every node that is given without one; 0: ask epmd, at the "
             "port of the environment's ERL_EPMD_PORT or 4369",
     SESSION(port)},
    {.name = "seed",
     .type = TAP_OPT_STRING,
     .help = "with all_nodes: the node whose cluster is meant",
     SESSION(seed)},
    {.name = "hidden_nodes",
     .type = TAP_OPT_BOOL,
     .def = "false",
     .help = "with all_nodes: hidden nodes too",
     SESSION(hidden_nodes)},
    {.name = "require",
     .type = TAP_OPT_CHOICE,
     .def = "any",
     .choices = require_choices,
     .help = "any: go on with the nodes that can be traced; all: a node that cannot be, or is "
             "lost, ends the run",
     SESSION(require)},
    {.name = "order",
     .type = TAP_OPT_CHOICE,
     .def = "time",
     .choices = order_choices,
     .help = "how events are put in order: by time; or as they arrive. A recording that is played "
             "keeps its own order unless this is given",
     SESSION(order)},
    {.name = "reorder",
     .type = TAP_OPT_DURATION,
     .def = "100ms",
     .max = DAYS(1),
     .help = "with order = time: how far a node's time goes on before an event is passed on, and "
             "the other nodes' where one of them is silent; what comes later than that is out of "
             "order",
     SESSION(reorder)},
    {.name = "cookie_file",
     .type = TAP_OPT_PATH,
     .help = "where the cookie is, unless BEAMTAP_COOKIE is in the environment; without it where "
             "erl looks: ~/.erlang.cookie, then $XDG_CONFIG_HOME/erlang/.erlang.cookie (in "
             "~/.config where that is not set). Only its owner may be able to read it",
     SESSION(cookie_file)},
    {.name = "events",
     .type = TAP_OPT_LIST,
     .def = "function_call, message_send, message_receive",
     .help = "the kinds of events to trace: function_call, function_return, function_exception, "
             "message_send, message_receive, process_spawn, process_start, process_exit, "
             "process_link, process_unlink, process_register, process_unregister, schedule_in, "
             "schedule_out, gc_start, gc_end (function_counters come with `counters`)",
     SESSION(event_names)},
    {.name = "duration",
     .type = TAP_OPT_DURATION,
     .def = "30s",
     .max = DAYS(365),
     .help = "how long to trace; 0: until SIGINT or SIGTERM",
     SESSION(duration)},
    {.name = "max_events",
     .type = TAP_OPT_SIZE,
     .def = "1M",
     .help = "events of a node after which its tracing ends; 0: no limit",
     SESSION(max_events)},
    {.name = "max_rate",
     .type = TAP_OPT_SIZE,
     .def = "100k",
     .help = "events a second and node beyond which tracing pauses; 0: no limit",
     SESSION(max_rate)},
    {.name = "overload",
     .type = TAP_OPT_CHOICE,
     .def = "pause",
     .choices = overload_choices,
     .help = "what to do when the relay in the node falls behind",
     SESSION(overload)},
    {.name = "collect",
     .type = TAP_OPT_CHOICE,
     .def = "process",
     .choices = collect_choices,
     .help = "who takes the events in the nodes. process: a process that the VM sends them to; "
             "native: C code that is loaded into the VM, cuts each term where it is, and hinders "
             "the node less; auto: native where it can be had, else a process. On other machines "
             "than this one native needs [transport:tcp]",
     SESSION(collect)},
    {.name = "native_library",
     .type = TAP_OPT_STRING,
     .help = "with collect = native or auto: where the native tracer's library is on the nodes' "
             "machines; without it, it is sent to them",
     SESSION(native_library)},
    {.name = "max_queue",
     .type = TAP_OPT_SIZE,
     .def = "10k",
     .min = 100,
     .max = 10000000,
     .help = "messages that may wait for the relay",
     SESSION(max_queue)},
    {.name = "max_memory",
     .type = TAP_OPT_SIZE,
     .def = "64M",
     .min = 1 << 20,
     .max = INT64_C(1) << 40,
     .help = "memory that the relay may take in the node",
     .flags = TAP_OPT_BYTES,
     SESSION(max_memory)},
    {.name = "max_term",
     .type = TAP_OPT_SIZE,
     .def = "64k",
     .min = 256,
     .max = 32 << 20, /* half of the largest frame */
     .help = "the largest event; a larger payload is left out",
     .flags = TAP_OPT_BYTES,
     SESSION(max_term)},
    {.name = "lease",
     .type = TAP_OPT_DURATION,
     .def = "5s",
     .min = MS(500),
     .max = DAYS(1),
     .help = "how long a node goes on tracing without a sign from the collector",
     SESSION(lease)},
    {.name = "include_otp",
     .type = TAP_OPT_BOOL,
     .def = "false",
     .help = "trace the modules of Erlang/OTP and Elixir too, where none is named",
     SESSION(include_otp)},
    {.name = "load",
     .type = TAP_OPT_BOOL,
     .def = "true",
     .help = "have the nodes load modules that are named exactly and were not loaded yet, so that "
             "no call is missed; false: traced from when something loads them",
     SESSION(load)},
    {.name = "arguments",
     .type = TAP_OPT_CHOICE,
     .def = "auto",
     .choices = arguments_choices,
     .help = "false: calls come with their arity alone, so that nothing is copied, however large; "
             "not with messages, returns and exceptions, whose terms cannot be left out. auto: so "
             "where every module is traced, since no filter names any",
     SESSION(arguments)},
    {.name = "names",
     .type = TAP_OPT_BOOL,
     .def = "true",
     .help = "ask the nodes what the traced processes are called (label, initial call, name); "
             "never while schedule_in or schedule_out is traced: asking wakes a process",
     SESSION(names)},
    {.name = "mailbox",
     .type = TAP_OPT_DURATION,
     .def = "0",
     .max = DAYS(1),
     .help = "how often to look how many messages wait for the traced processes (the first 256 of "
             "a node that are seen); 0: never",
     SESSION(mailbox)},
    {.name = "counters",
     .type = TAP_OPT_LIST,
     .help =
         "a profile: no events, only what the VM counts by itself of the functions that the "
         "filters name: calls (of all processes together); time, of each process: calls and the "
         "function's own time; memory, likewise, since OTP 26. Read at the end, and each "
         "`interval`",
     SESSION(counter_names)},
    {.name = "interval",
     .type = TAP_OPT_DURATION,
     .def = "0",
     .max = DAYS(1),
     .help = "with counters: how often they are read; 0: at the end alone",
     SESSION(interval)},
    {.name = "start_on",
     .type = TAP_OPT_LINES,
     .help = "nothing is written until one of these lines comes true, judged of what is traced: a "
             "call or message as in a `trace` line of match_spec; exception [PATTERN]; exit or "
             "crash [PROCESS], a process as in the pids filter, a crash being an exit with another "
             "reason than normal and shutdown; mailbox > N, which `mailbox` looks for",
     SESSION(start_on)},
    {.name = "stop_on",
     .type = TAP_OPT_LINES,
     .help = "what ends the run, in the same words; of what comes behind it nothing is written",
     SESSION(stop_on)},
    {.name = "keep",
     .type = TAP_OPT_DURATION,
     .def = "0",
     .max = DAYS(1),
     .help = "how much from before start_on is kept and written then; with stop_on alone: nothing "
             "is written but so much from before it",
     SESSION(keep)},
    {.name = "keep_memory",
     .type = TAP_OPT_SIZE,
     .def = "64M",
     .min = 1 << 20,
     .max = INT64_C(64) << 30,
     .help = "bytes of events that keep may hold; the oldest give way, and count as lost when they "
             "are missed",
     .flags = TAP_OPT_BYTES,
     SESSION(keep_memory)},
    {.name = "follow",
     .type = TAP_OPT_CHOICE,
     .def = "none",
     .choices = follow_choices,
     .help = "message: only what is of one chain is written: the message that start_on finds, or "
             "the first, and what each process does and sends that it leads to",
     SESSION(follow)},
    {.name = "fail_on_loss",
     .type = TAP_OPT_BOOL,
     .def = "false",
     .help = "exit with 3 when events were lost",
     SESSION(fail_on_loss)},
    {.name = "plugin_path",
     .type = TAP_OPT_STRING,
     .help = "folders, separated by colons, that are searched for plugins first",
     SESSION(plugin_path)},
};
const size_t tap_session_option_count = sizeof tap_session_options / sizeof tap_session_options[0];

#define SINK(field) .offset = offsetof(struct tap_sink_settings, field)
const struct tap_option tap_sink_options[] = {
    {.name = "queue",
     .type = TAP_OPT_SIZE,
     .def = "16M",
     .min = 64 << 10,
     .max = INT64_C(1) << 40,
     .help = "bytes of events that may wait for the sink",
     .flags = TAP_OPT_BYTES,
     SINK(queue)},
    {.name = "on_full",
     .type = TAP_OPT_CHOICE,
     .def = "drop-newest",
     .choices = on_full_choices,
     .help = "what to do when the queue is full",
     SINK(on_full)},
    {.name = "filters",
     .type = TAP_OPT_LIST,
     .help = "the filters that apply, by the NAME of their sections; not given: all",
     SINK(filters)},
};
const size_t tap_sink_option_count = sizeof tap_sink_options / sizeof tap_sink_options[0];

/* ---- Events */

static void session_event(struct tap_session_settings *s, const struct tap_text *name,
                          struct tap_error *err)
{
    const char *names[TAP_KIND_USER_LAST + 1];
    for (unsigned k = 0; k <= TAP_KIND_USER_LAST; k++) {
        names[k] = tap_event_name(k);
        if (strcmp(names[k], name->text) == 0) {
            s->events |= TAP_KIND_BIT(k);
            return;
        }
    }
    const char *nearest = tap_suggest(name->text, names, TAP_KIND_USER_LAST + 1);
    tap_error_add_at(err, "session", name, "unknown event '%s'%s%s%s", name->text,
                     nearest ? " (did you mean '" : " (`beamtap plugins session` names all",
                     nearest ? nearest : "", nearest ? "'?)" : ")");
}

/* ---- Nodes */

/* How it is written, for who wrote something else. */
static const char *node_form(const char *text)
{
    return strchr(text, ':') ? "such as shop@web1:14370 or shop@[::1]:14370" : "such as shop@web1";
}

/* What a user writes of a node. */
struct node_text {
    size_t left;      /* bytes before the @ */
    const char *host; /* without brackets */
    size_t host_len;
    uint16_t port; /* 0: none */
};

/* :PORT, or the end. */
static bool node_port(const char *text, uint16_t *port)
{
    int64_t n = 0;
    if (*text == ':' &&
        (text[1] < '0' || text[1] > '9' || !tap_parse_int(text + 1, &n) || n < 1 || n > 65535))
        return false;
    *port = (uint16_t)n;
    return *text == ':' || !*text;
}

/* name@host, as a node may be called (the VM allows no other characters on the left; * is the only
 * one that is there), and the port
 * of its distribution. An IPv6 address stands in brackets where a port follows. */
static bool node_read(const char *text, struct node_text *n)
{
    n->left = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    n->left += n->left == 0 && *text == '*';
    if (n->left == 0 || text[n->left] != '@')
        return false;
    n->host = text + n->left + 1;
    const char *colon = strchr(n->host, ':'), *end = n->host + strlen(n->host);
    if (*n->host == '[') {
        n->host++;
        end = strchr(n->host, ']');
        if (!end || !node_port(end + 1, &n->port))
            return false;
    } else if (colon && colon == strrchr(n->host, ':')) {
        end = colon;
        if (!node_port(colon, &n->port))
            return false;
    }
    n->host_len = (size_t)(end - n->host);
    return n->host_len > 0 && strcspn(n->host, "@ \t'\"\\,;()[]{}<>=") >= n->host_len &&
           n->left + 1 + n->host_len <= 255;
}

/* Its name alone; NULL: out of memory. */
static char *node_name(const char *text, const struct node_text *n, struct tap_mempool *pool)
{
    char *name = tap_mempool_alloc(pool, n->left + n->host_len + 2);
    if (name) {
        memcpy(name, text, n->left + 1);
        memcpy(name + n->left + 1, n->host, n->host_len);
    }
    return name;
}

/* Makes the i-th text a name and a port. */
static void session_node(const struct tap_session_settings *s, size_t i, struct tap_text *names,
                         uint16_t *port, struct tap_mempool *pool, struct tap_error *err)
{
    struct node_text n = {.port = 0};
    struct tap_text *node = &names[i];
    if (strcmp(node->text, "all_nodes") == 0) {
        if (s->nodes.count > 1)
            tap_error_add_at(err, "session", node,
                             "all_nodes stands alone: it means the cluster of `seed`");
        return;
    }
    if (!node_read(node->text, &n)) {
        tap_error_add_at(err, "session", node, "'%s' is not a node name (%s)", node->text,
                         node_form(node->text));
        return;
    }
    char *name = node_name(node->text, &n, pool);
    if (!name) {
        TAP_ERR(err, TAP_ERROR, "core", "out of memory");
        return;
    }
    *port = n.port;
    for (size_t j = 0; j < i; j++)
        if (strcmp(names[j].text, name) == 0)
            tap_error_add_at(err, "session", node, "node '%s' is given twice", name);
    node->text = name;
}

static void session_nodes(struct tap_session_settings *s, struct tap_mempool *pool,
                          struct tap_error *err)
{
    size_t count = s->nodes.count;
    struct tap_text *names = tap_mempool_alloc(pool, (count + 1) * sizeof *names);
    uint16_t *ports = tap_mempool_alloc(pool, (count + 1) * sizeof *ports);
    if (!names || !ports) {
        TAP_ERR(err, TAP_ERROR, "core", "out of memory");
        return;
    }
    if (count)
        memcpy(names, s->nodes.items, count * sizeof *names);
    s->node_names = names;
    s->node_ports = ports;
    for (size_t i = 0; i < count; i++)
        session_node(s, i, names, &ports[i], pool, err);
}

static void session_seed(struct tap_session_settings *s, struct tap_mempool *pool,
                         struct tap_error *err)
{
    bool all = s->nodes.count == 1 && strcmp(s->nodes.items[0].text, "all_nodes") == 0;
    struct node_text n = {.port = 0};
    if (all && !s->seed) {
        tap_error_add_at(err, "session", &s->nodes.items[0],
                         "all_nodes needs `seed`: a node of the cluster that is meant");
    } else if (all && !node_read(s->seed, &n)) {
        TAP_ERR(err, TAP_INVALID, "session", "seed = %s is not a node name (%s)", s->seed,
                node_form(s->seed));
    } else if (all) {
        s->seed_name = node_name(s->seed, &n, pool);
        s->seed_port = n.port;
        if (!s->seed_name)
            TAP_ERR(err, TAP_ERROR, "core", "out of memory");
    } else if (s->seed) {
        TAP_ERR(err, TAP_INVALID, "session", "seed = %s can be used only with nodes = all_nodes",
                s->seed);
    }
}

static void session_mailbox(const struct tap_session_settings *s, struct tap_error *err)
{
    if (s->mailbox > 0 && s->mailbox < MS(10))
        TAP_ERR(err, TAP_INVALID, "session", "mailbox is 0 or at least 10ms");
    if (s->mailbox > 0 && s->events & TAP_CONFIG_SCHEDULING)
        TAP_ERR(err, TAP_INVALID, "session",
                "mailbox and schedule_in or schedule_out do not go together: to look at a mailbox "
                "wakes its process");
}

void tap_config_session(struct tap_session_settings *s, struct tap_mempool *pool,
                        struct tap_error *err)
{
    session_nodes(s, pool, err);
    session_seed(s, pool, err);
    for (size_t i = 0; i < s->event_names.count; i++)
        session_event(s, &s->event_names.items[i], err);
    session_mailbox(s, err);
    tap_config_counters(s, err);
}
