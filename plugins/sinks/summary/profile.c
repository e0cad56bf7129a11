/* profile.c: the text: what the VM has counted, by function and by process (counted_sums.h). */
#include <inttypes.h>
#include <stdlib.h>

#include "sinks/summary/summary.h"

/* One more, so that what took no time is told too. */
static uint64_t counted_function(const struct sum *s, uint32_t i)
{
    return s->counted.rows[i].is_process
               ? 0
               : (uint64_t)tap_counted_value(&s->counted, &s->counted.rows[i]) + 1;
}
static uint64_t counted_process(const struct sum *s, uint32_t i)
{
    return s->counted.rows[i].is_process
               ? (uint64_t)tap_counted_value(&s->counted, &s->counted.rows[i]) + 1
               : 0;
}

static void put_counted(struct sum *s, const struct tap_counted_sum *c)
{
    const struct tap_counted_sum *all = &s->counted.all;
    bool timed = s->counted.counts & TAP_COUNT_TIME, memory = s->counted.counts & TAP_COUNT_MEMORY;
    double of = (double)tap_counted_value(&s->counted, all),
           own = (double)tap_counted_value(&s->counted, c);
    sum_put(s, "%11" PRId64, c->calls);
    if (timed) {
        sum_put(s, " ");
        sum_put_time(s, c->ns);
        sum_put(s, " ");
        sum_put_time(s, c->calls ? c->ns / c->calls : 0);
    }
    if (memory)
        sum_put(s, " %13" PRId64, c->bytes);
    unsigned share = of > 0 ? (unsigned)(own / of * 1000 + 0.5) : 0; /* of a thousand */
    sum_put(s, " %4u.%u%%  ", share / 10, share % 10);
}

static void report_counted(struct sum *s, bool processes)
{
    uint32_t n;
    struct sum_rank *r =
        sum_ranked(s, s->counted.count, processes ? counted_process : counted_function, &n);
    if (n)
        sum_put(s, "\n%s\n      calls%s%s   share  %s\n", processes ? "By process" : "By function",
                s->counted.counts & TAP_COUNT_TIME ? "        time      a call" : "",
                s->counted.counts & TAP_COUNT_MEMORY ? "         bytes" : "",
                processes ? "process" : "function");
    for (uint32_t i = 0; i < n; i++) {
        const struct tap_counted_sum *c = &s->counted.rows[r[i].index];
        put_counted(s, c);
        if (processes)
            sum_put_process(s, c->process);
        else if (!c->function)
            sum_put(s, "(others)");
        else
            tap_function_put(&s->w, c->module, c->function, c->arity);
        sum_put(s, "\n");
    }
    free(r);
}

void sum_report_profile(struct sum *s)
{
    const struct tap_counted_sum *all = &s->counted.all;
    sum_put(s, "%" PRId64 " calls of %u functions", all->calls, s->counted.functions);
    if (s->counted.counts & TAP_COUNT_TIME) {
        sum_put(s, ", ");
        sum_put_seconds(s, all->ns);
        sum_put(s, " s of their own time");
    }
    if (s->counted.counts & TAP_COUNT_MEMORY)
        sum_put(s, ", %" PRId64 " bytes of heap", all->bytes);
    sum_put(s, ", as the VM counted\n");
    report_counted(s, false);
    if (s->counted.counts & (TAP_COUNT_TIME | TAP_COUNT_MEMORY))
        report_counted(s, true);
}
