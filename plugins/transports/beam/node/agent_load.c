/* agent_load.c: see agent_load.h. */
#include "transports/beam/node/agent_load.h"

#include <stdio.h>

#include "transports/beam/node/agent_code.h"
#include "transports/beam/node/run_state.h"

/* What has to be free in the node. ATOMS: for what the run's own configuration names and for what
 * the node itself needs meanwhile; the agent's own atoms come on top while it is not loaded. There
 * is no limit to ETS tables any more, whatever system_info says. */
#define NEED_ATOMS 500
#define NEED_PROCESSES 32
#define NEED_PORTS 8

/* ---- The node's limits */

static const char *const limit_items[] = {"atom_count",    "atom_limit", "process_count",
                                          "process_limit", "port_count", "port_limit"};
#define LIMIT_ITEMS (sizeof limit_items / sizeof limit_items[0])

/* [fun erlang:system_info/1, Items]: one question instead of six. */
void tap_agent_write_limits(struct tap_buf *args)
{
    tap_write_list(args, 2);
    tap_write_u8(args, 113); /* EXPORT_EXT: bound to no version of a module */
    tap_write_atom(args, "erlang");
    tap_write_atom(args, "system_info");
    tap_write_i64(args, 1);
    tap_write_list(args, LIMIT_ITEMS);
    for (size_t i = 0; i < LIMIT_ITEMS; i++)
        tap_write_atom(args, limit_items[i]);
    tap_write_nil(args);
    tap_write_nil(args);
}

static bool limit_full(struct tap_beam_node *n, const char *table, const char *things,
                       int64_t count, int64_t limit, int64_t need)
{
    return tap_beam_node_fail(n,
                              "the node's %s table is nearly full: %lld of %lld %s are there, and "
                              "tracing needs %lld more; nothing was done there",
                              table, (long long)count, (long long)limit, things, (long long)need);
}

bool tap_agent_fits(struct tap_beam_node *n)
{
    static const struct {
        const char *table, *things;
        int64_t need;
    } tables[] = {{"atom", "atoms", NEED_ATOMS},
                  {"process", "processes", NEED_PROCESSES},
                  {"port", "ports", NEED_PORTS}};
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    uint32_t count;
    int64_t item[LIMIT_ITEMS];
    bool ok = tap_read_list(&c, &count) && count == LIMIT_ITEMS;
    for (size_t i = 0; ok && i < LIMIT_ITEMS; i++)
        ok = tap_read_i64(&c, &item[i]);
    if (!ok) {
        char text[400];
        tap_agent_explain(n, text, sizeof text);
        return tap_beam_node_fail(n, "the node does not tell its limits: %s", text);
    }
    for (size_t i = 0; i < LIMIT_ITEMS; i += 2)
        if (item[i + 1] - item[i] < tables[i / 2].need)
            return limit_full(n, tables[i / 2].table, tables[i / 2].things, item[i], item[i + 1],
                              tables[i / 2].need);
    n->atom_count = item[0];
    n->atom_limit = item[1];
    return true;
}

/* How many atoms the beam has: the first word of its chunk AtU8. */
static int64_t beam_atoms(void)
{
    const unsigned char *p = tap_agent_code.beam + 12,
                        *end = tap_agent_code.beam + tap_agent_code.len;
    while (end - p >= 12) {
        uint32_t size = tap_get_u32(p + 4);
        if (!memcmp(p, "AtU8", 4))
            return tap_get_u32(p + 8);
        if (size > (size_t)(end - p) - 8)
            break;
        p += 8 + ((size + 3) & ~3u);
    }
    return 2000; /* more than it ever has */
}

bool tap_agent_may_load(struct tap_beam_node *n)
{
    int64_t need = beam_atoms() + NEED_ATOMS;
    return n->atom_limit - n->atom_count >= need ||
           limit_full(n, "atom", "atoms", n->atom_count, n->atom_limit, need);
}

/* ---- Loading */

void tap_agent_write_ask(struct tap_buf *args)
{
    tap_write_list(args, 1);
    tap_write_atom(args, tap_agent_code.module);
    tap_write_nil(args);
}

bool tap_agent_is_there(const struct tap_beam_node *n)
{
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    return tap_match_atom(&c, "true");
}

void tap_agent_write_load(struct tap_buf *args)
{
    tap_write_list(args, 2);
    tap_write_atom(args, tap_agent_code.module);
    tap_write_binary(args, tap_agent_code.beam, tap_agent_code.len);
    tap_write_nil(args);
}

enum tap_agent_loaded tap_agent_loaded_now(struct tap_beam_node *n)
{
    struct tap_cursor c = tap_cursor(n->rpc.answer.data, n->rpc.answer.len);
    uint32_t arity;
    if (tap_read_tuple(&c, &arity) && arity == 2) {
        if (tap_match_atom(&c, "module"))
            return TAP_AGENT_LOADED;
        if (tap_match_atom(&c, "error") && tap_match_atom(&c, "not_purged"))
            return TAP_AGENT_LATER;
    }
    char text[400];
    tap_agent_explain(n, text, sizeof text);
    tap_beam_node_fail(n, "the agent cannot be loaded: %s", text);
    return TAP_AGENT_FAILED;
}

/* ---- Answers that say what went wrong */

/* {badrpc, {'EXIT', Why}} and what is known of Why; c stands behind "badrpc". */
static const char *explain_exit(struct tap_cursor c)
{
    uint32_t arity;
    if (!tap_read_tuple(&c, &arity) || arity != 2 || !tap_match_atom(&c, "EXIT"))
        return NULL;
    struct tap_cursor why = c;
    bool tuple = tap_read_tuple(&why, &arity);
    if (tap_match_atom(tuple ? &why : &c, "system_limit"))
        return "the node is at one of its limits: its process table may be full";
    if (tap_match_atom(tuple ? &why : &c, "killed"))
        return "the process that was to do it there was killed";
    return NULL;
}

void tap_agent_explain(const struct tap_beam_node *n, char *text, size_t cap)
{
    const struct tap_host *host = n->beam->host;
    const struct tap_buf *answer = &n->rpc.answer;
    struct tap_cursor c = tap_cursor(answer->data, answer->len);
    uint32_t arity, len;
    const uint8_t *said;
    if (tap_read_tuple(&c, &arity) && arity == 2) {
        if (tap_match_atom(&c, "badrpc")) {
            const char *known = explain_exit(c);
            if (known) {
                snprintf(text, cap, "%s", known);
                return;
            }
        } else if (tap_match_atom(&c, "error") && tap_read_tuple(&c, &arity) && arity == 2 &&
                   tap_skip(&c) && tap_read_binary(&c, &said, &len)) {
            snprintf(text, cap, "%.*s", (int)len, (const char *)said);
            return;
        }
    }
    struct tap_print print = {.struct_size = sizeof print, .limit = 300};
    int begun = snprintf(text, cap, "an answer that beamtap does not know, ");
    size_t room = cap - (size_t)begun - 1, need;
    need = host->term_print(host, text + begun, room, answer->data, answer->len, &print);
    text[(size_t)begun + (need < room ? need : room)] = 0;
}
