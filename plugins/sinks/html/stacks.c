/* stacks.c: the tree of calls within calls, from which the flame graph is drawn, and the calls that
 * the chart shows one by one.
 *
 * Of a long trace the chart has the longest calls: whenever there are too many, the shorter half
 * goes. A call is never longer than the one that it is in, so none stands without it.
 */
#include "sinks/html/html.h"

static uint32_t stack_get(struct html *h, uint32_t parent, uint32_t function)
{
    uint64_t key = tap_map_mix((uint64_t)parent << 32 | function, 3);
    if (h->stacks[parent].depth == HTML_STACK_DEPTH) {
        h->left_out.deep++;
        return parent;
    }
    uint32_t *at = tap_map_get(&h->stack_at, key, h->stack_count < HTML_STACKS);
    if (at && *at)
        return *at;
    if (!at || !html_room(h, &h->stacks, h->stack_count, sizeof *h->stacks)) {
        h->no_memory |= h->stack_count < HTML_STACKS;
        h->left_out.stacks++;
        return parent;
    }
    h->stacks[h->stack_count] = (struct html_stack){
        .parent = parent, .function = function, .depth = h->stacks[parent].depth + 1};
    *at = h->stack_count++;
    return *at;
}

static void begun(void *context, uint32_t process, struct tap_call_stack *p)
{
    struct html *h = context;
    (void)process;
    struct tap_call_frame *top = &p->frames[p->depth - 1];
    uint32_t parent = p->depth > 1 ? p->frames[p->depth - 2].tag : 0;
    top->tag = stack_get(h, parent, top->function);
    if (top->tag != parent)
        h->stacks[top->tag].calls++;
}

static int longest_first(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x > *y ? -1 : *x < *y;
}

/* Keeps the longer half. */
static void drop_short(struct html *h)
{
    int64_t *lengths = malloc(h->span_count * sizeof *lengths);
    if (!lengths) {
        h->no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < h->span_count; i++)
        lengths[i] = h->spans[i].length;
    qsort(lengths, h->span_count, sizeof *lengths, longest_first);
    int64_t least = lengths[HTML_SPANS - 1];
    uint32_t equal = 0, kept = 0; /* of the least there may be room for some */
    for (uint32_t i = HTML_SPANS; i > 0 && lengths[i - 1] == least; i--)
        equal++;
    free(lengths);
    for (uint32_t i = 0; i < h->span_count; i++) {
        const struct html_span *s = &h->spans[i];
        if (s->length > least || (s->length == least && equal && equal--))
            h->spans[kept++] = *s;
    }
    h->left_out.spans += h->span_count - kept;
    h->span_count = kept;
    h->span_least = least + 1;
}

static void keep_span(struct html *h, struct html_span span)
{
    if (h->span_count == 2 * HTML_SPANS)
        drop_short(h);
    if (span.length < h->span_least || h->span_count == 2 * HTML_SPANS)
        h->left_out.spans++;
    else
        h->spans[h->span_count++] = span;
}

static void ended(void *context, uint32_t process, const struct tap_call_stack *p,
                  const struct tap_call_frame *f, int64_t length, int64_t own)
{
    struct html *h = context;
    if (length < 0)
        return;
    struct html_stack *s = &h->stacks[f->tag];
    bool folded = p->depth && p->frames[p->depth - 1].tag == f->tag; /* counted by that one */
    s->total = tap_times_add(s->total, folded || !f->tag ? 0 : length);
    s->own = tap_times_add(s->own, own);
    h->processes[process].own = tap_times_add(h->processes[process].own, own);
    keep_span(h, (struct html_span){process, f->function, p->depth, f->start, length});
}

bool html_stacks_init(struct html *h)
{
    h->spans = malloc(2 * HTML_SPANS * sizeof *h->spans);
    if (!h->spans || !tap_call_times_init(&h->times, h->host) ||
        !html_room(h, &h->stacks, 0, sizeof *h->stacks))
        return false;
    h->stacks[h->stack_count++] = (struct html_stack){0};
    h->times.context = h;
    h->times.begun = begun;
    h->times.ended = ended;
    return true;
}

void html_stacks_end(struct html *h)
{
    uint32_t open = 0;
    if (h->span_count > HTML_SPANS)
        drop_short(h);
    for (uint32_t i = 1; i < h->process_count; i++) {
        const struct tap_call_stack *p = &h->processes[i].stack;
        const struct html_node *n = html_node_get(h, h->processes[i].node);
        if (!n || n->epoch != p->epoch) /* they may have ended unseen */
            continue;
        for (uint32_t d = 0; d < p->depth && d < HTML_STACK_DEPTH; d++, open++)
            if (open < HTML_SHOWN_OPEN)
                h->spans[h->span_count++] =
                    (struct html_span){i, p->frames[d].function, d, p->frames[d].start, -1};
            else
                h->left_out.spans++;
    }
}
