/* erlang_parser.c: tokens -> nodes. Precedence climbing over Erlang's operators; no backtracking,
 * bounded depth.
 *
 * Terms, patterns and guards are one grammar here: which of it may stand at a place depends on the
 * place, and the later stages say that better than a syntax error would.
 */
#include <stdio.h>

#include "syntax/chars.h"

struct tap_syn_node *tap_syn_node(struct tap_syn_source *s, enum tap_syn_node_type type, size_t off)
{
    struct tap_syn_node *n = tap_syn_alloc(s->arena, sizeof *n);
    if (!n) {
        tap_syn_fail_oom(s);
        return NULL;
    }
    n->type = type;
    n->off = off;
    n->depth = 1;
    return n;
}

struct tap_syn_node *tap_syn_atom(struct tap_syn_source *s, const char *text, size_t off)
{
    struct tap_syn_node *n = tap_syn_node(s, TAP_SYN_N_ATOM, off);
    if (n) {
        n->text = text;
        n->text_len = strlen(text);
    }
    return n;
}

static bool too_deep(struct tap_syn_source *s, size_t off)
{
    return tap_syn_fail(s, off, "this is nested deeper than %d levels", TAP_SYN_MAX_DEPTH);
}

struct tap_syn_node *tap_syn_compound(struct tap_syn_source *s, enum tap_syn_node_type type,
                                      size_t off, struct tap_syn_node *const *items, size_t count,
                                      struct tap_syn_node *tail)
{
    struct tap_syn_node *n = tap_syn_node(s, type, off);
    if (!n)
        return NULL;
    n->items = tap_syn_alloc(s->arena, (count ? count : 1) * sizeof *n->items);
    if (!n->items) {
        tap_syn_fail_oom(s);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!items[i])
            return NULL; /* a mistake below, reported there */
        n->items[i] = items[i];
        if (items[i]->depth >= n->depth)
            n->depth = items[i]->depth + 1;
    }
    n->count = count;
    n->tail = tail;
    if (tail && tail->depth >= n->depth)
        n->depth = tail->depth + 1;
    if (n->depth > TAP_SYN_MAX_DEPTH) {
        too_deep(s, off);
        return NULL;
    }
    return n;
}

static struct tap_syn_node *parse_expr(struct tap_syn_lexer *l, int least, unsigned depth);

struct list {
    struct tap_syn_node **items;
    size_t count, cap;
};

static bool list_add(struct tap_syn_source *s, struct list *list, struct tap_syn_node *n)
{
    if (!n)
        return false;
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 4;
        struct tap_syn_node **more = tap_syn_alloc(s->arena, cap * sizeof *more);
        if (!more)
            return tap_syn_fail_oom(s);
        for (size_t i = 0; i < list->count; i++)
            more[i] = list->items[i];
        list->items = more;
        list->cap = cap;
    }
    list->items[list->count++] = n;
    return true;
}

/* Expressions up to `closing` or, where `bar` is set, up to a `|`; past the closing sign, not past
 * the bar. */
static bool parse_items(struct tap_syn_lexer *l, const char *closing, bool bar, struct list *list,
                        unsigned depth)
{
    if (tap_syn_is(l, closing))
        return tap_syn_next(l);
    for (;;) {
        if (!list_add(l->source, list, parse_expr(l, 1, depth)))
            return false;
        if (bar && tap_syn_is(l, "|"))
            return true;
        if (tap_syn_is(l, closing))
            return tap_syn_next(l);
        char what[32];
        snprintf(what, sizeof what, "',' or '%s'", closing);
        if (!tap_syn_expect(l, ",", what))
            return false;
    }
}

static struct tap_syn_node *parse_list(struct tap_syn_lexer *l, size_t off, unsigned depth)
{
    struct list list = {0};
    struct tap_syn_node *tail = NULL;
    if (!tap_syn_next(l) || !parse_items(l, "]", true, &list, depth))
        return NULL;
    if (tap_syn_is(l, "|")) {
        if (!tap_syn_next(l) || !(tail = parse_expr(l, 1, depth)) || !tap_syn_expect(l, "]", "']'"))
            return NULL;
        if (tail->type == TAP_SYN_N_LIST) { /* [a | [b]] is [a, b] */
            for (size_t i = 0; i < tail->count; i++)
                if (!list_add(l->source, &list, tail->items[i]))
                    return NULL;
            tail = tail->tail;
        }
    }
    return tap_syn_compound(l->source, TAP_SYN_N_LIST, off, list.items, list.count, tail);
}

