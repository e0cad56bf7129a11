/* check.c: would the VM take this match spec? Said before any node is asked, with the place of each
 * mistake.
 *
 * What is known here was read off erl_db_util.c and tried on a node: functions with their numbers
 * of arguments, where they may stand, and since which release. A function that only newer releases
 * have passes with a warning: the node may be one of those.
 *
 * Actions that outlive the run are refused, by the agent too: before OTP 27 silent and
 * disable_trace act on the process, for every tool that traces it. Since 27 they act on the session
 * alone, but which release will answer is not known here, a run may have nodes of both, and what
 * they hide would be missing from the events without being counted.
 */
#include "filters/match_spec/spec.h"
#include "syntax/suggest.h"

enum {
    IN_GUARD = 1,
    IN_BODY = 2,
    NO_SEND = 4,
    NO_RECEIVE = 8,
    FOREIGN = 16,
    ONLY_CALLS = NO_SEND | NO_RECEIVE
};
enum { EVERYWHERE = IN_GUARD | IN_BODY, MANY = 255 };

struct function {
    const char *name;
    unsigned char least, most; /* arguments */
    unsigned char where;
    unsigned char since; /* OTP release; 0: every supported one */
};
static const struct function functions[] = {
    {"is_atom", 1, 1, EVERYWHERE, 0},
    {"is_float", 1, 1, EVERYWHERE, 0},
    {"is_integer", 1, 1, EVERYWHERE, 0},
    {"is_list", 1, 1, EVERYWHERE, 0},
    {"is_number", 1, 1, EVERYWHERE, 0},
    {"is_pid", 1, 1, EVERYWHERE, 0},
    {"is_port", 1, 1, EVERYWHERE, 0},
    {"is_reference", 1, 1, EVERYWHERE, 0},
    {"is_tuple", 1, 1, EVERYWHERE, 0},
    {"is_map", 1, 1, EVERYWHERE, 0},
    {"is_map_key", 2, 2, EVERYWHERE, 0},
    {"is_binary", 1, 1, EVERYWHERE, 0},
    {"is_function", 1, 1, EVERYWHERE, 0},
    {"is_function", 2, 2, EVERYWHERE, 26},
    {"is_record", 3, 3, EVERYWHERE, 0},
    {"is_seq_trace", 0, 0, EVERYWHERE | NO_RECEIVE, 0},
    {"and", 1, MANY, EVERYWHERE, 0},
    {"or", 1, MANY, EVERYWHERE, 0},
    {"andalso", 1, MANY, EVERYWHERE, 0},
    {"orelse", 1, MANY, EVERYWHERE, 0},
    {"not", 1, 1, EVERYWHERE, 0},
    {"xor", 2, 2, EVERYWHERE, 0},
    {"abs", 1, 1, EVERYWHERE, 0},
    {"element", 2, 2, EVERYWHERE, 0},
    {"hd", 1, 1, EVERYWHERE, 0},
    {"tl", 1, 1, EVERYWHERE, 0},
    {"length", 1, 1, EVERYWHERE, 0},
    {"size", 1, 1, EVERYWHERE, 0},
    {"tuple_size", 1, 1, EVERYWHERE, 26},
    {"map_size", 1, 1, EVERYWHERE, 0},
    {"map_get", 2, 2, EVERYWHERE, 0},
    {"bit_size", 1, 1, EVERYWHERE, 0},
    {"byte_size", 1, 1, EVERYWHERE, 0},
    {"binary_part", 2, 3, EVERYWHERE, 0},
    {"round", 1, 1, EVERYWHERE, 0},
    {"trunc", 1, 1, EVERYWHERE, 0},
    {"float", 1, 1, EVERYWHERE, 0},
    {"ceil", 1, 1, EVERYWHERE, 26},
    {"floor", 1, 1, EVERYWHERE, 26},
    {"max", 2, 2, EVERYWHERE, 26},
    {"min", 2, 2, EVERYWHERE, 26},
    {"node", 0, 1, EVERYWHERE, 0},
    {"self", 0, 0, EVERYWHERE, 0},
    {"get_tcw", 0, 0, EVERYWHERE, 0},
    {"+", 1, 2, EVERYWHERE, 0},
    {"-", 1, 2, EVERYWHERE, 0},
    {"*", 2, 2, EVERYWHERE, 0},
    {"/", 2, 2, EVERYWHERE, 0},
    {"div", 2, 2, EVERYWHERE, 0},
    {"rem", 2, 2, EVERYWHERE, 0},
    {"band", 2, 2, EVERYWHERE, 0},
    {"bor", 2, 2, EVERYWHERE, 0},
    {"bxor", 2, 2, EVERYWHERE, 0},
    {"bnot", 1, 1, EVERYWHERE, 0},
    {"bsl", 2, 2, EVERYWHERE, 0},
    {"bsr", 2, 2, EVERYWHERE, 0},
    {"<", 2, 2, EVERYWHERE, 0},
    {">", 2, 2, EVERYWHERE, 0},
    {"=<", 2, 2, EVERYWHERE, 0},
    {">=", 2, 2, EVERYWHERE, 0},
    {"==", 2, 2, EVERYWHERE, 0},
    {"/=", 2, 2, EVERYWHERE, 0},
    {"=:=", 2, 2, EVERYWHERE, 0},
    {"=/=", 2, 2, EVERYWHERE, 0},
    {"message", 1, 1, IN_BODY, 0},
    {"display", 1, 1, IN_BODY, 0},
    {"set_tcw", 1, 1, IN_BODY | FOREIGN, 0},
    {"return_trace", 0, 0, IN_BODY | ONLY_CALLS, 0},
    {"exception_trace", 0, 0, IN_BODY | ONLY_CALLS, 0},
    {"caller", 0, 0, IN_BODY | ONLY_CALLS, 0},
    {"caller_line", 0, 0, IN_BODY | ONLY_CALLS, 0},
    {"current_stacktrace", 0, 1, IN_BODY | ONLY_CALLS, 26},
    {"process_dump", 0, 0, IN_BODY | NO_RECEIVE, 0},
    {"silent", 1, 1, IN_BODY | NO_RECEIVE | FOREIGN, 0},
    {"enable_trace", 1, 2, IN_BODY | NO_RECEIVE | FOREIGN, 0},
    {"disable_trace", 1, 2, IN_BODY | NO_RECEIVE | FOREIGN, 0},
    {"trace", 2, 3, IN_BODY | NO_RECEIVE | FOREIGN, 0},
    {"get_seq_token", 0, 0, IN_BODY | NO_RECEIVE, 0},
    {"set_seq_token", 2, 2, IN_BODY | NO_RECEIVE | FOREIGN, 0},
};
enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

