/* elixir_shapes.c: which lists are keyword lists and which maps have atom keys or are structs.
 *
 * Elixir prints [a: 1] and %{a: 1} only when every key allows it, which is known at the end of the
 * list: looking ahead from each list would be quadratic for nested ones. So one pass over the whole
 * term notes the shape of every list and map in the order in which they begin, which is also the
 * order in which they are printed.
 */
#include <stdlib.h>

#include "term/out.h"

enum { LIST, TAIL, MAP, OTHER };

struct level {
    uint64_t left;  /* terms to come; of a list without its tail */
    uint64_t shape; /* so far */
    size_t item;
    int kind;
    /* Of a map: all values so far are [], all keys are pairs that begin with a key; it may be a
     * set, whose `map` was there, and which is the last pair. */
    bool all_nil, all_pairs, may_be_set, has_map, in_map;
};
struct finder {
    struct tap_cursor c;
    const uint8_t *term;
    struct tap_shapes *shapes;
    struct level *levels;
    size_t depth, cap;
};

static bool is_atom_tag(int tag)
{
    return tag == TAP_EXT_SMALL_ATOM_UTF8 || tag == TAP_EXT_ATOM || tag == TAP_EXT_ATOM_UTF8 ||
           tag == TAP_EXT_SMALL_ATOM;
}

/* Can the term at the cursor stand before a colon? Inspect refuses what begins like an alias. */
static bool is_key(struct tap_cursor c)
{
    const char *text;
    uint32_t n;
    bool latin1;
    return is_atom_tag(tap_peek(&c)) && tap_read_atom(&c, &text, &n, &latin1) &&
           !(n >= 7 && memcmp(text, "Elixir.", 7) == 0);
}
static bool is_pair(struct tap_cursor c)
{
    uint32_t arity;
    return tap_read_tuple(&c, &arity) && arity == 2 && is_key(c);
}

/* `shape` with what the key of a map at the cursor makes of it. */
static uint64_t map_shape(const struct finder *f, uint64_t shape)
{
    struct tap_cursor c = f->c;
    const char *text;
    uint32_t n;
    bool latin1;
    if (!is_key(c))
        return TAP_SHAPE_PLAIN;
    if (!tap_match_atom(&c, "__struct__"))
        return shape;
    uint64_t at = (uint64_t)(c.p - f->term);
    if (is_atom_tag(tap_peek(&c)) && tap_read_atom(&c, &text, &n, &latin1) &&
        tap_atom_is_alias(text, n))
        return TAP_SHAPE_STRUCT + at;
    return shape;
}

/* A set is a struct with a version and a map of its elements, of which all values are []. The rest
 * of it are leaves. */
static bool set_pair(struct level *l, struct tap_cursor c)
{
    const char *text;
    uint32_t n;
    bool latin1;
    int64_t version;
    l->in_map = false;
    if (tap_match_atom(&c, "__struct__"))
        return is_atom_tag(tap_peek(&c)) && tap_read_atom(&c, &text, &n, &latin1);
    if (tap_match_atom(&c, "version"))
        return tap_read_i64(&c, &version);
    if (l->has_map || !tap_match_atom(&c, "map"))
        return false;
    l->has_map = l->in_map = true; /* what is in it is seen when it ends */
    return tap_peek(&c) == TAP_EXT_MAP;
}

static void map_term(const struct finder *f, struct level *l)
{
    if (l->left % 2) {
        l->all_nil = l->all_nil && tap_peek(&f->c) == TAP_EXT_NIL;
        return;
    }
    if (l->shape != TAP_SHAPE_PLAIN)
        l->shape = map_shape(f, l->shape);
    l->all_pairs = l->all_pairs && is_pair(f->c);
    l->may_be_set = l->may_be_set && set_pair(l, f->c);
}

static uint64_t map_item(const struct level *l)
{
    return l->shape | (l->may_be_set && l->has_map ? TAP_SHAPE_SET : 0) |
           (l->all_pairs ? TAP_SHAPE_PAIRS : 0);
}

static bool push(struct finder *f, int kind, uint64_t left)
{
    struct tap_shapes *s = f->shapes;
    if (f->depth == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 64;
        struct level *levels = realloc(f->levels, cap * sizeof *levels);
        if (!levels)
            return false;
        f->levels = levels;
        f->cap = cap;
    }
    struct level *l = &f->levels[f->depth++];
    *l = (struct level){.left = left,
                        .kind = kind,
                        .shape = TAP_SHAPE_KEYWORD,
                        .all_nil = true,
                        .all_pairs = true,
                        .may_be_set = true};
    if (kind == OTHER)
        return true;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 64;
        uint64_t *items = realloc(s->items, cap * sizeof *items);
        if (!items)
            return false;
        s->items = items;
        s->cap = cap;
    }
    l->item = s->n;
    s->items[s->n++] = TAP_SHAPE_PLAIN;
    return true;
}

/* Reads the head of a container or skips a leaf. */
static bool enter(struct finder *f)
{
    uint32_t n;
    struct tap_cursor *c = &f->c;
    switch (tap_peek(c)) {
    case TAP_EXT_SMALL_TUPLE:
    case TAP_EXT_LARGE_TUPLE: return tap_read_tuple(c, &n) && push(f, OTHER, n);
    case TAP_EXT_MAP: return tap_read_map(c, &n) && (n == 0 || push(f, MAP, 2 * (uint64_t)n));
    case TAP_EXT_RECORD: return tap_read_record(c, &n) && push(f, OTHER, 2 * (uint64_t)n + 2);
    case TAP_EXT_LIST:
        return tap_read_list(c, &n) && (n == 0 ? push(f, OTHER, 1) : push(f, LIST, n));
    default: return tap_skip(c);
    }
}

/* Closes what is complete; false at the end. */
static bool leave(struct finder *f)
{
    while (f->depth > 0) {
        struct level *l = &f->levels[f->depth - 1];
        if (l->left > 0)
            return true;
        if (l->kind == LIST && tap_peek(&f->c) != TAP_EXT_NIL) {
            l->kind = TAIL;
            l->shape = TAP_SHAPE_PLAIN;
            l->left = 1;
            return true;
        }
        if (l->kind == LIST)
            f->c.p++;
        if (l->kind != OTHER)
            f->shapes->items[l->item] = l->kind == MAP ? map_item(l) : l->shape;
        f->depth--;
        if (l->kind == MAP && !l->all_nil && f->depth > 0 && l[-1].in_map)
            l[-1].may_be_set = false;
    }
    return false;
}

void tap_shapes_find(struct tap_shapes *s, const uint8_t *term, size_t len)
{
    struct finder f = {.c = tap_cursor(term, len), .term = term, .shapes = s};
    *s = (struct tap_shapes){0};
    bool good = enter(&f);
    while (good && leave(&f)) {
        struct level *l = &f.levels[f.depth - 1];
        if (l->kind == MAP)
            map_term(&f, l);
        else if (l->kind == LIST && l->shape != TAP_SHAPE_PLAIN && !is_pair(f.c))
            l->shape = TAP_SHAPE_PLAIN;
        l->left--;
        good = enter(&f);
    }
    free(f.levels);
}
