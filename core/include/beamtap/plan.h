/* beamtap/plan.h: the plan, what nodes are asked for.
 *
 * What a filter can push down into the node is a claim (filter.h); the core joins the claims
 * (within a sink: all must accept; between sinks: any) into the plan that the transport makes real
 * (transport.h). Every plugin may read it: host->plan.
 */
#ifndef BEAMTAP_PLAN_H
#define BEAMTAP_PLAN_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

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
    /* the node is asked for names of processes; never while schedule_in or _out is among the
     * events */
    bool names;
    int64_t mailbox; /* ns: how often the lengths of mailboxes are sampled; 0: never */
    /* calls come without their arguments, which then are not copied for the tracer */
    bool arity_only;
};

#ifdef __cplusplus
}
#endif
#endif
