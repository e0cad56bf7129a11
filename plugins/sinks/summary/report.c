/* report.c: the summary's text: a table for each question, the largest first. */
#include "beamtap/counters.h"
#include "sinks/summary/summary.h"

#include <inttypes.h>

static uint64_t function_own(const struct sum *s, uint32_t i)
{
    return (uint64_t)s->times.functions[i].own + (s->times.functions[i].calls > 0);
}
static uint64_t function_calls(const struct sum *s, uint32_t i)
{
    return s->times.functions[i].calls;
}
static uint64_t process_events(const struct sum *s, uint32_t i)
{
    return s->processes[i].events;
}
static uint64_t pair_messages(const struct sum *s, uint32_t i)
{
    return s->pairs[i].messages;
}

/* ---- Tables */

static void report_function_times(struct sum *s, const struct tap_call_function *f)
{
    const struct tap_histogram *h = &f->lengths;
    const int64_t times[] = {f->total,
                             f->own,
                             tap_histogram_percentile(h, 50),
                             tap_histogram_percentile(h, 95),
                             tap_histogram_percentile(h, 99),
                             h->max};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        sum_put(s, " ");
        if (h->count)
            sum_put_time(s, times[i]);
        else
            sum_put(s, "%11s", "-"); /* no end of it was seen */
    }
}

static void report_functions(struct sum *s)
{
    bool timed = false;
    for (uint32_t i = 0; i < s->times.function_count; i++)
        timed |= s->times.functions[i].lengths.count > 0;
    uint32_t n;
    struct sum_rank *r =
        sum_ranked(s, s->times.function_count, timed ? function_own : function_calls, &n);
    if (n && timed)
        sum_put(s,
                "\nBusiest functions, by their own time (%s); all times have tracing in them\n"
                "      calls       total         own         p50         p95         p99         "
                "max  function\n",
                tap_call_times_own(&s->times));
    else if (n)
        sum_put(s, "\nBusiest functions, by calls\n      calls  function\n");
    for (uint32_t i = 0; i < n; i++) {
        const struct tap_call_function *f = &s->times.functions[r[i].index];
        sum_put(s, "%11" PRIu64, f->calls);
        if (timed)
            report_function_times(s, f);
        sum_put(s, "  ");
        if (r[i].index)
            tap_function_put(&s->w, f->module, f->function, f->arity);
        else
            sum_put(s, "(others)");
        sum_put(s, "\n");
    }
    const char *doubt = tap_call_times_doubt(&s->times);
    if (n && timed && *doubt)
        sum_put(s, "\n%s\n", doubt);
    free(r);
}

static void report_processes(struct sum *s)
{
    uint32_t n;
    struct sum_rank *r = sum_ranked(s, s->process_count, process_events, &n);
    if (n)
        sum_put(s,
                "\nBusiest processes, by events\n     events       calls        sent    received  "
                "process\n");
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_process *p = &s->processes[r[i].index];
        sum_put(s, "%11" PRIu64 " %11" PRIu64 " %11" PRIu64 " %11" PRIu64 "  ", p->events, p->calls,
                p->sent, p->received);
        sum_put_process(s, r[i].index);
        sum_put(s, "\n");
    }
    free(r);
}

/* A registered name that was sent to, on another node as {Name,Node}. */
static void put_receiver(struct sum *s, const struct sum_pair *p)
{
    if (p->to.node)
        sum_put(s, "{");
    sum_put_name(s, p->name);
    if (!p->to.node)
        return;
    sum_put(s, ",");
    sum_put_name(s, p->to.node);
    sum_put(s, "}");
}

static void report_pairs(struct sum *s)
{
    uint32_t n;
    struct sum_rank *r = sum_ranked(s, s->pair_count, pair_messages, &n);
    if (n)
        sum_put(s, "\nBusiest pairs, by messages\n   messages  from -> to\n");
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_pair *p = &s->pairs[r[i].index];
        uint64_t key = p->name ? 0 : tap_map_pid(&p->to);
        const uint32_t *known = key ? tap_map_get(&s->process_at, key, false) : NULL;
        sum_put(s, "%11" PRIu64 "  ", p->messages);
        sum_put_process(s, p->from);
        sum_put(s, " -> ");
        if (p->name)
            put_receiver(s, p);
        else if (known)
            sum_put_process(s, *known);
        else
            sum_put_pid(s, &p->to, s->processes[p->from].node);
        sum_put(s, "\n");
    }
    free(r);
}

static void put_part(struct sum *s, int64_t ns)
{
    if (ns >= 0)
        sum_put_time(s, ns);
    else
        sum_put(s, "%11s", "?");
}

static void report_calls(struct sum *s)
{
    if (!s->slow_count)
        return;
    sum_put(s,
            "\nSlowest gen_server calls, of %" PRIu64
            "\n      total     waiting    handling  caller -> server: request\n",
            s->servers.done);
    for (uint32_t i = 0; i < s->slow_count; i++) {
        const struct tap_server_call *c = &s->slow[i];
        sum_put_time(s, tap_server_call_total(c));
        sum_put(s, " ");
        put_part(s, tap_server_call_waiting(c));
        sum_put(s, " ");
        put_part(s, tap_server_call_handling(c));
        sum_put(s, "  ");
        sum_put_process(s, c->from);
        sum_put(s, " -> ");
        sum_put_process(s, c->server);
        sum_put(s, ": %.*s\n", (int)c->request_len, c->request);
    }
}

static void report_events(struct sum *s)
{
    sum_put(s, "%" PRIu64 " events in ", s->events);
    sum_put_seconds(s, s->last - s->first);
    sum_put(s,
            " s: %" PRIu64 " calls, %" PRIu64 " exceptions, %" PRIu64 " messages sent, %" PRIu64
            " received, %" PRIu64 " processes begun, %" PRIu64 " ended\n",
            s->kinds[TAP_FUNCTION_CALL], s->times.exceptions, s->kinds[TAP_MESSAGE_SEND],
            s->kinds[TAP_MESSAGE_RECEIVE], s->kinds[TAP_PROCESS_START], s->kinds[TAP_PROCESS_EXIT]);
}

void sum_report(struct sum *s)
{
    if (s->counted.counts)
        sum_report_profile(s);
    if (!s->counted.counts || s->kinds[TAP_FUNCTION_COUNTERS] != s->events)
        report_events(s);
    report_functions(s);
    report_processes(s);
    report_pairs(s);
    report_calls(s);
    sum_report_ends(s);
    if (s->no_memory)
        tap_writer_drop(&s->w);
    else
        tap_writer_end_many(&s->w, s->events);
}
