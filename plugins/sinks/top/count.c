/* count.c: what each event counts for: functions with their times, processes, pairs of them, and
 * gen_server calls.
 */
#include <time.h>

#include "sinks/top/top.h"

int64_t top_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * TOP_SECOND + t.tv_nsec;
}

static bool room(struct top *t, void *array, uint32_t count, size_t size)
{
    bool there = tap_grow(array, count, size);
    t->no_memory |= !there;
    return there;
}

/* Keeps it when it is among the slowest. */
static void keep_call(void *context, const struct tap_server_call *c)
{
    struct top *t = context;
    tap_server_calls_slowest(t->slow, &t->slow_count, TOP_SLOWEST, c);
}

bool top_count_init(struct top *t)
{
    t->servers = (struct tap_server_calls){.host = t->host,
                                           .nodes = &t->names,
                                           .syntax = (enum tap_print_syntax)t->settings->syntax,
                                           .context = t,
                                           .whole = keep_call};
    if (!tap_server_calls_init(&t->servers) || !tap_flow_times_init(&t->flows) ||
        !tap_call_times_init(&t->times, t->host) ||
        !room(t, &t->processes, 0, sizeof *t->processes) ||
        !room(t, &t->pairs, 0, sizeof *t->pairs))
        return false;
    t->processes[t->process_count++] = (struct top_process){0};
    t->pairs[t->pair_count++] = (struct top_pair){0};
    t->line.host = t->host;
    t->line.buf = t->line.p = malloc(TAP_WRITER_BUFFER);
    t->line.end = t->line.buf ? t->line.buf + TAP_WRITER_BUFFER : NULL;
    t->last_seen = top_now();
    return t->line.buf;
}

void top_count_free(struct top *t)
{
    for (uint32_t i = 0; i < t->process_count; i++) {
        free(t->processes[i].stack.frames);
        tap_process_facts_free(&t->processes[i].facts);
    }
    for (unsigned v = 0; v < TOP_VIEWS; v++)
        free(t->before[v].counts);
    free(t->before_counted.counts);
    free(t->processes);
    free(t->pairs);
    free(t->nodes);
    free(t->line.buf);
    tap_map_free(&t->process_at);
    tap_map_free(&t->pair_at);
    tap_counted_sums_free(&t->counted);
    tap_call_times_free(&t->times);
    tap_server_calls_free(&t->servers);
    tap_flow_times_free(&t->flows);
    tap_sink_nodes_free(&t->names);
}

/* ---- Processes */

/* Its index; 0 stands for all those that are too many. Processes may move in memory. */
static uint32_t process_get(struct top *t, const struct tap_pid *pid, uint32_t node)
{
    bool more = t->process_count < TOP_MOST_PROCESSES;
    uint32_t *at = tap_map_get(&t->process_at, tap_map_pid(pid), more);
    t->no_memory |= !at && more;
    if (!at)
        return 0;
    if (!*at) {
        if (!room(t, &t->processes, t->process_count, sizeof *t->processes))
            return 0;
        t->processes[t->process_count] = (struct top_process){.pid = *pid, .node = node};
        *at = t->process_count++;
    }
    return *at;
}

static struct tap_print print_of(struct top *t, uint32_t node)
{
    return tap_sink_print(tap_sink_nodes_get(&t->names, t->host, node),
                          (enum tap_print_syntax)t->settings->syntax);
}

static void process_event(struct top *t, uint32_t process, const struct tap_batch *batch,
                          const struct tap_event *e)
{
    if (process) /* the first stands for many */
        tap_process_facts_event(&t->processes[process].facts, t->host, batch, e);
    const struct tap_pid *child = e->kind == TAP_PROCESS_SPAWN ? tap_child(e) : NULL;
    uint32_t index = child ? process_get(t, child, e->node) : 0;
    if (index)
        tap_process_facts_spawned(&t->processes[index].facts, t->host, batch, e);
}

static void learn_processes(struct top *t, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_process_report_list list = tap_process_report_begin(batch, e);
    struct tap_process_report told;
    while (tap_process_report_next(t->host, &list, &told)) {
        uint32_t index = process_get(t, &told.pid, e->node);
        if (index)
            tap_process_facts_report(&t->processes[index].facts, t->host, &told,
                                     print_of(t, e->node));
    }
}

static struct top_node *node_get(struct top *t, uint32_t node)
{
    while (t->node_count <= node) {
        if (!room(t, &t->nodes, t->node_count, sizeof *t->nodes))
            return NULL;
        t->nodes[t->node_count++] = (struct top_node){0};
    }
    return &t->nodes[node];
}

