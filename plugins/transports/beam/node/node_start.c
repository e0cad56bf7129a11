/* node_start.c: from joined to tracing: the agent into the node, the plan to the agent, its pids
 * back.
 *
 * A chain of calls, of which one is under way at a time; whoever serves the node looks for its
 * answer and asks the next. So many nodes start at once, on one thread.
 *
 *     limits -> clock, several times -> ask (is it loaded?) -> load -> start -> tracing
 *                                     | an earlier agent is just leaving: pause, and ask again
 *                                     | refused: unload, and fail
 *
 * The agent is loaded last, right before it is started: who is killed in between leaves it there.
 * All but its start is done by rex itself, so it works in a node whose process table is full.
 */
#include <stdio.h>

#include "transports/beam/node/agent_code.h"
#include "transports/beam/node/agent_load.h"
#include "transports/beam/node/run_state.h"
#include "transports/beam/node/plan_term.h"
#include "transports/beam/protocol.h"

/* times the pause: longer than an agent takes to leave */
#define START_TRIES 120
#define CLOCK_SAMPLES 8
#define START_PAUSE INT64_C(50000000)

enum {
    STEP_LIMITS,
    STEP_OFFSET,
    STEP_CLOCK,
    STEP_ASK,
    STEP_LOAD,
    STEP_START,
    STEP_PAUSE,
    STEP_UNLOAD
};

static const char *const step_calls[] = {"erlang:system_info",
                                         "erlang:time_offset",
                                         "erlang:monotonic_time",
                                         "erlang:module_loaded",
                                         "erlang:load_module",
                                         "the agent's start",
                                         "",
                                         "the agent's unload"};

/* Asks, and frees the arguments. The answer may take what is left of the start's time. */
static void start_ask(struct tap_beam_node *n, int step, const char *module, const char *function,
                      struct tap_buf *args)
{
    n->step = step;
    n->asked_at = tap_wire_now();
    n->step_by = n->start_by;
    bool (*send)(struct tap_rpc *, struct tap_conn *, const char *, const char *,
                 const struct tap_buf *) = step == STEP_START ? tap_rpc_send : tap_rpc_send_inside;
    if (!send(&n->rpc, &n->conn, module, function, args))
        tap_beam_node_broken(n);
    tap_buf_free(args);
}

static void start_ask_loaded(struct tap_beam_node *n)
{
    struct tap_buf args = {0};
    tap_agent_write_ask(&args);
    start_ask(n, STEP_ASK, "erlang", "module_loaded", &args);
}

void tap_beam_node_start(struct tap_beam_node *n)
{
    struct tap_buf args = {0};
    n->state = TAP_BEAM_STARTING;
    n->tries = 0;
    /* What was waited for others, to be joined, is not this node's. */
    n->dialled_at = tap_wire_now() - n->joining;
    n->start_by = tap_wire_now() + tap_beam_node_time(n);
    tap_agent_write_limits(&args);
    start_ask(n, STEP_LIMITS, "lists", "map", &args);
}

bool tap_beam_node_may_trace(const struct tap_beam_node *n)
{
    return n->step == STEP_START;
}

/* ---- The clock, before anything is traced: the first event has its time already */

static void clock_ask(struct tap_beam_node *n, int step, const char *function)
{
    struct tap_buf args = {0};
    tap_write_list(&args, 1);
    tap_write_atom(&args, "nanosecond");
    tap_write_nil(&args);
    start_ask(n, step, "erlang", function, &args);
}

static void clock_answered(struct tap_beam_node *n)
{
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    int64_t value;
    if (!tap_read_i64(&c, &value)) {
        tap_beam_node_fail(n, "%s gave no number", step_calls[n->step]);
        return;
    }
    if (n->step == STEP_OFFSET)
        n->time_offset = value;
    else
        tap_beam_node_exchanged(n, n->asked_at, n->conn.last_rx, value);
    if (n->align.samples < CLOCK_SAMPLES) {
        clock_ask(n, STEP_CLOCK, "monotonic_time");
        return;
    }
    tap_beam_node_align(n);
    start_ask_loaded(n);
}

