/* write_messages.c: who talks to whom, by process and by group, the messages one by one, and
 * gen_server calls.
 */
#include "sinks/html/html.h"

static void pairs(struct html *h, const struct html_chosen *c)
{
    uint64_t left = 0, shown = 0;
    html_put(h, ",\"pairs\":[");
    for (uint32_t i = 0; i < c->pair_count; i++) {
        const struct html_pair *p = &h->pairs[c->pairs[i]];
        uint32_t from = html_chosen_end(h, c, p->from), to = html_chosen_end(h, c, p->to);
        html_put(h, i ? ",[" : "[");
        html_row(h, true,
                 (int64_t[]){from, to, (int64_t)p->messages, (int64_t)(p->bytes & INT64_MAX)}, 4);
        html_spread(h, &p->times);
        html_put(h, "]");
        shown += p->messages;
    }
    for (uint32_t i = 0; i < h->pair_count; i++)
        left += h->pairs[i].messages;
    html_put(h, "],\"pair_count\":");
    html_number(h, h->pair_count);
    html_put(h, ",\"pair_messages_left\":");
    html_number(h, (int64_t)(left - shown));
}

/* ---- Groups */

struct group_pair {
    int64_t from, to; /* a group; or -1 - the number of a name */
    uint64_t messages, bytes;
    struct tap_histogram times;
};

static int busiest_first(const void *a, const void *b)
{
    const struct group_pair *x = a, *y = b;
    return x->messages > y->messages ? -1 : x->messages < y->messages;
}

static int64_t group_of(const struct html *h, const struct html_chosen *c, uint32_t end)
{
    uint32_t process = html_receiver_process(h, end);
    return process & HTML_IS_NAME ? -1 - (int64_t)html_chosen_end(h, c, end)
                                  : (int64_t)h->processes[process].group;
}

static struct group_pair *group_pairs(struct html *h, const struct html_chosen *c, uint32_t *n)
{
    struct group_pair *all = NULL;
    struct tap_map at = {0};
    *n = 0;
    for (uint32_t i = 0; i < h->pair_count; i++) {
        const struct html_pair *p = &h->pairs[i];
        int64_t from = group_of(h, c, p->from), to = group_of(h, c, p->to);
        uint32_t *place = tap_map_get(&at, tap_map_mix((uint64_t)from, (uint64_t)to), true);
        if (!place || (!*place && !html_room(h, &all, *n, sizeof *all))) {
            h->no_memory = true;
            break;
        }
        if (!*place) {
            all[*n] = (struct group_pair){.from = from, .to = to};
            *place = ++*n;
        }
        struct group_pair *g = &all[*place - 1];
        g->messages += p->messages;
        g->bytes += p->bytes;
        h->no_memory |= !tap_histogram_merge(&g->times, &p->times);
    }
    tap_map_free(&at);
    if (*n)
        qsort(all, *n, sizeof *all, busiest_first);
    return all;
}

static void by_group(struct html *h, const struct html_chosen *c)
{
    uint32_t n;
    struct group_pair *all = group_pairs(h, c, &n);
    html_put(h, ",\"group_pair_count\":");
    html_number(h, n);
    html_put(h, ",\"group_pairs\":[");
    for (uint32_t i = 0; i < n; i++) {
        const struct group_pair *g = &all[i];
        if (i < HTML_SHOWN_GROUP_PAIRS) {
            html_put(h, i ? ",[" : "[");
            html_row(
                h, true,
                (int64_t[]){g->from, g->to, (int64_t)g->messages, (int64_t)(g->bytes & INT64_MAX)},
                4);
            html_spread(h, &g->times);
            html_put(h, "]");
        }
        tap_histogram_free(&all[i].times);
    }
    html_put(h, "]");
    free(all);
}

/* ---- One by one */

static void message_row(struct html *h, const struct html_chosen *c, const struct html_message *m,
                        bool first)
{
    html_put(h, first ? "[" : ",[");
    html_row(h, true,
             (int64_t[]){html_since(h, m->sent), html_since(h, m->received),
                         html_chosen_end(h, c, m->from), html_chosen_end(h, c, m->to), m->gen},
             5);
    html_put(h, ",");
    html_string(h, m->text, m->text_len);
    html_put(h, "]");
}

void html_write_messages(struct html *h, const struct html_chosen *c)
{
    pairs(h, c);
    by_group(h, c);
    html_put(h, ",\"messages\":[");
    for (uint32_t i = 0; i < h->head_count; i++)
        message_row(h, c, &h->head[i], i == 0);
    uint64_t from = h->tail_count > HTML_TAIL ? h->tail_count - HTML_TAIL : 0;
    for (uint64_t i = from; i < h->tail_count; i++)
        message_row(h, c, &h->tail[i % HTML_TAIL], i == from && !h->head_count);
    html_put(h, "],\"messages_head\":");
    html_number(h, h->head_count);
}

/* ---- gen_server calls */

/* ,calls,p50,p95,p99,max for each of the three */
static void server_row(struct html *h, const struct html_chosen *c, const struct html_server *s)
{
    html_number(h, c->process[s->process]);
    html_row(h, false, (int64_t[]){(int64_t)s->unanswered}, 1);
    html_spread(h, &s->total);
    html_spread(h, &s->waiting);
    html_spread(h, &s->handling);
    html_put(h, "]");
}

void html_write_servers(struct html *h, const struct html_chosen *c)
{
    html_put(h, ",\"calls_done\":");
    html_number(h, (int64_t)h->servers.done);
    html_put(h, ",\"calls_unanswered\":");
    html_number(h, (int64_t)h->servers.unanswered);
    html_put(h, ",\"servers\":[");
    for (uint32_t i = 0; i < h->server_count; i++) {
        html_put(h, i ? ",[" : "[");
        server_row(h, c, &h->by_server[i]);
    }
    html_put(h, "],\"slow\":[");
    for (uint32_t i = 0; i < h->slow_count; i++) {
        const struct tap_server_call *s = &h->slow[i];
        html_put(h, i ? ",[" : "[");
        html_row(h, true,
                 (int64_t[]){tap_server_call_total(s), tap_server_call_waiting(s),
                             tap_server_call_handling(s), c->process[s->from],
                             c->process[s->server], html_since(h, s->sent)},
                 6);
        html_put(h, ",");
        html_string(h, s->request, s->request_len);
        html_put(h, "]");
    }
    html_put(h, "]");
}
