/* servers.c: gen_server calls (beamtap/gen.h): the tag tells which request and reply belong
 * together. Four times are seen: sent, taken by the server, replied, and the reply taken. Those of
 * one process come in order; those of two may not, so a call is whole when all four are there, and
 * what the server did not show is counted when its place is needed, or at the end.
 */
#include "beamtap/gen.h"

#include "sinks/summary/summary.h"

#define SET 8u /* places of the same keys: one alone would drop a call under way now and then */

static void request_sent(struct sum *s, struct sum_call *c, uint32_t process,
                         const struct tap_event *e, const struct tap_gen_parts *parts)
{
    const struct tap_sink_node *node = tap_sink_nodes_get(&s->names, s->host, e->node);
    struct tap_print print = {.struct_size = sizeof print,
                              .syntax = (enum tap_print_syntax)s->settings->syntax,
                              .printable_unicode = node->printable_unicode,
                              .node_name = node->name_id,
                              .limit = SUMMARY_TEXT - 20};
    c->from = process;
    c->sent = e->ts;
    size_t n = s->host->term_print(s->host, c->request, SUMMARY_TEXT, parts->body, parts->body_len,
                                   &print);
    c->request_len = (uint32_t)(n < SUMMARY_TEXT ? n : SUMMARY_TEXT);
}

/* Keeps it when it is among the slowest. */
static void call_done(struct sum *s, struct sum_call *c)
{
    c->key = 0;
    s->calls_done++;
    uint32_t top = (uint32_t)s->settings->top, at = s->slow_count;
    while (at > 0 && s->slow[at - 1].done - s->slow[at - 1].sent < c->done - c->sent)
        at--;
    if (at >= top)
        return;
    if (s->slow_count < top)
        s->slow_count++;
    memmove(&s->slow[at + 1], &s->slow[at], (s->slow_count - 1 - at) * sizeof *c);
    s->slow[at] = *c;
}

/* A place is given up: what came back is done, also when the server's part was not seen. */
static void call_close(struct sum *s, struct sum_call *c)
{
    if (c->key && c->sent && c->done)
        call_done(s, c);
    c->key = 0;
}

/* The call's place. NULL: it is not known, and no request. The oldest of its set makes room. */
static struct sum_call *call_get(struct sum *s, uint64_t key, bool request)
{
    struct sum_call *set = &s->calls[key % (SUMMARY_CALLS / SET) * SET], *oldest = set;
    for (uint32_t i = 0; i < SET; i++) {
        if (set[i].key == key)
            return &set[i];
        if (oldest->key && (!set[i].key || set[i].seen < oldest->seen))
            oldest = &set[i];
    }
    if (!request)
        return NULL;
    call_close(s, oldest);
    *oldest = (struct sum_call){.key = key, .seen = ++s->calls_seen};
    return oldest;
}

void sum_server_message(struct sum *s, uint32_t process, const struct tap_batch *batch,
                        const struct tap_event *e)
{
    struct tap_gen_parts parts;
    if (e->flags & (TAP_EVENT_TRUNCATED | TAP_EVENT_TIMEOUT) ||
        !tap_gen_read(batch->arena + e->payload.off, e->payload.len, &parts) || !parts.tag)
        return;
    bool request = parts.gen == TAP_GEN_CALL, sent = e->kind == TAP_MESSAGE_SEND;
    uint64_t key = tap_gen_key(&parts);
    struct sum_call *c = key ? call_get(s, key, request) : NULL;
    if (!c)
        return;
    if (request && sent) {
        request_sent(s, c, process, e, &parts);
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
        call_done(s, c);
}

void sum_server_end(struct sum *s)
{
    for (uint32_t i = 0; i < SUMMARY_CALLS; i++)
        call_close(s, &s->calls[i]);
}