static void learn_mailboxes(struct top *t, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_process_report_list list = tap_process_report_begin(batch, e);
    struct top_node *node = node_get(t, e->node);
    struct tap_pid pid;
    int64_t length;
    if (!node)
        return;
    node->told++;
    while (tap_process_mailbox_next(t->host, &list, &pid, &length)) {
        uint32_t index = process_get(t, &pid, e->node);
        struct top_process *p = &t->processes[index];
        if (!index || e->ts <= p->ended) /* looked into before it ended */
            continue;
        p->measured = true;
        p->told = node->told;
        p->told_at = e->ts;
        p->mailbox = length > 0 ? (uint64_t)length : 0;
        p->longest = p->mailbox > p->longest ? p->mailbox : p->longest;
    }
}

/* ---- Messages */

static void count_pair(struct top *t, uint32_t from, const struct tap_event *e)
{
    bool more = t->pair_count < TOP_MOST_PAIRS, named = e->peer_type == TAP_PEER_NAME;
    if (e->peer_type != TAP_PEER_PID && !named)
        return; /* a port, or an alias: nobody knows whose */
    uint64_t to = named ? (uint64_t)e->peer_name << 32 | e->peer.node : tap_map_pid(&e->peer);
    uint32_t *at = tap_map_get(&t->pair_at, tap_map_mix(to, from), more), index = 0;
    t->no_memory |= !at && more;
    if (at && *at) {
        index = *at;
    } else if (at && room(t, &t->pairs, t->pair_count, sizeof *t->pairs)) {
        index = *at = t->pair_count++;
        t->pairs[index] = (struct top_pair){
            .from = from, .name = named ? e->peer_name : 0, .node = e->node, .to = e->peer};
    }
    t->pairs[index].messages++;
}

/* ---- Events */

/* What was open on a node may have ended unseen. */
static void lose(struct top *t, const struct tap_event *e)
{
    struct top_node *node = node_get(t, e->node);
    if (node)
        node->epoch++;
    t->lost += e->kind == TAP_LOST ? e->lost : 0;
    t->gap = e->kind == TAP_GAP ? tap_times_add(t->gap, (int64_t)e->gap) : t->gap;
}

static void count_kind(struct top *t, uint32_t index, const struct tap_batch *batch,
                       const struct tap_event *e)
{
    struct top_process *p = &t->processes[index];
    switch (e->kind) {
    case TAP_FUNCTION_CALL:
        p->calls++;
        tap_call_times_call(&t->times, &p->stack, index, e);
        break;
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION: tap_call_times_end(&t->times, &p->stack, index, batch, e); break;
    case TAP_MESSAGE_SEND:
        p->sent++;
        count_pair(t, index, e);
        tap_server_calls_message(&t->servers, index, batch, e);
        break;
    case TAP_MESSAGE_RECEIVE:
        p->received++;
        tap_server_calls_message(&t->servers, index, batch, e);
        break;
    case TAP_PROCESS_EXIT: p->ended = e->ts;                                   /* fall through */
    case TAP_PROCESS_START: tap_call_times_clear(&t->times, &p->stack, index); /* fall through */
    case TAP_PROCESS_SPAWN:
    case TAP_PROCESS_REGISTER:
    case TAP_PROCESS_UNREGISTER: process_event(t, index, batch, e); break;
    default: break;
    }
}

static void count_event(struct top *t, const struct tap_batch *batch, const struct tap_event *e)
{
    t->events++;
    t->first = !t->first || e->ts < t->first ? e->ts : t->first;
    t->last = e->ts > t->last ? e->ts : t->last;
    if (e->kind == TAP_FUNCTION_COUNTERS) { /* nothing that a process does just then */
        t->no_memory |= !tap_counted_sums_add(&t->counted, 0, batch, e);
        return;
    }
    uint32_t index = process_get(t, &e->pid, e->node);
    const struct top_node *node = node_get(t, e->node);
    struct top_process *p = &t->processes[index];
    p->events++;
    if (node && p->stack.epoch != node->epoch) {
        tap_call_times_clear(&t->times, &p->stack, index);
        p->stack.epoch = node->epoch;
    }
    int64_t sent = tap_flow_times_event(&t->flows, e);
    if (index) /* the first stands for many */
        tap_call_times_event(&t->times, &p->stack, e, sent);
    count_kind(t, index, batch, e);
}

uint64_t top_count(struct top *t, const struct tap_batch *batch, const uint32_t *select, size_t n)
{
    uint64_t before = t->events;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < n && !t->no_memory; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        if (!tap_kind_is_control(e->kind))
            count_event(t, batch, e);
        else if (tap_event_breaks_stacks(e))
            lose(t, e);
        else if (e->kind == TAP_NODE_UP)
            tap_sink_nodes_learn(&t->names, t->host, e->node);
        else if (e->kind == TAP_PROCESS_INFO)
            learn_processes(t, batch, e);
        else if (e->kind == TAP_MAILBOX)
            learn_mailboxes(t, batch, e);
        t->no_memory |= !tap_returns_off_learn(&t->times.returns_off, e) || t->times.no_memory;
    }
    if (t->events > before)
        t->last_seen = top_now();
    pthread_mutex_unlock(&t->lock);
    return t->events - before;
}
