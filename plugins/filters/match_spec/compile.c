/* compile.c: the readable form -> a match spec: variables become '$1', '$2', ..., guards and
 * actions become tuples.
 *
 * Each node that is made keeps the offset of what it was made of, so that check.c, which checks
 * both forms, points into the user's line.
 */
#include <stdio.h>

#include "filters/match_spec/spec.h"
#include "syntax/suggest.h"

struct binding {
    const struct binding *next;
    const char *name;
    struct tap_syn_node *variable; /* the atom '$N' */
};
struct compiler {
    struct tap_syn_source *source;
    enum ms_target target;
    const struct binding *bindings;
    unsigned count;
};

static struct tap_syn_node *fail(struct compiler *c, size_t off, const char *message)
{
    tap_syn_fail(c->source, off, "%s", message);
    return NULL;
}

/* {Name, Items...} */
static struct tap_syn_node *call(struct compiler *c, const char *name, size_t off,
                                 struct tap_syn_node *const *items, size_t n)
{
    struct tap_syn_node *all[256] = {tap_syn_atom(c->source, name, off)};
    if (n > 255)
        return fail(c, off, "there are too many arguments");
    for (size_t i = 0; i < n; i++)
        all[i + 1] = items[i];
    return tap_syn_compound(c->source, TAP_SYN_N_TUPLE, off, all, n + 1, NULL);
}

static struct tap_syn_node *lookup(const struct compiler *c, const char *name)
{
    for (const struct binding *b = c->bindings; b; b = b->next)
        if (strcmp(b->name, name) == 0)
            return b->variable;
    return NULL;
}

static struct tap_syn_node *variable_at(struct compiler *c, const struct tap_syn_node *variable,
                                        size_t off)
{
    return tap_syn_atom(c->source, variable->text, off);
}

/* ---- Patterns */

static struct tap_syn_node *bind(struct compiler *c, const struct tap_syn_node *n)
{
    struct tap_syn_node *known = lookup(c, n->text);
    if (known)
        return variable_at(c, known, n->off);
    char *text = tap_syn_alloc(c->source->arena, 16);
    struct binding *b = tap_syn_alloc(c->source->arena, sizeof *b);
    if (!text || !b) {
        tap_syn_fail_oom(c->source);
        return NULL;
    }
    snprintf(text, 16, "$%u", ++c->count);
    *b = (struct binding){c->bindings, n->text, tap_syn_atom(c->source, text, n->off)};
    c->bindings = b;
    return b->variable;
}

static bool is_special(const struct tap_syn_node *n)
{
    uint32_t number;
    return n->type == TAP_SYN_N_ATOM && (tap_ms_is_variable(n, &number) || !strcmp(n->text, "_") ||
                                         !strcmp(n->text, "$_") || !strcmp(n->text, "$$"));
}

/* Does a variable stand anywhere in it? */
static bool has_variable(const struct tap_syn_node *n)
{
    if (n->type == TAP_SYN_N_VAR || (n->tail && has_variable(n->tail)))
        return true;
    for (size_t i = 0; i < n->count; i++)
        if (has_variable(n->items[i]))
            return true;
    return false;
}

static struct tap_syn_node *pattern(struct compiler *c, const struct tap_syn_node *n);

/* The same compound of translated items. */
static struct tap_syn_node *translate(struct compiler *c, const struct tap_syn_node *n,
                                      struct tap_syn_node *(*one)(struct compiler *,
                                                                  const struct tap_syn_node *))
{
    struct tap_syn_node *tail = NULL, *copy = tap_syn_compound(c->source, n->type, n->off, n->items,
                                                               n->count, NULL);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < n->count; i++)
        if (!(copy->items[i] = one(c, n->items[i])))
            return NULL;
    if (n->tail && !(tail = one(c, n->tail)))
        return NULL;
    /* Once more, for the depth: a translated item can be deeper than what it was made of. */
    return tap_syn_compound(c->source, n->type, n->off, copy->items, n->count, tail);
}

