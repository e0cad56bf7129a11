/* internal.h: the inside of a trace session, shared by session.c and run.c (its life) and host.c
 * (what plugins see of it).
 *
 * Nothing here is global: several sessions may live in one process. The session's thread creates,
 * starts and ends; the transport's thread commits; sinks have a thread each. What several threads
 * touch is atomic or behind `lock`.
 */
#ifndef TAP_SESSION_INTERNAL_H
#define TAP_SESSION_INTERNAL_H

#include "beamtap/filter.h"
#include "beamtap/sink.h"
#include "beamtap/transport.h"
#include "bus/bus.h"
#include "plan/plan.h"
#include "session/plugin_counters.h"
#include "session/session.h"

#define TAP_NODES_MAX 1024u
/* ns, beside a lease, that a transport has for a clean end */
#define TAP_STOP_DEADLINE INT64_C(10000000000)
#define TAP_STOP_LATE INT64_C(3000000000)     /* when people are told that it takes longer */
#define TAP_STOP_LONGEST INT64_C(60000000000) /* while events still come */

struct tap_node_impl {
    struct tap_node base;
    struct tap_bus_node bus; /* what came of it */
    char release[32];
    char left_out[1000]; /* of "all"; told once left_out_told is true */
    atomic_bool left_out_told;
    atomic_int state;   /* enum tap_node_state */
    atomic_bool traced; /* it has been in TAP_NODE_TRACING */
    atomic_bool final, told;
    atomic_bool unknown;      /* an earlier life of the node ended without a final report */
    atomic_uint incarnations; /* how often it was traced */
    bool ended;
};

/* The host table as one instance sees it. */
struct tap_instance_host {
    struct tap_host table; /* first: a host pointer is a pointer to this */
    struct tap_session *session;
    const struct tap_instance *instance;
    void *self;
    bool created;
    struct tap_claim *claim; /* filters */
    struct tap_sink *sink;   /* sinks */
    struct tap_counters counters;
    struct tap_error *err; /* where its failures go */
};

struct tap_session {
    const struct tap_config *config;
    struct tap_error *err;
    struct tap_mempool *memory;
    struct tap_intern *intern;
    struct tap_run_info run_info;
    char run[17];
    struct tap_plan plan;

    struct tap_instance_host *hosts; /* one an instance, in the order of the configuration */
    size_t host_count;
    struct tap_instance_host *transport;
    struct tap_sink *sinks;
    struct tap_sink **sink_list;
    size_t sink_count;
    struct tap_bus *bus; /* NULL: not yet */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    _Atomic(struct tap_node_impl *) nodes[TAP_NODES_MAX];
    atomic_uint node_count;
    atomic_size_t sinks_alive;

    struct tap_plan_call call; /* what plan.call points to, once asked for */
    char *call_kind;           /* how it ended; under lock, as are the following; NULL: not yet */
    uint8_t *call_term;        /* an external term with version byte */
    size_t call_len;

    pthread_t thread; /* the transport's */
    bool transport_started, threaded, transport_abandoned;
    bool transport_done;           /* under lock */
    atomic_bool transport_crashed; /* its thread does not come back (tap_operation.crashed) */
    atomic_bool cut_off; /* finished, and what the transport left on its way stays there */
    bool finished;
    bool abandoned; /* some thread was left behind: nothing may be freed */
    atomic_int stopping;
    atomic_bool stop_wanted;               /* by somebody, and not by the session itself */
    atomic_int_fast64_t stop_asked, began; /* tap_clock_steady; 0: not yet */
    uint64_t stop_received;                /* by then; of all nodes */
    int64_t stop_heard; /* when that grew last, once it is stopping: tap_clock_steady */
    bool stop_told;     /* that it takes longer */
    bool names_told;    /* that there are too many */
    int wake;           /* an eventfd that ends the transport's wait */

    void (*log)(void *arg, enum tap_log_level, const char *actor, const char *text);
    void *log_arg;
};

