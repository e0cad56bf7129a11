/* node_connect.c: from a name to a connection, and who it is that answers there.
 *
 * A node may be reached by another name than its own: over a forwarded port, by another address of
 * its machine. Its handshake says what it calls itself, and from then on it is called so; where the
 * run has that node already, it is not joined twice.
 */
#include <stdio.h>

#include "transports/beam/node/run_state.h"

#define RETRY_LAST (2 * TAP_SECOND)
#define REFUSED_FIRST (10 * TAP_SECOND) /* each time, the node logs a line */
#define REFUSED_LAST (600 * TAP_SECOND)
/* beyond the timeout: a dial ends by itself, but for a name lookup */
#define DIAL_GRACE (TAP_SECOND / 4)

/* ---- Who it is */

static void connect_joined(struct tap_beam_node *n, const struct tap_approached *a)
{
    const struct tap_host *host = n->beam->host;
    n->creation = a->creation;
    if (n->failed) /* not before: until now there was nothing new to say of it */
        host->transport->node_state(host, n->index, TAP_NODE_CONNECTING, NULL);
    n->conn = (struct tap_conn){.self_len = a->pid_len};
    memcpy(n->conn.self, a->pid, a->pid_len);
    n->rpc = (struct tap_rpc){0};
    n->final_here = n->failed = false;
    n->stop_by = n->retry_at = 0;
    n->guardian_len = 0;
    n->names_at = n->names_asked = 0;
    n->align = (struct tap_align){0};
    n->incarnations++;
    n->joining = tap_wire_now() - n->dialled_at;
    tap_beam_node_data_reset(n);
    tap_conn_open(&n->conn, host, n->index, a->wire, &tap_beam_node_events, n);
    n->conn.mask = &n->beam->mask;
    n->state = TAP_BEAM_JOINED;
}

/* Another node of this run that is called so. */
static struct tap_beam_node *connect_namesake(const struct tap_beam_node *n, const char *name)
{
    const struct tap_beam *b = n->beam;
    for (size_t i = 0; i < b->count; i++)
        if (b->nodes[i] != n && !strcmp(b->nodes[i]->name, name))
            return b->nodes[i];
    return NULL;
}

/* It is `other`, which takes the connection over where it has none and waits for one. */
static void connect_same(struct tap_beam_node *n, struct tap_beam_node *other,
                         struct tap_approached *a)
{
    const struct tap_host *host = n->beam->host;
    bool waits = other->state == TAP_BEAM_AWAY || other->state == TAP_BEAM_DIALLING ||
                 (other->state == TAP_BEAM_ENDED && other->failed && other->retry_at);
    char *target = waits && a->wire ? strdup(n->target) : NULL;
    host->log(host, TAP_LOG_INFO, "%s is %s, which this run has already: it is traced once",
              n->name, other->name);
    n->state = TAP_BEAM_ENDED;
    n->failed = false;
    n->retry_at = 0;
    host->transport->node_state(host, n->index, TAP_NODE_SAME, NULL);
    if (target) {
        tap_dial_drop(&other->dial);
        free(other->target);
        other->target = target;
        other->port = n->port;
        other->dialled_at = n->dialled_at;
        connect_joined(other, a);
    } else if (a->wire) {
        a->wire->ops->close(a->wire);
    }
}

/* From here on it is called what it calls itself. */
static void connect_rename(struct tap_beam_node *n, const char *name)
{
    const struct tap_host *host = n->beam->host;
    char *copy = strdup(name);
    if (!copy || !host->transport->node_rename(host, n->index, name)) {
        free(copy); /* its events then come under the name that it was given */
        return;
    }
    host->log(host, TAP_LOG_INFO, "%s calls itself %s", n->name, name);
    free(n->name);
    n->name = copy;
}

/* True: the attempt has led somewhere. */
static bool connect_outcome(struct tap_beam_node *n, struct tap_approached *a)
{
    struct tap_beam_node *other = a->name[0] ? connect_namesake(n, a->name) : NULL;
    if (other && (a->wire || a->refusal == TAP_REFUSAL_NAME)) {
        connect_same(n, other, a);
        return true;
    }
    if (!a->wire)
        return false;
    if (a->name[0] && strcmp(a->name, n->name) != 0)
        connect_rename(n, a->name);
    connect_joined(n, a);
    return true;
}

/* ---- Dialling */

static struct tap_approach connect_approach(const struct tap_beam_node *n, const char *alive,
                                            const struct tap_cookie *cookie, int64_t timeout)
{
    return (struct tap_approach){.node = n->target,
                                 .port = n->port,
                                 .alive = alive,
                                 .cookie = cookie,
                                 .deadline = n->dialled_at + timeout};
}

void tap_beam_node_dial(struct tap_beam_node *n)
{
    struct tap_beam *b = n->beam;
    n->retry_at = 0;
    n->dialled_at = tap_wire_now();
    n->waited = n->failed; /* of one that is not there for long, once was enough */
    struct tap_approach to = connect_approach(n, b->alive, &b->cookie, b->connect_timeout);
    n->dial = tap_dial_begin(&to, b->wake);
    if (n->dial)
        n->state = TAP_BEAM_DIALLING;
    else
        tap_beam_node_fail(n, "cannot start a thread to connect");
}

/* It may be there later. */
static void connect_failed(struct tap_beam_node *n, const char *why, bool refused)
{
    if (!n->failed) {
        tap_beam_node_lost(n, "%s", why);
    } else { /* still not there: once was enough to say so */
        n->state = TAP_BEAM_ENDED;
        n->retry_pause *= 2;
    }
    /* A refusal may be none: a node that is killed in the middle of the handshake looks the
     * same. */
    int64_t first = refused ? REFUSED_FIRST : TAP_BEAM_RETRY,
            last = refused ? REFUSED_LAST : RETRY_LAST;
    n->retry_pause = n->retry_pause < first ? first : n->retry_pause > last ? last : n->retry_pause;
    n->retry_at = tap_wire_now() + n->retry_pause;
}

/* Under way: says what for where it takes long, and ends it where it does not do so itself. */
static void connect_under_way(struct tap_beam_node *n)
{
    int64_t timeout = n->beam->connect_timeout, gone = tap_wire_now() - n->dialled_at;
    const char *stage = tap_dial_stage(n->dial);
    char why[200], text[TAP_BEAM_TIME];
    if (gone > TAP_BEAM_PATIENCE)
        tap_beam_node_waits(n, stage, timeout);
    if (gone < timeout + DIAL_GRACE)
        return;
    snprintf(why, sizeof why, "waited %s in vain for %s", tap_beam_time(timeout, text), stage);
    tap_dial_drop(&n->dial);
    connect_failed(n, why, false);
}

void tap_beam_node_dialled(struct tap_beam_node *n)
{
    struct tap_approached result;
    if (n->state != TAP_BEAM_DIALLING)
        return;
    if (!tap_dial_take(&n->dial, &result))
        connect_under_way(n);
    else if (!connect_outcome(n, &result))
        connect_failed(n, result.why, result.refusal == TAP_REFUSAL_US);
}

bool tap_beam_node_connect(struct tap_beam_node *n, const char *alive,
                           const struct tap_cookie *cookie, int64_t timeout)
{
    struct tap_approached result;
    n->dialled_at = tap_wire_now();
    struct tap_approach to = connect_approach(n, alive, cookie, timeout);
    tap_handshake(&to, &result);
    return connect_outcome(n, &result) || tap_beam_node_fail(n, "%s", result.why);
}