static struct tap_syn_node *parse_tuple(struct tap_syn_lexer *l, size_t off, unsigned depth)
{
    struct list list = {0};
    if (!tap_syn_next(l) || !parse_items(l, "}", false, &list, depth))
        return NULL;
    return tap_syn_compound(l->source, TAP_SYN_N_TUPLE, off, list.items, list.count, NULL);
}

/* One K => V or K := V. All of a map are of one kind: patterns have :=, terms have =>. */
static bool parse_pair(struct tap_syn_lexer *l, struct list *list, bool *exact, unsigned depth)
{
    if (!list_add(l->source, list, parse_expr(l, 1, depth)))
        return false;
    bool this_exact = tap_syn_is(l, ":=");
    if (!this_exact && !tap_syn_is(l, "=>"))
        return tap_syn_unexpected(l, "':=' or '=>'");
    if (list->count > 1 && this_exact != *exact)
        return tap_syn_fail(l->source, l->token.off, "':=' and '=>' do not mix in one map");
    *exact = this_exact;
    return tap_syn_next(l) && list_add(l->source, list, parse_expr(l, 1, depth));
}

/* #{K => V, ...} or #{K := V, ...}; the lexer stands on the #. */
static struct tap_syn_node *parse_map(struct tap_syn_lexer *l, size_t off, unsigned depth)
{
    struct list list = {0};
    bool exact = false;
    if (!tap_syn_next(l))
        return NULL;
    if (l->token.type == TAP_SYN_ATOM) {
        const char *name = tap_syn_quoted(l->source->arena, l->token.text);
        tap_syn_fail(l->source, off, "records are not known here: write the tuple, {%s, ...}",
                     name ? name : "name");
        return NULL;
    }
    if (!tap_syn_expect(l, "{", "'{'"))
        return NULL;
    while (!tap_syn_is(l, "}") || list.count) {
        if (!parse_pair(l, &list, &exact, depth))
            return NULL;
        if (tap_syn_is(l, "}"))
            break;
        if (!tap_syn_expect(l, ",", "',' or '}'"))
            return NULL;
    }
    if (!tap_syn_next(l))
        return NULL;
    struct tap_syn_node *n =
        tap_syn_compound(l->source, TAP_SYN_N_MAP, off, list.items, list.count, NULL);
    if (n)
        n->exact = exact;
    return n;
}

/* The bytes of one element of <<...>>: a string or a byte, both with /utf8 or without. */
static bool parse_segment(struct tap_syn_lexer *l, struct tap_buf *bytes)
{
    struct tap_syn_token t = l->token;
    uint32_t one = 0;
    if (t.type != TAP_SYN_STRING && t.type != TAP_SYN_INT)
        return tap_syn_unexpected(l, "a string or a byte");
    if (t.type == TAP_SYN_INT) {
        if (t.digit_count > 3)
            return tap_syn_fail(l->source, t.off, "this is not a character");
        for (size_t i = t.digit_count; i-- > 0;)
            one = one << 8 | t.digits[i];
        t.chars = &one, t.char_count = 1;
    }
    if (!tap_syn_next(l))
        return false;
    bool utf8 = tap_syn_is(l, "/");
    if (utf8) {
        if (!tap_syn_next(l))
            return false;
        if (l->token.type != TAP_SYN_ATOM || strcmp(l->token.text, "utf8") != 0)
            return tap_syn_fail(l->source, l->token.off,
                                "of the types of binary segments only utf8 is known here");
        if (!tap_syn_next(l))
            return false;
    }
    for (size_t i = 0; i < t.char_count; i++) {
        char c[4] = {(char)t.chars[i]};
        if (t.chars[i] > (utf8 ? 0x10FFFFu : 0xFFu))
            return tap_syn_fail(l->source, t.off,
                                "a byte is 0 to 255 (for characters beyond, add /utf8)");
        tap_buf_put(bytes, c, utf8 ? tap_syn_char_encode(c, t.chars[i]) : 1);
    }
    return true;
}