struct checker {
    struct tap_syn_source *source;
    enum ms_target target;
    uint32_t *bound; /* numbers of the variables that the head binds */
    size_t bound_count, bound_cap;
    unsigned where; /* IN_GUARD or IN_BODY */
    bool bare;      /* the head matches a call without arguments, too */
    uint32_t flags; /* TAP_PLAN_... that the bodies ask for */
};

bool tap_ms_is_variable(const struct tap_syn_node *n, uint32_t *number)
{
    if (n->type != TAP_SYN_N_ATOM || n->text_len < 2 || n->text_len > 10 || n->text[0] != '$')
        return false;
    if (n->text[1] == '0' && n->text_len > 2)
        return false;
    *number = 0;
    for (size_t i = 1; i < n->text_len; i++) {
        if (n->text[i] < '0' || n->text[i] > '9')
            return false;
        *number = *number * 10 + (uint32_t)(n->text[i] - '0');
    }
    return true;
}

static bool is_atom(const struct tap_syn_node *n, const char *text)
{
    return n->type == TAP_SYN_N_ATOM && strcmp(n->text, text) == 0;
}

static bool is_bound(const struct checker *c, uint32_t number)
{
    for (size_t i = 0; i < c->bound_count; i++)
        if (c->bound[i] == number)
            return true;
    return false;
}

static bool bind_number(struct checker *c, uint32_t number)
{
    if (is_bound(c, number))
        return true;
    if (c->bound_count == c->bound_cap) {
        size_t cap = c->bound_cap ? c->bound_cap * 2 : 8;
        uint32_t *more = tap_syn_alloc(c->source->arena, cap * sizeof *more);
        if (!more)
            return tap_syn_fail_oom(c->source);
        for (size_t i = 0; i < c->bound_count; i++)
            more[i] = c->bound[i];
        c->bound = more;
        c->bound_cap = cap;
    }
    c->bound[c->bound_count++] = number;
    return true;
}

