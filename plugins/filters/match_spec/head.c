/* head.c: patterns -> the head of a match spec, and the conditions that a head cannot say. */
#include <stdio.h>

#include "filters/match_spec/compile.h"

struct tap_syn_node *ms_fail(struct ms_compiler *c, size_t off, const char *message)
{
    tap_syn_fail(c->source, off, "%s", message);
    return NULL;
}

struct tap_syn_node *ms_call(struct ms_compiler *c, const char *name, size_t off,
                             struct tap_syn_node *const *items, size_t n)
{
    struct tap_syn_node *all[256] = {tap_syn_atom(c->source, name, off)};
    if (n > 255)
        return ms_fail(c, off, "there are too many arguments");
    for (size_t i = 0; i < n; i++)
        all[i + 1] = items[i];
    return tap_syn_compound(c->source, TAP_SYN_N_TUPLE, off, all, n + 1, NULL);
}

struct tap_syn_node *ms_lookup(const struct ms_compiler *c, const char *name)
{
    for (const struct ms_binding *b = c->bindings; b; b = b->next)
        if (strcmp(b->name, name) == 0)
            return b->value;
    return NULL;
}

struct tap_syn_node *ms_value_at(struct ms_compiler *c, struct tap_syn_node *value, size_t off)
{
    return value->type == TAP_SYN_N_ATOM ? tap_syn_atom(c->source, value->text, off) : value;
}

/* ---- Patterns */

static bool name_value(struct ms_compiler *c, const char *name, struct tap_syn_node *value)
{
    struct ms_binding *b = tap_syn_alloc(c->source->arena, sizeof *b);
    if (!value || !b)
        return value ? tap_syn_fail_oom(c->source) : false;
    *b = (struct ms_binding){c->bindings, name, value};
    c->bindings = b;
    return true;
}

/* '$N', of which no other is. */
static struct tap_syn_node *fresh(struct ms_compiler *c, size_t off)
{
    char *text = tap_syn_alloc(c->source->arena, 16);
    if (!text) {
        tap_syn_fail_oom(c->source);
        return NULL;
    }
    snprintf(text, 16, "$%u", ++c->count);
    return tap_syn_atom(c->source, text, off);
}

static bool constrain(struct ms_compiler *c, struct tap_syn_node *condition)
{
    if (!condition)
        return false;
    if (c->constraint_count == c->constraint_cap) {
        size_t cap = c->constraint_cap * 2 + 8;
        struct tap_syn_node **more = tap_syn_alloc(c->source->arena, cap * sizeof *more);
        if (!more)
            return tap_syn_fail_oom(c->source);
        for (size_t i = 0; i < c->constraint_count; i++)
            more[i] = c->constraints[i];
        c->constraints = more;
        c->constraint_cap = cap;
    }
    c->constraints[c->constraint_count++] = condition;
    return true;
}

static struct tap_syn_node *ms_two(struct ms_compiler *c, const char *name, size_t off,
                                   struct tap_syn_node *a, struct tap_syn_node *b)
{
    struct tap_syn_node *items[2] = {a, b};
    return a && b ? ms_call(c, name, off, items, 2) : NULL;
}

static struct tap_syn_node *bind(struct ms_compiler *c, const struct tap_syn_node *n)
{
    struct tap_syn_node *known = ms_lookup(c, n->text), *variable;
    if (known && known->type == TAP_SYN_N_ATOM)
        return ms_value_at(c, known, n->off);
    if (!(variable = fresh(c, n->off)))
        return NULL;
    if (known) /* a part of a binary: only a condition can say that this is the same */
        return constrain(c, ms_two(c, "=:=", n->off, variable, known)) ? variable : NULL;
    return name_value(c, n->text, variable) ? variable : NULL;
}

bool ms_is_special(const struct tap_syn_node *n)
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

