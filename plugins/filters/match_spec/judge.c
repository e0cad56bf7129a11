/* judge.c: a verdict over one event: heads, then guards, clause after clause, as the VM does. */
#include "filters/match_spec/judge.h"

/* What is known of a head or a condition so far: no is no, whatever else is unknown. */
enum answer { NO, YES, UNKNOWN };

static enum answer both(enum answer a, enum answer b)
{
    return a == NO || b == NO ? NO : a == UNKNOWN || b == UNKNOWN ? UNKNOWN : YES;
}

static enum answer same(enum ms_order o)
{
    return o == MS_SAME ? YES : o == MS_NOBODY_KNOWS ? UNKNOWN : NO;
}

/* ---- Heads */

static enum answer match(struct ms_eval *, const struct ms_node *, const struct ms_value *);

static bool is_bound(const struct ms_eval *e, uint32_t slot)
{
    return e->bound[slot / 64] >> slot % 64 & 1;
}

static enum answer match_variable(struct ms_eval *e, uint32_t slot, const struct ms_value *v)
{
    if (is_bound(e, slot))
        return same(ms_compare(&e->context, &e->slots[slot], v, true));
    e->slots[slot] = *v;
    e->bound[slot / 64] |= UINT64_C(1) << slot % 64;
    return YES;
}

static enum answer match_items(struct ms_eval *e, const struct ms_node *n, const struct ms_value *v)
{
    struct ms_items items = ms_items_of(v);
    enum answer all = YES;
    for (uint32_t i = 0; i < n->count && all != NO; i++) {
        struct ms_value item;
        ms_items_next(&e->context, &items, &item);
        all = both(all, match(e, &n->items[i], &item));
    }
    return all;
}

static enum answer match_list(struct ms_eval *e, const struct ms_node *n, struct ms_value v)
{
    enum answer all = YES;
    for (uint32_t i = 0; i < n->count && all != NO; i++) {
        struct ms_value head, rest;
        if (v.type != MS_LIST)
            return v.type == MS_UNKNOWN ? UNKNOWN : NO;
        ms_list_split(&e->context, &v, &head, &rest);
        all = both(all, match(e, &n->items[i], &head));
        v = rest;
    }
    return all == NO ? NO : both(all, match(e, &n->items[n->count], &v));
}

/* A head's map wants its own keys; there may be others. */
static enum answer match_map(struct ms_eval *e, const struct ms_node *n, const struct ms_value *v)
{
    enum answer all = YES;
    for (uint32_t i = 0; i < n->count && all != NO; i++) {
        struct ms_value value = ms_value_unknown();
        enum answer found = same(ms_map_find(&e->context, v, &n->items[i * 2].value, &value));
        all = both(all, found == YES ? match(e, &n->items[i * 2 + 1], &value) : found);
    }
    return all;
}

/* The VM compares the bytes of a float that stands in a head. */
static enum answer match_constant(struct ms_eval *e, const struct ms_value *own,
                                  const struct ms_value *v)
{
    if (own->type == MS_FLOAT && v->type == MS_FLOAT)
        return memcmp(&own->number, &v->number, sizeof own->number) == 0 ? YES : NO;
    return same(ms_compare(&e->context, own, v, true));
}

static enum answer match(struct ms_eval *e, const struct ms_node *n, const struct ms_value *v)
{
    static const uint8_t types[] = {
        [MS_N_TUPLE] = MS_TUPLE, [MS_N_LIST] = MS_LIST, [MS_N_MAP] = MS_MAP};
    if (n->type == MS_N_ANY)
        return YES;
    if (n->type == MS_N_VARIABLE)
        return match_variable(e, n->slot, v);
    if (v->type == MS_UNKNOWN)
        return UNKNOWN;
    if (n->type == MS_N_CONSTANT)
        return match_constant(e, &n->value, v);
    if (types[n->type] != v->type)
        return NO;
    if (n->type == MS_N_TUPLE)
        return v->length == n->count ? match_items(e, n, v) : NO;
    return n->type == MS_N_LIST ? match_list(e, n, *v) : match_map(e, n, v);
}

/* ---- Guards */

static bool eval(struct ms_eval *, const struct ms_node *, struct ms_value *);

/* Room for so many values; NULL: a guard has made too many. */
static struct ms_value *make(struct ms_eval *e, uint32_t n)
{
    if (MS_SCRATCH - e->used < n) {
        e->context.bounds |= MS_BOUND_VALUES;
        return NULL;
    }
    e->used += n;
    return &e->scratch[e->used - n];
}

/* Values of n nodes. False: one fails. *known: all of them are, and there was room. */
static bool eval_items(struct ms_eval *e, const struct ms_node *items, uint32_t n,
                       struct ms_value **made, bool *known)
{
    *known = (*made = make(e, n));
    for (uint32_t i = 0; *made && i < n; i++) {
        if (!eval(e, &items[i], &(*made)[i]))
            return false;
        *known &= (*made)[i].type != MS_UNKNOWN;
    }
    return true;
}

/* Something unknown in it may be what fails in the node. */
static bool eval_made(struct ms_eval *e, const struct ms_node *n, enum ms_type type, uint32_t count,
                      struct ms_value *out)
{
    struct ms_value *made;
    bool known;
    if (!eval_items(e, n->items, count, &made, &known))
        return false;
    if (known)
        *out = (struct ms_value){
            .type = (uint8_t)type, .source = MS_MADE, .length = n->count, .made = made};
    return true;
}

/* May two keys be the same? Which pair the node then takes depends on its release. */
static bool keys_collide(struct ms_eval *e, const struct ms_value *made, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = 0; k < i; k++) {
            enum ms_order o = ms_compare(&e->context, &made[i * 2], &made[k * 2], true);
            if (o == MS_SAME || o == MS_NOBODY_KNOWS)
                return true;
        }
    return false;
}

