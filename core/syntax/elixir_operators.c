/* elixir_operators.c: Elixir's operators, by precedence climbing, which become Erlang's; a
 * recursive descent over characters, of which the depth is bounded as everywhere.
 */
#include "syntax/elixir.h"

enum { IN = 9, TIGHTEST = 13 };

static const struct sign {
    const char *text; /* longest first where one begins another */
    int binds;
    bool right;
    const char *erlang;    /* NULL: see `complaint`, and the two that are made here */
    const char *complaint; /* NULL: it is made here */
} signs[] = {
    {"<<<", 8, false, "bsl", NULL},
    {">>>", 8, false, "bsr", NULL},
    {"&&&", 5, false, "band", NULL},
    {"|||", 4, false, "bor", NULL},
    {"===", 6, false, "=:=", NULL},
    {"!==", 6, false, "=/=", NULL},
    {"++", 10, true, NULL, "lists are not joined here: a list is written [a, b | rest]"},
    {"--", 10, true, NULL, "'--' cannot be used here"},
    {"<>", 10, true, NULL, NULL},
    {"..", 10, true, NULL, NULL},
    {"**", 12, false, NULL, "'**' cannot be used here"},
    {"&&", 5, false, NULL, "a guard has 'and' in the place of '&&'"},
    {"||", 4, false, NULL, "a guard has 'or' in the place of '||'"},
    {"|>", 8, false, NULL, "'|>' cannot be used here"},
    {"==", 6, false, "==", NULL},
    {"!=", 6, false, "/=", NULL},
    {"=~", 6, false, NULL, "'=~' cannot be used here: a match spec knows no texts inside of texts"},
    {"<=", 7, false, "=<", NULL},
    {">=", 7, false, ">=", NULL},
    {"<", 7, false, "<", NULL},
    {">", 7, false, ">", NULL},
    {"+", 11, false, "+", NULL},
    {"-", 11, false, "-", NULL},
    {"*", 12, false, "*", NULL},
    {"/", 12, false, "/", NULL},
    {"=", 3, true, NULL,
     "'=' cannot be used here: == compares, and of a pattern either the name or what it is like "
     "can "
     "be written"},
    {"and", 5, false, "andalso", NULL},
    {"or", 4, false, "orelse", NULL},
    {"in", IN, false, NULL, NULL},
    {"not", IN, false, NULL, NULL}, /* a not in b */
};

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* The operator that stands here; NULL: there is none. */
static const struct sign *sign_at(const struct tap_syn_elixir *e)
{
    const char *t = e->text + e->pos;
    if (!strncmp(t, "->", 2) || !strncmp(t, "=>", 2) || !strncmp(t, "...", 3) ||
        !strncmp(t, "//", 2) || (!strncmp(t, ">>", 2) && t[2] != '>'))
        return NULL;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        size_t n = strlen(signs[i].text);
        if (strncmp(t, signs[i].text, n) != 0)
            continue;
        if (is_letter(*t) && (tap_syn_elixir_is_word(t + n) || strchr("?!:", t[n] ? t[n] : ' ')))
            continue; /* another word, or a key */
        return &signs[i];
    }
    return NULL;
}

/* ---- in */

/* a in [b, c] */
static struct tap_syn_node *in_list(struct tap_syn_elixir *e, size_t off, struct tap_syn_node *left,
                                    const struct tap_syn_node *list)
{
    struct tap_syn_items any = {0};
    if (list->tail)
        return tap_syn_elixir_fail(e, list->tail->off, "the list behind 'in' must be a whole one");
    if (list->count > 255)
        return tap_syn_elixir_fail(e, list->off, "behind 'in' there are 255 values at most");
    if (!tap_syn_elixir_repeats(e, left, list->count))
        return NULL;
    for (size_t i = 0; i < list->count; i++)
        if (!tap_syn_elixir_add(e, &any,
                                tap_syn_elixir_call_two(e, "=:=", off, left, list->items[i])))
            return NULL;
    return any.count == 0   ? tap_syn_atom(e->source, "false", off)
           : any.count == 1 ? any.at[0]
                            : tap_syn_elixir_call(e, "orelse", off, any.at, any.count);
}

/* a in 1..9 */
static struct tap_syn_node *in_range(struct tap_syn_elixir *e, size_t off,
                                     struct tap_syn_node *left, const struct tap_syn_node *range)
{
    struct tap_syn_node *all[3];
    if (!tap_syn_elixir_repeats(e, left, 3))
        return NULL;
    all[0] = tap_syn_elixir_call(e, "is_integer", off, &left, 1);
    all[1] = tap_syn_elixir_call_two(e, ">=", off, left, range->items[0]);
    all[2] = tap_syn_elixir_call_two(e, "=<", off, left, range->items[1]);
    return tap_syn_elixir_call(e, "andalso", off, all, 3);
}

