/* trace.h: one trace session: instances created, plan joined, sinks and transport running, counted to the
 * end.
 *
 *     tap_trace_new -> tap_trace_check | tap_trace_start -> tap_trace_poll ... -> tap_trace_stop ->
 * tap_trace_finish -> tap_trace_free
 */
#ifndef TAP_TRACE_H
#define TAP_TRACE_H

#include "config.h"

struct tap_trace;

/* Creates every instance and joins the plan; no I/O. `config` must outlive the trace. NULL: see `err`. */
struct tap_trace *tap_trace_new(const struct tap_config *config, struct tap_error *err);
const struct tap_plan *tap_trace_plan(const struct tap_trace *);
/* Starts sinks, then the transport (connects, tracing on), then the threads. */
enum tap_status tap_trace_start(struct tap_trace *);
/* Waits at most `timeout` ms for the end. True: the transport is done (or all sinks failed). */
bool tap_trace_poll(struct tap_trace *, int timeout);
/* Asks for a clean end; safe to call again and from another thread. Does not wait. */
void tap_trace_stop(struct tap_trace *);
/* After poll said true: drains queues, stops sinks (each within its deadline), joins threads. */
enum tap_status tap_trace_finish(struct tap_trace *);
void tap_trace_free(struct tap_trace *);

/* Figures, at any time. */
struct tap_sink_stats {
    const char *section;
    uint64_t written, filtered, lost, bytes;
    bool failed;
};
struct tap_node_stats {
    const char *name, *release;
    int state;         /* enum tap_node_state */
    bool final;        /* the relay's final report came: produced and lost are exact */
    uint64_t produced; /* by the relay's final report, or what is known so far */
    uint64_t received; /* events that reached the collector */
    uint64_t lost;     /* dropped in the node, or on the way */
    uint64_t last_seq;
    uint64_t gap_ns;
};
size_t tap_trace_sinks(const struct tap_trace *, struct tap_sink_stats *, size_t cap);
size_t tap_trace_nodes(const struct tap_trace *, struct tap_node_stats *, size_t cap);

#endif
