/* timeline.c: how many events there were when, and where some are missing; and marks. */
#include "sinks/common/event_text.h"
#include "sinks/html/html.h"

#define FIRST_WIDTH 1000000 /* ns; twice as wide whenever the trace is longer than all buckets */

struct html_node *html_node_get(struct html *h, uint32_t index)
{
    while (h->node_count <= index) {
        if (!html_room(h, &h->nodes, h->node_count, sizeof *h->nodes))
            return NULL;
        h->nodes[h->node_count++] = (struct html_node){0};
    }
    return &h->nodes[index];
}

static enum html_rate rate_of(unsigned kind)
{
    switch (kind) {
    case TAP_FUNCTION_CALL: return HTML_CALLS;
    case TAP_MESSAGE_SEND: return HTML_SENT;
    case TAP_MESSAGE_RECEIVE: return HTML_RECEIVED;
    case TAP_PROCESS_SPAWN:
    case TAP_PROCESS_START:
    case TAP_PROCESS_EXIT:
    case TAP_PROCESS_LINK:
    case TAP_PROCESS_UNLINK:
    case TAP_PROCESS_REGISTER:
    case TAP_PROCESS_UNREGISTER: return HTML_LIFE;
    default: return HTML_OTHER;
    }
}

static void widen(struct html *h)
{
    h->bucket_width *= 2;
    for (uint32_t i = 0; i < HTML_BUCKETS; i++)
        for (unsigned r = 0; r < HTML_RATES; r++)
            h->buckets[i][r] =
                i < HTML_BUCKETS / 2 ? h->buckets[2 * i][r] + h->buckets[2 * i + 1][r] : 0;
}

void html_timeline_count(struct html *h, const struct tap_event *e)
{
    if (!h->bucket_width) {
        h->bucket_width = FIRST_WIDTH;
        h->bucket_from = e->ts;
    }
    int64_t after = e->ts > h->bucket_from ? e->ts - h->bucket_from : 0;
    while (after / h->bucket_width >= HTML_BUCKETS)
        widen(h);
    h->buckets[after / h->bucket_width][rate_of(e->kind)]++;
}

/* The trace is as long as its gaps and marks tell, too. */
static void stretch(struct html *h, int64_t from, int64_t to)
{
    h->first = !h->first || from < h->first ? from : h->first;
    h->last = to > h->last ? to : h->last;
}

void html_timeline_up(struct html *h, const struct tap_event *e)
{
    struct html_node *n = html_node_get(h, e->node);
    if (!n)
        return;
    n->seen = true;
    n->epoch += n->ended;
    n->ended = false;
}

void html_timeline_break(struct html *h, const struct tap_event *e)
{
    struct html_node *n = html_node_get(h, e->node);
    unsigned why = e->reason < TAP_REASON_COUNT ? e->reason : TAP_REASON_NONE;
    if (!n)
        return;
    n->seen = true;
    n->ended |= e->kind == TAP_NODE_DOWN; /* what is open then stays so until it is back */
    n->epoch += e->kind != TAP_NODE_DOWN;
    if (e->kind == TAP_LOST) {
        n->lost += e->lost;
        n->lost_by[why] += e->lost;
    }
    if (e->kind != TAP_GAP)
        return;
    stretch(h, e->ts, e->ts + (int64_t)(e->gap & INT64_MAX));
    n->gaps++;
    n->gap_ns += e->gap;
    n->gap_by[why] += e->gap;
    if (h->gap_count == HTML_GAPS)
        h->left_out.gaps++;
    else if (html_room(h, &h->gaps, h->gap_count, sizeof *h->gaps))
        h->gaps[h->gap_count++] = (struct html_gap){e->node, why, e->ts, e->gap};
}

void html_timeline_mark(struct html *h, const struct tap_batch *batch, const struct tap_event *e)
{
    stretch(h, e->ts, e->ts);
    uint32_t process = tap_event_has_pid(e) ? html_process_get(h, &e->pid, e->node) : 0;
    tap_marks_add(&h->marks, batch, e, process);
}
