/* chosen.c: which functions, processes and pairs the page has, and the numbers by which its parts
 * speak of them: of functions those with the most time of their own, of processes those that some
 * part speaks of and then the busiest.
 *
 * Processes with the same name are a group: customers that come and go are one in the picture of
 * who talks to whom.
 */
#include "sinks/html/html.h"

struct rank {
    uint64_t value;
    uint32_t index;
};

static int rank_order(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The `most` highest of those from `first` on that have a value. NULL: no memory. */
static uint32_t *highest(struct html *h, uint32_t first, uint32_t count,
                         uint64_t (*value)(const struct html *, uint32_t), uint32_t most,
                         uint32_t *n)
{
    struct rank *r = malloc(((size_t)count + 1) * sizeof *r);
    uint32_t *found = malloc(((size_t)most + 1) * sizeof *found), ranks = 0;
    *n = 0;
    for (uint32_t i = first; r && i < count; i++)
        if (value(h, i))
            r[ranks++] = (struct rank){value(h, i), i};
    if (r)
        qsort(r, ranks, sizeof *r, rank_order);
    while (found && r && *n < most && *n < ranks) {
        found[*n] = r[*n].index;
        ++*n;
    }
    h->no_memory |= !r || !found;
    free(r);
    return found;
}

static uint64_t function_own(const struct html *h, uint32_t i)
{
    const struct tap_call_function *f = &h->times.functions[i];
    return f->calls ? (uint64_t)f->own * 2 + 1 : 0; /* without own time too, behind those with */
}
static uint64_t process_events(const struct html *h, uint32_t i)
{
    const struct html_process *p = &h->processes[i];
    uint64_t heard = p->events + (p->mailbox > 0) + (p->born != 0) + (p->died != 0);
    return heard && p->needed ? heard | (uint64_t)1 << 62 : p->needed ? (uint64_t)1 << 62 : heard;
}
static uint64_t pair_messages(const struct html *h, uint32_t i)
{
    return h->pairs[i].messages;
}
static uint64_t counted_value(const struct html *h, uint32_t i, bool process)
{
    const struct tap_counted_sum *row = &h->counted.rows[i];
    bool own = process ? row->process : row->function; /* the others are a row of their own */
    return own && row->is_process == process ? (uint64_t)tap_counted_value(&h->counted, row) + 1
                                             : 0;
}
static uint64_t counted_function(const struct html *h, uint32_t i)
{
    return counted_value(h, i, false);
}
static uint64_t counted_process(const struct html *h, uint32_t i)
{
    return counted_value(h, i, true);
}

/* ---- What speaks of processes */

static void need(struct html *h, uint32_t end)
{
    uint32_t process = html_receiver_process(h, end);
    if (!(process & HTML_IS_NAME))
        h->processes[process].needed = true;
}

static void need_all(struct html *h, const struct html_chosen *c)
{
    for (uint32_t i = 0; i < c->pair_count && i < HTML_SHOWN_PAIRS / 4; i++) {
        need(h, h->pairs[c->pairs[i]].from);
        need(h, h->pairs[c->pairs[i]].to);
    }
    for (uint32_t i = 0; i < h->slow_count; i++) {
        need(h, h->slow[i].from);
        need(h, h->slow[i].server);
    }
    for (uint32_t i = 0; i < h->server_count; i++)
        need(h, h->by_server[i].process);
    for (uint32_t i = 0; i < h->mailbox_count; i++)
        need(h, h->mailboxes[i].process);
    for (uint32_t i = 0; i < h->span_count; i++)
        need(h, h->spans[i].process);
    for (uint32_t i = 0; i < h->marks.count; i++)
        need(h, h->marks.at[i].process);
    for (uint32_t i = 0; i < c->counted_by_count; i++)
        need(h, h->counted.rows[c->counted_by[i]].process);
    for (uint32_t i = 0; i < h->head_count; i++) {
        need(h, h->head[i].from);
        need(h, h->head[i].to);
    }
    for (uint32_t i = 0; i < h->tail_count && i < HTML_TAIL; i++) {
        need(h, h->tail[i].from);
        need(h, h->tail[i].to);
    }
}

/* ---- Names of receivers, groups */

/* Who bears a name at the end, where no message to it was seen to arrive. */
static bool name_bearers(struct html *h)
{
    struct tap_map by = {0};
    for (uint32_t i = 1; i < h->process_count; i++) {
        const struct html_process *p = &h->processes[i];
        const struct tap_sink_node *node = tap_sink_nodes_get(&h->names, h->host, p->node);
        uint32_t *at =
            p->facts.name
                ? tap_map_get(&by, tap_map_mix((uint64_t)p->facts.name << 32 | node->name_id, 1),
                              true)
                : NULL;
        h->no_memory |= p->facts.name && !at;
        if (at)
            *at = i;
    }
    for (uint32_t i = 0; i < h->receiver_count; i++) {
        struct html_receiver *r = &h->receivers[i];
        uint32_t node = r->node ? r->node : tap_sink_nodes_get(&h->names, h->host, r->of)->name_id;
        uint32_t *at = tap_map_get(&by, tap_map_mix((uint64_t)r->name << 32 | node, 1), false);
        if (at && !r->process)
            r->process = *at;
    }
    tap_map_free(&by);
    return !h->no_memory;
}

static void group(struct html *h, struct html_chosen *c, struct tap_map *by, uint32_t i)
{
    struct html_process *p = &h->processes[i];
    size_t mark = tap_writer_here(&h->w);
    tap_process_facts_put(&p->facts, &h->w);
    size_t len = tap_writer_here(&h->w) - mark;
    h->w.p = tap_writer_begun(&h->w) + mark;
    uint64_t key = tap_map_mix(tap_map_bytes(h->w.p, len), p->node);
    uint32_t *at = tap_map_get(by, key, c->group_count < HTML_GROUPS);
    h->no_memory |= !at && c->group_count < HTML_GROUPS;
    if (at && !*at) {
        c->groups[c->group_count] = i;
        *at = c->group_count++;
    }
    p->group = at ? *at : 0;
}

static bool make_groups(struct html *h, struct html_chosen *c)
{
    struct tap_map by = {0};
    bool *talked = calloc(h->process_count, sizeof *talked); /* or was talked to, or counted */
    c->groups = calloc(HTML_GROUPS, sizeof *c->groups);
    h->no_memory |= !talked || !c->groups;
    for (uint32_t i = 0; talked && i < h->pair_count; i++) {
        uint32_t to = html_receiver_process(h, h->pairs[i].to);
        if (!(to & HTML_IS_NAME))
            talked[to] = true;
    }
    for (uint32_t i = 0; talked && i < h->counted.count; i++)
        if (h->counted.rows[i].is_process)
            talked[h->counted.rows[i].process] = true;
    c->group_count = 1; /* the first stands for all that were too many */
    for (uint32_t i = 1; i < h->process_count && !h->no_memory; i++)
        if (talked[i] || process_events(h, i))
            group(h, c, &by, i);
    tap_map_free(&by);
    free(talked);
    return !h->no_memory;
}

/* ---- All */

/* The numbers of what was chosen, from 1 on. */
static uint32_t *numbers(struct html *h, uint32_t count, const uint32_t *chosen, uint32_t n)
{
    uint32_t *by = calloc((size_t)count + 1, sizeof *by);
    h->no_memory |= !by;
    for (uint32_t i = 0; by && chosen && i < n; i++)
        by[chosen[i]] = i + 1;
    return by;
}

bool html_choose(struct html *h, struct html_chosen *c)
{
    *c = (struct html_chosen){0};
    if (!name_bearers(h) || !make_groups(h, c))
        return false;
    c->functions = highest(h, 1, h->times.function_count, function_own, HTML_SHOWN_FUNCTIONS,
                           &c->function_count);
    c->function = numbers(h, h->times.function_count, c->functions, c->function_count);
    c->pairs = highest(h, 0, h->pair_count, pair_messages, HTML_SHOWN_PAIRS, &c->pair_count);
    c->counted =
        highest(h, 0, h->counted.count, counted_function, HTML_SHOWN_FUNCTIONS, &c->counted_count);
    c->counted_by =
        highest(h, 0, h->counted.count, counted_process, HTML_SHOWN_COUNTED, &c->counted_by_count);
    need_all(h, c);
    c->processes =
        highest(h, 1, h->process_count, process_events, HTML_SHOWN_PROCESSES, &c->process_count);
    c->process = numbers(h, h->process_count, c->processes, c->process_count);
    c->receiver = calloc((size_t)h->receiver_count + 1, sizeof *c->receiver);
    h->no_memory |= !c->receiver;
    for (uint32_t i = 0; c->receiver && i < h->receiver_count; i++)
        if (!h->receivers[i].process)
            c->receiver[i] = c->process_count + ++c->receiver_count;
    return !h->no_memory;
}

uint32_t html_chosen_end(const struct html *h, const struct html_chosen *c, uint32_t to)
{
    to = html_receiver_process(h, to);
    return to & HTML_IS_NAME ? c->receiver[to & ~HTML_IS_NAME] : c->process[to];
}

void html_chosen_free(struct html_chosen *c)
{
    free(c->function);
    free(c->process);
    free(c->receiver);
    free(c->functions);
    free(c->processes);
    free(c->groups);
    free(c->pairs);
    free(c->counted);
    free(c->counted_by);
}
