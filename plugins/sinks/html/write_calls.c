/* write_calls.c: functions, the tree of their calls, and the calls one by one. */
#include "sinks/html/html.h"

/* [lowest of it, how many, ...]: four bars for each power of two. */
static void bars(struct html *h, const struct tap_histogram *t)
{
    enum { BAR = TAP_HISTOGRAM_STEPS / 4 };
    bool first = true;
    html_put(h, ",[");
    for (uint32_t i = 0; i < t->len; i += BAR) {
        uint64_t count = 0;
        for (uint32_t j = i; j < i + BAR; j++)
            count += t->at[j];
        if (!count)
            continue;
        html_row(h, first, (int64_t[]){tap_histogram_low(t->first + i), (int64_t)count}, 2);
        first = false;
    }
    html_put(h, "]");
}

static void function_row(struct html *h, const struct tap_call_function *f)
{
    const int64_t numbers[] = {(int64_t)f->calls, f->total, f->own, f->waited, (int64_t)f->thrown};
    html_row(h, false, numbers, 5);
    html_spread(h, &f->lengths);
    bars(h, &f->lengths);
    html_put(h, "]");
}

/* What the page has no row for, as one: number 0. */
static void other_functions(struct html *h, const struct html_chosen *c)
{
    struct tap_call_function all = {0};
    for (uint32_t i = 0; i < h->times.function_count; i++) {
        const struct tap_call_function *f = &h->times.functions[i];
        if (c->function[i])
            continue;
        all.calls += f->calls;
        all.thrown += f->thrown;
        all.total = tap_times_add(all.total, f->total);
        all.own = tap_times_add(all.own, f->own);
        all.waited = tap_times_add(all.waited, f->waited);
        h->no_memory |= !tap_histogram_merge(&all.lengths, &f->lengths);
    }
    html_put(h, "[\"\"");
    function_row(h, &all);
    tap_histogram_free(&all.lengths);
}

void html_write_functions(struct html *h, const struct html_chosen *c)
{
    html_put(h, ",\"function_count\":");
    html_number(h, h->times.function_count - 1);
    html_put(h, ",\"functions\":[");
    other_functions(h, c);
    for (uint32_t i = 0; i < c->function_count; i++) {
        const struct tap_call_function *f = &h->times.functions[c->functions[i]];
        html_put(h, ",[");
        size_t mark = tap_writer_here(&h->w);
        tap_function_put(&h->w, f->module, f->function, f->arity);
        html_quote(h, mark);
        function_row(h, f);
    }
    html_put(h, "]");
}

/* ---- Stacks */

/* Of each stack, by which the page chooses: its time, or where nothing has a length that it was
 * called; and at least that of what it called, for a caller may not have ended. NULL: no memory. */
static uint64_t *weights(const struct html *h)
{
    uint64_t *all = malloc(h->stack_count * sizeof *all);
    for (uint32_t i = 0; all && i < h->stack_count; i++)
        all[i] = (uint64_t)h->stacks[i].total * 2 + (h->stacks[i].calls > 0);
    for (uint32_t i = h->stack_count; all && --i > 0;) { /* callers stand before */
        uint64_t *caller = &all[h->stacks[i].parent];
        *caller = *caller > all[i] ? *caller : all[i];
    }
    return all;
}

static int heaviest_first(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x > *y ? -1 : *x < *y;
}

/* The page has what weighs more than this, and of those that weigh just as much so many. */
static uint64_t least_weight(struct html *h, const uint64_t *weight, uint32_t *equal)
{
    uint64_t *all, least;
    *equal = HTML_SHOWN_STACKS;
    if (h->stack_count <= HTML_SHOWN_STACKS)
        return 0;
    all = malloc(h->stack_count * sizeof *all);
    h->no_memory |= !all;
    if (!all)
        return UINT64_MAX;
    memcpy(all, weight, h->stack_count * sizeof *all);
    qsort(all, h->stack_count, sizeof *all, heaviest_first);
    least = all[HTML_SHOWN_STACKS];
    for (uint32_t i = 0; all[i] > least; i++)
        --*equal;
    free(all);
    return least;
}

/* [[number of its caller's row or -1, function, calls, total, own], ...]; a caller stands before
 * those that it calls, for it was there first. */
static void tree(struct html *h, const struct html_chosen *c)
{
    uint32_t *row = malloc(h->stack_count * sizeof *row), rows = 0;
    uint32_t equal = 0;
    uint64_t *weight = weights(h), least = weight ? least_weight(h, weight, &equal) : 0, left = 0;
    h->no_memory |= !row || !weight;
    for (uint32_t i = 1; row && weight && i < h->stack_count; i++) {
        const struct html_stack *s = &h->stacks[i];
        bool root = !s->parent;
        bool shown = weight[i] > least || (weight[i] == least && equal);
        if (!shown || (!root && row[s->parent] == UINT32_MAX)) {
            row[i] = UINT32_MAX;
            left++;
            continue;
        }
        equal -= weight[i] == least;
        html_put(h, rows ? ",[" : "[");
        html_row(h, true,
                 (int64_t[]){root ? -1 : (int64_t)row[s->parent], c->function[s->function],
                             (int64_t)s->calls, s->total, s->own},
                 5);
        html_put(h, "]");
        row[i] = rows++;
    }
    free(row);
    free(weight);
    html_put(h, "],\"stacks_left\":");
    html_number(h, (int64_t)left);
}

static int by_start(const void *a, const void *b)
{
    const struct html_span *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->depth < y->depth ? -1 : x->depth > y->depth;
}

void html_write_stacks(struct html *h, const struct html_chosen *c)
{
    html_put(h, ",\"stacks\":[");
    tree(h, c);
    html_put(h, ",\"spans\":[");
    qsort(h->spans, h->span_count, sizeof *h->spans, by_start);
    for (uint32_t i = 0; i < h->span_count; i++) {
        const struct html_span *s = &h->spans[i];
        html_put(h, i ? ",[" : "[");
        html_row(h, true,
                 (int64_t[]){c->process[s->process], c->function[s->function],
                             html_since(h, s->start), s->length, s->depth},
                 5);
        html_put(h, "]");
    }
    html_put(h, "]");
}
