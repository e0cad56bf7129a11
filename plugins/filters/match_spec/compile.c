/* compile.c: the readable form -> a match spec: variables become '$1', '$2', ..., guards and
 * actions become tuples.
 *
 * Each node that is made keeps the offset of what it was made of, so that check.c, which checks
 * both forms, points into the user's line.
 */
#include "filters/match_spec/compile.h"
#include "syntax/suggest.h"

/* ---- Guards and values */

static struct tap_syn_node *expr(struct ms_compiler *c, const struct tap_syn_node *n);

static struct tap_syn_node *expr_variable(struct ms_compiler *c, const struct tap_syn_node *n)
{
    struct tap_syn_node *known = ms_lookup(c, n->text);
    if (known)
        return ms_value_at(c, known, n->off);
    const char *names[64];
    size_t count = 0;
    for (const struct ms_binding *b = c->bindings; b && count < 64; b = b->next)
        names[count++] = b->name;
    const char *near = tap_suggest(n->text, names, count);
    if (!strcmp(n->text, "_"))
        return ms_fail(c, n->off, "'_' can only stand in a pattern");
    if (near)
        tap_syn_fail(c->source, n->off, "variable %s is not bound in the head (did you mean %s?)",
                     n->text, near);
    else
        tap_syn_fail(c->source, n->off, "variable %s is not bound in the head", n->text);
    return NULL;
}

/* is_boolean is no function of match specs. */
static struct tap_syn_node *expr_is_boolean(struct ms_compiler *c, const struct tap_syn_node *n)
{
    struct tap_syn_node *sides[2];
    for (int i = 0; i < 2; i++) {
        struct tap_syn_node *pair[2] = {expr(c, n->items[0]),
                                        tap_syn_atom(c->source, i ? "false" : "true", n->off)};
        if (!(sides[i] = ms_call(c, "=:=", n->off, pair, 2)))
            return NULL;
    }
    return ms_call(c, "orelse", n->off, sides, 2);
}

static struct tap_syn_node *expr_call(struct ms_compiler *c, const struct tap_syn_node *n)
{
    if (n->type == TAP_SYN_N_CALL && !strcmp(n->text, "is_boolean") && n->count == 1)
        return n->depth > 10 ? ms_fail(c, n->off, "this is_boolean is nested too deep")
                             : expr_is_boolean(c, n);
    if (n->type == TAP_SYN_N_CALL && !strcmp(n->text, "const"))
        return ms_fail(c, n->off, "unknown guard function 'const'");
    if (n->type == TAP_SYN_N_CALL && !strcmp(n->text, "is_record") && n->count == 2)
        return ms_fail(c, n->off, "records are not known here: write is_record(Term, Tag, Size)");
    struct tap_syn_node *items = ms_translate(c, n, expr);
    return items ? ms_call(c, n->text, n->off, items->items, n->count) : NULL;
}

static bool is_constant(const struct tap_syn_node *n)
{
    return n->type == TAP_SYN_N_INT || n->type == TAP_SYN_N_FLOAT || n->type == TAP_SYN_N_ATOM ||
           n->type == TAP_SYN_N_STRING || n->type == TAP_SYN_N_BINARY;
}

static struct tap_syn_node *expr_operation(struct ms_compiler *c, const struct tap_syn_node *n)
{
    /* The classic slip of Elixir users: n > 3 compares an atom, and is always true. */
    if (n->count == 2 && strpbrk(n->text, "<>=") && is_constant(n->items[0]) &&
        is_constant(n->items[1]))
        return ms_fail(
            c, n->off,
            c->elixir ? "this compares two constants; a variable begins with a small letter "
                        "here (Erlang's patterns stand behind Module:function)"
                      : "this compares two constants; a variable begins with a capital letter");
    return expr_call(c, n);
}

static struct tap_syn_node *expr(struct ms_compiler *c, const struct tap_syn_node *n)
{
    struct tap_syn_node *one;
    switch (n->type) {
    case TAP_SYN_N_VAR: return expr_variable(c, n);
    case TAP_SYN_N_ATOM:
        one = (struct tap_syn_node *)n;
        return ms_is_special(n) ? ms_call(c, "const", n->off, &one, 1) : one;
    case TAP_SYN_N_TUPLE: /* {{...}}: a single pair of braces would be a call */
        one = ms_translate(c, n, expr);
        return one ? tap_syn_compound(c->source, TAP_SYN_N_TUPLE, n->off, &one, 1, NULL) : NULL;
    case TAP_SYN_N_MAP:
        if (n->exact)
            return ms_fail(c, n->off, "outside of a pattern a map is written #{Key => Value}");
        return ms_translate(c, n, expr);
    case TAP_SYN_N_LIST: return ms_translate(c, n, expr);
    case TAP_SYN_N_CALL: return expr_call(c, n);
    case TAP_SYN_N_OP: return expr_operation(c, n);
    default: return (struct tap_syn_node *)n;
    }
}

/* ---- Actions */

static struct tap_syn_node *unknown_action(struct ms_compiler *c, const struct tap_syn_node *n)
{
    static const char *const actions[] = {"message", "return", "exception", "caller", "stack"};
    const char *near =
        n->text ? tap_suggest(n->text, actions, c->target == MS_CALLS ? 5 : 1) : NULL;
    if (near)
        tap_syn_fail(c->source, n->off, "unknown action '%s' (did you mean '%s'?)", n->text, near);
    else
        tap_syn_fail(c->source, n->off, "unknown action; there are: %smessage(X)",
                     c->target == MS_CALLS ? "return, exception, caller, stack, " : "");
    return NULL;
}