static struct tap_syn_node *pattern(struct compiler *c, const struct tap_syn_node *n)
{
    switch (n->type) {
    case TAP_SYN_N_VAR:
        return strcmp(n->text, "_") ? bind(c, n) : tap_syn_atom(c->source, "_", n->off);
    case TAP_SYN_N_ATOM:
        if (is_special(n) && n->text[1] != '_' && n->text[1] != '$')
            return fail(
                c, n->off,
                "this atom means a variable of match specs and cannot be matched by itself");
        return (struct tap_syn_node *)n;
    case TAP_SYN_N_MAP:
        if (n->count && !n->exact)
            return fail(c, n->off, "in a pattern a map is written #{Key := Value}");
        for (size_t i = 0; i < n->count; i += 2)
            if (has_variable(n->items[i]))
                return fail(c, n->items[i]->off,
                            "the key of a map in a pattern must be a constant");
        return translate(c, n, pattern);
    case TAP_SYN_N_LIST:
    case TAP_SYN_N_TUPLE: return translate(c, n, pattern);
    case TAP_SYN_N_CALL:
        return fail(c, n->off, "a function call cannot stand in a pattern; put it behind 'when'");
    case TAP_SYN_N_OP:
        return fail(c, n->off, "an operator cannot stand in a pattern; put it behind 'when'");
    default: return (struct tap_syn_node *)n;
    }
}

/* ---- Guards and values */

static struct tap_syn_node *expr(struct compiler *c, const struct tap_syn_node *n);

static struct tap_syn_node *expr_variable(struct compiler *c, const struct tap_syn_node *n)
{
    struct tap_syn_node *known = lookup(c, n->text);
    if (known)
        return variable_at(c, known, n->off);
    const char *names[64];
    size_t count = 0;
    for (const struct binding *b = c->bindings; b && count < 64; b = b->next)
        names[count++] = b->name;
    const char *near = tap_suggest(n->text, names, count);
    if (!strcmp(n->text, "_"))
        return fail(c, n->off, "'_' can only stand in a pattern");
    if (near)
        tap_syn_fail(c->source, n->off, "variable %s is not bound in the head (did you mean %s?)",
                     n->text, near);
    else
        tap_syn_fail(c->source, n->off, "variable %s is not bound in the head", n->text);
    return NULL;
}

/* is_boolean is no function of match specs. */
static struct tap_syn_node *expr_is_boolean(struct compiler *c, const struct tap_syn_node *n)
{
    struct tap_syn_node *sides[2];
    for (int i = 0; i < 2; i++) {
        struct tap_syn_node *pair[2] = {expr(c, n->items[0]),
                                        tap_syn_atom(c->source, i ? "false" : "true", n->off)};
        if (!(sides[i] = call(c, "=:=", n->off, pair, 2)))
            return NULL;
    }
    return call(c, "orelse", n->off, sides, 2);
}

static struct tap_syn_node *expr_call(struct compiler *c, const struct tap_syn_node *n)
{
    if (n->type == TAP_SYN_N_CALL && !strcmp(n->text, "is_boolean") && n->count == 1)
        return n->depth > 10 ? fail(c, n->off, "this is_boolean is nested too deep")
                             : expr_is_boolean(c, n);
    if (n->type == TAP_SYN_N_CALL && !strcmp(n->text, "const"))
        return fail(c, n->off, "unknown guard function 'const'");
    if (n->type == TAP_SYN_N_CALL && !strcmp(n->text, "is_record") && n->count == 2)
        return fail(c, n->off, "records are not known here: write is_record(Term, Tag, Size)");
    struct tap_syn_node *items = translate(c, n, expr);
    return items ? call(c, n->text, n->off, items->items, n->count) : NULL;
}

static bool is_constant(const struct tap_syn_node *n)
{
    return n->type == TAP_SYN_N_INT || n->type == TAP_SYN_N_FLOAT || n->type == TAP_SYN_N_ATOM ||
           n->type == TAP_SYN_N_STRING || n->type == TAP_SYN_N_BINARY;
}

static struct tap_syn_node *expr_operation(struct compiler *c, const struct tap_syn_node *n)
{
    /* The classic slip of Elixir users: n > 3 compares an atom, and is always true. */
    if (n->count == 2 && strpbrk(n->text, "<>=") && is_constant(n->items[0]) &&
        is_constant(n->items[1]))
        return fail(c, n->off,
                    "this compares two constants; a variable begins with a capital letter");
    return expr_call(c, n);
}

