/* plugin.c: the sink "summary": the busiest functions, processes and pairs of processes, the
 * slowest gen_server calls, what was raised and why processes ended, where a window began and
 * ended, and what was lost, as text when the run ends.
 */
#include "sinks/common/event_text.h"
#include "sinks/summary/summary.h"

static struct sum_node *node_get(struct sum *s, uint32_t index)
{
    while (s->node_count <= index) {
        if (!sum_room(s, &s->nodes, s->node_count, sizeof *s->nodes))
            return NULL;
        s->nodes[s->node_count++] = (struct sum_node){0};
    }
    return &s->nodes[index];
}

static void count_pair(struct sum *s, uint32_t from, const struct tap_event *e)
{
    uint64_t key = e->peer_type == TAP_PEER_PID ? tap_map_mix(tap_map_pid(&e->peer), from)
                   : e->peer_type == TAP_PEER_NAME
                       ? tap_map_mix((uint64_t)e->peer_name << 32 | e->peer.node, from)
                       : 0;
    uint32_t *at = key ? tap_map_get(&s->pair_at, key, s->pair_count < SUMMARY_PAIRS) : NULL;
    if (!at)
        return;
    if (!*at) {
        if (!sum_room(s, &s->pairs, s->pair_count, sizeof *s->pairs))
            return;
        s->pairs[s->pair_count] =
            (struct sum_pair){from, e->peer_type == TAP_PEER_NAME ? e->peer_name : 0, e->peer, 0};
        *at = ++s->pair_count;
    }
    s->pairs[*at - 1].messages++;
}

/* What was open on a node may have ended unseen. */
static void lose(struct sum *s, const struct tap_event *e)
{
    struct sum_node *n = node_get(s, e->node);
    if (!n)
        return;
    n->epoch++;
    unsigned why = e->reason < TAP_REASON_COUNT ? e->reason : TAP_REASON_NONE;
    if (e->kind == TAP_LOST) {
        n->lost += e->lost;
        n->lost_by[why] += e->lost;
    } else if (e->kind == TAP_GAP) {
        n->gap_ns += e->gap;
        n->gap_by[why] += e->gap;
    }
}

static void count_reason(struct sum *s, struct tap_reason_counts *reasons, uint32_t process,
                         const struct tap_batch *batch, const struct tap_event *e)
{
    if (tap_reasons_add(reasons, s->host, batch, e, process, sum_print(s, e->node)) == UINT32_MAX)
        s->no_memory = true;
}

/* Keeps it when it is among the slowest. */
static void keep_call(void *context, const struct tap_server_call *c)
{
    struct sum *s = context;
    tap_server_calls_slowest(s->slow, &s->slow_count, (uint32_t)s->settings->top, c);
}

static void count_kind(struct sum *s, uint32_t index, const struct tap_batch *batch,
                       const struct tap_event *e)
{
    struct sum_process *p = &s->processes[index];
    switch (e->kind) {
    case TAP_FUNCTION_CALL:
        p->calls++;
        tap_call_times_call(&s->times, &p->stack, index, e);
        break;
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION:
        if (tap_call_times_end(&s->times, &p->stack, index, batch, e))
            count_reason(s, &s->exceptions, index, batch, e);
        break;
    case TAP_MESSAGE_SEND:
        p->sent++;
        count_pair(s, index, e);
        tap_server_calls_message(&s->servers, index, batch, e);
        break;
    case TAP_MESSAGE_RECEIVE:
        p->received++;
        tap_server_calls_message(&s->servers, index, batch, e);
        break;
    case TAP_PROCESS_EXIT: count_reason(s, &s->exits, index, batch, e); /* fall through */
    case TAP_PROCESS_START:
        tap_call_times_clear(&s->times, &p->stack, index);
        sum_process_event(s, index, batch, e);
        break;
    case TAP_PROCESS_SPAWN:
    case TAP_PROCESS_REGISTER: sum_process_event(s, index, batch, e); break;
    case TAP_FUNCTION_COUNTERS:
        s->no_memory |= !tap_counted_sums_add(&s->counted, index, batch, e);
        break;
    default: break;
    }
}

static uint32_t mark_process(struct sum *s, const struct tap_event *e)
{
    return tap_event_has_pid(e) ? sum_process_get(s, &e->pid, e->node) : 0;
}

static void count_event(struct sum *s, const struct tap_batch *batch, const struct tap_event *e)
{
    s->events++;
    s->kinds[e->kind]++;
    s->first = !s->first || e->ts < s->first ? e->ts : s->first;
    s->last = e->ts > s->last ? e->ts : s->last;
    uint32_t index = sum_process_get(s, &e->pid, e->node);
    struct sum_process *p = &s->processes[index];
    struct sum_node *n = node_get(s, e->node);
    p->events += e->kind != TAP_FUNCTION_COUNTERS;
    if (n && p->stack.epoch != n->epoch) {
        tap_call_times_clear(&s->times, &p->stack, index);
        p->stack.epoch = n->epoch;
    }
    int64_t sent = tap_flow_times_event(&s->flows, e);
    if (index) /* the first stands for many */
        tap_call_times_event(&s->times, &p->stack, e, sent);
    count_kind(s, index, batch, e);
}

