/* agent_load.c: the beam travels inside the plugin, as bytes, so that nothing has to be installed
 * in the node. */
#include "transports/beam/node/agent_load.h"

#include "agent_beam.h"
#include "transports/beam/beam.h"

const char *tap_agent_module(void)
{
    return TAP_AGENT_MODULE;
}

void tap_agent_write_ask(struct tap_buf *args)
{
    tap_write_list(args, 1);
    tap_write_atom(args, TAP_AGENT_MODULE);
    tap_write_nil(args);
}

bool tap_agent_is_there(const struct tap_beam_node *n)
{
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    uint32_t arity;
    return tap_read_tuple(&c, &arity) && arity == 2 && tap_match_atom(&c, "file");
}

void tap_agent_write_load(struct tap_buf *args)
{
    tap_write_list(args, 3);
    tap_write_atom(args, TAP_AGENT_MODULE);
    tap_rpc_write_string(args, TAP_AGENT_MODULE ".beam");
    tap_write_binary(args, tap_agent_beam, tap_agent_beam_len);
    tap_write_nil(args);
}

bool tap_agent_loaded_now(struct tap_beam_node *n)
{
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    uint32_t arity;
    if (tap_read_tuple(&c, &arity) && arity == 2 && tap_match_atom(&c, "module"))
        return true;
    const struct tap_host *host = n->beam->host;
    char text[300];
    struct tap_print print = {.limit = 200};
    size_t len =
        host->term_print(host, text, sizeof text, n->rpc.answer.data, n->rpc.answer.len, &print);
    return tap_beam_node_fail(n, "the agent cannot be loaded: %.*s",
                              (int)(len < sizeof text ? len : sizeof text), text);
}

/* Calls code:Function with what `write` writes, and waits. */
static bool agent_call(struct tap_beam_node *n, const char *function,
                       void (*write)(struct tap_buf *))
{
    struct tap_buf args = {0};
    write(&args);
    bool ok = tap_beam_node_call(n, "code", function, &args, TAP_AGENT_LOAD_TIMEOUT);
    tap_buf_free(&args);
    return ok;
}

bool tap_agent_load(struct tap_beam_node *n)
{
    if (!agent_call(n, "is_loaded", tap_agent_write_ask))
        return false;
    return tap_agent_is_there(n) ||
           (agent_call(n, "load_binary", tap_agent_write_load) && tap_agent_loaded_now(n));
}

void tap_agent_unload(struct tap_beam_node *n)
{
    if (n->state == TAP_BEAM_JOINED)
        tap_beam_node_call(n, TAP_AGENT_MODULE, "unload", NULL, TAP_AGENT_UNLOAD_TIMEOUT);
}