/* ---- Heads */

static bool check_pattern(struct checker *c, const struct tap_syn_node *n)
{
    uint32_t number;
    if (tap_ms_is_variable(n, &number))
        return bind_number(c, number);
    for (size_t i = 0; i < n->count; i++) {
        bool key = n->type == TAP_SYN_N_MAP && i % 2 == 0;
        if (key && (tap_ms_is_variable(n->items[i], &number) || is_atom(n->items[i], "_")))
            return tap_syn_fail(c->source, n->items[i]->off,
                                "the key of a map in a head must be a constant");
        if (!key && !check_pattern(c, n->items[i]))
            return false;
    }
    return !n->tail || check_pattern(c, n->tail);
}

static bool check_head(struct checker *c, const struct tap_syn_node *head, int arity)
{
    static const char *const of_messages[] = {"a list of arguments", "[To, Message]",
                                              "[Node, Sender, Message]"};
    int wanted = c->target == MS_SENDS ? 2 : c->target == MS_RECEIVES ? 3 : arity;
    uint32_t number;
    if (is_atom(head, "_"))
        return true;
    if (tap_ms_is_variable(head, &number))
        return bind_number(c, number);
    if (head->type != TAP_SYN_N_LIST || head->tail)
        return tap_syn_fail(c->source, head->off, "a head is '_', a variable like '$1', or %s",
                            of_messages[c->target]);
    if (wanted >= 0 && head->count != (size_t)wanted) {
        if (c->target != MS_CALLS)
            return tap_syn_fail(c->source, head->off,
                                "this head has %zu elements, but it is matched with %s",
                                head->count, of_messages[c->target]);
        return tap_syn_fail(c->source, head->off,
                            "this head has %zu elements, but the function has %d argument%s",
                            head->count, arity, arity == 1 ? "" : "s");
    }
    return check_pattern(c, head);
}

/* ---- Guards and bodies */

static bool unknown_function(struct checker *c, const struct tap_syn_node *name)
{
    const char *names[FUNCTIONS];
    size_t n = 0;
    for (size_t i = 0; i < FUNCTIONS; i++)
        if (functions[i].where & c->where)
            names[n++] = functions[i].name;
    const char *near = tap_suggest(name->text, names, n);
    const char *what = c->where == IN_GUARD ? "guard function" : "function or action";
    if (near)
        return tap_syn_fail(c->source, name->off, "unknown %s '%s' (did you mean '%s'?)", what,
                            name->text, near);
    return tap_syn_fail(c->source, name->off, "unknown %s '%s'", what, name->text);
}

/* The function with so many arguments, or any of that name when none has; NULL: there is none of
 * that name. */
static const struct function *find_function(const char *name, size_t arguments)
{
    const struct function *any = NULL;
    for (size_t i = 0; i < FUNCTIONS; i++) {
        const struct function *f = &functions[i];
        if (strcmp(f->name, name) != 0)
            continue;
        if (arguments >= f->least && (f->most == MANY || arguments <= f->most))
            return f;
        any = f;
    }
    return any;
}

static bool check_function(struct checker *c, const struct tap_syn_node *name, size_t arguments)
{
    static const char *const event[] = {"call", "send", "receive"};
    const struct function *f = find_function(name->text, arguments);
    if (!f)
        return unknown_function(c, name);
    if (arguments < f->least || (f->most != MANY && arguments > f->most))
        return tap_syn_fail(c->source, name->off, "'%s' takes %s%d argument%s, not %zu", f->name,
                            f->most == MANY      ? "at least "
                            : f->least < f->most ? "up to "
                                                 : "",
                            f->most == MANY ? f->least : f->most,
                            (f->most == MANY ? f->least : f->most) == 1 ? "" : "s", arguments);
    if (!(f->where & c->where))
        return tap_syn_fail(c->source, name->off, "'%s' is an action: it cannot stand in a guard",
                            f->name);
    if ((c->target == MS_SENDS && f->where & NO_SEND) ||
        (c->target == MS_RECEIVES && f->where & NO_RECEIVE))
        return tap_syn_fail(c->source, name->off, "'%s' cannot be used with %s", f->name,
                            event[c->target]);
    if (f->where & FOREIGN)
        return tap_syn_fail(
            c->source, name->off,
            "'%s' would change the node beyond this run, and what other tools trace", f->name);
    if (f->since) {
        const struct tap_host *host = c->source->arg;
        host->log(host, TAP_LOG_WARNING, "'%s' needs a node of OTP %d or later", f->name, f->since);
    }
    if (strcmp(f->name, "return_trace") == 0)
        c->flags |= TAP_PLAN_RETURN;
    else if (strcmp(f->name, "exception_trace") == 0)
        c->flags |= TAP_PLAN_EXCEPTION;
    else if (strcmp(f->name, "caller") == 0)
        c->flags |= TAP_PLAN_CALLER;
    return true;
}

