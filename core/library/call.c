/* call.c: one call: its texts read, its result printed. */
#include "library/library.h"

#include "syntax/syntax.h"
#include "term/print.h"

/* ---- What is to be called */

struct reading {
    struct tap_trace *trace;
    const char *what;
};

static void mistake(void *arg, const struct tap_text *where, size_t offset, const char *sentence)
{
    const struct reading *r = arg;
    (void)where;
    TAP_ERR(r->trace->err, TAP_INVALID, NULL, "%s, character %zu: %s", r->what, offset + 1,
            sentence);
}

/* One whole value of a text. NULL: told. */
static const struct tap_syn_node *read_text(struct tap_syn_source *s, bool elixir)
{
    const struct tap_syn_node *n;
    size_t end;
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
static char *read_name(struct tap_trace *t, const char *what, const char *text, bool elixir)
{
    struct reading r = {t, what};
    struct tap_text where = {.text = text};
    struct tap_syn_arena arena = {NULL};
    struct tap_syn_source s = {.arena = &arena, .where = &where, .fail = mistake, .arg = &r};
    char *name = NULL;
    if (!text || !*text) {
        TAP_ERR(t->err, TAP_INVALID, NULL, "%s is missing", what);
    } else if (*text == '\'' || *text == ':' || is_alias(text)) {
        const struct tap_syn_node *n = read_text(&s, elixir || *text == ':' || is_alias(text));
        if (n && n->type == TAP_SYN_N_ATOM)
            name = strdup(n->text);
        else if (n && n->type == TAP_SYN_N_STRING && elixir) /* 'name' is an atom in Erlang alone */
            mistake(&r, &where, 0, "a charlist is no name: an atom is :name");
        else if (n)
            mistake(&r, &where, 0, "this is no name");
    } else {
        name = strdup(text);
    }
    if (!name && tap_error_count(t->err) == 0)
        TAP_ERR(t->err, TAP_ERROR, "core", "out of memory");
    tap_syn_arena_free(&arena);
    return name;
}

static bool read_arguments(struct tap_trace *t, const char *text, bool elixir)
{
    struct reading r = {t, "the arguments"};
    struct tap_text where = {.text = text};
    struct tap_syn_arena arena = {NULL};
    struct tap_syn_source s = {.arena = &arena, .where = &where, .fail = mistake, .arg = &r};
    const struct tap_syn_node *n = read_text(&s, elixir);
    if (n && (n->type != TAP_SYN_N_LIST || n->tail))
        mistake(&r, &where, 0, "they must be a list, such as [1, 2]");
    else if (n)
        tap_syn_encode(&s, &t->arguments, n);
    tap_syn_arena_free(&arena);
    return n && tap_error_count(t->err) == 0;
}

/* The bytes come from the caller's own program, and go into a node: one whole list. */
static bool take_arguments(struct tap_trace *t, const uint8_t *term, size_t len)
{
    struct tap_cursor c = tap_cursor(term, term ? len : 0), list;
    bool ok = tap_left(&c) > 0 && *c.p == TAP_EXT_VERSION;
    tap_read_version(&c);
    list = c;
    ok = ok && tap_skip(&c) && tap_left(&c) == 0;
    int tag = ok ? tap_peek(&list) : -1;
    if (tag != TAP_EXT_NIL && tag != TAP_EXT_STRING && tag != TAP_EXT_LIST)
        return TAP_ERR(t->err, TAP_INVALID, NULL,
                       "the arguments must be one list, as an external term"),
               false;
    tap_buf_put(&t->arguments, list.p, tap_left(&list));
    return !t->arguments.oom;
}

bool tap_library_read_call(struct tap_trace *t, const struct tap_call *call)
{
    const char *module = call->module ? call->module : "";
    bool elixir = call->syntax == TAP_SYNTAX_ELIXIR ||
                  (call->syntax == TAP_SYNTAX_AUTO && (is_alias(module) || *module == ':'));
    t->syntax = elixir ? TAP_PRINT_ELIXIR : TAP_PRINT_ERLANG;
    t->module = read_name(t, "the module", module, elixir);
    t->function = read_name(t, "the function", call->function, elixir);
    bool ok = call->arguments ? read_arguments(t, call->arguments, elixir)
                              : take_arguments(t, call->arguments_term, call->arguments_term_len);
    return ok && t->module && t->function;
}

/* ---- What came of it */

static char *printed(struct tap_trace *t, const uint8_t *term, size_t len)
{
    const struct tap_node *node = tap_session_node_facts(t->session, 0);
    struct tap_print how = {.syntax = t->syntax,
                            .printable_unicode = node && node->printable_unicode,
                            .node_name = node ? node->name_id : 0};
    const struct tap_names *names = tap_session_names(t->session);
    size_t need = tap_term_print(names, NULL, 0, term, len, &how);
    char *text = malloc(need + 1);
    if (text) {
        tap_term_print(names, text, need, term, len, &how);
        text[need] = 0;
    }
    return text;
}

static enum tap_call_end end_of(const char *kind)
{
    static const char *const kinds[] = {
        [TAP_CALL_RETURNED] = "returned", [TAP_CALL_THROW] = "throw",
        [TAP_CALL_ERROR] = "error",       [TAP_CALL_EXIT] = "exit",
        [TAP_CALL_DIED] = "died",         [TAP_CALL_TIMEOUT] = "timeout",
        [TAP_CALL_STOPPED] = "stopped"};
    for (unsigned i = TAP_CALL_RETURNED; i <= TAP_CALL_STOPPED; i++)
        if (strcmp(kinds[i], kind) == 0)
            return (enum tap_call_end)i;
    return TAP_CALL_NONE;
}

/* {Reason, Stack} into its parts. */
static bool exception_parts(const uint8_t *term, size_t len, size_t *reason_off, size_t *reason_len)
{
    struct tap_cursor c = tap_cursor(term, len);
    uint32_t arity;
    if (!tap_read_tuple(&c, &arity) || arity != 2)
        return false;
    *reason_off = (size_t)(c.p - term);
    if (!tap_skip(&c))
        return false;
    *reason_len = (size_t)(c.p - term) - *reason_off;
    return true;
}

void tap_trace_result(struct tap_trace *t, struct tap_call_result *r)
{
    const char *kind;
    const uint8_t *term;
    size_t len, off = 0, part;
    *r = (struct tap_call_result){.text = "", .stack = ""};
    if (!tap_trace_wait(t, 0) || !tap_session_call_result(t->session, &kind, &term, &len) ||
        len < 2)
        return;
    r->end = end_of(kind);
    if (r->end == TAP_CALL_NONE || r->end == TAP_CALL_TIMEOUT || r->end == TAP_CALL_STOPPED)
        return;
    term++, len--; /* the version byte */
    part = len;
    bool exception =
        r->end == TAP_CALL_THROW || r->end == TAP_CALL_ERROR || r->end == TAP_CALL_EXIT;
    bool parts = exception && exception_parts(term, len, &off, &part);
    pthread_mutex_lock(&t->lock);
    if (!t->result)
        t->result = printed(t, term + off, part);
    if (!t->stack && parts)
        t->stack = printed(t, term + off + part, len - off - part);
    r->text = t->result ? t->result : "";
    r->stack = t->stack ? t->stack : "";
    pthread_mutex_unlock(&t->lock);
    r->term = term + off;
    r->term_len = part;
}

enum tap_status tap_trace_call(const struct tap_trace_options *options, const struct tap_call *call,
                               struct tap_trace **trace, struct tap_call_result *result, char **why)
{
    struct tap_trace_options with = *options;
    with.call = call;
    *result = (struct tap_call_result){.text = "", .stack = ""};
    enum tap_status status = tap_trace_start(&with, trace, why);
    if (status != TAP_OK)
        return status;
    tap_trace_wait(*trace, -1);
    tap_trace_result(*trace, result);
    return tap_trace_stop(*trace, why);
}
