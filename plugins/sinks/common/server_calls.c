/* server_calls.c: see server_calls.h. */
#include "sinks/common/server_calls.h"

#include "beamtap/gen.h"

#define SET 8u /* places of the same keys: one alone would drop a call under way now and then */

bool tap_server_calls_init(struct tap_server_calls *g)
{
    g->at = calloc(TAP_SERVER_CALLS, sizeof *g->at);
    return g->at != NULL;
}

void tap_server_calls_free(struct tap_server_calls *g)
{
    free(g->at);
    g->at = NULL;
}

static void request_sent(struct tap_server_calls *g, struct tap_server_call *c, uint32_t process,
                         const struct tap_event *e, const struct tap_gen_parts *parts)
{
    const struct tap_sink_node *node = tap_sink_nodes_get(g->nodes, g->host, e->node);
    struct tap_print print = tap_sink_print(node, g->syntax);
    print.limit = TAP_SERVER_TEXT - 20;
    c->from = process;
    c->sent = e->ts;
    size_t n = g->host->term_print(g->host, c->request, TAP_SERVER_TEXT, parts->body,
                                   parts->body_len, &print);
    c->request_len = (uint32_t)(n < TAP_SERVER_TEXT ? n : TAP_SERVER_TEXT);
}

/* A place is given up: what came back is done, also when the server's part was not seen. */
static void call_close(struct tap_server_calls *g, struct tap_server_call *c)
{
    if (c->key && c->sent && c->done) {
        g->done++;
        g->whole(g->context, c);
    } else if (c->key && c->sent) {
        g->unanswered++;
        if (g->given_up)
            g->given_up(g->context, c);
    }
    c->key = 0;
}

/* The call's place. NULL: it is not known, and no request. The oldest of its set makes room. */
static struct tap_server_call *call_get(struct tap_server_calls *g, uint64_t key, bool request)
{
    struct tap_server_call *set = &g->at[key % (TAP_SERVER_CALLS / SET) * SET], *oldest = set;
    for (uint32_t i = 0; i < SET; i++) {
        if (set[i].key == key)
            return &set[i];
        if (oldest->key && (!set[i].key || set[i].seen < oldest->seen))
            oldest = &set[i];
    }
    if (!request)
        return NULL;
    call_close(g, oldest);
    *oldest = (struct tap_server_call){.key = key, .seen = ++g->seen};
    return oldest;
}

void tap_server_calls_message(struct tap_server_calls *g, uint32_t process,
                              const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_gen_parts parts;
    if (e->flags & (TAP_EVENT_TRUNCATED | TAP_EVENT_TIMEOUT) ||
        !tap_gen_read(batch->arena + e->payload.off, e->payload.len, &parts) || !parts.tag)
        return;
    bool request = parts.gen == TAP_GEN_CALL, sent = e->kind == TAP_MESSAGE_SEND;
    if (request && sent && !tap_gen_is_callers(&parts, e))
        return; /* a server passes it on: whoever replies shows when it takes it */
    uint64_t key = tap_gen_key(&parts);
    struct tap_server_call *c = key ? call_get(g, key, request) : NULL;
    if (!c)
        return;
    if (request && sent) {
        request_sent(g, c, process, e, &parts);
    } else if (request) {
        c->taken = e->ts;
        c->server = process;
    } else if (sent) {
        c->replied = e->ts;
        c->server = process;
    } else if (process == c->from) {
        c->done = e->ts > c->sent ? e->ts : c->sent;
    }
    if (c->sent && c->taken && c->replied && c->done)
        call_close(g, c);
}

void tap_server_calls_end(struct tap_server_calls *g)
{
    for (uint32_t i = 0; g->at && i < TAP_SERVER_CALLS; i++)
        call_close(g, &g->at[i]);
}

void tap_server_calls_slowest(struct tap_server_call *slowest, uint32_t *count, uint32_t most,
                              const struct tap_server_call *c)
{
    uint32_t at = *count;
    while (at > 0 && tap_server_call_total(&slowest[at - 1]) < tap_server_call_total(c))
        at--;
    if (at >= most)
        return;
    if (*count < most)
        ++*count;
    memmove(&slowest[at + 1], &slowest[at], (*count - 1 - at) * sizeof *c);
    slowest[at] = *c;
}
