/* verdict.c: which events of a batch pass. Of several entries for one function the first clause
 * that matches decides, as in a node, where the agent joins them (agent/plan.hrl); returns and
 * exceptions follow their call's verdict. What cannot be decided is kept, counted, and said once an
 * entry.
 */
#include <stdio.h>

#include "filters/match_spec/verdict.h"
#include "syntax/glob.h"

#define ENDS (TAP_KIND_BIT(TAP_FUNCTION_RETURN) | TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION))

/* ---- Entries, in the node's order */

/* What is wanted of the ends of every call. */
static uint32_t wanted_by_all(const struct tap_match_spec *m)
{
    return m->host->plan ? m->host->plan->events & ENDS : ENDS;
}

/* How much an entry asks for, as plan_entry says it: the entries that ask for more stand first. */
static unsigned weight(const struct tap_match_spec *m, size_t i)
{
    if (m->entries[i].target != MS_CALLS) /* in the order of their lines */
        return 0;
    uint32_t flags = m->entries[i].flags, all = wanted_by_all(m);
    unsigned n = (flags & TAP_PLAN_EXCEPTION ? 8 : 0) + (flags & TAP_PLAN_RETURN ? 4 : 0) +
                 (flags & TAP_PLAN_STACK ? 2 : 0) + (flags & TAP_PLAN_CALLER ? 1 : 0);
    n += (all & TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION) ? 8 : 0) +
         (all & TAP_KIND_BIT(TAP_FUNCTION_RETURN) ? 4 : 0);
    return n < 31 ? n : 31;
}

/* Once, when the plan is known. Messages have no weight: their order is that of the lines. */
static void put_in_order(struct tap_match_spec *m)
{
    for (size_t i = 0; i < m->count; i++) {
        size_t at = i;
        for (; at > 0 && weight(m, m->order[at - 1]) < weight(m, i); at--)
            m->order[at] = m->order[at - 1];
        m->order[at] = i;
    }
    m->ordered = true;
}

static bool fits(const struct tap_match_spec *m, size_t i, const struct tap_event *e)
{
    const struct match_target *t = &m->targets[i];
    return m->entries[i].target == MS_CALLS && (!t->module || t->module == e->module) &&
           (!t->function || t->function == e->function) && (t->arity < 0 || t->arity == e->arity) &&
           (!t->glob || tap_glob_matches(t->glob, tap_name_get(m->host, e->module)->text));
}

static bool any_fits(const struct tap_match_spec *m, const struct tap_event *e)
{
    for (size_t i = 0; i < m->count; i++)
        if (fits(m, i, e))
            return true;
    return false;
}

/* The kinds in which the end of a call that this entry takes is reported. */
static uint32_t ends(const struct tap_match_spec *m, size_t i)
{
    uint32_t flags = m->entries[i].flags, kinds = wanted_by_all(m);
    if (flags & (TAP_PLAN_RETURN | TAP_PLAN_EXCEPTION))
        kinds |= TAP_KIND_BIT(TAP_FUNCTION_RETURN);
    if (flags & TAP_PLAN_EXCEPTION)
        kinds |= TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION);
    return kinds;
}

/* ---- What cannot be decided */

static void undecided(struct tap_match_spec *m, size_t i, const struct tap_event *e)
{
    const char *why = "it asks for numbers of more than 127 bits, or which of two pids, ports, "
                      "references or funs comes first";
    char place[32] = "", function[80];
    m->host->count(m->host, "undecided", 1);
    if (m->targets[i].undecided)
        return;
    m->targets[i].undecided = true;
    if (m->judges[i].unknown) {
        snprintf(function, sizeof function, "'%.40s' is known in the node alone",
                 m->judges[i].unknown);
        why = function;
    } else if (e->flags & (TAP_EVENT_ARITY_ONLY | TAP_EVENT_TRUNCATED)) {
        why = "there are events without their terms";
    } else if (e->kind == TAP_MESSAGE_RECEIVE) {
        why = "there are messages that do not say who sent them";
    }
    if (m->entries[i].where->line > 0)
        snprintf(place, sizeof place, "line %d: ", m->entries[i].where->line);
    m->host->log(m->host, TAP_LOG_WARNING,
                 "%sthis cannot be judged of every event here: %s; those are %s", place, why,
                 m->drops_undecided ? "left out" : "kept");
}

/* ---- Judging */

struct decision {
    bool keep;
    uint32_t kinds; /* of the end of a call */
};

static struct decision decide(struct tap_match_spec *m, enum ms_target target,
                              const struct tap_batch *batch, const struct tap_event *e)
{
    struct ms_value items[MS_SUBJECT_ITEMS + 1];
    struct ms_subject subject;
    struct decision d = {false, 0};
    size_t open = SIZE_MAX; /* an entry of which it cannot be told whether it matches */
    bool read = false;
    for (size_t k = 0; k < m->count; k++) {
        size_t i = m->order[k];
        if (m->entries[i].target != target || (target == MS_CALLS && !fits(m, i, e)))
            continue;
        if (!read)
            tap_ms_subject(m->host, batch, e, items, &subject);
        read = true;
        struct ms_verdict v = tap_ms_judge(&m->judges[i], &subject);
        if (v.matches == MS_REJECTED)
            continue;
        d.kinds |= ends(m, i);
        if (v.matches == MS_UNDECIDED) {
            open = i;
            continue;
        }
        d.keep = !v.silent;
        break;
    }
    if (open != SIZE_MAX && !d.keep) {
        undecided(m, open, e);
        d.keep = !m->drops_undecided;
    }
    return d;
}

static bool keep_call(struct tap_match_spec *m, const struct tap_batch *batch,
                      const struct tap_event *e)
{
    if (!any_fits(m, e))
        return false;
    struct decision d = decide(m, MS_CALLS, batch, e);
    bool sure;
    if (tap_ms_returns(batch, e, &sure))
        ms_calls_begin(m->open, e, d.kinds, sure);
    return d.keep;
}

static bool keep_end(struct tap_match_spec *m, const struct tap_event *e)
{
    uint32_t kinds;
    if (!any_fits(m, e))
        return false;
    return !ms_calls_end(m->open, e, &kinds) || kinds & TAP_KIND_BIT(e->kind);
}

static bool keeps(struct tap_match_spec *m, const struct tap_batch *batch,
                  const struct tap_event *e)
{
    switch (e->kind) {
    case TAP_FUNCTION_CALL: return !m->targeted[MS_CALLS] || keep_call(m, batch, e);
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION: return !m->targeted[MS_CALLS] || keep_end(m, e);
    case TAP_FUNCTION_COUNTERS: return !m->targeted[MS_CALLS] || any_fits(m, e);
    case TAP_MESSAGE_SEND: return !m->targeted[MS_SENDS] || decide(m, MS_SENDS, batch, e).keep;
    case TAP_MESSAGE_RECEIVE:
        return !m->targeted[MS_RECEIVES] || decide(m, MS_RECEIVES, batch, e).keep;
    case TAP_PROCESS_EXIT: ms_calls_forget(m->open, e); return true;
    default:
        if (tap_event_breaks_stacks(e))
            ms_calls_forget_node(m->open, e->node);
        return true;
    }
}

void tap_ms_filter(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    struct tap_match_spec *m = self;
    if (!m->ordered)
        put_in_order(m);
    for (uint32_t i = 0; i < batch->count; i++)
        if (!keeps(m, batch, tap_batch_event(batch, i)))
            keep[i] = 0;
}
