/* cluster.c: see cluster.h. */
#include "transports/beam/cluster.h"

#define LOOK_EVERY TAP_SECOND
#define DIALS_AT_ONCE 16

bool tap_cluster_open(const struct tap_beam *b)
{
    const struct tap_plan *plan = b->host->plan;
    return plan->node_count == 1 && !strcmp(plan->nodes[0].text, "all_nodes");
}

/* The port that the configuration gives: for one node, or for all. */
static uint16_t plan_port(const struct tap_beam *b, uint16_t own)
{
    return own ? own : b->host->plan->port;
}

struct tap_beam_node *tap_cluster_add(struct tap_beam *b, const char *name, size_t len,
                                      uint16_t port)
{
    for (size_t i = 0; i < b->count; i++)
        if (strlen(b->nodes[i]->name) == len && !memcmp(b->nodes[i]->name, name, len))
            return b->nodes[i];
    struct tap_beam_node **nodes = realloc(b->nodes, (b->count + 1) * sizeof *nodes);
    if (nodes)
        b->nodes = nodes;
    struct pollfd *fds = realloc(b->fds, TAP_BEAM_FDS(b->count + 1) * sizeof *fds);
    if (fds)
        b->fds = fds;
    struct tap_beam_node *n = nodes && fds ? calloc(1, sizeof *n) : NULL;
    if (!n || !(n->name = strndup(name, len)) || !(n->target = strdup(n->name))) {
        free(n ? n->name : NULL);
        free(n);
        return NULL;
    }
    n->beam = b;
    n->port = plan_port(b, port);
    n->index = b->host->transport->node_add(b->host, n->name);
    b->host->transport->node_state(b->host, n->index, TAP_NODE_CONNECTING, NULL);
    n->conn_at = n->data_at = -1;
    n->retry_at = 1; /* dialled with the next turn */
    b->nodes[b->count++] = n;
    return n;
}

bool tap_cluster_name(struct tap_beam *b)
{
    const struct tap_plan *plan = b->host->plan;
    if (tap_cluster_open(b))
        return tap_cluster_add(b, plan->seed, strlen(plan->seed), plan->seed_port);
    for (size_t i = 0; i < plan->node_count; i++)
        if (!tap_cluster_add(b, plan->nodes[i].text, strlen(plan->nodes[i].text),
                             plan->node_ports ? plan->node_ports[i] : 0))
            return false;
    return true;
}

/* A collector, this one or another: a hidden node without processes. */
static bool cluster_collector(const struct tap_beam *b, const char *name, size_t len)
{
    static const char usual[] = "beamtap_";
    size_t own = strlen(b->alive);
    return (len > own && !memcmp(name, b->alive, own) && name[own] == '@') ||
           (len >= sizeof usual && !memcmp(name, usual, sizeof usual - 1));
}

void tap_cluster_seen(struct tap_beam *b, struct tap_cursor list)
{
    uint32_t count, len;
    const char *name;
    bool latin1;
    if (!tap_read_list(&list, &count))
        return;
    for (uint32_t i = 0; i < count && tap_read_atom(&list, &name, &len, &latin1); i++)
        if (!cluster_collector(b, name, len) && !tap_cluster_add(b, name, len, 0))
            return;
}

/* ---- Each turn */

/* May nodes still be added to this run? */
static bool cluster_lasts(const struct tap_beam *b, int64_t now)
{
    int64_t duration = b->host->plan->duration;
    return !b->ending && !b->host->transport->stopping(b->host) &&
           (!b->began || !duration || now - b->began < duration);
}

/* Two names may lead to one node where a port is given, and a node takes the second of two
 * handshakes under one name for the better one. So they come one after the other. */
static bool cluster_in_the_way(const struct tap_beam *b, const struct tap_beam_node *n)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct tap_beam_node *o = b->nodes[i];
        if (o != n && o->state == TAP_BEAM_DIALLING && (n->port || o->port) &&
            (n->port == o->port || !n->port || !o->port) &&
            !strcmp(n->target + strcspn(n->target, "@"), o->target + strcspn(o->target, "@")))
            return true;
    }
    return false;
}

static void cluster_dial(struct tap_beam *b, int64_t now)
{
    size_t dialling = 0;
    for (size_t i = 0; i < b->count; i++) {
        tap_beam_node_dialled(b->nodes[i]);
        dialling += b->nodes[i]->state == TAP_BEAM_DIALLING;
    }
    for (size_t i = 0; i < b->count && dialling < DIALS_AT_ONCE && cluster_lasts(b, now); i++) {
        struct tap_beam_node *n = b->nodes[i];
        bool first = n->state == TAP_BEAM_AWAY, again = n->state == TAP_BEAM_ENDED && b->began;
        if (!n->retry_at || now < n->retry_at || !(first || again) || cluster_in_the_way(b, n))
            continue;
        tap_beam_node_dial(n);
        dialling += n->state == TAP_BEAM_DIALLING;
    }
    b->dialling = dialling;
}

/* Once the run has begun, who joins is traced at once. Before that tap_beam_start says when. */
static void cluster_begin(struct tap_beam *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct tap_beam_node *n = b->nodes[i];
        if (n->state != TAP_BEAM_JOINED)
            continue;
        if (n->incarnations > 1)
            b->host->log(b->host, TAP_LOG_INFO, "%s is back", n->name);
        else
            b->host->log(b->host, TAP_LOG_INFO, "%s has joined", n->name);
        tap_beam_node_start(n);
    }
}

static void cluster_look(struct tap_beam *b, int64_t now)
{
    struct tap_beam_node *whom = NULL;
    if (now < b->look_at)
        return;
    b->look_at = now + LOOK_EVERY;
    for (size_t i = b->count; i-- > 0;) /* the seed is the first */
        if (b->nodes[i]->state == TAP_BEAM_TRACING && !b->nodes[i]->stop_by)
            whom = b->nodes[i];
    if (whom)
        tap_beam_node_look(whom, b->host->plan->hidden_nodes);
}

void tap_cluster_turn(struct tap_beam *b, int64_t now)
{
    if (!b->alive[0]) /* a single connection, made by hand */
        return;
    cluster_dial(b, now);
    if (!b->began || !cluster_lasts(b, now))
        return;
    cluster_begin(b);
    if (tap_cluster_open(b))
        cluster_look(b, now);
}