static struct tap_syn_node *expr(struct compiler *c, const struct tap_syn_node *n)
{
    struct tap_syn_node *one;
    switch (n->type) {
    case TAP_SYN_N_VAR: return expr_variable(c, n);
    case TAP_SYN_N_ATOM:
        one = (struct tap_syn_node *)n;
        return is_special(n) ? call(c, "const", n->off, &one, 1) : one;
    case TAP_SYN_N_TUPLE: /* {{...}}: a single pair of braces would be a call */
        one = translate(c, n, expr);
        return one ? tap_syn_compound(c->source, TAP_SYN_N_TUPLE, n->off, &one, 1, NULL) : NULL;
    case TAP_SYN_N_MAP:
        if (n->exact)
            return fail(c, n->off, "outside of a pattern a map is written #{Key => Value}");
        return translate(c, n, expr);
    case TAP_SYN_N_LIST: return translate(c, n, expr);
    case TAP_SYN_N_CALL: return expr_call(c, n);
    case TAP_SYN_N_OP: return expr_operation(c, n);
    default: return (struct tap_syn_node *)n;
    }
}

/* ---- Actions */

static struct tap_syn_node *unknown_action(struct compiler *c, const struct tap_syn_node *n)
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
static struct tap_syn_node *stack_mark(struct compiler *c, size_t off)
{
    struct tap_syn_node *mark = tap_syn_atom(c->source, MS_STACK, off);
    return mark ? call(c, "const", off, &mark, 1) : NULL;
}

/* Of several messages the last one counts, so the caller's is left out beside a message(X); the
 * plan's flag asks for the caller then. */
static struct tap_syn_node *action(struct compiler *c, const struct tap_syn_node *n,
                                   bool has_message)
{
    const char *text = n->text ? n->text : "";
    if (n->type == TAP_SYN_N_CALL && !strcmp(text, "message") && n->count == 1) {
        struct tap_syn_node *value = expr(c, n->items[0]);
        return value ? call(c, "message", n->off, &value, 1) : NULL;
    }
    if (n->type == TAP_SYN_N_ATOM && !strcmp(text, "message"))
        return fail(c, n->off, "message needs a value: message(X)");
    if (n->type == TAP_SYN_N_ATOM && c->target == MS_CALLS) {
        if (!strcmp(text, "return"))
            return call(c, "return_trace", n->off, NULL, 0);
        if (!strcmp(text, "exception"))
            return call(c, "exception_trace", n->off, NULL, 0);
        if (!strcmp(text, "caller")) {
            struct tap_syn_node *value = call(c, "caller", n->off, NULL, 0);
            return value && !has_message ? call(c, "message", n->off, &value, 1) : value;
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

static struct tap_syn_node *body(struct compiler *c, const struct ms_parts *p)
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
static bool check_conditions(struct compiler *c, const struct tap_syn_node *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct tap_syn_node *n = list->items[i];
        bool truth =
            n->type == TAP_SYN_N_ATOM && (!strcmp(n->text, "true") || !strcmp(n->text, "false"));
        if (is_constant(n) && !truth)
            return tap_syn_fail(c->source, n->off,
                                "this condition never holds: it is a constant (a variable begins "
                                "with a capital letter, and a comment needs a line of its own)");
    }
    return true;
}

struct tap_syn_node *tap_ms_compile(struct tap_syn_source *s, enum ms_target target,
                                    const struct ms_parts *p)
{
    struct compiler c = {.source = s, .target = target};
    size_t count = p->alternative_count ? p->alternative_count : 1;
    struct tap_syn_node **clauses = tap_syn_alloc(s->arena, count * sizeof *clauses);
    struct tap_syn_node *none = tap_syn_compound(s, TAP_SYN_N_LIST, p->off, NULL, 0, NULL);
    if (!clauses || !none) {
        tap_syn_fail_oom(s);
        return NULL;
    }
    struct tap_syn_node *head = p->head ? pattern(&c, p->head) : tap_syn_atom(s, "_", p->off);
    struct tap_syn_node *actions = NULL;
    for (size_t i = 0; head && i < count; i++) {
        if (p->alternative_count && !check_conditions(&c, p->alternatives[i]))
            return NULL;
        struct tap_syn_node *conditions =
            p->alternative_count ? translate(&c, p->alternatives[i], expr) : none;
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
