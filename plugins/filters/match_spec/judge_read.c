/* judge_read.c: a match spec, as bytes, into the nodes that judge.c goes over. */
#include "filters/match_spec/judge.h"

enum { SPEC_DEPTH = 250 };

struct reading {
    struct tap_syn_arena *arena;
    struct ms_judge *judge;
    struct ms_clause *clause;
    uint32_t variable_cap;
};

static bool read_node(struct reading *, struct tap_cursor *, bool guard, unsigned depth,
                      struct ms_node *);

/* ---- Variables */

/* '$1' -> 1 */
static bool variable_number(const struct ms_value *v, uint32_t *number)
{
    if (v->type != MS_ATOM || v->length < 2 || v->length > 10 || v->p[0] != '$' ||
        (v->p[1] == '0' && v->length > 2))
        return false;
    *number = 0;
    for (uint32_t i = 1; i < v->length; i++) {
        if (v->p[i] < '0' || v->p[i] > '9')
            return false;
        *number = *number * 10 + (v->p[i] - '0');
    }
    return true;
}

/* Of a head: its number among the others, for '$$' lists them in their order. */
static bool add_variable(struct reading *r, uint32_t number)
{
    struct ms_clause *c = r->clause;
    uint32_t at = 0;
    while (at < c->variable_count && c->variables[at] < number)
        at++;
    if (at < c->variable_count && c->variables[at] == number)
        return true;
    if (c->variable_count == r->variable_cap) {
        uint32_t cap = r->variable_cap * 2 + 8;
        uint32_t *more = tap_syn_alloc(r->arena, cap * sizeof *more);
        if (!more)
            return false;
        if (c->variable_count)
            memcpy(more, c->variables, c->variable_count * sizeof *more);
        c->variables = more;
        r->variable_cap = cap;
    }
    memmove(c->variables + at + 1, c->variables + at,
            (c->variable_count - at) * sizeof *c->variables);
    c->variables[at] = number;
    c->variable_count++;
    return true;
}

static bool find_variable(const struct ms_clause *c, uint32_t number, uint32_t *slot)
{
    for (*slot = 0; *slot < c->variable_count; ++*slot)
        if (c->variables[*slot] == number)
            return true;
    return false;
}

/* All variables of a head, before any gets its slot. */
static bool collect(struct reading *r, struct tap_cursor *c, unsigned depth)
{
    struct ms_value v = ms_value_read(c);
    uint32_t number;
    if (depth > SPEC_DEPTH)
        return false;
    if (variable_number(&v, &number))
        return add_variable(r, number) && tap_skip(c);
    if (v.source != MS_TERM || (v.type != MS_TUPLE && v.type != MS_LIST && v.type != MS_MAP))
        return tap_skip(c);
    uint32_t n = v.type == MS_MAP ? v.length * 2 : v.length + (v.type == MS_LIST);
    c->p = v.p;
    for (uint32_t i = 0; i < n; i++)
        if (v.type == MS_MAP && i % 2 == 0 ? !tap_skip(c) : !collect(r, c, depth + 1))
            return false;
    return true;
}

/* ---- Nodes */

static struct ms_node *make_nodes(struct reading *r, uint32_t n)
{
    return tap_syn_alloc(r->arena, (n ? n : 1) * sizeof(struct ms_node));
}

/* `n` nodes from the cursor on, and past them. */
static const struct ms_node *read_nodes(struct reading *r, struct tap_cursor *c, uint32_t n,
                                        bool guard, unsigned depth)
{
    struct ms_node *nodes = tap_left(c) >= n ? make_nodes(r, n) : NULL;
    for (uint32_t i = 0; nodes && i < n; i++)
        if (!read_node(r, c, guard, depth + 1, &nodes[i]))
            return NULL;
    return nodes;
}

static bool constant(struct tap_cursor *c, const struct ms_value *v, struct ms_node *node)
{
    *node = (struct ms_node){.type = MS_N_CONSTANT, .value = *v};
    return v->type != MS_UNKNOWN && tap_skip(c);
}

