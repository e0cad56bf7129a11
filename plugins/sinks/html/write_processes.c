/* write_processes.c: processes and their groups, links, reasons and mailboxes. */
#include "sinks/html/html.h"

static void put_pid(struct html *h, const struct html_process *p)
{
    struct tap_print print = {.struct_size = sizeof print, .syntax = TAP_PRINT_ERLANG};
    if (!h->host->run_info->several_nodes)
        print.node_name = tap_sink_nodes_get(&h->names, h->host, p->node)->name_id;
    size_t mark = tap_writer_here(&h->w);
    tap_writer_pid(&h->w, &p->pid, &print);
    html_quote(h, mark);
}

/* [[name, node], ...]; the name is empty where none is known. */
static void groups(struct html *h, const struct html_chosen *c)
{
    html_put(h, ",\"groups\":[[\"(others)\",-1]");
    for (uint32_t i = 1; i < c->group_count; i++) {
        const struct html_process *p = &h->processes[c->groups[i]];
        html_put(h, ",[");
        size_t mark = tap_writer_here(&h->w);
        tap_process_facts_put(&p->facts, &h->w);
        html_quote(h, mark);
        html_row(h, false, (int64_t[]){p->node}, 1);
        html_put(h, "]");
    }
    html_put(h, "]");
}

static void process_row(struct html *h, const struct html_chosen *c, const struct html_process *p)
{
    bool dead = p->died && p->reason != UINT32_MAX;
    html_put(h, ",[");
    put_pid(h, p);
    const int64_t numbers[] = {p->node,
                               p->group,
                               c->process[p->parent],
                               html_since(h, p->born),
                               html_since(h, p->died),
                               dead ? (int64_t)p->reason : -1,
                               (int64_t)p->events,
                               (int64_t)p->calls,
                               (int64_t)p->sent,
                               (int64_t)p->received,
                               p->own,
                               p->links,
                               (int64_t)(p->mailbox & INT64_MAX),
                               p->mailbox ? html_since(h, p->mailbox_at) : -1};
    html_row(h, false, numbers, sizeof numbers / sizeof *numbers);
    html_put(h, "]");
}

/* What the page has no row for, as one: number 0. */
static void other_processes(struct html *h, const struct html_chosen *c)
{
    int64_t events = 0, calls = 0, sent = 0, received = 0, own = 0, left = 0;
    for (uint32_t i = 0; i < h->process_count; i++) {
        const struct html_process *p = &h->processes[i];
        if (c->process[i])
            continue;
        left += i > 0 && p->events > 0;
        events += (int64_t)p->events;
        calls += (int64_t)p->calls;
        sent += (int64_t)p->sent;
        received += (int64_t)p->received;
        own = tap_times_add(own, p->own);
    }
    html_put(h, ",\"process_count\":");
    html_number(h, h->process_count - 1);
    html_put(h, ",\"processes_left\":");
    html_number(h, left);
    html_put(h, ",\"processes\":[[\"\"");
    html_row(h, false,
             (int64_t[]){-1, 0, 0, -1, -1, -1, events, calls, sent, received, own, 0, 0, -1}, 14);
    html_put(h, "]");
}

/* Names that were sent to and that nobody is known to have, as processes behind the others. */
static void names(struct html *h)
{
    for (uint32_t i = 0; i < h->receiver_count; i++) {
        const struct html_receiver *r = &h->receivers[i];
        if (r->process)
            continue;
        size_t len;
        html_put(h, ",[");
        size_t mark = tap_writer_here(&h->w);
        const char *text = tap_name_display(tap_name_get(h->host, r->name), &len);
        tap_writer_put(&h->w, text, len);
        if (r->node) {
            const struct tap_name *node = tap_name_get(h->host, r->node);
            html_put(h, "@");
            tap_writer_put(&h->w, node->text, node->len);
        }
        html_quote(h, mark);
        html_put(h, "]");
    }
}

/* [[count, reason, where, process, first, last], ...]; number 0 is all others. */
static void reasons(struct html *h, const struct html_chosen *c, const char *key,
                    const struct tap_reason_counts *all)
{
    html_put(h, ",\"");
    html_put(h, key);
    html_put(h, "\":[");
    for (uint32_t i = 0; i < all->count; i++) {
        const struct tap_reason_count *r = &all->at[i];
        html_put(h, i ? ",[" : "[");
        html_number(h, (int64_t)r->count);
        html_put(h, ",");
        html_string(h, r->text ? r->text : "", r->text ? strlen(r->text) : 0);
        html_put(h, ",");
        size_t mark = tap_writer_here(&h->w);
        if (r->where.function)
            tap_function_put(&h->w, r->where.module, r->where.function, r->where.arity);
        html_quote(h, mark);
        html_row(
            h, false,
            (int64_t[]){c->process[r->process], html_since(h, r->first), html_since(h, r->last)},
            3);
        html_put(h, "]");
    }
    html_put(h, "]");
}

static void mailboxes(struct html *h, const struct html_chosen *c)
{
    html_put(h, ",\"mailboxes_told\":");
    html_put(h, h->mailboxes_told ? "true" : "false");
    html_put(h, ",\"mailboxes\":[");
    for (uint32_t i = 0; i < h->mailbox_count; i++) {
        const struct html_mailbox *m = &h->mailboxes[i];
        html_put(h, i ? ",[" : "[");
        html_number(h, c->process[m->process]);
        for (uint32_t j = 0; j < m->count; j++)
            html_row(
                h, false,
                (int64_t[]){html_since(h, m->at[j].ts), (int64_t)(m->at[j].length & INT64_MAX)}, 2);
        html_put(h, "]");
    }
    html_put(h, "]");
}

void html_write_processes(struct html *h, const struct html_chosen *c)
{
    groups(h, c);
    other_processes(h, c);
    for (uint32_t i = 0; i < c->process_count; i++)
        process_row(h, c, &h->processes[c->processes[i]]);
    names(h);
    html_put(h, "],\"links\":[");
    bool first = true;
    for (uint32_t i = 0; i < h->link_count; i++) {
        uint32_t one = c->process[h->links[i].one], other = c->process[h->links[i].other];
        if (!one || !other)
            continue;
        html_put(h, first ? "" : ",");
        html_row(h, true, (int64_t[]){one, other}, 2);
        first = false;
    }
    html_put(h, "]");
    reasons(h, c, "exits", &h->exits);
    reasons(h, c, "exceptions", &h->exceptions);
    mailboxes(h, c);
}
