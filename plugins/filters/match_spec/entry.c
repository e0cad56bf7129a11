/* entry.c: one configured line: what follows the name of the function, in Erlang's syntax or
 * Elixir's.
 */
#include "filters/match_spec/spec.h"
#include "syntax/chars.h"
#include "syntax/elixir.h"

enum { ALTERNATIVES = 64 };

/* ---- The readable form */

static struct tap_syn_node *list_of(struct tap_syn_lexer *l, size_t off,
                                    struct tap_syn_node **items, size_t n)
{
    return tap_syn_compound(l->source, TAP_SYN_N_LIST, off, items, n, NULL);
}

/* Items that commas separate; up to what is no comma. */
static bool read_commas(struct tap_syn_lexer *l, struct tap_syn_node ***items, size_t *n)
{
    size_t cap = 0;
    *items = NULL;
    for (*n = 0;;) {
        if (*n == cap) {
            struct tap_syn_node **more =
                tap_syn_alloc(l->source->arena, (cap = cap * 2 + 4) * sizeof *more);
            if (!more)
                return tap_syn_fail_oom(l->source);
            if (*n)
                memcpy(more, *items, *n * sizeof *more);
            *items = more;
        }
        if (!((*items)[(*n)++] = tap_syn_parse(l)))
            return false;
        if (!tap_syn_is(l, ","))
            return true;
        if (!tap_syn_next(l))
            return false;
    }
}

/* when G, G; G, G ... */
static bool read_guard(struct tap_syn_lexer *l, struct ms_parts *p)
{
    p->alternatives = tap_syn_alloc(l->source->arena, ALTERNATIVES * sizeof *p->alternatives);
    if (!p->alternatives)
        return tap_syn_fail_oom(l->source);
    do {
        struct tap_syn_node **conditions;
        size_t n, off = l->token.off;
        if (p->alternative_count == ALTERNATIVES)
            return tap_syn_fail(l->source, off, "there are more than %d alternatives",
                                ALTERNATIVES);
        if (!tap_syn_next(l) || !read_commas(l, &conditions, &n))
            return false;
        if (!(p->alternatives[p->alternative_count++] = list_of(l, off, conditions, n)))
            return false;
    } while (tap_syn_is(l, ";"));
    return true;
}

static bool read_end(struct tap_syn_lexer *l, const char *expected)
{
    if (tap_syn_is(l, ".") && !tap_syn_next(l))
        return false;
    if (l->token.type == TAP_SYN_END)
        return true;
    /* In other lines of an INI file it would have been one. */
    if (tap_syn_is(l, ";"))
        return tap_syn_fail(l->source, l->token.off,
                            "expected %s, found ; (a comment needs a line of its own)", expected);
    return tap_syn_unexpected(l, expected);
}

/* Arguments stand here: may they, and are they not too many? */
static bool check_arguments(struct tap_syn_source *s, struct ms_entry *e, struct ms_parts *p,
                            struct tap_syn_node **items, size_t n)
{
    if (n > 255)
        return tap_syn_fail(s, p->off, "a function has at most 255 arguments");
    if (!(p->head = tap_syn_compound(s, TAP_SYN_N_LIST, p->off, items, n, NULL)))
        return false;
    e->arity = e->target == MS_CALLS ? (int)n : -1;
    return true;
}

static bool may_have_arguments(struct tap_syn_source *s, const struct ms_entry *e, size_t off)
{
    if (e->arity >= 0)
        return tap_syn_fail(s, off, "after an arity there can be no arguments");
    if (!e->function && e->target == MS_CALLS)
        return tap_syn_fail(s, off, "arguments need the name of a function");
    return true;
}

static const char *expected_first(const struct ms_entry *e)
{
    return e->target == MS_CALLS && e->arity < 0 ? "'(', '/', 'when', '->' or the end"
                                                 : "'when', '->' or the end";
}

static bool read_erlang(struct tap_syn_source *s, struct ms_entry *e, size_t at, struct ms_parts *p)
{
    struct tap_syn_lexer l;
    if (!tap_syn_lexer_begin(&l, s, at))
        return false;
    p->off = l.token.off;
    const char *expected = expected_first(e);
    if (tap_syn_is(&l, "(")) {
        struct tap_syn_node **items;
        size_t n;
        expected = "'when', '->' or the end";
        if (!may_have_arguments(s, e, p->off) || !tap_syn_next(&l) ||
            !tap_syn_parse_list(&l, ")", &items, &n) || !check_arguments(s, e, p, items, n))
            return false;
    }
    if (tap_syn_is(&l, "when") && !read_guard(&l, p))
        return false;
    if (tap_syn_is(&l, "->") &&
        (!tap_syn_next(&l) || !read_commas(&l, &p->actions, &p->action_count)))
        return false;
    if (p->alternative_count > 1 && p->action_count == 0) /* when X > 3 ; a remark of many words */
        expected = "'->' or the end (a comment needs a line of its own)";
    return read_end(&l, expected);
}

/* ---- The same in Elixir's syntax */

