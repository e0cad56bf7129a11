/* ends.c: the rest of a summary's text: what was raised, why processes ended, whose mailboxes were
 * long, where a window began and ended, and what is missing, with the limit behind it.
 */
#include "sinks/summary/summary.h"

#include <inttypes.h>

static uint64_t exception_count(const struct sum *s, uint32_t i)
{
    return s->exceptions.at[i].count;
}
static uint64_t exit_count(const struct sum *s, uint32_t i)
{
    return s->exits.at[i].count;
}
static uint64_t process_mailbox(const struct sum *s, uint32_t i)
{
    return s->processes[i].mailbox;
}

/* A table of reasons, each with the function and the process that was the first to have it. */
static void report_reasons(struct sum *s, const struct tap_reason_counts *reasons,
                           uint64_t (*count)(const struct sum *, uint32_t), const char *head)
{
    uint32_t n;
    struct sum_rank *r = sum_ranked(s, reasons->count, count, &n);
    if (n)
        sum_put(s, "\n%s\n      count  reason\n", head);
    for (uint32_t i = 0; i < n; i++) {
        const struct tap_reason_count *one = &reasons->at[r[i].index];
        sum_put(s, "%11" PRIu64 "  ", one->count);
        if (!one->text) {
            sum_put(s, "(others)\n");
            continue;
        }
        sum_put(s, "%s", one->text);
        if (one->where.function) {
            sum_put(s, " in ");
            tap_function_put(&s->w, one->where.module, one->where.function, one->where.arity);
        }
        sum_put(s, one->count > 1 ? ", first " : ", ");
        sum_put_process(s, one->process);
        sum_put(s, "\n");
    }
    free(r);
}

static void report_mailboxes(struct sum *s)
{
    uint32_t n;
    struct sum_rank *r = sum_ranked(s, s->process_count, process_mailbox, &n);
    if (n)
        sum_put(s, "\nLongest mailboxes, as sampled\n   messages   at second  process\n");
    for (uint32_t i = 0; i < n; i++) {
        const struct sum_process *p = &s->processes[r[i].index];
        sum_put(s, "%11" PRIu64 "    ", p->mailbox);
        sum_put_seconds(s, p->mailbox_at > s->first ? p->mailbox_at - s->first : 0);
        sum_put(s, "  ");
        sum_put_process(s, r[i].index);
        sum_put(s, "\n");
    }
    free(r);
}

static void report_marks(struct sum *s)
{
    if (s->marks.count)
        sum_put(s, "\nMarks: what came true, and where\n");
    for (uint32_t i = 0; i < s->marks.count; i++) {
        const struct tap_mark *m = &s->marks.at[i];
        const struct tap_node *node = s->host->node(s->host, m->node);
        sum_put(s, "  %.*s, at ", (int)m->len, m->text);
        sum_put_seconds(s, m->ts > s->first ? m->ts - s->first : 0);
        sum_put(s, m->of_process ? " s, " : " s");
        if (m->of_process)
            sum_put_process(s, m->process);
        if (s->host->run_info->several_nodes)
            sum_put(s, " in %s", node ? node->name : "?");
        sum_put(s, "\n");
    }
    if (s->marks.left_out)
        sum_put(s, "  and %" PRIu64 " more\n", s->marks.left_out);
}

/* The keys whose limits were in the way, each once: what raises them. */
static void report_keys(struct sum *s, const struct sum_node *n)
{
    const char *keys[TAP_REASON_COUNT];
    unsigned count = 0;
    for (unsigned why = 0; why < TAP_REASON_COUNT; why++) {
        const char *key = n->lost_by[why] || n->gap_by[why] ? s->host->reason_key(why) : NULL;
        unsigned i = 0;
        while (key && i < count && strcmp(keys[i], key) != 0)
            i++;
        if (key && i == count)
            keys[count++] = key;
    }
    for (unsigned i = 0; i < count; i++)
        sum_put(s, "%s%s", i ? ", " : "; limited by ", keys[i]);
}

static void report_losses(struct sum *s)
{
    for (uint32_t i = 0; i < s->node_count; i++) {
        const struct sum_node *n = &s->nodes[i];
        const struct tap_node *node = s->host->node(s->host, i);
        if (!n->lost && !n->gap_ns)
            continue;
        sum_put(s, "\nLost in %s: %" PRIu64 " events; not traced for ", node ? node->name : "?",
                n->lost);
        sum_put_seconds(s, (int64_t)n->gap_ns);
        sum_put(s, " s");
        report_keys(s, n);
        sum_put(s, "\n");
    }
}

void sum_report_ends(struct sum *s)
{
    report_reasons(s, &s->exceptions, exception_count, "Exceptions, each once, by reason");
    report_reasons(s, &s->exits, exit_count, "Exits, by reason");
    report_mailboxes(s);
    report_marks(s);
    report_losses(s);
}
