/* config.h: an INI file (design: "The INI file") becomes a checked configuration: session settings
 * and plugin instances with filled settings structs. Every mistake in the file is reported in one
 * pass; nothing but the file itself and the plugins' .so files is touched.
 */
#ifndef TAP_CONFIG_CONFIG_H
#define TAP_CONFIG_CONFIG_H

#include "base/error.h"
#include "base/on_full.h"
#include "config/options.h"
#include "plugin/registry.h"

enum tap_require { TAP_REQUIRE_ANY, TAP_REQUIRE_ALL };
enum tap_follow { TAP_FOLLOW_NONE, TAP_FOLLOW_MESSAGE };
enum tap_order { TAP_ORDER_TIME, TAP_ORDER_ARRIVAL };
enum tap_arguments { TAP_ARGUMENTS_AUTO, TAP_ARGUMENTS_TRUE, TAP_ARGUMENTS_FALSE };

/* The [session] section. */
struct tap_session_settings {
    struct tap_text_list nodes;
    const char *seed;
    /* Of nodes and seed, what their texts say: names, and ports (0: none was given). */
    const struct tap_text *node_names;
    const uint16_t *node_ports;
    const char *seed_name;
    uint16_t seed_port;
    int64_t port;            /* for every node without one of its own; 0: epmd is asked */
    const char *cookie_file; /* NULL: where erl looks */
    struct tap_text_list event_names;
    uint32_t events; /* TAP_KIND_BITs, from event_names */
    bool keep_order; /* nobody asked for an order: a recording keeps its own */
    int64_t duration, lease;
    int64_t max_events, max_rate, max_queue, max_memory, max_term;
    int overload;               /* enum tap_overload */
    int collect;                /* enum tap_collect */
    const char *native_library; /* NULL: it is sent */
    int require;                /* enum tap_require */
    int order;                  /* enum tap_order */
    int64_t reorder;
    bool hidden_nodes, include_otp, load, fail_on_loss;
    bool names;
    int arguments; /* enum tap_arguments */
    int64_t mailbox;
    struct tap_text_list counter_names;
    uint32_t counters; /* enum tap_counters, from counter_names */
    int64_t interval;
    const char *plugin_path;
    struct tap_text_list start_on, stop_on;
    int64_t keep, keep_memory; /* ns; bytes */
    int follow;                /* enum tap_follow */
};
/* A line of start_on or stop_on. */
enum tap_trigger_what {
    TAP_TRIGGER_PATTERN,   /* an event of `kind` that the filter keeps */
    TAP_TRIGGER_EXCEPTION, /* likewise; without a filter any */
    TAP_TRIGGER_EXIT,
    TAP_TRIGGER_CRASH,
    TAP_TRIGGER_MAILBOX /* more than `limit` messages wait */
};
struct tap_trigger {
    enum tap_trigger_what what;
    bool stop;
    unsigned kind; /* enum tap_kind: of the events that it looks at */
    int64_t limit;
    const char *text;      /* as the user wrote it, on one line */
    struct tap_text where; /* of the line */
    struct tap_text rest;  /* the pattern, or the process; "": none */
    size_t instance;       /* of the configuration: its filter; SIZE_MAX: it has none */
};

/* While these are traced no process is asked for anything: that wakes it. */
#define TAP_CONFIG_SCHEDULING (TAP_KIND_BIT(TAP_SCHEDULE_IN) | TAP_KIND_BIT(TAP_SCHEDULE_OUT))
extern const struct tap_option tap_session_options[];
extern const size_t tap_session_option_count;

/* What every sink section takes besides the plugin's own options. */
struct tap_sink_settings {
    int64_t queue;                /* bytes of batches that may wait for the sink */
    int on_full;                  /* enum tap_on_full */
    struct tap_text_list filters; /* names of [filter:NAME] sections; none given: all */
};
extern const struct tap_option tap_sink_options[];
extern const size_t tap_sink_option_count;

/* One [kind:name] section. */
struct tap_instance {
    enum tap_plugin_kind kind;
    const char *name;      /* NAME of the section */
    const char *section;   /* kind:name, as errors print it */
    struct tap_text where; /* of the section's header */
    const struct tap_loaded *loaded;
    void *settings;                /* loaded->plugin->settings_size bytes */
    struct tap_sink_settings sink; /* sinks only */
    bool trigger;                  /* a filter that judges for start_on or stop_on alone */
    bool lacking; /* of what its create looks at something is missing, and that was told */
};

struct tap_config {
    const char *path;
    struct tap_session_settings session;
    /* in the order of the file; the default transport is added when none is given */
    struct tap_instance *instances;
    size_t instance_count;
    struct tap_trigger *triggers; /* the lines of start_on, then those of stop_on */
    size_t trigger_count;
    bool sinkless; /* it may have no sinks: for questions to nodes, not for a run */
    bool mistaken; /* mistakes were found, see tap_config_load */
    bool in_use;   /* a thread that was left behind may still read it: it is not freed */
    char *text;    /* the effective configuration as INI text, for session->config */
    struct tap_registry *registry;
    struct tap_mempool *pool;
};

/* `transport`: the section that is added when there is none of a transport; NULL: none is.
 * `sets` are --set arguments, "SECTION.KEY=VALUE" (the last dot before the = splits; SECTION is
 * session, sink:chrome, ...). On failure `err` says why (TAP_INVALID; also for a missing or
 * unreadable file), and *config is NULL, or one that is only `mistaken`: of it tap_session_new
 * creates what it can, for what a plugin says of its section is told in the same pass, and gives no
 * session. It is to be freed, too. */
enum tap_status tap_config_load(const char *path, const char *transport, const char *const *sets,
                                size_t set_count, struct tap_config **config,
                                struct tap_error *err);
/* The same from a text in memory; `name` stands for the file's name in errors. */
enum tap_status tap_config_parse(const char *name, const char *text, size_t len,
                                 const char *transport, const char *const *sets, size_t set_count,
                                 struct tap_config **config, struct tap_error *err);
/* A configuration without sinks, for questions to `nodes` (as the file's `nodes` has them): made of
 * --set arguments alone. */
enum tap_status tap_config_of_nodes(const char *nodes, const char *transport,
                                    const char *const *sets, size_t set_count,
                                    struct tap_config **config, struct tap_error *err);
/* For the library: `path` may be NULL (no file), and the sink that is built in is one more section,
 * this one. */
#define TAP_CONFIG_BUILT_IN "sink:events"
enum tap_status tap_config_embed(const char *path, const char *transport, const char *const *sets,
                                 size_t set_count, const struct tap_loaded *sink,
                                 struct tap_config **config, struct tap_error *err);
/* Does its transport play a recording (beamtap/plugin.h, TAP_PLUGIN_REPLAYS)? */
bool tap_config_replays(const struct tap_config *);
void tap_config_free(struct tap_config *);

#endif
