/* servers.c: gen_server calls. A request is {'$gen_call', {From, Tag}, Request}, a reply {Tag, Reply}: the tag's bytes
 * tell which belong together. Four times are seen: sent, taken by the server, replied, and the reply taken.
 */
#include "summary.h"

static uint64_t hash_bytes(const uint8_t *p, size_t n)
{
    uint64_t h = 14695981039346656037ull;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211ull;
    return sum_mix(h, n);
}

/* Its tag, and for a request where that stands in the message. 0: it is neither request nor reply. */
static uint64_t tag_of(struct tap_cursor cur, struct tap_cursor *request)
{
    uint32_t n, two;
    request->p = NULL;
    if (tap_peek(&cur) != TAP_EXT_SMALL_TUPLE || !tap_read_tuple(&cur, &n))
        return 0;
    if (n == 3) {
        if (!tap_match_atom(&cur, "$gen_call") || tap_peek(&cur) != TAP_EXT_SMALL_TUPLE ||
            !tap_read_tuple(&cur, &two) || two != 2 || !tap_skip(&cur))
            return 0;
    } else if (n != 2) {
        return 0;
    }
    const uint8_t *from = cur.p;
    if (!tap_skip(&cur))
        return 0;
    uint64_t key = hash_bytes(from, (size_t)(cur.p - from));
    if (n == 3)
        *request = cur;
    return key;
}

static void request_sent(struct sum *s, struct sum_call *c, uint64_t key, uint32_t process,
                         const struct tap_event *e, const struct tap_cursor *request)
{
    const struct tap_sink_node *node = tap_sink_nodes_get(&s->names, s->host, e->node);
    struct tap_print print = {(enum tap_print_syntax)s->settings->syntax, node->printable_unicode,
                              node->name_id, SUMMARY_TEXT - 20, false};
    *c = (struct sum_call){.key = key, .from = process, .sent = e->ts};
    size_t n = s->host->term_print(s->host, c->request, SUMMARY_TEXT, request->p, tap_left(request), &print);
    c->request_len = (uint32_t)(n < SUMMARY_TEXT ? n : SUMMARY_TEXT);
}

/* Keeps it when it is among the slowest. */
static void call_done(struct sum *s, const struct sum_call *c)
{
    s->calls_done++;
    s->calls_ns += c->done - c->sent;
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

void sum_server_message(struct sum *s, uint32_t process, const struct tap_batch *batch,
                        const struct tap_event *e)
{
    struct tap_cursor request;
    if (e->flags & (TAP_EVENT_TRUNCATED | TAP_EVENT_TIMEOUT) || !e->payload.len)
        return;
    uint64_t key = tag_of(tap_cursor(batch->arena + e->payload.off, e->payload.len), &request);
    struct sum_call *c = &s->calls[key % SUMMARY_CALLS];
    bool sent = e->kind == TAP_MESSAGE_SEND;
    if (!key)
        return;
    if (request.p && sent) {
        request_sent(s, c, key, process, e, &request);
    } else if (c->key == key && request.p) {
        c->taken = e->ts;
        c->server = process;
    } else if (c->key == key && sent) {
        c->replied = e->ts;
        c->server = process;
    } else if (c->key == key && process == c->from) {
        c->done = e->ts > c->sent ? e->ts : c->sent;
        call_done(s, c);
        c->key = 0;
    }
}
