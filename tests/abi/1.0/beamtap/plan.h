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

/* Of an entry. */
enum tap_plan_flags {
    TAP_PLAN_EXACT = 1 << 0, /* the node decides this fully: the filter need not look again */
    /* named explicitly: traced even when it belongs to OTP and include_otp is off */
    TAP_PLAN_NAMED = 1 << 1,
    TAP_PLAN_RETURN = 1 << 2,    /* returns wanted, for this entry alone */
    TAP_PLAN_EXCEPTION = 1 << 3, /* exceptions (and returns) wanted, for this entry alone */
    TAP_PLAN_CALLER = 1 << 4,    /* the caller wanted */
    TAP_PLAN_STACK = 1 << 5      /* the stack wanted: who called, and who called them */
};
/* Calls of a function, or of several. */
struct tap_plan_function {
    uint32_t struct_size;
    uint32_t flags;
    /* as the node writes it (Elixir.Shop.Cart); * and ? are wildcards; NULL: every module */
    const char *module;
    const char *function; /* exact name; NULL: every function */
    int arity;            /* -1: every arity */
    /* A match spec as an external term with version byte, [{Head, Conditions, Body}, ...], as the
     * user wrote it: the agent adds what beamtap needs. NULL, 0: [{'_', [], []}]. */
    const uint8_t *spec;
    size_t spec_len;
    struct tap_text where;
};
enum tap_plan_process_type {
    TAP_PROCESS_PID,      /* text: <0.123.0> */
    TAP_PROCESS_NAME,     /* text: a registered name */
    TAP_PROCESS_NEW,      /* every process spawned from now on */
    TAP_PROCESS_TREE_PID, /* text is a pid: it and all that it spawns from now on */
    TAP_PROCESS_TREE_NAME /* the same of a registered name */
};
/* A process, or several. */
struct tap_plan_process {
    uint32_t struct_size;
    uint32_t flags;
    enum tap_plan_process_type type;
    const char *text;
    struct tap_text where;
};
/* A match spec on send or receive, as in tap_plan_function; several are joined, in order. */
struct tap_plan_message {
    uint32_t struct_size;
    uint32_t flags;
    const uint8_t *spec;
    size_t spec_len;
    struct tap_text where;
};
/* The name of the node in its own pids, ports and references among the arguments of a call, until
 * its name is known, and what they carry beside it. */
#define TAP_PLAN_HOME "beamtap@called.node"
/* One call that is the whole run: made in the node, in a process of its own, which is traced with
 * all that it spawns. */
struct tap_plan_call {
    uint32_t struct_size;
    const char *module, *function; /* as the node writes them */
    const uint8_t *args;           /* a list, an external term without version byte */
    size_t args_len;
    int64_t timeout; /* ns, then the caller is killed; 0: no limit */
    int64_t linger;  /* ns that what it spawned may go on being traced after it */
};
/* What to do where the relay's queue is too long. */
enum tap_overload { TAP_OVERLOAD_PAUSE, TAP_OVERLOAD_DROP, TAP_OVERLOAD_STOP };
/* Who takes the events in a node: a process that the VM sends them to, or the native tracer, C code
 * in the VM; auto: that one where it can be had. */
enum tap_collect { TAP_COLLECT_PROCESS, TAP_COLLECT_AUTO, TAP_COLLECT_NATIVE };
/* The whole: read-only, complete from start on, valid until destroy. */
struct tap_plan {
    uint32_t struct_size;
    uint32_t events; /* TAP_KIND_BITs asked for */
    /* names as configured; the single item all_nodes: the cluster that `seed` sees */
    const struct tap_text *nodes;
    size_t node_count;
    const char *seed;        /* NULL: none */
    const char *cookie_file; /* NULL: where erl looks; the environment's BEAMTAP_COOKIE is first */
    /* count 0 while calls are wanted: every function */
    const struct tap_plan_function *const *functions;
    size_t function_count;
    const struct tap_plan_process *const *processes; /* count 0: every process, those to come too */
    size_t process_count;
    const struct tap_plan_message *const *sends; /* count 0: every message */
    size_t send_count;
    const struct tap_plan_message *const *receives; /* count 0: every message */
    size_t receive_count;
    const struct tap_plan_call *call; /* NULL: none. Then there is one node, and no process */
    int64_t duration, lease;          /* ns; duration 0: no limit */
    int64_t max_events, max_rate;     /* events, events a second; 0: no limit; for each node */
    int64_t max_queue, max_memory;    /* messages; bytes: of the relay */
    int64_t max_term;                 /* bytes of an encoded event */
    int64_t mailbox; /* ns: how often the lengths of mailboxes are sampled; 0: never */
    enum tap_overload overload;
    bool include_otp;
    bool need_spawns;  /* they are needed to filter by pid, even when nobody asked for them */
    bool require_all;  /* a node that cannot be traced, or is lost, ends the run */
    bool hidden_nodes; /* all_nodes: hidden nodes too */
    /* the node is asked for names of processes; never while schedule_in or _out is among the
     * events */
    bool names;
    bool arity_only; /* calls come without their arguments, which then are not copied */
    /* Ports of the nodes' distribution, where no epmd is asked; 0: epmd knows. One for each of
     * `nodes` (NULL: none was given), for the seed, and for every node without one of its own. */
    const uint16_t *node_ports;
    uint16_t seed_port, port;
    bool leave_unloaded; /* modules that are named exactly and not loaded are not loaded */
    /* Since 1.1. */
    const char *native_library; /* of the native tracer, on the nodes' machines; NULL: it is sent */
    enum tap_collect collect;
    bool native_arity_only; /* what arity_only is where the native tracer takes the events */
    uint32_t counters; /* enum tap_counters (counters.h): a profile, there are no events. 0: none */
    int64_t interval;  /* ns: how often they are read; 0: at the end alone */
    /* Nobody wants trace messages in an event's `raw`: TAP_FRAME_NUMBERED may come. */
    bool numbered;
    /* Of a recording that is played alone and in its order: what need not be read, for no filter
     * lets it through and nothing depends on it (bloom.h). What none of `processes` did; */
    bool pass_processes;
    /* and where no process exits: calls, returns and exceptions of functions that none of
     * `functions` is, and what is of none of `kinds`. */
    bool pass_functions;
    uint32_t kinds; /* TAP_KIND_BITs of what reaches the sinks, or a filter has to see */
};

#ifdef __cplusplus
}
#endif
#endif