static bool eval_map(struct ms_eval *e, const struct ms_node *n, struct ms_value *out)
{
    if (!eval_made(e, n, MS_MAP, n->count * 2, out))
        return false;
    if (out->type == MS_MAP && n->computed && keys_collide(e, out->made, n->count)) {
        e->context.bounds |= MS_BOUND_KEYS;
        *out = ms_value_unknown();
    }
    return true;
}

static void eval_bindings(struct ms_eval *e, struct ms_value *out)
{
    uint32_t n = e->clause->variable_count;
    struct ms_value *made = make(e, n + 1);
    if (!made)
        return;
    if (n)
        memcpy(made, e->slots, n * sizeof *made);
    made[n] = (struct ms_value){.type = MS_NIL};
    *out = n ? (struct ms_value){.type = MS_LIST, .source = MS_MADE, .length = n, .made = made}
             : made[n];
}

/* andalso, orelse: each but the last is a boolean; `until` ends it. What follows one that is
 * unknown may not even be looked at in the node. */
static bool eval_chain(struct ms_eval *e, const struct ms_node *n, const char *until,
                       struct ms_value *out)
{
    const char *other = until[0] == 't' ? "false" : "true";
    for (uint32_t i = 0; i < n->count; i++) {
        if (!eval(e, &n->items[i], out))
            return false;
        if (out->type == MS_UNKNOWN || ms_value_is_atom(out, until))
            return true;
        if (ms_value_is_atom(out, other))
            continue;
        if (i + 1 < n->count)
            return false;
    }
    return true;
}

static bool eval_call(struct ms_eval *e, const struct ms_node *n, struct ms_value *out)
{
    struct ms_value *arguments;
    bool known;
    if (!eval_items(e, n->items, n->count, &arguments, &known))
        return false;
    return !known || !n->function || n->function(e, arguments, n->count, out);
}

/* False: it fails with an exception. */
static bool eval(struct ms_eval *e, const struct ms_node *n, struct ms_value *out)
{
    *out = ms_value_unknown();
    switch (n->type) {
    case MS_N_CONSTANT: *out = n->value; return true;
    case MS_N_VARIABLE: *out = e->slots[n->slot]; return true;
    case MS_N_WHOLE: *out = e->subject->whole; return true;
    case MS_N_BINDINGS: eval_bindings(e, out); return true;
    case MS_N_TUPLE: return eval_made(e, n, MS_TUPLE, n->count, out);
    case MS_N_LIST: return eval_made(e, n, MS_LIST, n->count + 1, out);
    case MS_N_MAP: return eval_map(e, n, out);
    case MS_N_AND: return eval_chain(e, n, "false", out);
    case MS_N_OR: return eval_chain(e, n, "true", out);
    case MS_N_CALL: return eval_call(e, n, out);
    default: return true;
    }
}

/* ---- Clauses */

static enum answer clause_answer(struct ms_eval *e, const struct ms_clause *c)
{
    e->clause = c;
    for (uint32_t i = 0; i < c->variable_count; i++)
        e->slots[i] = ms_value_unknown();
    memset(e->bound, 0, (c->variable_count + 63) / 64 * sizeof *e->bound);
    enum answer all = match(e, &c->head, &e->subject->whole);
    for (uint32_t i = 0; i < c->condition_count && all != NO; i++) {
        struct ms_value v;
        e->used = 0;
        if (!eval(e, &c->conditions[i], &v))
            return NO;
        all = both(all, v.type == MS_UNKNOWN ? UNKNOWN : ms_value_is_atom(&v, "true") ? YES : NO);
    }
    return all;
}

static uint32_t most_variables(const struct ms_judge *judge)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < judge->count; i++)
        most = judge->clauses[i].variable_count > most ? judge->clauses[i].variable_count : most;
    return most;
}

/* The first clause that matches. Where it is open which one that is, the verdict stands only when
 * each of them would keep the event. */
static struct ms_verdict judge_clauses(struct ms_eval *e, const struct ms_judge *judge)
{
    bool open = false, keeps = true;
    for (uint32_t i = 0; i < judge->count; i++) {
        const struct ms_clause *c = &judge->clauses[i];
        enum answer answer = clause_answer(e, c);
        if (answer == NO)
            continue;
        keeps &= !c->silent && !c->unclear;
        if (answer == YES && (keeps || !open) && !c->unclear)
            return (struct ms_verdict){MS_ACCEPTED, c->silent, 0};
        open = true;
        if (answer == YES)
            break;
    }
    return (struct ms_verdict){open ? MS_UNDECIDED : MS_REJECTED, false,
                               e->context.bounds | (e->context.steps ? 0 : MS_BOUND_STEPS)};
}

struct ms_verdict tap_ms_judge(const struct ms_judge *judge, const struct ms_subject *subject)
{
    uint32_t most = most_variables(judge);
    struct ms_value few[16], *slots = most <= 16 ? few : malloc(most * sizeof *slots);
    uint64_t some[1], *bound = most <= 64 ? some : malloc((most + 63) / 64 * sizeof *bound);
    struct ms_eval e; /* its scratch is large, and written before it is read */
    e.context = (struct ms_context){.steps = MS_STEPS,
                                    .release = subject->release,
                                    .bounds = subject->unread ? MS_BOUND_UNREAD : 0};
    e.subject = subject;
    e.slots = slots;
    e.bound = bound;
    struct ms_verdict verdict = slots && bound
                                    ? judge_clauses(&e, judge)
                                    : (struct ms_verdict){MS_UNDECIDED, false, MS_BOUND_MEMORY};
    if (slots != few)
        free(slots);
    if (bound != some)
        free(bound);
    return verdict;
}
