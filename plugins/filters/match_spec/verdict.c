/* verdict.c: which events of a batch pass. Of several entries for one function the first clause
 * that matches decides, as in a node, where the agent joins them (agent/plan.hrl); returns and
 * exceptions follow their call's verdict, or, where it was not seen, that of a call with any
 * arguments. What cannot be decided is kept or left out as `undecided` says, counted, and said
 * once an entry.
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

/* The bound that was met; NULL: none. What could not be read comes last: it need not have been
 * asked for. */
static const char *bound(unsigned bounds)
{
    static const struct {
        enum ms_bound bound;
        const char *why;
    } all[] = {{MS_BOUND_MEMORY, "there was no memory for it"},
               {MS_BOUND_STEPS, "there are terms so large that it would take too long"},
               {MS_BOUND_VALUES, "a guard makes too many values"},
               {MS_BOUND_DEPTH, "there are terms that are nested too deeply"},
               {MS_BOUND_KEYS, "a guard makes a map of which two keys may be the same"},
               {MS_BOUND_UNREAD, "there are terms that cannot be read here, such as the native "
                                 "records of OTP 29"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (bounds & all[i].bound)
            return all[i].why;
    return NULL;
}

static void undecided(struct tap_match_spec *m, size_t i, unsigned bounds,
                      const struct tap_event *e)
{
    const char *why = bound(bounds);
    char place[32] = "", function[80];
    m->host->count(m->host, "undecided", 1);
    if (m->targets[i].undecided)
        return;
    m->targets[i].undecided = true;
    if (m->judges[i].unknown) {
        snprintf(function, sizeof function, "'%.40s' is known in the node alone",
                 m->judges[i].unknown);
        why = function;
    } else if (TAP_KIND_BIT(e->kind) & ENDS) {
        why = "there are returns and exceptions of calls that were not seen";
    } else if (e->flags & (TAP_EVENT_ARITY_ONLY | TAP_EVENT_TRUNCATED)) {
        why = "there are events without their terms";
    } else if (!why && e->kind == TAP_MESSAGE_RECEIVE) {
        why = "there are messages that do not say who sent them";
    } else if (!why) {
        why = "it asks for numbers of more than 127 bits, for which of two pids, ports, "
              "references or funs comes first, or for what releases of OTP see differently";
    }
    if (m->entries[i].where->line > 0)
        snprintf(place, sizeof place, "line %d: ", m->entries[i].where->line);
    m->host->log(m->host, TAP_LOG_WARNING,
                 "%sthis cannot be judged of every event here: %s; those are %s", place, why,
                 m->drops_undecided ? "left out" : "kept");
}

/* ---- Judging */

struct decision {
    bool accepted, silent;      /* by a clause of some entry */
    uint32_t kinds, open_kinds; /* of the end of a call, as these entries want it */
    size_t open;     /* an entry of which it cannot be told whether it matches; SIZE_MAX: none */
    unsigned bounds; /* enum ms_bound: that were met there */
};

/* As far as the first entry that certainly matches. */
static struct decision judge(struct tap_match_spec *m, enum ms_target target,
                             const struct tap_batch *batch, const struct tap_event *e)
{
    struct ms_value items[MS_SUBJECT_ITEMS + 1];
    struct ms_subject subject;
    struct decision d = {.open = SIZE_MAX};
    uint32_t end = TAP_KIND_BIT(e->kind) & ENDS;
    bool read = false;
    for (size_t k = 0; k < m->count && !d.accepted; k++) {
        size_t i = m->order[k];
        if (m->entries[i].target != target || (target == MS_CALLS && !fits(m, i, e)))
            continue;
        if (!read)
            tap_ms_subject(m->host, batch, e, items, &subject);
        read = true;
        struct ms_verdict v = tap_ms_judge(&m->judges[i], &subject);
        d.accepted = v.matches == MS_ACCEPTED;
        d.silent = v.silent;
        if (d.accepted)
            d.kinds = ends(m, i);
        if (v.matches != MS_UNDECIDED || (end && !(ends(m, i) & end)))
            continue;
        d.open_kinds |= ends(m, i);
        d.open = i;
        d.bounds = v.bounds;
    }
    return d;
}

/* Of a call or a message. */
static bool decide(struct tap_match_spec *m, const struct decision *d, const struct tap_event *e)
{
    bool keep = d->accepted && !d->silent;
    if (keep || d->open == SIZE_MAX)
        return keep;
    undecided(m, d->open, d->bounds, e);
    return !m->drops_undecided;
}

static bool keep_message(struct tap_match_spec *m, enum ms_target target,
                         const struct tap_batch *batch, const struct tap_event *e)
{
    struct decision d = judge(m, target, batch, e);
    return decide(m, &d, e);
}

static bool keep_call(struct tap_match_spec *m, const struct tap_batch *batch,
                      const struct tap_event *e)
{
    if (!any_fits(m, e))
        return false;
    struct decision d = judge(m, MS_CALLS, batch, e);
    uint32_t kinds = d.kinds | (m->drops_undecided ? 0 : d.open_kinds);
    bool sure;
    if (tap_ms_returns(m->host, batch, e, &sure))
        ms_calls_begin(m->open, e, kinds, sure);
    return decide(m, &d, e);
}

static bool keep_end(struct tap_match_spec *m, const struct tap_batch *batch,
                     const struct tap_event *e)
{
    uint32_t kinds, kind = TAP_KIND_BIT(e->kind);
    if (!any_fits(m, e))
        return false;
    if (ms_calls_end(m->open, e, &kinds))
        return kinds & kind;
    struct decision d = judge(m, MS_CALLS, batch, e);
    if (d.kinds & kind || !(d.open_kinds & kind))
        return d.kinds & kind;
    undecided(m, d.open, d.bounds, e);
    return !m->drops_undecided;
}

static bool keeps(struct tap_match_spec *m, const struct tap_batch *batch,
                  const struct tap_event *e)
{
    switch (e->kind) {
    case TAP_FUNCTION_CALL: return !m->targeted[MS_CALLS] || keep_call(m, batch, e);
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION: return !m->targeted[MS_CALLS] || keep_end(m, batch, e);
    case TAP_FUNCTION_COUNTERS: return !m->targeted[MS_CALLS] || any_fits(m, e);
    case TAP_MESSAGE_SEND: return !m->targeted[MS_SENDS] || keep_message(m, MS_SENDS, batch, e);
    case TAP_MESSAGE_RECEIVE:
        return !m->targeted[MS_RECEIVES] || keep_message(m, MS_RECEIVES, batch, e);
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
