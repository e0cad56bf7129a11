/* report.c: the summary's text: a table for each question, the largest first. */
#include "beamtap/counters.h"
#include "sinks/summary/summary.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 2, 3))) static void put(struct sum *s, const char *format, ...)
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
static void put_time(struct sum *s, int64_t ns)
{
    char text[32];
    ns = ns < 0 ? 0 : ns;
    if (ns < 10000000)
        put(s, "%8s us", decimal(text, ns, 1000, 1));
    else if (ns < 10000000000)
        put(s, "%8s ms", decimal(text, ns, 1000000, 1));
    else
        put(s, "%9s s", decimal(text, ns, 1000000000, 1));
}

static void put_name(struct sum *s, uint32_t id)
{
    size_t len;
    const char *text = tap_name_display(tap_name_get(s->host, id), &len);
    tap_writer_put(&s->w, text, len);
}

static void put_pid(struct sum *s, const struct tap_pid *pid, uint32_t node)
{
    struct tap_print print = {.struct_size = sizeof print, .syntax = TAP_PRINT_ERLANG};
    if (!s->host->run_info->several_nodes)
        print.node_name = tap_sink_nodes_get(&s->names, s->host, node)->name_id;
    tap_writer_pid(&s->w, pid, &print);
}

static void put_process(struct sum *s, uint32_t index)
{
    const struct sum_process *p = &s->processes[index];
    if (!index) {
        put(s, "(others)");
        return;
    }
    if (tap_process_facts_put(&p->facts, &s->w))
        put(s, " ");
    put_pid(s, &p->pid, p->node);
}

/* ---- Sorting: the largest first, and of equals the one that was seen first */

struct rank {
    uint64_t value;
    uint32_t index;
};

static int rank_order(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* The ranks of `count` items that have a value; the caller frees them. */
static struct rank *ranked(struct sum *s, uint32_t count,
                           uint64_t (*value)(const struct sum *, uint32_t), uint32_t *n)
{
    struct rank *r = malloc(((size_t)count + 1) * sizeof *r);
    *n = 0;
    if (!r)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        if (value(s, i))
            r[(*n)++] = (struct rank){value(s, i), i};
    qsort(r, *n, sizeof *r, rank_order);
    if (*n > (uint32_t)s->settings->top)
        *n = (uint32_t)s->settings->top;
    return r;
}

static uint64_t function_own(const struct sum *s, uint32_t i)
{
    return (uint64_t)s->functions[i].own;
}
static uint64_t function_calls(const struct sum *s, uint32_t i)
{
    return s->functions[i].calls;
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

static void report_functions(struct sum *s)
{
    bool timed = false;
    for (uint32_t i = 0; i < s->function_count; i++)
        timed |= s->functions[i].own > 0;
    uint32_t n;
    struct rank *r = ranked(s, s->function_count, timed ? function_own : function_calls, &n);
    if (n && timed)
        put(s, "\nBusiest functions, by their own time\n      calls       total         own  "
               "function\n");
    else if (n)
        put(s, "\nBusiest functions, by calls\n      calls  function\n");
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_function *f = &s->functions[r[i].index];
        put(s, "%11" PRIu64, f->calls);
        if (timed) {
            put(s, " ");
            put_time(s, f->total);
            put(s, " ");
            put_time(s, f->own);
        }
        put(s, "  ");
        tap_function_put(&s->w, f->module, f->function, f->arity);
        put(s, "\n");
    }
    free(r);
}

static void report_processes(struct sum *s)
{
    uint32_t n;
    struct rank *r = ranked(s, s->process_count, process_events, &n);
    if (n)
        put(s, "\nBusiest processes, by events\n     events       calls        sent    received  "
               "process\n");
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_process *p = &s->processes[r[i].index];
        put(s, "%11" PRIu64 " %11" PRIu64 " %11" PRIu64 " %11" PRIu64 "  ", p->events, p->calls,
            p->sent, p->received);
        put_process(s, r[i].index);
        put(s, "\n");
    }
    free(r);
}

/* A registered name that was sent to, on another node as {Name,Node}. */
static void put_receiver(struct sum *s, const struct sum_pair *p)
{
    if (p->to.node)
        put(s, "{");
    put_name(s, p->name);
    if (!p->to.node)
        return;
    put(s, ",");
    put_name(s, p->to.node);
    put(s, "}");
}

static void report_pairs(struct sum *s)
{
    uint32_t n;
    struct rank *r = ranked(s, s->pair_count, pair_messages, &n);
    if (n)
        put(s, "\nBusiest pairs, by messages\n   messages  from -> to\n");
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_pair *p = &s->pairs[r[i].index];
        uint64_t key = p->name ? 0 : sum_pid_key(&p->to);
        const uint32_t *known = key ? sum_map_get(&s->process_at, key, false) : NULL;
        put(s, "%11" PRIu64 "  ", p->messages);
        put_process(s, p->from);
        put(s, " -> ");
        if (p->name)
            put_receiver(s, p);
        else if (known)
            put_process(s, *known);
        else
            put_pid(s, &p->to, s->processes[p->from].node);
        put(s, "\n");
    }
    free(r);
}

