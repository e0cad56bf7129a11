/* session_options.c: the options of [session] and those that every sink has, and what a table
 * cannot say of them. */
#include <string.h>

#include "base/event_names.h"
#include "syntax/suggest.h"
#include "config/session_options.h"

static const char *const overload_choices[] = {"pause", "drop", "stop", NULL};
static const char *const arguments_choices[] = {"auto", "true", "false", NULL};
static const char *const require_choices[] = {"any", "all", NULL};
static const char *const order_choices[] = {"time", "arrival", NULL};
static const char *const on_full_choices[] = {"drop-newest", "drop-oldest", "block", NULL};

#define SESSION(field) .offset = offsetof(struct tap_session_settings, field)
#define DAYS(n) ((n)*24 * 3600 * INT64_C(1000000000))
#define MS(n) ((n)*INT64_C(1000000))

const struct tap_option tap_session_options[] = {
    {.name = "nodes",
     .type = TAP_OPT_LIST,
     .help = "the nodes to trace, as name@host; or all_nodes: the cluster that `seed` sees, and "
             "who joins it. Required, but for a recording",
     SESSION(nodes)},
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
     .help = "how events of several nodes are put in order: by time; or as they arrive",
     SESSION(order)},
    {.name = "reorder",
     .type = TAP_OPT_DURATION,
     .def = "100ms",
     .max = DAYS(1),
     .help = "with order = time: how far the other nodes' time goes on before an event is passed "
             "on, where one of them is silent; what comes later than that is out of order",
     SESSION(reorder)},
    {.name = "cookie_file",
     .type = TAP_OPT_PATH,
     .def = "~/.erlang.cookie",
     .help = "where the cookie is, unless BEAMTAP_COOKIE is in the environment",
     SESSION(cookie_file)},
    {.name = "events",
     .type = TAP_OPT_LIST,
     .def = "function_call, message_send, message_receive",
     .help = "the kinds of events to trace: function_call, function_return, function_exception, "
             "message_send, message_receive, process_spawn, process_start, process_exit, "
             "process_link, process_unlink, process_register, process_unregister, schedule_in, "
             "schedule_out, gc_start, gc_end",
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

/* name@host, as a node may be called; the VM allows no other characters on the left. */
static bool node_name_is_sound(const char *name)
{
    size_t left = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    const char *host = name + left + 1;
    return left > 0 && name[left] == '@' && *host && !host[strcspn(host, "@ \t'\"\\,;()[]{}<>=")] &&
           strlen(name) <= 255;
}

static void session_node(const struct tap_text_list *nodes, size_t i, struct tap_error *err)
{
    const struct tap_text *node = &nodes->items[i];
    if (strcmp(node->text, "all_nodes") == 0) {
        if (nodes->count > 1)
            tap_error_add_at(err, "session", node,
                             "all_nodes stands alone: it means the cluster of `seed`");
        return;
    }
    if (!node_name_is_sound(node->text)) {
        tap_error_add_at(err, "session", node, "'%s' is no node name (such as shop@web1)",
                         node->text);
        return;
    }
    for (size_t j = 0; j < i; j++) {
        if (strcmp(nodes->items[j].text, node->text) == 0) {
            tap_error_add_at(err, "session", node, "node '%s' is given twice", node->text);
            return;
        }
    }
}

static void session_seed(const struct tap_session_settings *s, struct tap_error *err)
{
    bool all = s->nodes.count == 1 && strcmp(s->nodes.items[0].text, "all_nodes") == 0;
    if (all && !s->seed)
        tap_error_add_at(err, "session", &s->nodes.items[0],
                         "all_nodes needs `seed`: a node of the cluster that is meant");
    else if (all && !node_name_is_sound(s->seed))
        TAP_ERR(err, TAP_INVALID, "session", "seed = %s is no node name (such as shop@web1)",
                s->seed);
    else if (s->seed && !all)
        TAP_ERR(err, TAP_INVALID, "session", "seed = %s is of use only with nodes = all_nodes",
                s->seed);
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

void tap_config_session(struct tap_session_settings *s, struct tap_error *err)
{
    for (size_t i = 0; i < s->nodes.count; i++)
        session_node(&s->nodes, i, err);
    session_seed(s, err);
    for (size_t i = 0; i < s->event_names.count; i++)
        session_event(s, &s->event_names.items[i], err);
    session_mailbox(s, err);
}
