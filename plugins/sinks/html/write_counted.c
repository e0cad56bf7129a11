/* write_counted.c: a profile: what the VM has counted, by function and by process. */
#include "sinks/html/html.h"

static void put_row(struct html *h, const struct tap_counted_sum *row)
{
    html_row(h, false, (int64_t[]){row->calls, row->ns, row->bytes}, 3);
    html_put(h, "]");
}

/* What the rows that were chosen leave of it all. */
static struct tap_counted_sum others(const struct html *h, const uint32_t *chosen, uint32_t n)
{
    struct tap_counted_sum left = h->counted.all;
    for (uint32_t i = 0; i < n; i++) {
        const struct tap_counted_sum *row = &h->counted.rows[chosen[i]];
        left.calls -= row->calls;
        left.ns -= row->ns;
        left.bytes -= row->bytes;
    }
    return left;
}

/* How many have a row of their own. */
static uint32_t processes(const struct tap_counted_sums *all)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < all->count; i++)
        n += all->rows[i].is_process && all->rows[i].process;
    return n;
}

/* "counts": enum tap_counters, 0 where there is no profile; the sums of all; then [[function,
 * calls, ns, bytes], ...] and [[process, calls, ns, bytes], ...], in which
 * number 0 is all others. */
void html_write_counted(struct html *h, const struct html_chosen *c)
{
    const struct tap_counted_sums *all = &h->counted;
    struct tap_counted_sum left = others(h, c->counted, c->counted_count);
    html_put(h, ",\"counts\":");
    html_number(h, all->counts);
    html_put(h, ",\"counted_functions\":");
    html_number(h, all->functions);
    html_put(h, ",\"counted_processes\":");
    html_number(h, processes(all));
    html_put(h, ",\"counted_all\":[\"\"");
    put_row(h, &all->all);
    html_put(h, ",\"counted\":[[\"\"");
    put_row(h, &left);
    for (uint32_t i = 0; i < c->counted_count; i++) {
        const struct tap_counted_sum *row = &all->rows[c->counted[i]];
        html_put(h, ",[");
        size_t mark = tap_writer_here(&h->w);
        tap_function_put(&h->w, row->module, row->function, row->arity);
        html_quote(h, mark);
        put_row(h, row);
    }
    left = others(h, c->counted_by, c->counted_by_count);
    html_put(h, "],\"counted_by\":[[0");
    put_row(h, &left);
    for (uint32_t i = 0; i < c->counted_by_count; i++) {
        const struct tap_counted_sum *row = &all->rows[c->counted_by[i]];
        html_put(h, ",[");
        html_number(h, c->process[row->process]);
        put_row(h, row);
    }
    html_put(h, "]");
}
