/* node_labels.h: what text sinks need of an event's node, looked up once a node and not once an
 * event.
 *
 * A node tells its release and its +pc setting when it comes up, so a sink learns a node anew at
 * each TAP_NODE_UP.
 */
#ifndef TAP_SINKS_COMMON_NODE_LABELS_H
#define TAP_SINKS_COMMON_NODE_LABELS_H

#include <stdlib.h>

#include "beamtap/sink.h"

struct tap_sink_node {
    bool known, printable_unicode, has_maybe;
    uint32_t name_id; /* 0: the core does not know this node */
};

struct tap_sink_nodes {
    struct tap_sink_node *at;
    uint32_t count;
};

/* Asks the host about a node, also when it was known already. Never fails: without memory, or
 * without such a node, the answer is a node without a name. */
static inline const struct tap_sink_node *
tap_sink_nodes_learn(struct tap_sink_nodes *nodes, const struct tap_host *host, uint32_t index)
{
    static const struct tap_sink_node unknown;
    const struct tap_node *node = host->node(host, index);
    if (!node)
        return &unknown;
    if (index >= nodes->count) {
        uint32_t count = index + 16;
        struct tap_sink_node *at = (struct tap_sink_node *)realloc(nodes->at, count * sizeof *at);
        if (!at)
            return &unknown;
        memset(at + nodes->count, 0, (count - nodes->count) * sizeof *at);
        nodes->at = at;
        nodes->count = count;
    }
    nodes->at[index] = (struct tap_sink_node){true, node->printable_unicode,
                                              tap_node_has_maybe(node), node->name_id};
    return &nodes->at[index];
}
static inline const struct tap_sink_node *
tap_sink_nodes_get(struct tap_sink_nodes *nodes, const struct tap_host *host, uint32_t index)
{
    if (__builtin_expect(index < nodes->count && nodes->at[index].known, 1))
        return &nodes->at[index];
    return tap_sink_nodes_learn(nodes, host, index);
}
/* The choices of an option `syntax`, by enum tap_print_syntax. */
extern const char *const tap_print_syntaxes[];

/* How a term is printed as that node prints it, its own pids short. */
static inline struct tap_print tap_sink_print(const struct tap_sink_node *node,
                                              enum tap_print_syntax syntax)
{
    struct tap_print print = TAP_SIZED(struct tap_print);
    print.syntax = syntax;
    print.printable_unicode = node->printable_unicode;
    print.has_maybe = node->has_maybe;
    print.node_name = node->name_id;
    return print;
}
static inline void tap_sink_nodes_free(struct tap_sink_nodes *nodes)
{
    free(nodes->at);
    memset(nodes, 0, sizeof *nodes);
}

#endif
