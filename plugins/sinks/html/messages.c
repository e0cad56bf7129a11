/* messages.c: who told whom how much and how slowly, and the messages that are kept one by one:
 * those from the beginning, without a crowd of one pair, and the last ones.
 */
#include "beamtap/gen.h"

#include "sinks/html/html.h"

#define TAIL_NUMBER 0x80000000u /* a message's number is one of the tail */
#define NO_PAIR UINT32_MAX      /* there were too many pairs for one more */

/* ---- Ends of messages */

static uint32_t receiver_get(struct html *h, const struct tap_event *e)
{
    uint64_t key = tap_map_mix((uint64_t)e->peer_name << 32 | e->peer.node, e->node);
    uint32_t *at = tap_map_get(&h->receiver_at, key, h->receiver_count < HTML_RECEIVERS);
    if (!at || (!*at && !html_room(h, &h->receivers, h->receiver_count, sizeof *h->receivers))) {
        h->no_memory |= h->receiver_count < HTML_RECEIVERS;
        return 0;
    }
    if (!*at) {
        h->receivers[h->receiver_count++] =
            (struct html_receiver){.name = e->peer_name, .node = e->peer.node, .of = e->node};
        *at = h->receiver_count;
    }
    return HTML_IS_NAME | (*at - 1);
}

uint32_t html_receiver_process(const struct html *h, uint32_t to)
{
    uint32_t process = to & HTML_IS_NAME ? h->receivers[to & ~HTML_IS_NAME].process : to;
    return process ? process : to;
}

static struct html_pair *pair_get(struct html *h, uint32_t from, uint32_t to, uint32_t *number)
{
    uint64_t key = tap_map_mix((uint64_t)from << 32 | to, 11);
    uint32_t *at = tap_map_get(&h->pair_at, key, h->pair_count < HTML_PAIRS);
    *number = 0;
    if (!at || (!*at && !html_room(h, &h->pairs, h->pair_count, sizeof *h->pairs))) {
        h->no_memory |= h->pair_count < HTML_PAIRS;
        h->left_out.pairs++;
        return NULL;
    }
    if (!*at) {
        h->pairs[h->pair_count] = (struct html_pair){.from = from, .to = to};
        *at = ++h->pair_count;
    }
    *number = *at;
    return &h->pairs[*at - 1];
}

/* ---- Messages one by one */

/* Of a gen_server's message what it says, without the tag. */
static uint8_t message_text(struct html *h, const struct tap_batch *batch,
                            const struct tap_event *e, char *dst)
{
    struct tap_print print = html_print(h, e->node);
    struct tap_gen_parts parts;
    const uint8_t *term = batch->arena + e->payload.off;
    size_t len = e->payload.len;
    if (!len)
        return 0;
    if (e->gen && !(e->flags & TAP_EVENT_TRUNCATED) && tap_gen_read(term, len, &parts)) {
        term = parts.body;
        len = parts.body_len;
    }
    print.limit = HTML_TEXT - 20;
    size_t n = h->host->term_print(h->host, dst, HTML_TEXT, term, len, &print);
    return (uint8_t)(n < HTML_TEXT ? n : HTML_TEXT);
}

/* The number by which a receive finds it; 0: it is not kept. */
static uint32_t keep_message(struct html *h, struct html_pair *pair, struct html_message *m)
{
    if (h->head_count < HTML_HEAD && pair && pair->kept < HTML_HEAD_PAIR) {
        pair->kept++;
        h->head[h->head_count] = *m;
        return ++h->head_count;
    }
    uint64_t n = h->tail_count++;
    m->number = (uint32_t)n & ~TAIL_NUMBER;
    h->left_out.messages += n >= HTML_TAIL;
    h->tail[n % HTML_TAIL] = *m;
    return TAIL_NUMBER | m->number;
}