/* ---- The sink */

static enum tap_status sum_create(const struct tap_host *host, const void *settings, void **out)
{
    struct sum *s = calloc(1, sizeof *s);
    if (!s)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    s->host = host;
    s->settings = settings;
    enum tap_status status = tap_writer_claim(&s->w, host, s->settings->path);
    if (status == TAP_OK)
        *out = s;
    else
        free(s);
    return status;
}

static enum tap_status sum_start(void *self)
{
    struct sum *s = self;
    s->servers = (struct tap_server_calls){.host = s->host,
                                           .nodes = &s->names,
                                           .syntax = (enum tap_print_syntax)s->settings->syntax,
                                           .context = s,
                                           .whole = keep_call};
    if (!tap_server_calls_init(&s->servers) || !tap_flow_times_init(&s->flows) ||
        !tap_call_times_init(&s->times, s->host) ||
        !sum_room(s, &s->processes, 0, sizeof *s->processes))
        return TAP_FAIL(s->host, TAP_ERROR, "out of memory");
    s->processes[s->process_count++] = (struct sum_process){0};
    return tap_writer_open(&s->w);
}

static enum tap_status sum_consume(void *self, const struct tap_batch *batch,
                                   const uint32_t *select, size_t n)
{
    struct sum *s = self;
    for (size_t i = 0; i < n && !s->no_memory; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        if (!tap_kind_is_control(e->kind))
            count_event(s, batch, e);
        else if (tap_event_breaks_stacks(e))
            lose(s, e);
        else if (e->kind == TAP_NODE_UP)
            tap_sink_nodes_learn(&s->names, s->host, e->node);
        else if (e->kind == TAP_PROCESS_INFO)
            sum_processes_learn(s, batch, e);
        else if (e->kind == TAP_MAILBOX)
            sum_processes_mailboxes(s, batch, e);
        else if (e->kind == TAP_MARK)
            tap_marks_add(&s->marks, batch, e, mark_process(s, e));
        s->no_memory |= !tap_returns_off_learn(&s->times.returns_off, e) || s->times.no_memory;
    }
    return s->no_memory ? TAP_FAIL(s->host, TAP_ERROR, "out of memory") : tap_writer_status(&s->w);
}

static enum tap_status sum_flush(void *self)
{
    return tap_writer_flush(&((struct sum *)self)->w);
}

static enum tap_status sum_stop(void *self)
{
    struct sum *s = self;
    enum tap_status status = TAP_OK;
    if (s->w.buf && s->w.marks && !s->no_memory) {
        tap_server_calls_end(&s->servers);
        sum_report(s);
        if (s->no_memory)
            status = TAP_FAIL(s->host, TAP_ERROR, "out of memory");
    }
    enum tap_status closed = tap_writer_close(&s->w);
    return status == TAP_OK ? closed : status;
}

static void sum_destroy(void *self)
{
    struct sum *s = self;
    sum_processes_free(s);
    tap_call_times_free(&s->times);
    tap_server_calls_free(&s->servers);
    tap_flow_times_free(&s->flows);
    tap_reasons_free(&s->exits);
    tap_reasons_free(&s->exceptions);
    tap_map_free(&s->process_at);
    tap_map_free(&s->pair_at);
    tap_counted_sums_free(&s->counted);
    free(s->pairs);
    free(s->nodes);
    tap_sink_nodes_free(&s->names);
    tap_writer_free(&s->w);
    free(s);
}

static const struct tap_option sum_options[] = {
    {.name = "path",
     .type = TAP_OPT_PATH,
     .def = "-",
     .offset = offsetof(struct sum_settings, path),
     .help = "- for standard output, or a file"},
    {.name = "top",
     .type = TAP_OPT_INT,
     .def = "10",
     .min = 1,
     .max = SUMMARY_TOP,
     .offset = offsetof(struct sum_settings, top),
     .help = "how many of each"},
    {.name = "syntax",
     .type = TAP_OPT_CHOICE,
     .def = "erlang",
     .choices = tap_print_syntaxes,
     .offset = offsetof(struct sum_settings, syntax),
     .help = "how requests are written"},
};

static const struct tap_sink_ops sum_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = sum_create,
    .start = sum_start,
    .consume = sum_consume,
    .flush = sum_flush,
    .stop = sum_stop,
    .destroy = sum_destroy,
};

static const struct tap_plugin sum_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "summary",
    .version = TAP_VERSION,
    .summary =
        "the busiest functions, processes and pairs, the slowest gen_server calls, exceptions, "
        "exits and the longest mailboxes, as text at the end",
    .license = "Apache-2.0",
    .options = sum_options,
    .option_count = sizeof sum_options / sizeof *sum_options,
    .settings_size = sizeof(struct sum_settings),
    .ops = &sum_ops,
    .flags = TAP_PLUGIN_NO_RAW,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &sum_plugin;
}