/* How a node gives it depends on its release: this does nothing, the plan's flag asks for it. */
static struct tap_syn_node *stack_mark(struct ms_compiler *c, size_t off)
{
    struct tap_syn_node *mark = tap_syn_atom(c->source, MS_STACK, off);
    return mark ? ms_call(c, "const", off, &mark, 1) : NULL;
}

/* Of several messages the last one counts, so the caller's is left out beside a message(X); the
 * plan's flag asks for the caller then. */
static struct tap_syn_node *action(struct ms_compiler *c, const struct tap_syn_node *n,
                                   bool has_message)
{
    const char *text = n->text ? n->text : "";
    if (n->type == TAP_SYN_N_CALL && !strcmp(text, "message") && n->count == 1) {
        struct tap_syn_node *value = expr(c, n->items[0]);
        return value ? ms_call(c, "message", n->off, &value, 1) : NULL;
    }
    if (n->type == TAP_SYN_N_ATOM && !strcmp(text, "message"))
        return ms_fail(c, n->off, "message needs a value: message(X)");
    if (n->type == TAP_SYN_N_ATOM && c->target == MS_CALLS) {
        if (!strcmp(text, "return"))
            return ms_call(c, "return_trace", n->off, NULL, 0);
        if (!strcmp(text, "exception"))
            return ms_call(c, "exception_trace", n->off, NULL, 0);
        if (!strcmp(text, "caller")) {
            struct tap_syn_node *value = ms_call(c, "caller", n->off, NULL, 0);
            return value && !has_message ? ms_call(c, "message", n->off, &value, 1) : value;
        }
        if (!strcmp(text, "stack"))
            return stack_mark(c, n->off);
    }
    if (n->type == TAP_SYN_N_ATOM && (!strcmp(text, "return") || !strcmp(text, "exception") ||
                                      !strcmp(text, "caller") || !strcmp(text, "stack"))) {
        tap_syn_fail(c->source, n->off, "'%s' is an action of calls only", text);
        return NULL;
    }
    return unknown_action(c, n);
}

static struct tap_syn_node *body(struct ms_compiler *c, const struct ms_parts *p)
{
    struct tap_syn_node **items =
        tap_syn_alloc(c->source->arena, (p->action_count + 1) * sizeof *items);
    bool has_message = false;
    if (!items) {
        tap_syn_fail_oom(c->source);
        return NULL;
    }
    for (size_t i = 0; i < p->action_count; i++)
        has_message |= p->actions[i]->type == TAP_SYN_N_CALL;
    for (size_t i = 0; i < p->action_count; i++)
        if (!(items[i] = action(c, p->actions[i], has_message)))
            return NULL;
    return tap_syn_compound(c->source, TAP_SYN_N_LIST, p->off, items, p->action_count, NULL);
}

/* A condition that never holds: an Elixir user's variable, or a comment of one word behind a ;. */
static bool check_conditions(struct ms_compiler *c, const struct tap_syn_node *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct tap_syn_node *n = list->items[i];
        bool truth =
            n->type == TAP_SYN_N_ATOM && (!strcmp(n->text, "true") || !strcmp(n->text, "false"));
        if (is_constant(n) && !truth)
            return tap_syn_fail(c->source, n->off,
                                "this condition never holds: it is a constant (a variable begins "
                                "with a %s letter%s)",
                                c->elixir ? "small" : "capital",
                                c->elixir ? "" : ", and a comment needs a line of its own");
    }
    return true;
}

/* The conditions of one alternative, behind those that the head could not say. NULL: reported. */
static struct tap_syn_node *conditions_of(struct ms_compiler *c, const struct ms_parts *p, size_t i)
{
    struct tap_syn_node *own = NULL;
    size_t n = c->constraint_count, more = 0;
    if (p->alternative_count) {
        if (!check_conditions(c, p->alternatives[i]) ||
            !(own = ms_translate(c, p->alternatives[i], expr)))
            return NULL;
        more = own->count;
    }
    struct tap_syn_node **all = tap_syn_alloc(c->source->arena, (n + more + 1) * sizeof *all);
    if (!all) {
        tap_syn_fail_oom(c->source);
        return NULL;
    }
    for (size_t k = 0; k < n + more; k++)
        all[k] = k < n ? c->constraints[k] : own->items[k - n];
    return tap_syn_compound(c->source, TAP_SYN_N_LIST, p->off, all, n + more, NULL);
}

struct tap_syn_node *tap_ms_compile(struct tap_syn_source *s, enum ms_target target,
                                    const struct ms_parts *p)
{
    struct ms_compiler c = {.source = s, .target = target, .elixir = p->elixir};
    size_t count = p->alternative_count ? p->alternative_count : 1;
    struct tap_syn_node **clauses = tap_syn_alloc(s->arena, count * sizeof *clauses);
    if (!clauses) {
        tap_syn_fail_oom(s);
        return NULL;
    }
    struct tap_syn_node *head = p->head ? ms_pattern(&c, p->head) : tap_syn_atom(s, "_", p->off);
    struct tap_syn_node *actions = NULL;
    for (size_t i = 0; head && i < count; i++) {
        struct tap_syn_node *conditions = conditions_of(&c, p, i);
        if (conditions &&
            !actions) /* after the first guard, so that the leftmost mistake is the one reported */
            actions = body(&c, p);
        struct tap_syn_node *parts[3] = {head, conditions, actions};
        if (!conditions || !actions ||
            !(clauses[i] = tap_syn_compound(s, TAP_SYN_N_TUPLE, p->off, parts, 3, NULL)))
            return NULL;
    }
    return head ? tap_syn_compound(s, TAP_SYN_N_LIST, p->off, clauses, count, NULL) : NULL;
}
