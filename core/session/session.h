/* session.h: one trace session: instances created, plan joined, sinks and transport running,
 * counted to the end.
 *
 *     tap_session_new -> tap_session_start -> tap_session_poll ... -> tap_session_stop ->
 *     tap_session_finish -> tap_session_free
 */
#ifndef TAP_SESSION_SESSION_H
#define TAP_SESSION_SESSION_H

#include "beamtap/plan.h"
#include "beamtap/term_write.h"
#include "config/config.h"

struct tap_session;

/* Creates every instance and joins the plan; no I/O. `config` must outlive the trace. NULL: see
 * `err`; always of a configuration that is `mistaken`, of which what can be created says what else
 * is wrong. */
struct tap_session *tap_session_new(const struct tap_config *config, struct tap_error *err);
/* The same, with the place for log lines already while instances are created
 * (tap_session_set_log). */
struct tap_session *tap_session_new_logged(const struct tap_config *config, struct tap_error *err,
                                           void (*log)(void *arg, enum tap_log_level,
                                                       const char *actor, const char *text),
                                           void *arg);
const struct tap_plan *tap_session_plan(const struct tap_session *);
/* Makes the session one call in its only node (plan.h). What `call` points to must outlive the
 * trace. Before start. TAP_INVALID: several nodes, or a filter names processes. */
enum tap_status tap_session_set_call(struct tap_session *, const struct tap_plan_call *call);
/* After finish: how it ended, and an external term with version byte (beamtap/frame.h, final).
 * False: nobody said. Valid until free. */
bool tap_session_call_result(const struct tap_session *, const char **kind, const uint8_t **term,
                             size_t *len);
/* Starts sinks, then the transport (connects, tracing on), then the threads. */
enum tap_status tap_session_start(struct tap_session *);
/* Where log lines go instead of stderr: `actor` is a section (or "core"), `text` one line. Before
 * start; called on any thread. */
void tap_session_set_log(struct tap_session *,
                         void (*log)(void *arg, enum tap_log_level, const char *actor,
                                     const char *text),
                         void *arg);
/* Waits at most `timeout` ms for the end. True: the transport is done (or all sinks failed). */
bool tap_session_poll(struct tap_session *, int timeout);
/* Asks for a clean end, now, as somebody who has had enough; safe to call again and from another
 * thread. Does not wait. */
void tap_session_stop(struct tap_session *);
/* After poll said true: drains queues, stops sinks (each within its deadline), joins threads. Also
 * after a start that failed, where it does nothing. TAP_ERROR when a node, the transport or a sink
 * failed: the causes are in `err`. */
enum tap_status tap_session_finish(struct tap_session *);
void tap_session_free(struct tap_session *);

/* Instead of start: asks the nodes for something that is no trace (transport.h,
 * tap_transport_ops.service). The list of answers in `result` holds those that came, whatever is
 * returned. */
enum tap_status tap_session_service(struct tap_session *, const char *verb, const uint8_t *args,
                                    size_t len, struct tap_buf *result);

/* Figures, at any time, on the session's thread. For each node produced = received + lost; for each
 * sink, at the end, the sum of what the nodes produced = written + filtered + lost. */
struct tap_sink_stats {
    const char *section;
    uint64_t written, filtered;
    /* what its output lacks: lost_before, its full queue, and what it took but never wrote */
    uint64_t lost;
    uint64_t bytes;
    bool failed;
    uint64_t lost_before; /* of these, lost in a node or on the way to the collector */
};
struct tap_node_stats {
    const char *name, *release;
    const char *left_out; /* what is not traced of "all", a sentence; "": nothing, or not told */
    int state;            /* enum tap_node_state */
    bool final;           /* the relay's final report came: produced and lost are exact */
    uint64_t produced;    /* by the relay's final report, or what is known so far */
    uint64_t received;    /* events that reached the collector */
    uint64_t lost;        /* dropped in the node, or on the way */
    uint64_t last_seq;
    uint64_t gap_ns;
    uint64_t lost_by[TAP_REASON_COUNT], gap_by[TAP_REASON_COUNT]; /* events; ns */
    bool traced;                                                  /* it was tracing at some time */
    /* ns: the largest bound of the error in its times; 0: its clock was not compared */
    uint64_t clock_error;
    int64_t clock_skew; /* ns that its own clock is ahead of the collector's */
    /* how often it was traced: more than once when it was restarted, or lost and found again */
    unsigned incarnations;
};
size_t tap_session_sinks(const struct tap_session *, struct tap_sink_stats *, size_t cap);
size_t tap_session_nodes(const struct tap_session *, struct tap_node_stats *, size_t cap);

/* What became of sends and receives (flow.h); false where messages are not paired. Once the trace
 * is finished, or on the transport's thread. */
struct tap_flow_stats;
bool tap_session_flows(const struct tap_session *, struct tap_flow_stats *);

/* The calls, casts and replies among them (gen_calls.h); false where there could be none. */
struct tap_gen_stats;
bool tap_session_gen(const struct tap_session *, struct tap_gen_stats *);

/* How the nodes' events were put in one order (merge.h); false where there was nothing to order.
 * When tap_session_flows may be asked. */
struct tap_settle_stats;
bool tap_session_order(const struct tap_session *, uint64_t *late, struct tap_settle_stats *);

/* What start_on and stop_on did (window.h); false where there is neither. When tap_session_flows
 * may be asked. */
struct tap_window_stats;
bool tap_session_windowed(const struct tap_session *, struct tap_window_stats *);

/* The i-th function that a node, by its index among tap_session_nodes, traces without its returns
 * because they piled up or were too large: its name as snprintf would; false beyond the last. Once
 * the trace is finished. */
bool tap_session_returns_off(const struct tap_session *, size_t node, size_t i, char *name,
                             size_t cap);

/* The i-th figure that a plugin counted by name; false beyond the last. Any of the pointers may be
 * kept until free. */
bool tap_session_counter(const struct tap_session *, size_t i, const char **section,
                         const char **name, int64_t *value);
/* For who reads events beside the sinks. The run's name; the names that events are in; what is said
 * of a node, NULL where there is none of this index. Any thread. */
const char *tap_session_id(const struct tap_session *);
const struct tap_names *tap_session_names(const struct tap_session *);
const struct tap_node *tap_session_node_facts(const struct tap_session *, uint32_t index);
/* The `self` of the instance that was made of this plugin; NULL: there is none. */
void *tap_session_self_of(const struct tap_session *, const struct tap_loaded *plugin);
/* After finish: a thread was left behind, which may still use whatever the session was given. */
bool tap_session_abandoned(const struct tap_session *);
/* Has somebody asked for its end? By its own, such as a duration's, it has not. Any thread. */
bool tap_session_stop_wanted(const struct tap_session *);
/* A host table for one more sink, which the caller drives, with batches of his own; its failures go
 * to `err`. NULL: see `err`. To be freed before the session. */
struct tap_driven_sink {
    /* as of host->sink, of what the sink was given */
    void (*hold)(const struct tap_batch *);
    void (*release)(const struct tap_batch *);
    bool (*ending)(void *arg); /* as well: it is to give up */
    void *arg;
};
const struct tap_host *tap_session_host_new(struct tap_session *, const struct tap_instance *,
                                            struct tap_error *err, const struct tap_driven_sink *);
void tap_session_host_free(const struct tap_host *);

/* When the run began, in the time of its events. */
int64_t tap_session_started(const struct tap_session *);
/* ns since tracing began; 0 before. */
int64_t tap_session_elapsed(const struct tap_session *);

#endif
