/* text.c: the pieces of which a summary's text is made, and the order of its rows. */
#include "sinks/summary/summary.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void sum_put(struct sum *s, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        tap_writer_put(&s->w, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* A time in a unit, rounded. By whole arithmetic: with %f, 1.465 s would be 1,465 s in a program of
 * another locale. */
static const char *decimal(char dst[32], int64_t ns, uint64_t unit, int digits)
{
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns, scale = 1;
    for (int i = 0; i < digits; i++)
        scale *= 10;
    uint64_t step = unit / scale, n = size / step + (size % step >= step / 2);
    snprintf(dst, 32, "%s%" PRIu64 ".%0*" PRIu64, ns < 0 ? "-" : "", n / scale, digits, n % scale);
    return dst;
}

/* Eleven columns wide. What a node says to have ended before it began took no time. */
void sum_put_time(struct sum *s, int64_t ns)
{
    char text[32];
    ns = ns < 0 ? 0 : ns;
    if (ns < 10000000)
        sum_put(s, "%8s us", decimal(text, ns, 1000, 1));
    else if (ns < 10000000000)
        sum_put(s, "%8s ms", decimal(text, ns, 1000000, 1));
    else
        sum_put(s, "%9s s", decimal(text, ns, 1000000000, 1));
}

/* Seconds, as 1.234. */
void sum_put_seconds(struct sum *s, int64_t ns)
{
    char text[32];
    sum_put(s, "%s", decimal(text, ns, 1000000000, 3));
}

void sum_put_name(struct sum *s, uint32_t id)
{
    size_t len;
    const char *text = tap_name_display(tap_name_get(s->host, id), &len);
    tap_writer_put(&s->w, text, len);
}

void sum_put_pid(struct sum *s, const struct tap_pid *pid, uint32_t node)
{
    struct tap_print print = {.struct_size = sizeof print, .syntax = TAP_PRINT_ERLANG};
    if (!s->host->run_info->several_nodes)
        print.node_name = tap_sink_nodes_get(&s->names, s->host, node)->name_id;
    tap_writer_pid(&s->w, pid, &print);
}

void sum_put_process(struct sum *s, uint32_t index)
{
    const struct sum_process *p = &s->processes[index];
    if (!index) {
        sum_put(s, "(others)");
        return;
    }
    if (tap_process_facts_put(&p->facts, &s->w))
        sum_put(s, " ");
    sum_put_pid(s, &p->pid, p->node);
}

/* ---- Sorting: the largest first, and of equals the one that was seen first */

static int rank_order(const void *a, const void *b)
{
    const struct sum_rank *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The ranks of `count` items that have a value; the caller frees them. */
struct sum_rank *sum_ranked(struct sum *s, uint32_t count,
                            uint64_t (*value)(const struct sum *, uint32_t), uint32_t *n)
{
    struct sum_rank *r = malloc(((size_t)count + 1) * sizeof *r);
    *n = 0;
    s->no_memory |= !r;
    if (!r)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        if (value(s, i))
            r[(*n)++] = (struct sum_rank){value(s, i), i};
    qsort(r, *n, sizeof *r, rank_order);
    if (*n > (uint32_t)s->settings->top)
        *n = (uint32_t)s->settings->top;
    return r;
}
