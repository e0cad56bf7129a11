/* collect.c: what each event counts for. */
#include "sinks/common/event_text.h"
#include "sinks/html/html.h"

static void raised(struct html *h, uint32_t process, const struct tap_batch *batch,
                   const struct tap_event *e)
{
    uint32_t number =
        tap_reasons_add(&h->exceptions, h->host, batch, e, process, html_print(h, e->node));
    h->no_memory |= number == UINT32_MAX;
}

static void collect_kind(struct html *h, uint32_t index, const struct tap_batch *batch,
                         const struct tap_event *e)
{
    struct html_process *p = &h->processes[index];
    switch (e->kind) {
    case TAP_FUNCTION_CALL:
        p->calls++;
        tap_call_times_call(&h->times, &p->stack, index, e);
        break;
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION:
        if (tap_call_times_end(&h->times, &p->stack, index, batch, e))
            raised(h, index, batch, e);
        break;
    case TAP_MESSAGE_SEND:
    case TAP_MESSAGE_RECEIVE: tap_server_calls_message(&h->servers, index, batch, e); break;
    case TAP_PROCESS_START:
    case TAP_PROCESS_EXIT: tap_call_times_clear(&h->times, &p->stack, index); /* fall through */
    case TAP_PROCESS_SPAWN:
    case TAP_PROCESS_LINK:
    case TAP_PROCESS_REGISTER: html_process_event(h, index, batch, e); break;
    case TAP_FUNCTION_COUNTERS:
        h->no_memory |= !tap_counted_sums_add(&h->counted, index, batch, e);
        break;
    default: break;
    }
}

static void collect_event(struct html *h, const struct tap_batch *batch, const struct tap_event *e)
{
    h->events++;
    h->kinds[e->kind]++;
    h->first = !h->first || e->ts < h->first ? e->ts : h->first;
    h->last = e->ts > h->last ? e->ts : h->last;
    html_timeline_count(h, e);
    bool row = e->kind == TAP_FUNCTION_COUNTERS; /* a profile's: nothing happened just then */
    bool nobody = row && !tap_event_has_pid(e);
    uint32_t index = nobody ? 0 : html_process_get(h, &e->pid, e->node);
    struct html_node *n = html_node_get(h, e->node);
    struct html_process *p = &h->processes[index];
    p->events += !row;
    p->sent += e->kind == TAP_MESSAGE_SEND;
    p->received += e->kind == TAP_MESSAGE_RECEIVE;
    h->left_out.process_events += !index && !nobody;
    if (n) {
        n->seen = true;
        n->events++;
        if (p->stack.epoch != n->epoch) {
            tap_call_times_clear(&h->times, &p->stack, index);
            p->stack.epoch = n->epoch;
        }
    }
    int64_t sent = 0;
    if (e->kind == TAP_MESSAGE_SEND || e->kind == TAP_MESSAGE_RECEIVE)
        sent = html_message(h, index, batch, e);
    if (index) /* the first stands for many */
        tap_call_times_event(&h->times, &h->processes[index].stack, e, sent);
    collect_kind(h, index, batch, e);
}

void html_collect(struct html *h, const struct tap_batch *batch, const struct tap_event *e)
{
    if (!tap_kind_is_control(e->kind))
        collect_event(h, batch, e);
    else if (tap_event_breaks_stacks(e))
        html_timeline_break(h, e);
    else if (e->kind == TAP_NODE_UP)
        tap_sink_nodes_learn(&h->names, h->host, e->node);
    else if (e->kind == TAP_PROCESS_INFO)
        html_processes_learn(h, batch, e);
    else if (e->kind == TAP_MAILBOX)
        html_processes_mailboxes(h, batch, e);
    else if (e->kind == TAP_MARK)
        html_timeline_mark(h, batch, e);
    if (e->kind == TAP_NODE_UP)
        html_timeline_up(h, e);
    h->no_memory |= !tap_returns_off_learn(&h->times.returns_off, e) || h->times.no_memory;
}
