/* call_args.c: a call's texts are read by syntax/; a mistake names the text and the character. */
#include "library/call_args.h"

#include <stdlib.h>
#include <string.h>

#include "beamtap/plan.h"
#include "syntax/syntax.h"

struct reading {
    struct tap_error *err;
    const char *what;
};

static void mistake(void *arg, const struct tap_text *where, size_t offset, const char *sentence)
{
    const struct reading *r = arg;
    (void)where;
    TAP_ERR(r->err, TAP_INVALID, NULL, "%s, character %zu: %s", r->what, offset + 1, sentence);
}

/* One whole value of a text. NULL: told. */
static const struct tap_syn_node *read_text(struct tap_syn_source *s, bool elixir)
{
    const struct tap_syn_node *n;
    size_t end = 0;
    if (elixir) {
        n = tap_syn_parse_elixir(s, &end);
        if (n && s->where->text[end])
            return tap_syn_fail(s, end, "something follows the value"), NULL;
        return n;
    }
    struct tap_syn_lexer l;
    n = tap_syn_lexer_begin(&l, s, 0) ? tap_syn_parse(&l) : NULL;
    if (n && l.token.type != TAP_SYN_END)
        return tap_syn_unexpected(&l, "the end of the text"), NULL;
    return n;
}

static bool is_alias(const char *text)
{
    return *text >= 'A' && *text <= 'Z';
}

/* A name as the node has it. Plain words need no quotes, whatever characters follow: add, valid?,
 * 'my mod', :"my mod". */
static char *read_name(struct tap_error *err, const char *what, const char *text, bool elixir)
{
    struct reading r = {err, what};
    struct tap_text where = {.text = text};
    struct tap_syn_arena arena = {NULL};
    struct tap_syn_source s = {.arena = &arena, .where = &where, .fail = mistake, .arg = &r};
    char *name = NULL;
    if (!text || !*text) {
        TAP_ERR(err, TAP_INVALID, NULL, "%s is missing", what);
    } else if (*text == '\'' || *text == ':' || is_alias(text)) {
        const struct tap_syn_node *n = read_text(&s, elixir || *text == ':' || is_alias(text));
        if (n && n->type == TAP_SYN_N_ATOM)
            name = strdup(n->text);
        else if (n && n->type == TAP_SYN_N_STRING && elixir) /* 'name' is an atom in Erlang alone */
            mistake(&r, &where, 0, "a charlist is not a name: an atom is :name");
        else if (n)
            mistake(&r, &where, 0, "this is not a name");
    } else {
        name = strdup(text);
    }
    if (!name && tap_error_count(err) == 0)
        TAP_ERR(err, TAP_ERROR, "core", "out of memory");
    tap_syn_arena_free(&arena);
    return name;
}

static bool read_arguments(struct tap_call_args *a, struct tap_error *err, const char *text,
                           bool elixir)
{
    struct reading r = {err, "the arguments"};
    struct tap_text where = {.text = text};
    struct tap_syn_arena arena = {NULL};
    struct tap_syn_source s = {
        .arena = &arena, .where = &where, .fail = mistake, .arg = &r, .home = TAP_PLAN_HOME};
    const struct tap_syn_node *n = read_text(&s, elixir);
    if (n && (n->type != TAP_SYN_N_LIST || n->tail))
        mistake(&r, &where, 0, "they must be a list, such as [1, 2]");
    else if (n)
        tap_syn_encode(&s, &a->arguments, n);
    tap_syn_arena_free(&arena);
    return n && tap_error_count(err) == 0;
}

/* The bytes come from the caller's own program, and go into a node: one whole list. */
static bool take_arguments(struct tap_call_args *a, struct tap_error *err, const uint8_t *term,
                           size_t len)
{
    struct tap_cursor c = tap_cursor(term, term ? len : 0), list;
    bool ok = tap_left(&c) > 0 && *c.p == TAP_EXT_VERSION;
    tap_read_version(&c);
    list = c;
    ok = ok && tap_skip(&c) && tap_left(&c) == 0;
    int tag = ok ? tap_peek(&list) : -1;
    if (tag != TAP_EXT_NIL && tag != TAP_EXT_STRING && tag != TAP_EXT_LIST)
        return TAP_ERR(err, TAP_INVALID, NULL,
                       "the arguments must be one list, as an external term"),
               false;
    tap_buf_put(&a->arguments, list.p, tap_left(&list));
    return !a->arguments.oom;
}

bool tap_call_args_read(struct tap_call_args *a, const struct tap_call *call, struct tap_error *err)
{
    const char *module = call->module ? call->module : "";
    bool elixir = call->syntax == TAP_SYNTAX_ELIXIR ||
                  (call->syntax == TAP_SYNTAX_AUTO && (is_alias(module) || *module == ':'));
    a->syntax = elixir ? TAP_PRINT_ELIXIR : TAP_PRINT_ERLANG;
    a->module = read_name(err, "the module", module, elixir);
    a->function = read_name(err, "the function", call->function, elixir);
    bool ok = call->arguments
                  ? read_arguments(a, err, call->arguments, elixir)
                  : take_arguments(a, err, call->arguments_term, call->arguments_term_len);
    return ok && a->module && a->function;
}

void tap_call_args_free(struct tap_call_args *a)
{
    tap_buf_free(&a->arguments);
    free(a->module);
    free(a->function);
}
