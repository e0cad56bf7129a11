/* entry.c: one configured line: which function (or send, or receive) it speaks of, and what follows
 * the name.
 *
 * Names are read character by character, since they may be Elixir's (Shop.Cart.empty?/1) or have
 * wildcards (shop_*:add/2), which are no tokens of Erlang. What follows is.
 */
#include "filters/common/name.h"
#include "syntax/chars.h"
#include "filters/match_spec/spec.h"

#define MAX_TEXT (64u * 1024) /* bytes of one line: far beyond what anyone writes */

static size_t after_blank(const char *t, size_t at)
{
    while (t[at] == ' ' || (t[at] >= '\t' && t[at] <= '\r'))
        at++;
    return at;
}

static char *copy_text(struct tap_syn_source *s, const char *prefix, size_t from, size_t to)
{
    size_t p = strlen(prefix);
    char *copy = tap_syn_alloc(s->arena, p + to - from + 1);
    if (!copy) {
        tap_syn_fail_oom(s);
        return NULL;
    }
    memcpy(copy, prefix, p);
    memcpy(copy + p, s->where->text + from, to - from);
    if (tap_syn_char_count(copy) > 255) {
        tap_syn_fail(s, from, "an atom has at most 255 characters");
        return NULL;
    }
    return copy;
}

/* A name in single quotes at *at, and past it. NULL: reported. */
static const char *read_quoted(struct tap_syn_source *s, size_t *at)
{
    struct tap_syn_lexer l = {.source = s, .pos = *at};
    if (!tap_syn_next(&l))
        return NULL;
    *at = l.token.end;
    return l.token.text;
}

/* A module or a piece of one up to the sign before the function; *alias: it begins with a capital
 * letter. */
static const char *read_module(struct tap_syn_source *s, size_t *at, bool *alias)
{
    const char *t = s->where->text;
    size_t from = *at, to = from;
    *alias = false;
    if (t[from] == '\'')
        return read_quoted(s, at);
    while (tap_syn_char_is_word(t + to) || t[to] == '*' || (t[to] == '?' && to > from) ||
           (t[to] == '.' && (tap_name_is_upper(t[to + 1]) || t[to + 1] == '*') && to > from &&
            !(t[to + 1] == '*' && t[to + 2] != ':' && t[to + 2] != '.')))
        to += tap_syn_char_len(t + to);
    if (to == from || (t[from] >= '0' && t[from] <= '9') || t[from] == '@') {
        tap_syn_fail(s, from, "expected module:function, send or receive");
        return NULL;
    }
    *at = to;
    *alias = tap_syn_char_is_upper(t + from);
    return copy_text(s, *alias && strncmp(t + from, TAP_FILTER_ELIXIR, 7) ? TAP_FILTER_ELIXIR : "",
                     from, to);
}

/* The function at *at, and past it: *function is NULL for any. */
static bool read_function(struct tap_syn_source *s, size_t *at, const char **function)
{
    const char *t = s->where->text;
    size_t from = *at, to = from;
    *function = NULL;
    if (t[from] == '\'') {
        *function = read_quoted(s, at);
        if (*function && !strcmp(*function, "_"))
            *function = NULL;
        return !s->failed;
    }
    if (t[from] == '*' || (t[from] == '_' && !tap_syn_char_is_word(t + from + 1))) {
        *at = from + 1;
        return true;
    }
    while (tap_syn_char_is_word(t + to))
        to += tap_syn_char_len(t + to);
    if (to == from || tap_syn_char_is_upper(t + from) || (t[from] >= '0' && t[from] <= '9') ||
        t[from] == '@')
        return tap_syn_fail(s, from,
                            "expected a function: a name, a name in single quotes, or * for any");
    if (t[to] == '?' || t[to] == '!') /* as Elixir's names may end */
        to++;
    *at = to;
    *function = copy_text(s, "", from, to);
    return *function != NULL;
}

/* /Arity or /_, where there is one. */
static bool read_arity(struct tap_syn_source *s, size_t *at, int *arity)
{
    const char *t = s->where->text;
    size_t p = after_blank(t, *at);
    *arity = -1;
    if (t[p] != '/')
        return true;
    size_t from = p = after_blank(t, p + 1);
    bool any = t[p] == '_' || t[p] == '*' || strncmp(t + p, "'_'", 3) == 0;
    if (any) {
        *at = p + (t[p] == '\'' ? 3 : 1);
        return true;
    }
    for (*arity = 0; t[p] >= '0' && t[p] <= '9' && *arity <= 255; p++)
        *arity = *arity * 10 + (t[p] - '0');
    if (p == from || *arity > 255)
        return tap_syn_fail(s, from, "an arity is a number of 0 to 255");
    *at = p;
    return true;
}

