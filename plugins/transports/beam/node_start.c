/* node_start.c: from joined to tracing: the agent into the node, the plan to the agent, its pids back. */
#include <stdio.h>
#include <time.h>

#include "agent_load.h"
#include "beam.h"
#include "plan_term.h"
#include "protocol.h"

#define START_TIMEOUT INT64_C(60000000000) /* with a hundred thousand processes it takes about a second */
#define START_TRIES 40                     /* times 50 ms: longer than an agent takes to leave */

enum start_result { STARTED, AGAIN, FAILED };

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

/* {error, {Code, Text}}, after "error". An agent of an earlier run that is just leaving says "try again". */
static enum start_result start_error(struct tap_beam_node *n, struct tap_cursor *c)
{
    uint32_t arity, len;
    const uint8_t *text;
    if (!tap_read_tuple(c, &arity) || arity != 2 || !tap_skip(c) || !tap_read_binary(c, &text, &len)) {
        tap_beam_node_fail(n, "the agent failed to start and did not say why");
        return FAILED;
    }
    static const char again[] = "try again";
    if (len >= sizeof again && memmem(text, len, again, sizeof again - 1))
        return AGAIN;
    char why[600];
    snprintf(why, sizeof why, "%.*s", (int)len, (const char *)text);
    tap_agent_unload(n);
    tap_beam_node_fail(n, "%s", why);
    return FAILED;
}

static enum start_result start_judge(struct tap_beam_node *n)
{
    const struct tap_host *host = n->beam->host;
    const struct tap_buf *answer = &n->rpc.answer;
    struct tap_cursor c = tap_cursor(answer->data, answer->len);
    uint32_t arity;
    if (tap_read_tuple(&c, &arity) && arity == 2) {
        if (tap_match_atom(&c, "ok") && start_pids(n, &c))
            return STARTED;
        if (tap_match_atom(&c, "error"))
            return start_error(n, &c);
        /* {badrpc, {'EXIT', {undef, ...}}}: it left between our question whether it is loaded and the call. */
        struct tap_cursor t = c;
        if (tap_match_atom(&t, "badrpc") && tap_read_tuple(&t, &arity) && tap_match_atom(&t, "EXIT") &&
            tap_read_tuple(&t, &arity) && tap_match_atom(&t, "undef"))
            return AGAIN;
    }
    char text[500];
    struct tap_print print = {.limit = 400};
    size_t len = host->term_print(host, text, sizeof text, answer->data, answer->len, &print);
    tap_agent_unload(n);
    tap_beam_node_fail(n, "the agent does not start: %.*s", (int)(len < sizeof text ? len : sizeof text),
                       text);
    return FAILED;
}

static bool start_call(struct tap_beam_node *n, const char *run)
{
    const struct tap_host *host = n->beam->host;
    struct tap_plan_term term = {host->plan,     run, n->conn.self, n->conn.self_len, TAP_AGENT_CREDIT,
                                 host->kind_name};
    struct tap_buf args = {0};
    n->granted = n->conn.frame_bytes + TAP_AGENT_CREDIT;
    tap_write_list(&args, 1);
    tap_plan_term_write(&args, &term);
    tap_write_nil(&args);
    bool ok = tap_beam_node_call(n, tap_agent_module(), "start", &args, START_TIMEOUT);
    tap_buf_free(&args);
    return ok;
}

bool tap_beam_node_start(struct tap_beam_node *n, const char *run)
{
    for (int i = 0; i < START_TRIES; i++) {
        if (!tap_agent_load(n) || !start_call(n, run))
            return false;
        switch (start_judge(n)) {
        case FAILED: return false;
        case AGAIN: nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); continue;
        case STARTED: break;
        }
        int64_t now = tap_wire_now();
        n->state = TAP_BEAM_TRACING;
        n->renew_at = now + n->beam->host->plan->lease / 3;
        n->clock_at = now;
        n->beam->host->node_state(n->beam->host, n->index, TAP_NODE_TRACING, NULL);
        return true;
    }
    return tap_beam_node_fail(n, "an earlier agent does not leave the node: try again in a few seconds");
}