static struct html_message *message_find(struct html *h, uint32_t number)
{
    if (!number)
        return NULL;
    if (!(number & TAIL_NUMBER))
        return &h->head[number - 1];
    /* Numbers go round: the place is found by counting back. */
    uint32_t back = ((uint32_t)h->tail_count - number) & ~TAIL_NUMBER;
    if (!back || back > HTML_TAIL || back > h->tail_count)
        return NULL;
    return &h->tail[(h->tail_count - back) % HTML_TAIL];
}

/* ---- Events */

static void sent(struct html *h, uint32_t process, const struct tap_batch *batch,
                 const struct tap_event *e)
{
    struct html_message m = {.sent = e->ts, .from = process, .gen = e->gen};
    struct html_pair *pair = NULL;
    uint32_t number = 0;
    if (e->peer_type == TAP_PEER_PID || e->peer_type == TAP_PEER_NAME) {
        m.to = e->peer_type == TAP_PEER_PID ? html_process_get(h, &e->peer, e->node)
                                            : receiver_get(h, e);
        pair = pair_get(h, process, m.to, &number);
        number = pair ? number : NO_PAIR;
    }
    if (pair) {
        pair->messages++;
        pair->bytes += e->flags & TAP_EVENT_TRUNCATED ? e->true_size : e->payload.len;
    }
    m.text_len = message_text(h, batch, e, m.text);
    uint32_t kept = keep_message(h, pair, &m);
    if (!e->flow)
        return;
    struct tap_flow_time *flow = tap_flow_times_put(&h->flows, e->flow, e->ts);
    flow->pair = number;
    flow->message = kept;
    flow->from = process;
}

/* Whose send was not seen: of it only who took it is known, and where the sender is. */
static void came(struct html *h, uint32_t process, const struct tap_batch *batch,
                 const struct tap_event *e)
{
    struct html_message m = {.received = e->ts, .to = process, .gen = e->gen};
    if (e->flags & TAP_EVENT_TIMEOUT)
        return;
    if (e->peer_type == TAP_PEER_PID)
        m.from = html_process_get(h, &e->peer, e->node);
    m.text_len = message_text(h, batch, e, m.text);
    keep_message(h, NULL, &m);
}

int64_t html_message(struct html *h, uint32_t process, const struct tap_batch *batch,
                     const struct tap_event *e)
{
    struct tap_flow_time flow;
    if (e->kind == TAP_MESSAGE_SEND) {
        sent(h, process, batch, e);
        return 0;
    }
    if (!tap_flow_times_take(&h->flows, e->flow, &flow)) {
        came(h, process, batch, e);
        return 0;
    }
    struct html_message *m = message_find(h, flow.message);
    if (m && m->sent == flow.sent && m->from == flow.from) {
        m->received = e->ts;
        if (!(m->to & HTML_IS_NAME) && !m->to)
            m->to = process;
    }
    uint32_t number = flow.pair;
    struct html_pair *pair = number == NO_PAIR ? NULL
                             : number          ? &h->pairs[number - 1]
                                               : pair_get(h, flow.from, process, &number);
    if (pair && !flow.pair) { /* it was sent to an alias */
        pair->messages++;
        pair->bytes += e->payload.len;
    }
    if (pair && pair->to & HTML_IS_NAME)
        h->receivers[pair->to & ~HTML_IS_NAME].process = process;
    if (e->flags & TAP_EVENT_MOVED) /* the clocks do not say how long it took */
        return flow.sent;
    if (pair && number <= HTML_PAIR_TIMES)
        h->no_memory |= !tap_histogram_add(&pair->times, e->ts - flow.sent);
    else
        h->left_out.pair_times++;
    return flow.sent;
}

void html_messages_free(struct html *h)
{
    for (uint32_t i = 0; i < h->pair_count; i++)
        tap_histogram_free(&h->pairs[i].times);
    free(h->pairs);
    free(h->receivers);
    free(h->head);
    free(h->tail);
    tap_map_free(&h->pair_at);
    tap_map_free(&h->receiver_at);
    tap_flow_times_free(&h->flows);
}