/* when G when G ... */
static bool read_elixir_guard(struct tap_syn_elixir *x, struct ms_parts *p)
{
    struct tap_syn_source *s = x->source;
    p->alternatives = tap_syn_alloc(s->arena, ALTERNATIVES * sizeof *p->alternatives);
    if (!p->alternatives)
        return tap_syn_fail_oom(s);
    do {
        size_t off = x->pos;
        if (p->alternative_count == ALTERNATIVES)
            return tap_syn_fail(s, off, "there are more than %d alternatives", ALTERNATIVES);
        struct tap_syn_node *one = tap_syn_elixir_expression(x);
        if (!one || !(one = tap_syn_compound(s, TAP_SYN_N_LIST, off, &one, 1, NULL)))
            return false;
        p->alternatives[p->alternative_count++] = one;
    } while (tap_syn_elixir_takes_word(x, "when"));
    return true;
}

/* return, message(x), ...: what has no brackets would be a variable. */
static bool read_elixir_actions(struct tap_syn_elixir *x, struct ms_parts *p)
{
    struct tap_syn_items items = {0};
    do {
        struct tap_syn_node *n = tap_syn_elixir_expression(x);
        if (!tap_syn_elixir_add(x, &items, n))
            return false;
        if (n->type == TAP_SYN_N_VAR)
            n->type = TAP_SYN_N_ATOM;
    } while (tap_syn_elixir_takes(x, ","));
    p->actions = items.at;
    p->action_count = items.count;
    return true;
}

static bool read_elixir(struct tap_syn_source *s, struct ms_entry *e, size_t at, struct ms_parts *p)
{
    struct tap_syn_elixir x = tap_syn_elixir_begin(s, at);
    tap_syn_elixir_blank(&x);
    p->off = x.pos;
    p->elixir = true;
    const char *expected = expected_first(e);
    if (tap_syn_elixir_takes(&x, "(")) {
        struct tap_syn_node **items;
        size_t n;
        expected = "'when', '->' or the end";
        if (!may_have_arguments(s, e, p->off) || !tap_syn_elixir_arguments(&x, &items, &n) ||
            !check_arguments(s, e, p, items, n))
            return false;
    }
    if (tap_syn_elixir_takes_word(&x, "when")) {
        expected = "'and', 'or', 'when', '->' or the end";
        if (!read_elixir_guard(&x, p))
            return false;
    }
    if (tap_syn_elixir_takes(&x, "->")) {
        expected = "',' or the end";
        if (!read_elixir_actions(&x, p))
            return false;
    }
    return !s->where->text[x.pos] || tap_syn_elixir_unexpected(&x, expected);
}

bool tap_ms_read_trace(struct tap_syn_source *s, struct ms_entry *e)
{
    struct ms_parts p = {0};
    size_t at = 0;
    return tap_ms_read_target(s, e, &at) && (e->elixir ? read_elixir : read_erlang)(s, e, at, &p) &&
           (e->spec = tap_ms_compile(s, e->target, &p)) &&
           tap_ms_check(s, e->target, e->arity, e->spec, &e->flags);
}

/* ---- The raw form */

/* Refuses whatever is not a term: variables, calls, operators. */
static bool check_term(struct tap_syn_source *s, const struct tap_syn_node *n)
{
    if (n->type == TAP_SYN_N_VAR)
        return tap_syn_fail(s, n->off, "a raw match spec has no variables: write '%s'",
                            strcmp(n->text, "_") ? "$1" : "_");
    if (n->type == TAP_SYN_N_CALL) {
        const char *name = tap_syn_quoted(s->arena, n->text);
        return tap_syn_fail(s, n->off, "a raw match spec has no calls: write {%s, ...}",
                            name ? name : "name");
    }
    if (n->type == TAP_SYN_N_OP)
        return tap_syn_fail(s, n->off, "a raw match spec has no operators: write {'%s', ...}",
                            n->text);
    if (n->type == TAP_SYN_N_MAP && n->exact)
        return tap_syn_fail(s, n->off, "in a raw match spec a map is written #{Key => Value}");
    for (size_t i = 0; i < n->count; i++)
        if (!check_term(s, n->items[i]))
            return false;
    return !n->tail || check_term(s, n->tail);
}

static struct tap_syn_node *read_elixir_spec(struct tap_syn_source *s, size_t at)
{
    struct tap_syn_elixir x = tap_syn_elixir_begin(s, at);
    struct tap_syn_node *spec = NULL;
    tap_syn_elixir_blank(&x);
    if (s->where->text[x.pos] != '[')
        return tap_syn_elixir_unexpected(&x, "a match spec, [{head, conditions, body}, ...]");
    if (!(spec = tap_syn_parse_elixir(s, &x.pos)))
        return NULL;
    return s->where->text[x.pos] ? tap_syn_elixir_unexpected(&x, "the end") : spec;
}

static struct tap_syn_node *read_erlang_spec(struct tap_syn_source *s, size_t at)
{
    struct tap_syn_lexer l;
    if (!tap_syn_lexer_begin(&l, s, at))
        return NULL;
    if (!tap_syn_is(&l, "["))
        return tap_syn_unexpected(&l, "a match spec, [{Head, Conditions, Body}, ...]"), NULL;
    struct tap_syn_node *spec = tap_syn_parse(&l);
    return spec && read_end(&l, "the end") && check_term(s, spec) ? spec : NULL;
}

bool tap_ms_read_spec(struct tap_syn_source *s, struct ms_entry *e)
{
    size_t at = 0;
    return tap_ms_read_target(s, e, &at) &&
           (e->spec = (e->elixir ? read_elixir_spec : read_erlang_spec)(s, at)) &&
           tap_ms_check(s, e->target, e->arity, e->spec, &e->flags);
}