/* ---- The start itself */

/* What is left of the run for this node; 0: no limit. */
static int64_t start_duration(const struct tap_beam *b)
{
    int64_t duration = b->host->plan->duration, gone = b->began ? tap_wire_now() - b->began : 0;
    return !duration || duration > gone ? duration - (duration ? gone : 0) : 1;
}

/* Each life of a run in a node has a name of its own: what is left of the last one there must not
 * be taken for ours. */
static void start_name(const struct tap_beam_node *n, char name[17])
{
    const char *run = n->beam->host->run_info->run;
    size_t last = strlen(run) - 1;
    snprintf(name, 17, "%s", run);
    unsigned digit = (unsigned)(strchr("0123456789abcdef", run[last]) - "0123456789abcdef");
    name[last] = "0123456789abcdef"[(digit + n->incarnations - 1) & 15];
}

static void start_call(struct tap_beam_node *n)
{
    const struct tap_host *host = n->beam->host;
    char run[17];
    struct tap_buf args = {0};
    struct tap_endpoint stream;
    const struct tap_acceptor *acceptor = n->beam->acceptor;
    if (acceptor && !tap_beam_node_endpoint(n, &stream))
        return;
    start_name(n, run);
    struct tap_plan_term term = {host->plan,
                                 run,
                                 n->conn.self,
                                 n->conn.self_len,
                                 tap_beam_credit(n),
                                 host->kind_name,
                                 start_duration(n->beam),
                                 n->data_state == TAP_DATA_NONE ? NULL : &stream,
                                 n->name,
                                 n->creation,
                                 acceptor && acceptor->native_only};
    n->granted = tap_beam_node_taken(n) + tap_beam_credit(n);
    tap_write_list(&args, 1);
    tap_plan_term_write(&args, &term);
    tap_write_nil(&args);
    start_ask(n, STEP_START, tap_agent_code.module, "start", &args);
}

/* ---- What start answered */