static struct tap_syn_node *made_in(struct tap_syn_elixir *e, size_t off, bool negated,
                                    struct tap_syn_node *left, struct tap_syn_node *right)
{
    struct tap_syn_node *n = NULL;
    if (right->type == TAP_SYN_N_LIST)
        n = in_list(e, off, left, right);
    else if (right->type == TAP_SYN_N_OP && strcmp(right->text, "..") == 0)
        n = in_range(e, off, left, right);
    else
        tap_syn_fail(e->source, right->off,
                     "behind 'in' a guard has a list, [a, b], or a range, 1..9");
    return n && negated ? tap_syn_elixir_call(e, "not", off, &n, 1) : n;
}

/* ---- Ranges */

static bool is_integer(const struct tap_syn_node *n)
{
    return n->type == TAP_SYN_N_INT;
}

/* Is the first the larger one? */
static bool descends(const struct tap_syn_node *a, const struct tap_syn_node *b)
{
    if (a->negative != b->negative)
        return b->negative;
    int order = a->digit_count < b->digit_count ? -1 : a->digit_count > b->digit_count;
    for (size_t i = a->digit_count; order == 0 && i-- > 0;)
        order = a->digits[i] < b->digits[i] ? -1 : a->digits[i] > b->digits[i];
    return a->negative ? order < 0 : order > 0;
}

/* 1..9: of a guard both ends, of which the lower one is the first. */
static struct tap_syn_node *range(struct tap_syn_elixir *e, size_t off, struct tap_syn_node *first,
                                  struct tap_syn_node *last)
{
    if (!is_integer(first) || !is_integer(last))
        return tap_syn_elixir_fail(e, off, "a range has two whole numbers here");
    tap_syn_elixir_blank(e);
    if (e->place == TAP_SYN_GUARD && tap_syn_elixir_sees(e, "//"))
        return tap_syn_elixir_fail(e, e->pos, "behind 'in' a range has no steps here");
    if (e->place != TAP_SYN_GUARD)
        return tap_syn_elixir_range(e, first, last, descends(first, last));
    struct tap_syn_node *ends[2] = {first, last};
    if (descends(first, last))
        ends[0] = last, ends[1] = first;
    struct tap_syn_node *n = tap_syn_compound(e->source, TAP_SYN_N_OP, first->off, ends, 2, NULL);
    if (n)
        n->text = "..", n->text_len = 2;
    return n;
}

/* ---- Expressions */

static struct tap_syn_node *expression(struct tap_syn_elixir *e, int least, unsigned depth);

static struct tap_syn_node *negative(struct tap_syn_elixir *e, size_t off, struct tap_syn_node *n)
{
    if (!n)
        return NULL;
    if (n->type == TAP_SYN_N_INT)
        n->negative = !n->negative;
    else if (n->type == TAP_SYN_N_FLOAT)
        n->number = -n->number;
    else if (e->place == TAP_SYN_GUARD)
        return tap_syn_elixir_call(e, "-", off, &n, 1);
    else
        return tap_syn_elixir_fail(e, n->off, "a number must follow the minus");
    n->off = off;
    return n;
}

static struct tap_syn_node *unary(struct tap_syn_elixir *e, unsigned depth)
{
    size_t off = (tap_syn_elixir_blank(e), e->pos);
    struct tap_syn_node *n;
    bool guard = e->place == TAP_SYN_GUARD;
    if (depth >= TAP_SYN_MAX_DEPTH)
        return tap_syn_elixir_fail(e, off, "this is nested too deeply");
    if (tap_syn_elixir_takes(e, "-"))
        return negative(e, off, unary(e, depth + 1));
    if (guard && tap_syn_elixir_takes(e, "+"))
        return unary(e, depth + 1);
    if (guard && tap_syn_elixir_takes(e, "~~~"))
        return (n = unary(e, depth + 1)) ? tap_syn_elixir_call(e, "bnot", off, &n, 1) : NULL;
    if (guard && tap_syn_elixir_sees(e, "!") && !tap_syn_elixir_sees(e, "!="))
        return tap_syn_elixir_fail(e, off, "a guard has 'not' in the place of '!'");
    if (tap_syn_elixir_sees(e, "^"))
        return tap_syn_elixir_fail(e, off, "there is no variable from elsewhere that ^ could mean");
    if (!guard || !tap_syn_elixir_takes_word(e, "not"))
        return tap_syn_elixir_primary(e, depth);
    if (!(n = unary(e, depth + 1)))
        return NULL;
    size_t at = (tap_syn_elixir_blank(e), e->pos);
    if (tap_syn_elixir_takes_word(e, "in")) { /* not a in b is a not in b */
        struct tap_syn_node *right = expression(e, IN + 1, depth + 1);
        return right ? made_in(e, at, true, n, right) : NULL;
    }
    return tap_syn_elixir_call(e, "not", off, &n, 1);
}

