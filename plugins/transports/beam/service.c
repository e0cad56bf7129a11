/* service.c: what a node is asked that is no trace: who traces there, and to take away what dead
 * runs left.
 *
 * The agent is loaded for it, answers, and is unloaded unless a run uses it.
 */
#include "transports/beam/beam.h"
#include "transports/beam/node/agent_code.h"
#include "transports/beam/node/agent_load.h"
#include "transports/beam/turn.h"

/* times connect_timeout: what the answer may take, over all of a node's functions and processes.
 * Usually that is some 100 ms; with the default it is a minute, for a node that is overloaded. */
#define SERVICE_PATIENCE 6
#define SERVICE_PAUSE 50  /* ms, for an earlier agent to leave */
#define SERVICE_TRIES 120 /* longer than that takes */

/* Calls with what `write` writes, and waits for what is left of connect_timeout. */
static bool service_call(struct tap_beam_node *n, const char *module, const char *function,
                         void (*write)(struct tap_buf *))
{
    struct tap_buf args = {0};
    write(&args);
    bool ok = tap_beam_call_inside(n, module, function, &args, TAP_BEAM_TIME_LEFT);
    tap_buf_free(&args);
    return ok;
}

/* All of loading, waiting. */
static enum tap_agent_loaded service_load(struct tap_beam_node *n)
{
    if (!service_call(n, "lists", "map", tap_agent_write_limits) || !tap_agent_fits(n) ||
        !service_call(n, "erlang", "module_loaded", tap_agent_write_ask))
        return TAP_AGENT_FAILED;
    if (tap_agent_is_there(n))
        return TAP_AGENT_LOADED;
    if (!tap_agent_may_load(n) || !service_call(n, "erlang", "load_module", tap_agent_write_load))
        return TAP_AGENT_FAILED;
    return tap_agent_loaded_now(n);
}

/* Tells the agent that nobody needs it. Its answer does not matter, and a node that has failed is
 * not asked. */
static void service_unload(struct tap_beam_node *n)
{
    struct tap_buf args = {0};
    if (n->state != TAP_BEAM_JOINED)
        return;
    tap_write_nil(&args);
    tap_beam_call_inside(n, tap_agent_code.module, "unload", &args, TAP_AGENT_UNLOAD_TIMEOUT);
    tap_buf_free(&args);
}

/* {badrpc, {'EXIT', {undef, ...} | killed}}: an earlier agent left just then, and took the module
 * with it. */
static bool service_again(const struct tap_buf *answer)
{
    struct tap_cursor c = tap_cursor(answer->data, answer->len);
    uint32_t arity;
    if (!tap_read_tuple(&c, &arity) || arity != 2 || !tap_match_atom(&c, "badrpc") ||
        !tap_read_tuple(&c, &arity) || arity != 2 || !tap_match_atom(&c, "EXIT"))
        return false;
    struct tap_cursor t = c;
    return tap_match_atom(&c, "killed") ||
           (tap_read_tuple(&t, &arity) && tap_match_atom(&t, "undef"));
}

/* The answer must be a map; what else there is to say about it is the caller's. */
static bool service_answer_read(struct tap_beam_node *n, const char *verb)
{
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    uint32_t pairs;
    if (tap_read_map(&c, &pairs))
        return true;
    char text[500];
    tap_agent_explain(n, text, sizeof text);
    service_unload(n);
    return tap_beam_node_fail(n, "the agent failed at '%s': %s", verb, text);
}

/* The agent is there: its answer has a time of its own, which is said anew. */
static bool service_verb(struct tap_beam_node *n, const char *verb)
{
    n->waited = false;
    return tap_beam_call(n, tap_agent_code.module, verb, NULL,
                         SERVICE_PATIENCE * n->beam->connect_timeout);
}

/* An agent that leaves is waited for, unless this is to end. */
static bool service_pause(struct tap_beam_node *n)
{
    const struct tap_host *host = n->beam->host;
    host->transport->wait(host, NULL, 0, SERVICE_PAUSE);
    return !host->transport->stopping(host);
}

/* False: the node has failed and is ended. To get in, up to the agent in the node, takes
 * connect_timeout at the most, all of it together; and so does each try after a node that has
 * answered, but whose agent was just leaving. */
static bool service_ask(struct tap_beam_node *n, const char *verb)
{
    for (int i = 0; i < SERVICE_TRIES; i++) {
        /* without what others were waited for */
        n->dialled_at = tap_wire_now() - (i ? 0 : n->joining);
        enum tap_agent_loaded loaded = service_load(n);
        if (loaded == TAP_AGENT_FAILED || (loaded == TAP_AGENT_LOADED && !service_verb(n, verb)))
            return false;
        if (loaded == TAP_AGENT_LOADED && !service_again(&n->rpc.answer))
            return service_answer_read(n, verb);
        if (!service_pause(n)) {
            tap_beam_node_leave(n);
            return false;
        }
    }
    return tap_beam_node_fail(
        n, "an earlier agent does not leave the node: try again in a few seconds");
}

enum tap_status tap_beam_service(struct tap_beam *b, const char *verb, const uint8_t *args,
                                 size_t args_len, struct tap_buf *result)
{
    (void)args; /* neither verb takes any */
    if ((strcmp(verb, "info") != 0 && strcmp(verb, "clean") != 0) || args_len)
        return TAP_FAIL(b->host, TAP_INVALID,
                        "this transport does not know '%s' (it knows info and clean)", verb);
    enum tap_status status = tap_beam_join(b);
    if (status != TAP_OK)
        return status;
    struct tap_buf answers = {0};
    uint32_t answered = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct tap_beam_node *n = b->nodes[i];
        if (n->state != TAP_BEAM_JOINED || !service_ask(n, verb))
            continue;
        answered++;
        tap_write_tuple(&answers, 2);
        tap_write_binary(&answers, n->name, strlen(n->name));
        tap_buf_put(&answers, n->rpc.answer.data, n->rpc.answer.len);
        service_unload(n);
        tap_beam_node_leave(n);
    }
    if (answered)
        tap_write_list(result, answered);
    tap_buf_put(result, answers.data, answers.len);
    tap_write_nil(result);
    result->oom |= answers.oom;
    tap_buf_free(&answers);
    if (result->oom)
        return TAP_FAIL(b->host, TAP_ERROR, "out of memory");
    return answered == b->count ? TAP_OK : TAP_ERROR;
}