/* {ok, #{guardian := Pid, ...}}, after "ok". */
static bool start_pids(struct tap_beam_node *n, struct tap_cursor *c)
{
    uint32_t pairs;
    if (!tap_read_map(c, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs && !c->bad; i++) {
        bool guardian = tap_match_atom(c, "guardian");
        if (!guardian)
            tap_skip(c);
        const uint8_t *at = c->p;
        bool pid = tap_peek(c) == TAP_EXT_NEW_PID || tap_peek(c) == TAP_EXT_PID;
        tap_skip(c);
        size_t len = (size_t)(c->p - at);
        if (guardian && pid && !c->bad && len <= sizeof n->guardian)
            memcpy(n->guardian, at, n->guardian_len = len);
    }
    return !c->bad && n->guardian_len > 0;
}

static void start_pause(struct tap_beam_node *n)
{
    if (++n->tries >= START_TRIES || tap_wire_now() + START_PAUSE >= n->start_by) {
        tap_beam_node_fail(n,
                           "an earlier agent does not leave the node: try again in a few seconds");
        return;
    }
    n->step = STEP_PAUSE;
    n->step_by = tap_wire_now() + START_PAUSE;
}

/* It does not start: the agent goes first, then the node fails with this. */
static void start_refused(struct tap_beam_node *n, const char *text, size_t len)
{
    struct tap_buf args = {0};
    n->trouble = strndup(text, len);
    tap_write_nil(&args);
    n->start_by = tap_wire_now() + TAP_AGENT_UNLOAD_TIMEOUT;
    start_ask(n, STEP_UNLOAD, tap_agent_code.module, "unload", &args);
}

/* {error, {Code, Text}}, after "error". An agent of an earlier run that is just leaving says "try
 * again". */
static void start_error(struct tap_beam_node *n, struct tap_cursor *c)
{
    static const char again[] = "try again",
                      silent[] = "the agent failed to start and did not say why";
    uint32_t arity, len;
    const uint8_t *text;
    if (!tap_read_tuple(c, &arity) || arity != 2 || !tap_skip(c) ||
        !tap_read_binary(c, &text, &len))
        start_refused(n, silent, sizeof silent - 1);
    else if (len >= sizeof again && memmem(text, len, again, sizeof again - 1))
        start_pause(n);
    else
        start_refused(n, (const char *)text, len);
}

void tap_beam_node_traces(struct tap_beam_node *n)
{
    struct tap_beam *b = n->beam;
    int64_t now = tap_wire_now();
    n->state = TAP_BEAM_TRACING;
    n->renew_at = now + b->host->plan->lease / 3;
    n->clock_at = now;
    tap_beam_node_data_unused(n);
    if (!b->began)
        b->began = now;
    b->host->transport->node_state(b->host, n->index, TAP_NODE_TRACING, NULL);
}

static void start_answer_read(struct tap_beam_node *n)
{
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    uint32_t arity;
    if (tap_read_tuple(&c, &arity) && arity == 2) {
        if (tap_match_atom(&c, "ok") && start_pids(n, &c)) {
            tap_beam_node_traces(n);
            return;
        }
        if (tap_match_atom(&c, "error")) {
            start_error(n, &c);
            return;
        }
        /* {badrpc, {'EXIT', {undef, ...}}}: it left between our question whether it is loaded and
         * the call. */
        struct tap_cursor t = c;
        if (tap_match_atom(&t, "badrpc") && tap_read_tuple(&t, &arity) &&
            tap_match_atom(&t, "EXIT") && tap_read_tuple(&t, &arity) &&
            tap_match_atom(&t, "undef")) {
            start_pause(n);
            return;
        }
    }
    char text[500] = "the agent does not start: ";
    size_t begun = strlen(text);
    tap_agent_explain(n, text + begun, sizeof text - begun);
    start_refused(n, text, strlen(text));
}

/* ---- The next step */

static void start_answered(struct tap_beam_node *n)
{
    struct tap_buf args = {0};
    switch (n->step) {
    case STEP_LIMITS:
        if (tap_agent_fits(n))
            clock_ask(n, STEP_OFFSET, "time_offset");
        return;
    case STEP_OFFSET:
    case STEP_CLOCK: clock_answered(n); return;
    case STEP_ASK:
        if (tap_agent_is_there(n)) {
            start_call(n);
        } else if (tap_agent_may_load(n)) {
            tap_agent_write_load(&args);
            start_ask(n, STEP_LOAD, "erlang", "load_module", &args);
        }
        return;
    case STEP_LOAD:
        switch (tap_agent_loaded_now(n)) {
        case TAP_AGENT_LOADED: start_call(n); return;
        case TAP_AGENT_LATER: start_pause(n); return;
        case TAP_AGENT_FAILED: return;
        }
        return;
    case STEP_START: start_answer_read(n); return;
    default: tap_beam_node_fail(n, "%s", n->trouble ? n->trouble : "out of memory");
    }
}

/* The answer is not here. */
static void start_waits(struct tap_beam_node *n, int64_t now)
{
    int64_t timeout = n->beam->connect_timeout;
    char text[TAP_BEAM_TIME];
    if (now - n->asked_at > TAP_BEAM_PATIENCE)
        tap_beam_node_waits(n, step_calls[n->step], timeout);
    if (now < n->step_by && now < n->start_by)
        return;
    if (n->step == STEP_UNLOAD)
        tap_beam_node_fail(n, "%s", n->trouble ? n->trouble : "out of memory");
    else
        tap_beam_node_lost(n,
                           "the node does not answer %s: it may be frozen or overloaded, or have "
                           "no `rex` (all of the start may take %s: connect_timeout)",
                           step_calls[n->step], tap_beam_time(timeout, text));
}

void tap_beam_node_step(struct tap_beam_node *n, int64_t now)
{
    if (n->step == STEP_PAUSE) {
        if (now >= n->step_by)
            start_ask_loaded(n);
    } else if (!n->rpc.waiting) {
        if (n->rpc.answer.oom)
            tap_beam_node_fail(n, "out of memory");
        else
            start_answered(n);
    } else {
        start_waits(n, now);
    }
}