static struct tap_syn_node *parse_binary(struct tap_syn_lexer *l, size_t off)
{
    struct tap_buf bytes = {0};
    bool ok = tap_syn_next(l);
    for (bool first = true; ok && (!first || !tap_syn_is(l, ">>")); first = false) {
        ok = parse_segment(l, &bytes);
        if (!ok || tap_syn_is(l, ">>"))
            break;
        ok = tap_syn_expect(l, ",", "',' or '>>'");
    }
    ok = ok && tap_syn_next(l);
    struct tap_syn_node *n = ok ? tap_syn_node(l->source, TAP_SYN_N_BINARY, off) : NULL;
    char *copy = n ? tap_syn_alloc(l->source->arena, bytes.len + 1) : NULL;
    if (copy && !bytes.oom) {
        if (bytes.len)
            memcpy(copy, bytes.data, bytes.len);
        n->text = copy;
        n->text_len = bytes.len;
    } else {
        if (ok)
            tap_syn_fail_oom(l->source);
        n = NULL;
    }
    tap_buf_free(&bytes);
    return n;
}

/* "abc" "def" is one string. */
static struct tap_syn_node *parse_string(struct tap_syn_lexer *l)
{
    struct tap_syn_node *n = tap_syn_node(l->source, TAP_SYN_N_STRING, l->token.off);
    uint32_t *all = NULL;
    size_t cap = 0;
    while (n && l->token.type == TAP_SYN_STRING) {
        size_t count = n->char_count + l->token.char_count;
        if (!all || count > cap) {
            uint32_t *more = tap_syn_alloc(l->source->arena, (count * 2 + 1) * sizeof *more);
            if (!more) {
                tap_syn_fail_oom(l->source);
                return NULL;
            }
            if (n->char_count)
                memcpy(more, all, n->char_count * sizeof *more);
            all = more;
            cap = count * 2;
        }
        if (l->token.char_count)
            memcpy(all + n->char_count, l->token.chars, l->token.char_count * sizeof *all);
        n->chars = all;
        n->char_count = count;
        if (!tap_syn_next(l))
            return NULL;
    }
    return n;
}

/* An atom, or a call: f(...), erlang:f(...). */
static struct tap_syn_node *parse_atom(struct tap_syn_lexer *l, unsigned depth)
{
    struct tap_syn_token t = l->token;
    if (!tap_syn_next(l) || tap_syn_hint_atom(l, t.off))
        return NULL;
    if (tap_syn_is(l, ":")) {
        if (strcmp(t.text, "erlang") != 0) {
            tap_syn_fail(l->source, t.off,
                         "only functions of the module erlang can be called in a guard");
            return NULL;
        }
        if (!tap_syn_next(l))
            return NULL;
        t = l->token;
        if (t.type != TAP_SYN_ATOM) {
            tap_syn_unexpected(l, "a function");
            return NULL;
        }
        if (!tap_syn_next(l))
            return NULL;
        if (!tap_syn_is(l, "(")) {
            tap_syn_unexpected(l, "'('");
            return NULL;
        }
    }
    struct list list = {0};
    bool call = tap_syn_is(l, "(");
    if (call && (!tap_syn_next(l) || !parse_items(l, ")", false, &list, depth)))
        return NULL;
    struct tap_syn_node *n =
        call ? tap_syn_compound(l->source, TAP_SYN_N_CALL, t.off, list.items, list.count, NULL)
             : tap_syn_node(l->source, TAP_SYN_N_ATOM, t.off);
    if (n) {
        n->text = t.text;
        n->text_len = t.text_len;
    }
    return n;
}

static struct tap_syn_node *parse_leaf(struct tap_syn_lexer *l, enum tap_syn_node_type type)
{
    struct tap_syn_node *n = tap_syn_node(l->source, type, l->token.off);
    if (!n)
        return NULL;
    n->text = l->token.text;
    n->text_len = l->token.text_len;
    n->digits = l->token.digits;
    n->digit_count = l->token.digit_count;
    n->number = l->token.number;
    return tap_syn_next(l) ? n : NULL;
}