/* An instance's operation of this name, for tap_operation_begin. */
static inline struct tap_operation tap_session_operation(const struct tap_instance_host *h,
                                                         const char *name)
{
    return (struct tap_operation){name, h->instance->section, h->instance->loaded->path, NULL};
}

/* NULL: there is none. */
static inline struct tap_node_impl *tap_session_node(const struct tap_session *session,
                                                     uint32_t index)
{
    if (index >= atomic_load_explicit(&session->node_count, memory_order_acquire))
        return NULL;
    return atomic_load_explicit(&session->nodes[index], memory_order_relaxed);
}

/* What a sink was made from. */
static inline const struct tap_instance *tap_session_instance(const struct tap_session *session,
                                                              const struct tap_sink *sink)
{
    size_t i = 0;
    while (session->hosts[i].sink != sink)
        i++;
    return session->hosts[i].instance;
}

/* create.c: creates an instance, and asks a filter what it claims; within a deadline. */
enum tap_status tap_session_create_one(struct tap_session *, struct tap_instance_host *);
/* A filter that sinks have; those of start_on and stop_on are the window's. */
static inline bool tap_session_filters(const struct tap_instance *in)
{
    return in->kind == TAP_PLUGIN_FILTER && !in->trigger;
}
/* triggers.c: what the bus needs for start_on and stop_on, out of memory: false; and what of them
 * can never come true, for it is not traced: TAP_INVALID with causes. */
bool tap_session_window(struct tap_session *, struct tap_window_options *);
enum tap_status tap_session_check_triggers(struct tap_session *);
/* outputs.c: no two sinks write one file, and none the file that is played. TAP_INVALID with
 * causes. */
enum tap_status tap_session_claim_outputs(struct tap_session *);
/* Standard output is one trace's of the process alone, or one export's: of whoever takes it first
 * for a sink that writes it, until it is given back. TAP_INVALID with a cause. */
enum tap_status tap_session_take_standard(const struct tap_instance *, const void *owner,
                                          struct tap_error *err);
void tap_session_give_standard(const void *owner);
/* host.c */
void tap_host_init(struct tap_session *, struct tap_instance_host *, const struct tap_instance *);
void tap_session_log(struct tap_session *, enum tap_log_level, const char *actor,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
void tap_session_wake(struct tap_session *);
/* A node's end, once; `final` as in host->transport->node_state. */
void tap_session_node_end(struct tap_session *, struct tap_node_impl *, enum tap_node_state,
                          const struct tap_node_final *final);
/* node_name.c: a node's name as it is shown, to be freed (NULL: out of memory); as
 * host->node_rename; and a node that is another one of this run. */
char *tap_session_node_text(const char *name);
bool tap_session_node_rename(struct tap_session *, uint32_t index, const char *name);
void tap_session_node_same(struct tap_session *, struct tap_node_impl *);
/* run.c: a clean end, as the session itself asks for it: by its duration, stop_on, a crash, and
 * where no sink is left. Any thread. */
void tap_session_end(struct tap_session *);
/* run.c: a sink's last word. On its thread. */
void tap_session_sink_ended(void *session, struct tap_sink *, enum tap_sink_end);
/* bus_callbacks.c */
void tap_session_node_up(void *session, uint32_t node, const struct tap_node_facts *);
void tap_session_left_out(void *session, uint32_t node, const char *text, uint32_t len);
void tap_session_call_ended(void *session, const char *kind, uint32_t kind_len, const uint8_t *term,
                            uint32_t len);
void tap_session_node_log(void *session, uint32_t node, enum tap_log_level, const char *text,
                          uint32_t len);

/* A filter as the bus calls it; a crash in it ends the transport's thread, where it runs. */
static inline struct tap_bus_filter tap_session_bus_filter(struct tap_session *session,
                                                           const struct tap_instance_host *h)
{
    return (struct tap_bus_filter){h->instance->loaded->plugin->ops, h->self, h->instance->section,
                                   h->instance->loaded->path, &session->transport_crashed};
}

#endif