static void report_calls(struct sum *s)
{
    if (!s->slow_count)
        return;
    put(s,
        "\nSlowest gen_server calls, of %" PRIu64
        "\n      total     waiting    handling  caller -> server: request\n",
        s->calls_done);
    for (uint32_t i = 0; i < s->slow_count; i++) {
        const struct sum_call *c = &s->slow[i];
        put_time(s, c->done - c->sent);
        put(s, " ");
        if (c->taken)
            put_time(s, c->taken - c->sent);
        else
            put(s, "%11s", "?");
        put(s, " ");
        if (c->taken && c->replied)
            put_time(s, c->replied - c->taken);
        else
            put(s, "%11s", "?");
        put(s, "  ");
        put_process(s, c->from);
        put(s, " -> ");
        put_process(s, c->server);
        put(s, ": %.*s\n", (int)c->request_len, c->request);
    }
}

/* ---- A profile */

static uint64_t counted_value(const struct sum *s, uint32_t i)
{
    const struct sum_counted *c = &s->counted[i];
    return (uint64_t)(s->counts & TAP_COUNT_TIME     ? c->ns
                      : s->counts & TAP_COUNT_MEMORY ? c->bytes
                                                     : c->calls);
}
/* One more, so that what took no time is told too. */
static uint64_t counted_function(const struct sum *s, uint32_t i)
{
    return s->counted[i].is_process ? 0 : counted_value(s, i) + 1;
}
static uint64_t counted_process(const struct sum *s, uint32_t i)
{
    return s->counted[i].is_process ? counted_value(s, i) + 1 : 0;
}

static void put_counted(struct sum *s, const struct sum_counted *c)
{
    const struct sum_counted *all = &s->counted_all;
    bool timed = s->counts & TAP_COUNT_TIME, memory = s->counts & TAP_COUNT_MEMORY;
    double of = (double)(timed    ? all->ns
                         : memory ? all->bytes
                                  : all->calls),
           own = (double)(timed    ? c->ns
                          : memory ? c->bytes
                                   : c->calls);
    char share[32];
    put(s, "%11" PRId64, c->calls);
    if (timed) {
        put(s, " ");
        put_time(s, c->ns);
        put(s, " ");
        put_time(s, c->calls ? c->ns / c->calls : 0);
    }
    if (memory)
        put(s, " %13" PRId64, c->bytes);
    put(s, " %6s%%  ", decimal(share, of > 0 ? (int64_t)(own / of * 100000) : 0, 1000, 1));
}

static void report_counted(struct sum *s, bool processes)
{
    uint32_t n;
    struct rank *r =
        ranked(s, s->counted_count, processes ? counted_process : counted_function, &n);
    if (n)
        put(s, "\n%s\n      calls%s%s   share  %s\n", processes ? "By process" : "By function",
            s->counts & TAP_COUNT_TIME ? "        time      a call" : "",
            s->counts & TAP_COUNT_MEMORY ? "         bytes" : "",
            processes ? "process" : "function");
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_counted *c = &s->counted[r[i].index];
        put_counted(s, c);
        if (processes)
            put_process(s, c->process);
        else
            tap_function_put(&s->w, c->module, c->function, c->arity);
        put(s, "\n");
    }
    free(r);
}

static void report_profile(struct sum *s)
{
    const struct sum_counted *all = &s->counted_all;
    uint32_t functions = 0;
    for (uint32_t i = 0; i < s->counted_count; i++)
        functions += !s->counted[i].is_process;
    put(s, "%" PRId64 " calls of %u functions", all->calls, functions);
    if (s->counts & TAP_COUNT_TIME) {
        char time[32];
        put(s, ", %s s of their own time", decimal(time, all->ns, 1000000000, 3));
    }
    if (s->counts & TAP_COUNT_MEMORY)
        put(s, ", %" PRId64 " bytes of heap", all->bytes);
    put(s, ", as the VM counted\n");
    report_counted(s, false);
    if (s->counts & (TAP_COUNT_TIME | TAP_COUNT_MEMORY))
        report_counted(s, true);
}

static void report_losses(struct sum *s)
{
    for (uint32_t i = 0; i < s->node_count; i++) {
        const struct sum_node *n = &s->nodes[i];
        const struct tap_node *node = s->host->node(s->host, i);
        char gap[32];
        if (n->lost || n->gap_ns)
            put(s, "\nLost in %s: %" PRIu64 " events; not traced for %s s\n",
                node ? node->name : "?", n->lost, decimal(gap, n->gap_ns, 1000000000, 3));
    }
}

void sum_report(struct sum *s)
{
    char time[32];
    if (s->counts)
        report_profile(s);
    if (!s->counts || s->kinds[TAP_FUNCTION_COUNTERS] != s->events)
        put(s,
            "%" PRIu64 " events in %s s: %" PRIu64 " calls, %" PRIu64 " exceptions, %" PRIu64
            " messages sent, %" PRIu64 " received, %" PRIu64 " processes begun, %" PRIu64
            " ended\n",
            s->events, decimal(time, s->last - s->first, 1000000000, 3),
            s->kinds[TAP_FUNCTION_CALL], s->kinds[TAP_FUNCTION_EXCEPTION],
            s->kinds[TAP_MESSAGE_SEND], s->kinds[TAP_MESSAGE_RECEIVE], s->kinds[TAP_PROCESS_START],
            s->kinds[TAP_PROCESS_EXIT]);
    report_functions(s);
    report_processes(s);
    report_pairs(s);
    report_calls(s);
    report_losses(s);
    uint64_t left = s->events;
    for (; left > UINT32_MAX; left -= UINT32_MAX)
        tap_writer_end(&s->w, UINT32_MAX);
    tap_writer_end(&s->w, (uint32_t)left);
}