/* Is the word at `at` this one, followed by what no module:function has? */
static bool is_form(const char *t, size_t at, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(t + at, word, n) != 0 || tap_syn_char_is_word(t + at + n))
        return false;
    char next = t[after_blank(t, at + n)];
    return next == '(' || next == '[' || next == 0 || next == '-';
}

/* Does the target end here, so that a module alone is meant, with all its functions? */
static bool is_whole_module(const char *t)
{
    return !*t || strncmp(t, "->", 2) == 0 ||
           (strncmp(t, "when", 4) == 0 && !tap_syn_char_is_word(t + 4));
}

/* module:function, a module, send or receive; *at moves past it. A bare name that has both a
 * wildcard module and a function is left to the node to resolve. */
static bool read_target(struct tap_syn_source *s, struct ms_entry *e, size_t *at)
{
    const char *t = s->where->text;
    if (strlen(t) > MAX_TEXT)
        return tap_syn_fail(s, 0, "this is longer than %u bytes", MAX_TEXT);
    *e = (struct ms_entry){.arity = -1, .flags = TAP_PLAN_EXACT, .where = s->where};
    *at = after_blank(t, *at);
    if (is_form(t, *at, "send")) {
        e->target = MS_SENDS;
        *at += 4;
        return true;
    }
    if (is_form(t, *at, "receive")) {
        e->target = MS_RECEIVES;
        *at += 7;
        return true;
    }
    bool alias;
    if (!(e->module = read_module(s, at, &alias)))
        return false;
    *at = after_blank(t, *at);
    size_t function_at = *at;
    bool whole = is_whole_module(t + *at);
    if (!whole && t[*at] != ':' && !(alias && t[*at] == '.'))
        return tap_syn_fail(s, *at, "expected %s and a function after the module",
                            alias ? "'.' or ':'" : "':'");
    if (!whole) {
        *at = function_at = after_blank(t, *at + 1);
        if (!read_function(s, at, &e->function) || !read_arity(s, at, &e->arity))
            return false;
    }
    if (!e->function && e->arity >= 0)
        return tap_syn_fail(s, function_at, "an arity needs the name of a function");
    if (!strcmp(e->module, "_") || !strcmp(e->module, "*"))
        e->module = e->function ? "*" : NULL;
    if (e->module && !strpbrk(e->module, "*?"))
        e->flags |= TAP_PLAN_NAMED;
    return true;
}

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
    enum { ALTERNATIVES = 64 };
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

bool tap_ms_read_trace(struct tap_syn_source *s, struct ms_entry *e)
{
    struct ms_parts p = {0};
    struct tap_syn_lexer l;
    size_t at = 0;
    if (!read_target(s, e, &at) || !tap_syn_lexer_begin(&l, s, at))
        return false;
    p.off = l.token.off;
    const char *expected = "'when', '->' or the end";
    if (tap_syn_is(&l, "(")) {
        struct tap_syn_node **items;
        size_t n;
        if (e->arity >= 0)
            return tap_syn_fail(s, p.off, "after an arity there can be no arguments");
        if (!e->function && e->target == MS_CALLS)
            return tap_syn_fail(s, p.off, "arguments need the name of a function");
        if (!tap_syn_next(&l) || !tap_syn_parse_list(&l, ")", &items, &n))
            return false;
        if (n > 255)
            return tap_syn_fail(s, p.off, "a function has at most 255 arguments");
        if (!(p.head = list_of(&l, p.off, items, n)))
            return false;
        e->arity = e->target == MS_CALLS ? (int)n : -1;
    } else if (e->target == MS_CALLS && e->arity < 0) {
        expected = "'(', '/', 'when', '->' or the end";
    }
    if (tap_syn_is(&l, "when") && !read_guard(&l, &p))
        return false;
    if (tap_syn_is(&l, "->") &&
        (!tap_syn_next(&l) || !read_commas(&l, &p.actions, &p.action_count)))
        return false;
    if (p.alternative_count > 1 && p.action_count == 0) /* when X > 3 ; a remark of many words */
        expected = "'->' or the end (a comment needs a line of its own)";
    if (!read_end(&l, expected) || !(e->spec = tap_ms_compile(s, e->target, &p)))
        return false;
    return tap_ms_check(s, e->target, e->arity, e->spec, &e->flags);
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

bool tap_ms_read_spec(struct tap_syn_source *s, struct ms_entry *e)
{
    struct tap_syn_lexer l;
    size_t at = 0;
    if (!read_target(s, e, &at) || !tap_syn_lexer_begin(&l, s, at))
        return false;
    if (!tap_syn_is(&l, "["))
        return tap_syn_unexpected(&l, "a match spec, [{Head, Conditions, Body}, ...]");
    e->spec = tap_syn_parse(&l);
    return e->spec && read_end(&l, "the end") && check_term(s, e->spec) &&
           tap_ms_check(s, e->target, e->arity, e->spec, &e->flags);
}
