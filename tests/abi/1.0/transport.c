/* transport.c: a complete transport by the headers of ABI 1.0: one node that calls four functions,
 * as the plan's claims ask for, and is done. */
#include <beamtap/transport.h>

#include <stdlib.h>
#include <string.h>

struct settings {
    int64_t calls;
};

struct made {
    const struct tap_host *host;
    const struct settings *settings;
    uint32_t node;
};

static enum tap_status made_create(const struct tap_host *host, const void *settings, void **self)
{
    struct made *m = calloc(1, sizeof *m);
    if (!m)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    m->host = host;
    m->settings = settings;
    *self = m;
    return TAP_OK;
}

static enum tap_status made_start(void *self)
{
    struct made *m = self;
    const struct tap_plan *plan = m->host->plan;
    if (plan->node_count != 1 || plan->function_count != 1 || !plan->functions[0]->function)
        return TAP_FAIL(m->host, TAP_ERROR, "one node and the claim of one function were wanted");
    m->node = m->host->transport->node_add(m->host, plan->nodes[0].text);
    m->host->transport->node_state(m->host, m->node, TAP_NODE_CONNECTING, NULL);
    m->host->transport->node_state(m->host, m->node, TAP_NODE_TRACING, NULL);
    return TAP_OK;
}

static void put_call(struct tap_buf *b, uint32_t i)
{
    static const char *const functions[] = {"add", "price", "add", "stop"};
    tap_write_version(b);
    tap_write_tuple(b, 5);
    tap_write_atom(b, "trace_ts");
    tap_write_u8(b, TAP_EXT_NEW_PID);
    tap_write_atom(b, "shop@web1");
    tap_write_u32(b, 100 + i % 2);
    tap_write_u32(b, 0);
    tap_write_u32(b, 1);
    tap_write_atom(b, "call");
    tap_write_tuple(b, 3);
    tap_write_atom(b, "shop_cart");
    tap_write_atom(b, functions[i % 4]);
    tap_write_list(b, 2);
    tap_write_i64(b, i);
    tap_write_binary(b, "tea", 3);
    tap_write_nil(b);
    tap_write_i64(b, 1000 + (int64_t)i * 1000);
}

static void put_node_up(struct tap_buf *b)
{
    tap_write_version(b);
    tap_write_tuple(b, 2);
    tap_write_atom(b, "node_up");
    tap_write_map(b, 3);
    tap_write_atom(b, "release");
    tap_write_binary(b, "27", 2);
    tap_write_atom(b, "offset");
    tap_write_i64(b, INT64_C(1700000000000000000));
    tap_write_atom(b, "monotonic");
    tap_write_i64(b, 0);
}

/* One frame, of as many terms as `count` says. */
static enum tap_status made_send(struct made *m, uint8_t flags, uint32_t count)
{
    struct tap_buf body = {NULL, 0, 0, false}, term = {NULL, 0, 0, false};
    struct tap_frame f = {.flags = flags, .count = count};
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        term.len = 0;
        if (flags & TAP_FRAME_CONTROL)
            put_node_up(&term);
        else
            put_call(&term, i);
        tap_write_u32(&body, (uint32_t)term.len);
        tap_buf_put(&body, term.data, term.len);
    }
    f.length = (uint32_t)body.len;
    bool oom = body.oom || term.oom;
    struct tap_arena *arena =
        oom ? NULL : m->host->transport->reserve(m->host, TAP_FRAME_HEADER + body.len);
    if (arena && TAP_HAS(arena, size)) {
        tap_frame_write(arena->data, &f);
        memcpy(arena->data + TAP_FRAME_HEADER, body.data, body.len);
        m->host->transport->commit(m->host, arena, m->node, &at, 1);
    }
    tap_buf_free(&body);
    tap_buf_free(&term);
    return arena ? TAP_OK : TAP_FAIL(m->host, TAP_ERROR, "out of memory");
}

static enum tap_status made_run(void *self)
{
    struct made *m = self;
    struct tap_node_final final = TAP_SIZED(struct tap_node_final);
    struct tap_deep_stack stack = TAP_SIZED(struct tap_deep_stack);
    if (made_send(m, TAP_FRAME_CONTROL, 1) != TAP_OK ||
        made_send(m, 0, (uint32_t)m->settings->calls) != TAP_OK)
        return TAP_ERROR;
    while (!m->host->transport->may_grant(m->host) && !m->host->transport->stopping(m->host))
        m->host->transport->wait(m->host, NULL, 0, 100);
    if (m->host->transport->deep_stack(m->host, m->node, &stack))
        m->host->log(m->host, TAP_LOG_WARNING, "nothing is deep here");
    final.produced = (uint64_t)m->settings->calls;
    m->host->transport->node_state(m->host, m->node, TAP_NODE_DONE, &final);
    return TAP_OK;
}

static enum tap_status made_stop(void *self)
{
    (void)self;
    return TAP_OK;
}

static void made_destroy(void *self)
{
    free(self);
}

static const struct tap_transport_ops ops = {.struct_size = sizeof ops,
                                             .create = made_create,
                                             .start = made_start,
                                             .run = made_run,
                                             .stop = made_stop,
                                             .destroy = made_destroy};
static const struct tap_option options[] = {{.name = "calls",
                                             .type = TAP_OPT_INT,
                                             .def = "4",
                                             .min = 1,
                                             .max = 1000,
                                             .help = "how many calls the node makes",
                                             .offset = offsetof(struct settings, calls)}};
static const struct tap_plugin plugin = {TAP_PLUGIN_HEADER,
                                         .kind = TAP_PLUGIN_TRANSPORT,
                                         .name = "abi_c",
                                         .version = "1.0",
                                         .summary = "a node that is made up",
                                         .license = "Apache-2.0",
                                         .options = options,
                                         .option_count = 1,
                                         .settings_size = sizeof(struct settings),
                                         .ops = &ops};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &plugin;
}
