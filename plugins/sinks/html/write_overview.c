/* write_overview.c: what was traced and when, rates over time, marks, what is missing, and what did
 * not fit into the page.
 */
#include "sinks/html/html.h"

static void member(struct html *h, const char *key, const char *text)
{
    html_put(h, ",\"");
    html_put(h, key);
    html_put(h, "\":");
    html_string(h, text ? text : "", text ? strlen(text) : 0);
}

static void figure(struct html *h, const char *key, uint64_t n)
{
    html_put(h, ",\"");
    html_put(h, key);
    html_put(h, "\":");
    html_number(h, (int64_t)(n & INT64_MAX));
}

static void kinds(struct html *h)
{
    bool first = true;
    html_put(h, ",\"kinds\":{");
    for (unsigned k = 0; k < TAP_LOST; k++) {
        if (!h->kinds[k])
            continue;
        html_put(h, first ? "\"" : ",\"");
        html_put(h, h->host->kind_name(k));
        html_put(h, "\":");
        html_number(h, (int64_t)h->kinds[k]);
        first = false;
    }
    html_put(h, "}");
}

/* [[reason, events, ns, key that raises the limit], ...] */
static void missing(struct html *h, const struct html_node *n)
{
    bool first = true;
    html_put(h, ",\"missing\":[");
    for (unsigned why = 0; why < TAP_REASON_COUNT; why++) {
        if (!n->lost_by[why] && !n->gap_by[why])
            continue;
        const char *key = h->host->reason_key(why), *name = h->host->reason_name(why);
        html_put(h, first ? "[" : ",[");
        html_string(h, name, strlen(name));
        html_row(h, false,
                 (int64_t[]){(int64_t)(n->lost_by[why] & INT64_MAX),
                             (int64_t)(n->gap_by[why] & INT64_MAX)},
                 2);
        html_put(h, ",");
        html_string(h, key ? key : "", key ? strlen(key) : 0);
        html_put(h, "]");
        first = false;
    }
    html_put(h, "]");
}

static void without_returns(struct html *h, uint32_t node)
{
    const struct tap_returns_off_node *off = tap_returns_off_of(&h->times.returns_off, node);
    html_put(h, ",\"without_returns\":[");
    for (uint32_t i = 0; off && i < off->count; i++) {
        const struct tap_returns_off_function *f = &off->at[i];
        html_put(h, i ? "," : "");
        size_t mark = tap_writer_here(&h->w);
        tap_function_put(&h->w, f->module, f->function, f->arity);
        html_quote(h, mark);
    }
    html_put(h, "]");
}

static void nodes(struct html *h)
{
    bool first = true;
    html_put(h, ",\"nodes\":[");
    for (uint32_t i = 0; i < h->node_count; i++) {
        const struct html_node *n = &h->nodes[i];
        const struct tap_node *node = h->host->node(h->host, i);
        html_put(h, first ? "{\"n\":" : ",{\"n\":");
        html_number(h, i);
        member(h, "name", node ? node->name : "?");
        member(h, "release", node ? node->release : "");
        figure(h, "events", n->events);
        figure(h, "lost", n->lost);
        figure(h, "gaps", n->gaps);
        figure(h, "gap", n->gap_ns);
        missing(h, n);
        without_returns(h, i);
        html_put(h, "}");
        first = false;
    }
    html_put(h, "]");
}

static void rates(struct html *h)
{
    uint32_t used = HTML_BUCKETS;
    while (used && !memcmp(h->buckets[used - 1], (uint64_t[HTML_RATES]){0}, sizeof h->buckets[0]))
        used--;
    figure(h, "rate_width", (uint64_t)h->bucket_width);
    html_put(h, ",\"rate_from\":");
    html_number(h, html_since(h, h->bucket_from));
    html_put(h, ",\"rates\":[");
    for (unsigned r = 0; r < HTML_RATES; r++) {
        html_put(h, r ? ",[" : "[");
        for (uint32_t i = 0; i < used; i++) {
            html_put(h, i ? "," : "");
            html_number(h, (int64_t)h->buckets[i][r]);
        }
        html_put(h, "]");
    }
    html_put(h, "],\"gaps\":[");
    for (uint32_t i = 0; i < h->gap_count; i++) {
        const struct html_gap *g = &h->gaps[i];
        const char *why = h->host->reason_name(g->reason);
        html_put(h, i ? ",[" : "[");
        html_row(h, true,
                 (int64_t[]){g->node, html_since(h, g->start), (int64_t)(g->length & INT64_MAX)},
                 3);
        html_put(h, ",");
        html_string(h, why, strlen(why));
        html_put(h, "]");
    }
    html_put(h, "]");
}

static void left_out(struct html *h)
{
    const struct html_left_out *l = &h->left_out;
    html_put(h, ",\"left_out\":{\"gaps\":");
    html_number(h, (int64_t)l->gaps);
    figure(h, "process_events", l->process_events);
    figure(h, "pairs", l->pairs);
    figure(h, "pair_times", l->pair_times);
    figure(h, "stacks", l->stacks);
    figure(h, "deep", l->deep);
    figure(h, "spans", l->spans);
    figure(h, "span_least", (uint64_t)h->span_least);
    figure(h, "messages", l->messages);
    figure(h, "marks", h->marks.left_out);
    figure(h, "links", l->links);
    figure(h, "mailboxes", l->mailboxes);
    figure(h, "servers", l->servers);
    html_put(h, "}");
}

/* [[node, when, process or -1, text], ...] */
void html_write_marks(struct html *h, const struct html_chosen *c)
{
    html_put(h, ",\"marks\":[");
    for (uint32_t i = 0; i < h->marks.count; i++) {
        const struct tap_mark *m = &h->marks.at[i];
        html_put(h, i ? ",[" : "[");
        html_row(h, true,
                 (int64_t[]){m->node, html_since(h, m->ts),
                             m->of_process ? (int64_t)c->process[m->process] : -1},
                 3);
        html_put(h, ",");
        html_string(h, m->text, m->len);
        html_put(h, "]");
    }
    html_put(h, "]");
}

void html_write_overview(struct html *h)
{
    const struct tap_run_info *run = h->host->run_info;
    html_put(h, "\"tool\":\"beamtap\"");
    member(h, "version", run->version);
    member(h, "run", run->run);
    member(h, "config", run->config);
    figure(h, "began", (uint64_t)(h->first / 1000000));
    figure(h, "span", (uint64_t)(h->last - h->first));
    figure(h, "events", h->events);
    figure(h, "raised", h->times.exceptions);
    member(h, "own_means", tap_call_times_own(&h->times));
    member(h, "own_doubt", tap_call_times_doubt(&h->times));
    kinds(h);
    nodes(h);
    rates(h);
    left_out(h);
}
