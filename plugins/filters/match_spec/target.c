/* target.c: which function (or send, or receive) a configured line speaks of.
 *
 * Names are read character by character, since they may be Elixir's (Shop.Cart.empty?/1) or have
 * wildcards (shop_*:add/2), which are no tokens of Erlang. How the function is written says which
 * syntax the rest of the line has: Shop.Cart.add(...) and :lists.map(...) are Elixir's.
 */
#include "filters/common/name.h"
#include "filters/match_spec/spec.h"
#include "syntax/chars.h"
#include "syntax/elixir.h"

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

/* A name in quotes at *at, as Erlang has it in single ones and Elixir in double ones, and past it.
 * NULL: reported. */
static const char *read_quoted(struct tap_syn_source *s, size_t *at)
{
    if (s->where->text[*at] == '"') {
        struct tap_syn_elixir x = tap_syn_elixir_begin(s, *at);
        const struct tap_syn_node *n = tap_syn_elixir_quoted(&x, TAP_SYN_N_ATOM, *at);
        *at = x.pos;
        return n ? n->text : NULL;
    }
    struct tap_syn_lexer l = {.source = s, .pos = *at};
    if (!tap_syn_next(&l))
        return NULL;
    *at = l.token.end;
    return l.token.text;
}

/* How a module is written: module, Shop.Cart, :module. */
enum written { PLAIN, ALIAS, COLON };

/* A module or a piece of one up to the sign before the function. */
static const char *read_module(struct tap_syn_source *s, size_t *at, enum written *as)
{
    const char *t = s->where->text;
    bool colon = t[*at] == ':';
    size_t from = *at += colon, to = from;
    *as = colon ? COLON : PLAIN;
    if (t[from] == '\'' || (colon && t[from] == '"'))
        return read_quoted(s, at);
    while (tap_syn_elixir_is_word(t + to) || t[to] == '*' || (t[to] == '?' && to > from) ||
           (t[to] == '.' && (tap_name_is_upper(t[to + 1]) || t[to + 1] == '*') && to > from &&
            !(t[to + 1] == '*' && t[to + 2] != ':' && t[to + 2] != '.')))
        to += tap_syn_char_len(t + to);
    if (to == from || (t[from] >= '0' && t[from] <= '9') || t[from] == '@') {
        tap_syn_fail(s, from, "expected module:function, send or receive");
        return NULL;
    }
    *at = to;
    bool alias = !colon && tap_syn_char_is_upper(t + from);
    *as = alias ? ALIAS : *as;
    return copy_text(s, alias && strncmp(t + from, TAP_FILTER_ELIXIR, 7) ? TAP_FILTER_ELIXIR : "",
                     from, to);
}

/* The function at *at, and past it: *function is NULL for any. */
static bool read_function(struct tap_syn_source *s, size_t *at, bool elixir, const char **function)
{
    const char *t = s->where->text;
    size_t from = *at, to = from;
    *function = NULL;
    if (t[from] == (elixir ? '"' : '\'')) {
        *function = read_quoted(s, at);
        if (*function && !strcmp(*function, "_") && !elixir)
            *function = NULL;
        return !s->failed;
    }
    if (t[from] == '*' || (t[from] == '_' && !tap_syn_elixir_is_word(t + from + 1))) {
        *at = from + 1;
        return true;
    }
    while (tap_syn_elixir_is_word(t + to))
        to += tap_syn_char_len(t + to);
    if (to == from || tap_syn_char_is_upper(t + from) || (t[from] >= '0' && t[from] <= '9') ||
        t[from] == '@')
        return tap_syn_fail(s, from,
                            "expected a function: a name, a name in %s quotes, or * for any",
                            elixir ? "double" : "single");
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

/* Of sends and receives, which have no module: is there something that only Elixir has? An atom
 * with a colon, a map with %, a sigil, a key. */
static bool has_elixir(const char *t)
{
    char before = ' ';
    bool blank = true; /* directly before */
    for (; *t; t++) {
        bool next = tap_syn_elixir_is_word(t + 1) && !(t[1] >= '0' && t[1] <= '9');
        if (*t == '"' || *t == '\'') {
            if (*t == '"' && before == ':' && !blank)
                return true;
            for (char quote = *t++; *t && *t != quote; t++)
                t += *t == '\\' && t[1];
            if (!*t)
                return false;
        }
        if ((*t == '$' || (*t == '?' && !tap_syn_elixir_is_word(&before))) && t[1])
            t++; /* a character */
        if (*t == '%' && (t[1] == '{' || tap_name_is_upper(t[1])))
            return true;
        if (*t == '~' && next)
            return true;
        bool word = tap_syn_elixir_is_word(&before);
        if (*t == ':' && next && !word)
            return true;
        if (*t == ':' && word && !blank && strchr(" \t", t[1]) && t[1])
            return true;
        blank = *t == ' ' || (*t >= '\t' && *t <= '\r');
        if (!blank)
            before = (unsigned char)*t < 0x80 ? *t : 'x';
    }
    return false;
}

/* A whole module, or what follows it. */
static bool read_called(struct tap_syn_source *s, struct ms_entry *e, size_t *at, enum written as)
{
    const char *t = s->where->text;
    *at = after_blank(t, *at);
    size_t function_at = *at;
    bool whole = is_whole_module(t + *at);
    e->elixir = as != PLAIN && (whole || t[*at] == '.');
    if (!whole && !e->elixir && (as == COLON || t[*at] != ':'))
        return tap_syn_fail(s, *at, "expected %s and a function after the module",
                            as == ALIAS   ? "'.' or ':'"
                            : as == COLON ? "'.'"
                                          : "':'");
    if (whole)
        return true;
    *at = function_at = after_blank(t, *at + 1);
    if (!read_function(s, at, e->elixir, &e->function) || !read_arity(s, at, &e->arity))
        return false;
    return e->function || e->arity < 0 ||
           tap_syn_fail(s, function_at, "an arity needs the name of a function");
}

/* A bare name that has both a wildcard module and a function is left to the node to resolve. */
bool tap_ms_read_target(struct tap_syn_source *s, struct ms_entry *e, size_t *at)
{
    const char *t = s->where->text;
    enum written as;
    if (strlen(t) > MAX_TEXT)
        return tap_syn_fail(s, 0, "this is longer than %u bytes", MAX_TEXT);
    *e = (struct ms_entry){.arity = -1, .flags = TAP_PLAN_EXACT, .where = s->where};
    *at = after_blank(t, *at);
    if (is_form(t, *at, "send") || is_form(t, *at, "receive")) {
        e->target = t[*at] == 's' ? MS_SENDS : MS_RECEIVES;
        *at += t[*at] == 's' ? 4 : 7;
        e->elixir = has_elixir(t + *at);
        return true;
    }
    if (!(e->module = read_module(s, at, &as)) || !read_called(s, e, at, as))
        return false;
    if (!strcmp(e->module, "_") || !strcmp(e->module, "*"))
        e->module = e->function ? "*" : NULL;
    if (e->module && !strpbrk(e->module, "*?"))
        e->flags |= TAP_PLAN_NAMED;
    return true;
}