/* In a head a map's keys stand for themselves; elsewhere they are expressions, as its values. */
static bool read_map(struct reading *r, struct tap_cursor *c, const struct ms_value *v, bool guard,
                     unsigned depth, struct ms_node *node)
{
    struct ms_node *nodes = tap_left(c) / 2 >= v->length ? make_nodes(r, v->length * 2) : NULL;
    bool computed = false;
    if (!nodes)
        return false;
    c->p = v->p;
    for (uint32_t i = 0; i < v->length; i++) {
        struct ms_value key = ms_value_read(c);
        bool read = guard ? read_node(r, c, true, depth + 1, &nodes[i * 2])
                          : constant(c, &key, &nodes[i * 2]);
        if (!read || !read_node(r, c, guard, depth + 1, &nodes[i * 2 + 1]))
            return false;
        computed |= key.type == MS_TUPLE || nodes[i * 2].type != MS_N_CONSTANT;
    }
    *node = (struct ms_node){
        .type = MS_N_MAP, .count = v->length, .computed = guard && computed, .items = nodes};
    return true;
}

static bool read_items(struct reading *r, struct tap_cursor *c, const struct ms_value *v,
                       enum ms_node_type type, bool guard, unsigned depth, struct ms_node *node)
{
    c->p = v->p;
    node->type = type;
    node->count = v->length;
    node->items = read_nodes(r, c, v->length + (type == MS_N_LIST), guard, depth);
    return node->items;
}

/* ---- Guards */

/* {Name, Arguments...}, after the name. */
static bool read_call(struct reading *r, struct tap_cursor *c, const struct ms_value *name,
                      uint32_t count, unsigned depth, struct ms_node *node)
{
    const char *text = (const char *)name->p;
    *node = (struct ms_node){.type = MS_N_CALL, .count = count};
    if (!(node->items = read_nodes(r, c, count, true, depth)))
        return false;
    if (ms_value_is_atom(name, "andalso"))
        node->type = MS_N_AND;
    else if (ms_value_is_atom(name, "orelse"))
        node->type = MS_N_OR;
    else if (!(node->function = tap_ms_function(text, name->length, count)) &&
             !(node->function = tap_ms_arithmetic(text, name->length, count))) {
        char *copy = tap_syn_alloc(r->arena, name->length + 1);
        if (!copy)
            return false;
        memcpy(copy, text, name->length);
        r->judge->unknown = copy;
    }
    return true;
}

/* {{...}}, {const, X} or a call. */
static bool read_guard_tuple(struct reading *r, struct tap_cursor *c, const struct ms_value *v,
                             unsigned depth, struct ms_node *node)
{
    struct tap_cursor at = tap_cursor(v->p, (size_t)(v->end - v->p));
    if (v->length == 0)
        return false;
    struct ms_value first = ms_value_read(&at);
    if (v->length == 1 && first.type == MS_TUPLE) {
        bool read = read_items(r, &at, &first, MS_N_TUPLE, true, depth, node);
        c->p = at.p;
        return read;
    }
    if (first.type != MS_ATOM || !tap_skip(&at))
        return false;
    if (v->length == 2 && ms_value_is_atom(&first, "const")) {
        struct ms_value value = ms_value_read(&at);
        bool read = constant(&at, &value, node);
        c->p = at.p;
        return read;
    }
    bool read = read_call(r, &at, &first, v->length - 1, depth, node);
    c->p = at.p;
    return read;
}

/* An atom of a head or a guard that stands for something else; false: for itself. */
static bool read_special(const struct reading *r, const struct ms_value *v, bool guard,
                         struct ms_node *node)
{
    uint32_t number;
    *node = (struct ms_node){.type = MS_N_ANY};
    if (!guard && ms_value_is_atom(v, "_"))
        return true;
    if (variable_number(v, &number)) {
        node->type = MS_N_VARIABLE;
        return find_variable(r->clause, number, &node->slot);
    }
    node->type = ms_value_is_atom(v, "$_") ? MS_N_WHOLE : MS_N_BINDINGS;
    return guard && (node->type == MS_N_WHOLE || ms_value_is_atom(v, "$$"));
}