static bool check_expr(struct checker *c, const struct tap_syn_node *n);

static bool check_items(struct checker *c, const struct tap_syn_node *n, size_t from)
{
    for (size_t i = from; i < n->count; i++)
        if (!check_expr(c, n->items[i]))
            return false;
    return !n->tail || check_expr(c, n->tail);
}

static bool check_expr(struct checker *c, const struct tap_syn_node *n)
{
    uint32_t number;
    if (tap_ms_is_variable(n, &number))
        return is_bound(c, number) ||
               tap_syn_fail(c->source, n->off, "'%s' is not bound in the head", n->text);
    if (c->bare && is_atom(n, "$_")) /* tried on OTP 25: it ends with a segmentation fault, later */
        return tap_syn_fail(c->source, n->off,
                            "of a call without arguments '$_' overwrites memory of the node: write "
                            "'$1' as the head, and here");
    if (n->type != TAP_SYN_N_TUPLE)
        return check_items(c, n, 0);
    if (n->count == 1 && n->items[0]->type == TAP_SYN_N_TUPLE)
        return check_items(c, n->items[0], 0);
    if (n->count == 0 || n->items[0]->type != TAP_SYN_N_ATOM)
        return tap_syn_fail(c->source, n->off,
                            "this is not a function call; a tuple is written {{...}}");
    if (n->count == 2 && c->where == IN_BODY && is_atom(n->items[0], "const") &&
        is_atom(n->items[1], MS_STACK))
        c->flags |= TAP_PLAN_STACK;
    if (is_atom(n->items[0], "const"))
        return n->count == 2 || tap_syn_fail(c->source, n->items[0]->off,
                                             "'const' takes 1 argument, not %zu", n->count - 1);
    return check_function(c, n->items[0], n->count - 1) && check_items(c, n, 1);
}

static bool check_exprs(struct checker *c, const struct tap_syn_node *n, unsigned where)
{
    c->where = where;
    if (n->type != TAP_SYN_N_LIST || n->tail)
        return tap_syn_fail(c->source, n->off, "expected a list of %s",
                            where == IN_GUARD ? "conditions" : "actions");
    return check_items(c, n, 0);
}

bool tap_ms_check(struct tap_syn_source *s, enum ms_target target, int arity,
                  const struct tap_syn_node *spec, uint32_t *flags)
{
    struct checker c = {.source = s, .target = target};
    if (spec->type != TAP_SYN_N_LIST || spec->tail || spec->count == 0)
        return tap_syn_fail(s, spec->off,
                            "a match spec is a list of {Head, Conditions, Body}, and not empty");
    for (size_t i = 0; i < spec->count; i++) {
        const struct tap_syn_node *clause = spec->items[i];
        c.bound_count = 0;
        if (clause->type != TAP_SYN_N_TUPLE || clause->count != 3)
            return tap_syn_fail(s, clause->off,
                                "each part of a match spec is a tuple {Head, Conditions, Body}");
        bool any = clause->items[0]->type != TAP_SYN_N_LIST;
        c.bare = target == MS_CALLS && (any ? arity <= 0 : clause->items[0]->count == 0);
        if (!check_head(&c, clause->items[0], arity) ||
            !check_exprs(&c, clause->items[1], IN_GUARD) ||
            !check_exprs(&c, clause->items[2], IN_BODY))
            return false;
    }
    *flags |= c.flags;
    return true;
}
