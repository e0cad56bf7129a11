/* process_report.c: what a node tells of processes, read. A report is [{Pid, Facts}]; facts are
 * one, or a list of {Key, Fact}. */
#include "sinks/common/process_name.h"
#include "sinks/common/payload_atom.h"

/* An atom is its registered name, {M,F,A} its initial call. */
static void report_fact(const struct tap_host *host, struct tap_process_report *c,
                        struct tap_cursor cur)
{
    uint32_t n;
    int64_t arity;
    if (tap_peek(&cur) != TAP_EXT_SMALL_TUPLE || !tap_read_tuple(&cur, &n) || n != 3) {
        uint32_t name = tap_sink_atom(host, &cur);
        c->name = name ? name : c->name;
        return;
    }
    struct tap_cursor proc_lib = cur, apply = cur;
    if ((tap_match_atom(&proc_lib, "proc_lib") && tap_match_atom(&proc_lib, "init_p")) ||
        (tap_match_atom(&apply, "erlang") && tap_match_atom(&apply, "apply")))
        /* true of nearly all: the bare pid says as much, and its spawn may still tell more */
        return;
    uint32_t m = tap_sink_atom(host, &cur), f = tap_sink_atom(host, &cur);
    if (m && f && tap_read_i64(&cur, &arity) && arity >= 0 && arity < 256 && !c->initial.function)
        c->initial = (struct tap_initial_call){m, f, (int32_t)arity};
}

static void report_facts(const struct tap_host *host, struct tap_process_report *c,
                         struct tap_cursor cur)
{
    uint32_t n, pair;
    if (tap_peek(&cur) != TAP_EXT_LIST) {
        report_fact(host, c, cur);
        return;
    }
    for (bool ok = tap_read_list(&cur, &n); ok && n > 0; n--) {
        if (!tap_read_tuple(&cur, &pair) || pair != 2)
            return;
        bool label = tap_match_atom(&cur, "label");
        bool known = label || tap_match_atom(&cur, "registered_name") ||
                     tap_match_atom(&cur, "initial_call") || tap_match_atom(&cur, "name");
        if (!known && !tap_skip(&cur))
            return;
        struct tap_cursor value = cur;
        if (!tap_skip(&cur))
            return;
        if (label) {
            c->label = value.p;
            c->label_len = (size_t)(cur.p - value.p);
        } else if (known) {
            report_fact(host, c, value);
        }
    }
}

/* {Pid, and its second element is left to read. */
static bool report_pid(const struct tap_host *host, struct tap_cursor *cur, struct tap_pid *pid)
{
    uint32_t pair, len;
    const char *text;
    if (!tap_read_tuple(cur, &pair) || pair != 2)
        return false;
    struct tap_cursor node = *cur;
    if (!tap_read_pid(cur, &text, &len, pid))
        return false;
    node.p++; /* behind the tag */
    pid->node = tap_sink_atom(host, &node);
    return true;
}

struct tap_process_report_list tap_process_report_begin(const struct tap_batch *batch,
                                                        const struct tap_event *ev)
{
    struct tap_process_report_list l = {tap_cursor(batch->arena + ev->payload.off, ev->payload.len),
                                        0};
    if (!tap_read_list(&l.cur, &l.left))
        l.left = 0;
    return l;
}

bool tap_process_report_next(const struct tap_host *host, struct tap_process_report_list *l,
                             struct tap_process_report *c)
{
    *c = (struct tap_process_report){.name = 0};
    if (!l->left || !report_pid(host, &l->cur, &c->pid))
        return false;
    struct tap_cursor facts = l->cur;
    if (!tap_skip(&l->cur))
        return false;
    l->left--;
    report_facts(host, c, facts);
    return true;
}

bool tap_process_mailbox_next(const struct tap_host *host, struct tap_process_report_list *l,
                              struct tap_pid *pid, int64_t *length)
{
    if (!l->left || !report_pid(host, &l->cur, pid) || !tap_read_i64(&l->cur, length))
        return false;
    l->left--;
    return true;
}