/* One operator is read, and both sides. */
static struct tap_syn_node *operation(struct tap_syn_elixir *e, const struct sign *s, bool negated,
                                      size_t off, struct tap_syn_node *left,
                                      struct tap_syn_node *right)
{
    if (s->binds == IN)
        return made_in(e, off, negated, left, right);
    if (!strcmp(s->text, ".."))
        return range(e, off, left, right);
    if (!strcmp(s->text, "<>"))
        return tap_syn_elixir_joined(e, left, right, off);
    struct tap_syn_node *sides[2] = {left, right};
    struct tap_syn_node *n = tap_syn_compound(e->source, TAP_SYN_N_OP, off, sides, 2, NULL);
    if (n)
        n->text = s->erlang, n->text_len = strlen(s->erlang);
    return n;
}

/* What cannot stand here as an operator: NULL, and said; else the operator. */
static const struct sign *allowed(struct tap_syn_elixir *e, const struct sign *s)
{
    bool always = !strcmp(s->text, "..") || (!strcmp(s->text, "<>") && e->place != TAP_SYN_GUARD);
    if (s->complaint)
        return tap_syn_elixir_fail(e, e->pos, s->complaint);
    if (!strcmp(s->text, "<>") && !always)
        return tap_syn_elixir_fail(e, e->pos, "binaries are not joined in a guard");
    if (!always && e->place == TAP_SYN_PATTERN)
        return tap_syn_elixir_fail(e, e->pos,
                                   "an operator cannot stand in a pattern; put it behind 'when'");
    if (!always && e->place == TAP_SYN_VALUE)
        return tap_syn_elixir_fail(e, e->pos, "an operator cannot stand here: only values can");
    return s;
}

static struct tap_syn_node *expression(struct tap_syn_elixir *e, int least, unsigned depth)
{
    struct tap_syn_node *left = unary(e, depth);
    while (left) {
        size_t off = (tap_syn_elixir_blank(e), e->pos);
        const struct sign *s = sign_at(e);
        if (!s || s->binds < least)
            return left;
        if (!allowed(e, s))
            return NULL;
        e->pos += strlen(s->text);
        bool negated = !strcmp(s->text, "not");
        if (negated && !tap_syn_elixir_takes_word(e, "in"))
            return tap_syn_elixir_unexpected(e, "'in' behind 'not'");
        struct tap_syn_node *right = expression(e, s->binds + !s->right, depth + 1);
        left = right ? operation(e, s, negated, off, left, right) : NULL;
        if (left && left->depth > TAP_SYN_MAX_DEPTH)
            return tap_syn_elixir_fail(e, off, "this is nested too deeply");
    }
    return NULL;
}

static struct tap_syn_node *value(struct tap_syn_elixir *e, unsigned depth)
{
    return expression(e, 0, depth);
}

/* ---- For those who read lines */

struct tap_syn_elixir tap_syn_elixir_begin(struct tap_syn_source *s, size_t pos)
{
    return (struct tap_syn_elixir){.source = s, .text = s->where->text, .pos = pos, .value = value};
}

bool tap_syn_elixir_arguments(struct tap_syn_elixir *e, struct tap_syn_node ***items, size_t *count)
{
    struct tap_syn_items read = {0};
    e->place = TAP_SYN_PATTERN;
    if (!tap_syn_elixir_called_with(e, &read, 0))
        return false;
    *items = read.at;
    *count = read.count;
    return true;
}

struct tap_syn_node *tap_syn_elixir_expression(struct tap_syn_elixir *e)
{
    e->place = TAP_SYN_GUARD;
    return tap_syn_elixir_value(e, 0);
}

struct tap_syn_node *tap_syn_parse_elixir(struct tap_syn_source *s, size_t *at)
{
    struct tap_syn_elixir e = tap_syn_elixir_begin(s, *at);
    struct tap_syn_node *n = tap_syn_elixir_value(&e, 0);
    tap_syn_elixir_blank(&e);
    *at = e.pos;
    return n;
}