static bool read_node(struct reading *r, struct tap_cursor *c, bool guard, unsigned depth,
                      struct ms_node *node)
{
    struct ms_value v = ms_value_read(c);
    if (depth > SPEC_DEPTH)
        return false;
    if (v.type == MS_ATOM && read_special(r, &v, guard, node))
        return tap_skip(c);
    *node = (struct ms_node){0};
    if (v.type == MS_TUPLE && guard)
        return read_guard_tuple(r, c, &v, depth, node);
    if (v.type == MS_TUPLE)
        return read_items(r, c, &v, MS_N_TUPLE, guard, depth, node);
    if (v.type == MS_LIST && v.source == MS_TERM)
        return read_items(r, c, &v, MS_N_LIST, guard, depth, node);
    if (v.type == MS_MAP)
        return read_map(r, c, &v, guard, depth, node);
    return constant(c, &v, node);
}

/* ---- Bodies: only what they say of the event itself */

static bool is_message(struct tap_cursor c, struct ms_value *said)
{
    uint32_t n;
    if (tap_peek(&c) != TAP_EXT_SMALL_TUPLE || !tap_read_tuple(&c, &n) || n != 2 ||
        !tap_match_atom(&c, "message"))
        return false;
    *said = ms_value_read(&c);
    return true;
}

/* Does a {message, X} stand inside of this action? */
static bool says_inside(struct tap_cursor *c, unsigned depth)
{
    struct ms_value v = ms_value_read(c), said;
    if (depth > SPEC_DEPTH || (depth > 0 && is_message(*c, &said)))
        return true;
    if (v.source != MS_TERM || (v.type != MS_TUPLE && v.type != MS_LIST && v.type != MS_MAP))
        return !tap_skip(c);
    c->p = v.p;
    uint32_t n = v.type == MS_MAP ? v.length * 2 : v.length + (v.type == MS_LIST);
    for (uint32_t i = 0; i < n; i++)
        if (says_inside(c, depth + 1))
            return true;
    return false;
}

static bool read_body(struct reading *r, struct tap_cursor *c)
{
    uint32_t n;
    if (tap_peek(c) == TAP_EXT_STRING)
        return tap_skip(c);
    if (!tap_read_list(c, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct tap_cursor inside = *c;
        struct ms_value said;
        if (is_message(*c, &said))
            r->clause->silent = ms_value_is_atom(&said, "false");
        r->clause->unclear |= says_inside(&inside, 0);
        if (!tap_skip(c))
            return false;
    }
    return n == 0 || tap_read_nil(c);
}

/* Numbers alone are packed as a string; none of them is true. */
static bool read_conditions(struct reading *r, struct tap_cursor *c)
{
    struct ms_clause *clause = r->clause;
    if (tap_peek(c) == TAP_EXT_STRING) {
        clause->condition_count = 1;
        return (clause->conditions = read_nodes(r, c, 1, true, 0));
    }
    if (!tap_read_list(c, &clause->condition_count))
        return false;
    clause->conditions = read_nodes(r, c, clause->condition_count, true, 0);
    return clause->conditions && (clause->condition_count == 0 || tap_read_nil(c));
}

static bool read_clause(struct reading *r, struct tap_cursor *c)
{
    uint32_t arity;
    struct tap_cursor head;
    if (!tap_read_tuple(c, &arity) || arity != 3)
        return false;
    head = *c;
    r->variable_cap = 0;
    return collect(r, &head, 0) && read_node(r, c, false, 0, &r->clause->head) &&
           read_conditions(r, c) && read_body(r, c);
}

bool tap_ms_judge_read(struct tap_syn_arena *arena, const uint8_t *spec, size_t len,
                       struct ms_judge *judge)
{
    struct tap_cursor c = tap_cursor(spec, len);
    struct reading r = {.arena = arena, .judge = judge};
    uint32_t n;
    *judge = (struct ms_judge){0};
    tap_read_version(&c);
    if (!tap_read_list(&c, &n) || n > tap_left(&c) ||
        !(judge->clauses = tap_syn_alloc(arena, (n ? n : 1) * sizeof *judge->clauses)))
        return false;
    judge->count = n;
    for (uint32_t i = 0; i < n; i++) {
        r.clause = &judge->clauses[i];
        if (!read_clause(&r, &c))
            return false;
    }
    return true;
}