static struct tap_syn_node *parse_primary(struct tap_syn_lexer *l, unsigned depth)
{
    size_t off = l->token.off;
    switch (l->token.type) {
    case TAP_SYN_ATOM: return parse_atom(l, depth);
    case TAP_SYN_VAR: return parse_leaf(l, TAP_SYN_N_VAR);
    case TAP_SYN_INT: return parse_leaf(l, TAP_SYN_N_INT);
    case TAP_SYN_FLOAT: return parse_leaf(l, TAP_SYN_N_FLOAT);
    case TAP_SYN_STRING: return parse_string(l);
    case TAP_SYN_SIGN:
        if (tap_syn_is(l, "["))
            return parse_list(l, off, depth);
        if (tap_syn_is(l, "{"))
            return parse_tuple(l, off, depth);
        if (tap_syn_is(l, "#"))
            return parse_map(l, off, depth);
        if (tap_syn_is(l, "<<"))
            return parse_binary(l, off);
        if (tap_syn_is(l, "(")) {
            struct tap_syn_node *n = tap_syn_next(l) ? parse_expr(l, 1, depth) : NULL;
            return n && tap_syn_expect(l, ")", "')'") ? n : NULL;
        }
        break;
    default: break;
    }
    tap_syn_unexpected(l, "a term");
    return NULL;
}

static struct tap_syn_node *parse_unary(struct tap_syn_lexer *l, unsigned depth)
{
    static const char *const unary[] = {"+", "-", "not", "bnot"};
    struct tap_syn_token t = l->token;
    for (size_t i = 0; i < sizeof unary / sizeof unary[0]; i++) {
        if (!tap_syn_is(l, unary[i]))
            continue;
        if (depth >= TAP_SYN_MAX_DEPTH) {
            too_deep(l->source, t.off);
            return NULL;
        }
        struct tap_syn_node *n = tap_syn_next(l) ? parse_unary(l, depth + 1) : NULL;
        if (!n)
            return NULL;
        bool number = n->type == TAP_SYN_N_INT || n->type == TAP_SYN_N_FLOAT;
        if (number && i < 2) { /* -1 is a number, not an operation */
            n->off = t.off;
            if (i == 1 && n->type == TAP_SYN_N_INT)
                n->negative = !n->negative;
            else if (i == 1)
                n->number = -n->number;
            return n;
        }
        n = tap_syn_compound(l->source, TAP_SYN_N_OP, t.off, &n, 1, NULL);
        if (n)
            n->text = t.text, n->text_len = t.text_len;
        return n;
    }
    return parse_primary(l, depth);
}

/* How tightly a sign binds; 0: it is no operator. */
static int precedence(const struct tap_syn_lexer *l)
{
    static const struct {
        const char *sign;
        int binds;
    } table[] = {{"orelse", 1}, {"andalso", 2}, {"==", 3},  {"/=", 3},  {"=<", 3},   {"<", 3},
                 {">=", 3},     {">", 3},       {"=:=", 3}, {"=/=", 3}, {"+", 5},    {"-", 5},
                 {"bor", 5},    {"bxor", 5},    {"bsl", 5}, {"bsr", 5}, {"or", 5},   {"xor", 5},
                 {"*", 6},      {"/", 6},       {"div", 6}, {"rem", 6}, {"band", 6}, {"and", 6}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (tap_syn_is(l, table[i].sign))
            return table[i].binds;
    return 0;
}

/* All operators group to the left (for orelse and andalso the result is the same); comparisons do
 * not chain. */
static struct tap_syn_node *parse_expr(struct tap_syn_lexer *l, int least, unsigned depth)
{
    if (depth >= TAP_SYN_MAX_DEPTH) {
        too_deep(l->source, l->token.off);
        return NULL;
    }
    struct tap_syn_node *left = parse_unary(l, depth + 1);
    for (int binds; left && (binds = precedence(l)) >= least && binds > 0;) {
        struct tap_syn_token t = l->token;
        struct tap_syn_node *right = tap_syn_next(l) ? parse_expr(l, binds + 1, depth + 1) : NULL;
        if (!right)
            return NULL;
        struct tap_syn_node *sides[2] = {left, right};
        left = tap_syn_compound(l->source, TAP_SYN_N_OP, t.off, sides, 2, NULL);
        if (left)
            left->text = t.text, left->text_len = t.text_len;
        if (left && binds == 3 && precedence(l) == 3) {
            tap_syn_fail(l->source, l->token.off, "comparisons do not chain");
            return NULL;
        }
    }
    return left;
}

struct tap_syn_node *tap_syn_parse(struct tap_syn_lexer *l)
{
    return parse_expr(l, 1, 0);
}

bool tap_syn_parse_list(struct tap_syn_lexer *l, const char *closing, struct tap_syn_node ***items,
                        size_t *count)
{
    struct list list = {0};
    if (!parse_items(l, closing, false, &list, 0))
        return false;
    *items = list.items;
    *count = list.count;
    return true;
}