struct tap_syn_node *ms_translate(struct ms_compiler *c, const struct tap_syn_node *n,
                                  struct tap_syn_node *(*one)(struct ms_compiler *,
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

/* ---- Binaries by their parts, which heads do not know: a variable with conditions */

static struct tap_syn_node *integer(struct ms_compiler *c, size_t value, size_t off)
{
    struct tap_syn_node *n = tap_syn_node(c->source, TAP_SYN_N_INT, off);
    uint8_t *digits = n ? tap_syn_alloc(c->source->arena, sizeof value) : NULL;
    if (!digits) {
        tap_syn_fail_oom(c->source);
        return NULL;
    }
    for (; value; value >>= 8)
        digits[n->digit_count++] = (uint8_t)value;
    n->digits = digits;
    return n;
}

/* {binary_part, Binary, At, Length} */
static struct tap_syn_node *part(struct ms_compiler *c, struct tap_syn_node *binary, size_t at,
                                 struct tap_syn_node *length, size_t off)
{
    struct tap_syn_node *items[3] = {binary, integer(c, at, off), length};
    return items[1] && length ? ms_call(c, "binary_part", off, items, 3) : NULL;
}

/* A part is what this node says of it: its bytes, or a name. */
static bool match_part(struct ms_compiler *c, const struct tap_syn_node *n,
                       struct tap_syn_node *value)
{
    struct tap_syn_node *known;
    if (n->type == TAP_SYN_N_BINARY)
        return constrain(c, ms_two(c, "=:=", n->off, value, (struct tap_syn_node *)n));
    if (!strcmp(n->text, "_"))
        return value != NULL;
    known = ms_lookup(c, n->text);
    return known ? constrain(c, ms_two(c, "=:=", n->off, value, ms_value_at(c, known, n->off)))
                 : name_value(c, n->text, value);
}

static struct tap_syn_node *segments(struct ms_compiler *c, const struct tap_syn_node *n)
{
    struct tap_syn_node *binary = fresh(c, n->off), *size;
    size_t total = 0, at = 0;
    for (size_t i = 0; i < n->count; i++)
        total += n->items[i]->type == TAP_SYN_N_BINARY ? n->items[i]->text_len : n->items[i]->bytes;
    if (!binary || !constrain(c, ms_call(c, "is_binary", n->off, &binary, 1)) ||
        !(size = ms_call(c, "byte_size", n->off, &binary, 1)) ||
        !constrain(c, ms_two(c, n->tail ? ">=" : "=:=", n->off, size, integer(c, total, n->off))))
        return NULL;
    for (size_t i = 0; i < n->count; i++) {
        const struct tap_syn_node *item = n->items[i];
        size_t length = item->type == TAP_SYN_N_BINARY ? item->text_len : item->bytes;
        if (!match_part(c, item, part(c, binary, at, integer(c, length, item->off), item->off)))
            return NULL;
        at += length;
    }
    if (n->tail &&
        !match_part(c, n->tail,
                    part(c, binary, total, ms_two(c, "-", n->off, size, integer(c, total, n->off)),
                         n->off)))
        return NULL;
    return binary;
}

/* N is what Erlang calls its variables, and hardly a module. */
static void warn_of_module(struct ms_compiler *c, const struct tap_syn_node *n)
{
    const struct tap_host *host = c->source->arg;
    host->log(host, TAP_LOG_WARNING,
              "line %d: %s is the module %s here; a variable begins with a small letter (Erlang's "
              "patterns stand behind Module:function)",
              c->source->where->line, n->text + 7, n->text);
}

struct tap_syn_node *ms_pattern(struct ms_compiler *c, const struct tap_syn_node *n)
{
    switch (n->type) {
    case TAP_SYN_N_VAR:
        return strcmp(n->text, "_") ? bind(c, n) : tap_syn_atom(c->source, "_", n->off);
    case TAP_SYN_N_ATOM:
        if (ms_is_special(n) && n->text[1] != '_' && n->text[1] != '$')
            return ms_fail(
                c, n->off,
                "this atom means a variable of match specs and cannot be matched by itself");
        if (c->elixir && n->text_len == 8 && !strncmp(n->text, "Elixir.", 7))
            warn_of_module(c, n);
        return (struct tap_syn_node *)n;
    case TAP_SYN_N_MAP:
        if (n->count && !n->exact)
            return ms_fail(c, n->off, "in a pattern a map is written #{Key := Value}");
        for (size_t i = 0; i < n->count; i += 2)
            if (has_variable(n->items[i]))
                return ms_fail(c, n->items[i]->off,
                               "the key of a map in a pattern must be a constant");
        return ms_translate(c, n, ms_pattern);
    case TAP_SYN_N_SEGMENTS: return segments(c, n);
    case TAP_SYN_N_LIST:
    case TAP_SYN_N_TUPLE: return ms_translate(c, n, ms_pattern);
    case TAP_SYN_N_CALL:
        return ms_fail(c, n->off,
                       "a function call cannot stand in a pattern; put it behind 'when'");
    case TAP_SYN_N_OP:
        return ms_fail(c, n->off, "an operator cannot stand in a pattern; put it behind 'when'");
    default: return (struct tap_syn_node *)n;
    }
}
