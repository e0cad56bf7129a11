/* compare.c: the order of all terms, and what that asks of maps, whose pairs stand in any order. */
#include "filters/match_spec/map_index.h"

#define FEW 8u /* keys that are looked up one by one */

static enum ms_order compare_at(struct ms_context *, const struct ms_value *,
                                const struct ms_value *, bool exact, unsigned depth);

/* ---- Items, one after the other */

/* The order of the first that differ. One that nobody can compare leaves that open, but what is
 * behind it may still tell the two apart. */
static bool decides(enum ms_order one, enum ms_order *all)
{
    if (*all == MS_SAME) {
        *all = one;
        return one != MS_SAME && one != MS_NOBODY_KNOWS;
    }
    /* nobody knew one before */
    if (one == MS_SAME || one == MS_NOBODY_KNOWS)
        return false;
    *all = MS_DIFFERENT;
    return true;
}

static enum ms_order compare_items(struct ms_context *c, const struct ms_value *a,
                                   const struct ms_value *b, bool exact, unsigned depth)
{
    struct ms_items x = ms_items_of(a), y = ms_items_of(b);
    enum ms_order all = MS_SAME;
    for (uint32_t i = 0; i < a->length; i++) {
        struct ms_value left, right;
        bool known = ms_items_next(c, &x, &left);
        known &= ms_items_next(c, &y, &right);
        if (c->steps == 0)
            return MS_NOBODY_KNOWS;
        enum ms_order one = known ? compare_at(c, &left, &right, exact, depth) : MS_NOBODY_KNOWS;
        if (decides(one, &all))
            break;
    }
    return all;
}

static enum ms_order compare_lists(struct ms_context *c, struct ms_value a, struct ms_value b,
                                   bool exact, unsigned depth)
{
    enum ms_order all = MS_SAME;
    while (a.type == MS_LIST && b.type == MS_LIST) {
        struct ms_value left, right, rest_a, rest_b;
        bool known = ms_list_split(c, &a, &left, &rest_a);
        known &= ms_list_split(c, &b, &right, &rest_b);
        if (c->steps == 0)
            return MS_NOBODY_KNOWS;
        if (decides(known || (left.type && right.type) ? compare_at(c, &left, &right, exact, depth)
                                                       : MS_NOBODY_KNOWS,
                    &all))
            return all;
        a = rest_a;
        b = rest_b;
    }
    decides(compare_at(c, &a, &b, exact, depth), &all);
    return all;
}

/* ---- Maps: by size, then by keys in their order, then by values in that of their keys */

static enum ms_order find_by_turns(struct ms_context *c, const struct ms_value *map,
                                   const struct ms_value *key, struct ms_value *value,
                                   unsigned depth)
{
    struct ms_items items = ms_items_of(map);
    enum ms_order found = MS_DIFFERENT;
    for (uint32_t i = 0; i < map->length; i++) {
        struct ms_value own;
        bool known = ms_items_next(c, &items, &own);
        known &= ms_items_next(c, &items, value) || value->type == MS_UNKNOWN;
        if (c->steps == 0)
            return MS_NOBODY_KNOWS;
        enum ms_order one =
            own.type && known ? compare_at(c, key, &own, true, depth) : MS_NOBODY_KNOWS;
        if (one == MS_SAME)
            return MS_SAME;
        if (one == MS_NOBODY_KNOWS)
            found = one;
    }
    return found;
}

enum ms_order ms_map_find(struct ms_context *c, const struct ms_value *map,
                          const struct ms_value *key, struct ms_value *value)
{
    return find_by_turns(c, map, key, value, 0);
}

/* A map in which the keys of another are looked up, one after the other. Maps that were written in
 * one order are gone through in step. */
struct map_lookup {
    const struct ms_value *map;
    struct ms_items items;
    bool in_step;
    struct ms_map_index index;
};

static enum ms_order find_in_step(struct ms_context *c, struct map_lookup *l,
                                  const struct ms_value *key, struct ms_value *value,
                                  unsigned depth)
{
    struct ms_value own;
    bool known = ms_items_next(c, &l->items, &own);
    ms_items_next(c, &l->items, value);
    return known ? compare_at(c, key, &own, true, depth) : MS_NOBODY_KNOWS;
}

static enum ms_order find_by_hash(struct ms_context *c, struct map_lookup *l,
                                  const struct ms_value *key, struct ms_value *value,
                                  unsigned depth)
{
    bool known = l->index.pairs || ms_map_index_make(c, l->map, &l->index);
    const struct ms_map_pair *p = known ? ms_map_index_first(c, &l->index, key, &known) : NULL;
    enum ms_order found = known && !l->index.unsure ? MS_DIFFERENT : MS_NOBODY_KNOWS;
    for (; p; p = ms_map_index_next(&l->index, p)) {
        enum ms_order one = compare_at(c, key, &p->key, true, depth);
        if (c->steps == 0)
            return MS_NOBODY_KNOWS;
        if (one == MS_NOBODY_KNOWS)
            found = one;
        if (one != MS_SAME)
            continue;
        *value = p->value;
        return MS_SAME;
    }
    return found;
}

static enum ms_order find_at(struct ms_context *c, struct map_lookup *l, const struct ms_value *key,
                             struct ms_value *value, unsigned depth)
{
    l->in_step = l->in_step && find_in_step(c, l, key, value, depth) == MS_SAME;
    if (l->in_step)
        return MS_SAME;
    return l->map->length <= FEW ? find_by_turns(c, l->map, key, value, depth)
                                 : find_by_hash(c, l, key, value, depth);
}

/* The least key of a that b does not have, and of the values of shared keys the order of those with
 * the least key that differ. */
struct map_difference {
    bool alone, differ, unknown; /* unknown: some values cannot be compared */
    struct ms_value key;         /* alone: the least */
    struct ms_value shared;      /* differ: the least with another value */
    enum ms_order values;
};

static bool is_before(struct ms_context *c, const struct ms_value *key, bool any,
                      const struct ms_value *least, unsigned depth, enum ms_order *unsure)
{
    enum ms_order o = any ? compare_at(c, key, least, true, depth) : MS_LESS;
    if (o == MS_DIFFERENT || o == MS_NOBODY_KNOWS)
        *unsure = MS_DIFFERENT;
    return o == MS_LESS;
}

static enum ms_order difference_of(struct ms_context *c, const struct ms_value *a,
                                   struct map_lookup *b, bool exact, unsigned depth,
                                   struct map_difference *d)
{
    struct ms_items items = ms_items_of(a);
    enum ms_order unsure = MS_SAME;
    *d = (struct map_difference){.values = MS_SAME};
    for (uint32_t i = 0; i < a->length; i++) {
        struct ms_value key, value, other;
        if (!ms_items_next(c, &items, &key))
            return MS_NOBODY_KNOWS;
        bool known = ms_items_next(c, &items, &value);
        enum ms_order found = find_at(c, b, &key, &other, depth);
        if (found == MS_NOBODY_KNOWS)
            return found;
        if (found == MS_DIFFERENT) {
            if (is_before(c, &key, d->alone, &d->key, depth, &unsure))
                d->key = key;
            d->alone = true;
            continue;
        }
        enum ms_order one =
            known && other.type ? compare_at(c, &value, &other, exact, depth) : MS_NOBODY_KNOWS;
        d->unknown |= one == MS_NOBODY_KNOWS;
        if (one == MS_SAME || one == MS_NOBODY_KNOWS)
            continue;
        if (is_before(c, &key, d->differ, &d->shared, depth, &unsure)) {
            d->shared = key;
            d->values = one;
        }
        d->differ = true;
    }
    return unsure;
}

/* NOBODY_KNOWS: some key cannot be compared; DIFFERENT: which is the least cannot be told. */
static enum ms_order map_difference(struct ms_context *c, const struct ms_value *a,
                                    const struct ms_value *b, bool exact, unsigned depth,
                                    struct map_difference *d)
{
    struct map_lookup in_b = {.map = b, .items = ms_items_of(b), .in_step = true};
    enum ms_order unsure = difference_of(c, a, &in_b, exact, depth, d);
    ms_map_index_free(&in_b.index);
    return unsure;
}

static enum ms_order compare_maps(struct ms_context *c, const struct ms_value *a,
                                  const struct ms_value *b, bool exact, unsigned depth)
{
    struct map_difference own, other;
    if (a->length != b->length)
        return a->length < b->length ? MS_LESS : MS_GREATER;
    enum ms_order unsure = map_difference(c, a, b, exact, depth, &own);
    if (unsure == MS_NOBODY_KNOWS)
        return unsure;
    if (own.alone) {
        if (unsure == MS_DIFFERENT || map_difference(c, b, a, exact, depth, &other) != MS_SAME ||
            !other.alone)
            return MS_DIFFERENT;
        return compare_at(c, &own.key, &other.key, true, depth);
    }
    if (own.differ)
        return own.unknown || unsure == MS_DIFFERENT ? MS_DIFFERENT : own.values;
    return own.unknown ? MS_NOBODY_KNOWS : MS_SAME;
}

/* ---- Funs: whether two are one */

struct fun {
    struct ms_value module, function; /* of an export: and its arity, in `free` */
    const uint8_t *facts;             /* arity, the module's hash */
    struct tap_cursor rest;           /* index, hash, the process, what it holds */
    uint32_t index, held;
};

static bool read_fun(const struct ms_value *v, struct fun *f)
{
    struct tap_cursor c = tap_cursor(v->p, (size_t)(v->end - v->p));
    if (tap_peek(&c) != TAP_EXT_NEW_FUN || tap_left(&c) < 30)
        return false;
    f->facts = c.p + 5; /* behind the size */
    f->index = tap_get_u32(c.p + 22);
    f->held = tap_get_u32(c.p + 26);
    c.p += 30;
    f->module = ms_value_read(&c);
    f->rest = c;
    return f->module.type == MS_ATOM && tap_skip(&f->rest);
}

/* What a fun holds stands behind its old index, old hash and process. */
static bool fun_held(const struct fun *f, struct ms_value *held)
{
    struct tap_cursor c = f->rest;
    if (!tap_skip(&c) || !tap_skip(&c) || !tap_skip(&c))
        return false;
    *held = (struct ms_value){
        .type = MS_TUPLE, .source = MS_TERM, .length = f->held, .p = c.p, .end = c.end};
    return true;
}

static enum ms_order compare_exports(const struct ms_value *a, const struct ms_value *b,
                                     struct ms_context *c, unsigned depth)
{
    struct ms_value x = {
        .type = MS_TUPLE, .source = MS_TERM, .length = 3, .p = a->p + 1, .end = a->end};
    struct ms_value y = {
        .type = MS_TUPLE, .source = MS_TERM, .length = 3, .p = b->p + 1, .end = b->end};
    enum ms_order o = compare_items(c, &x, &y, true, depth);
    return o == MS_SAME || o == MS_NOBODY_KNOWS ? o : MS_DIFFERENT;
}

static enum ms_order compare_funs(struct ms_context *c, const struct ms_value *a,
                                  const struct ms_value *b, unsigned depth)
{
    struct fun x, y;
    struct ms_value held_x, held_y;
    bool export_a = *a->p == TAP_EXT_EXPORT, export_b = *b->p == TAP_EXT_EXPORT;
    if (export_a != export_b)
        return MS_DIFFERENT;
    if (export_a)
        return compare_exports(a, b, c, depth);
    if (!read_fun(a, &x) || !read_fun(b, &y))
        return MS_NOBODY_KNOWS;
    if (x.index != y.index || ms_compare_atoms(&x.module, &y.module) != MS_SAME)
        return MS_DIFFERENT;
    if (ms_fun_is_bare(x.facts) || ms_fun_is_bare(y.facts))
        return MS_NOBODY_KNOWS;
    if (memcmp(x.facts, y.facts, 17) != 0 || x.held != y.held)
        return MS_DIFFERENT;
    if (!fun_held(&x, &held_x) || !fun_held(&y, &held_y))
        return MS_NOBODY_KNOWS;
    enum ms_order o = compare_items(c, &held_x, &held_y, true, depth);
    return o == MS_SAME || o == MS_NOBODY_KNOWS ? o : MS_DIFFERENT;
}

/* ---- Any */

static int rank(const struct ms_value *v)
{
    return v->type <= MS_FLOAT ? MS_INTEGER : v->type;
}

static enum ms_order compare_at(struct ms_context *c, const struct ms_value *a,
                                const struct ms_value *b, bool exact, unsigned depth)
{
    if (depth == MS_DEPTH)
        c->bounds |= MS_BOUND_DEPTH;
    if (a->type == MS_UNKNOWN || b->type == MS_UNKNOWN || depth == MS_DEPTH || c->steps == 0)
        return MS_NOBODY_KNOWS;
    int left = rank(a), right = rank(b);
    if (left != right)
        return left < right ? MS_LESS : MS_GREATER;
    c->steps--;
    switch (left) {
    case MS_INTEGER: return ms_compare_numbers(c, a, b, exact);
    case MS_ATOM: return ms_compare_atoms(a, b);
    case MS_REFERENCE:
    case MS_PORT:
    case MS_PID: return ms_compare_identifiers(a, b);
    case MS_FUN: return compare_funs(c, a, b, depth + 1);
    case MS_TUPLE:
        if (a->length != b->length)
            return a->length < b->length ? MS_LESS : MS_GREATER;
        return compare_items(c, a, b, exact, depth + 1);
    case MS_MAP: return compare_maps(c, a, b, exact, depth + 1);
    case MS_LIST: return compare_lists(c, *a, *b, exact, depth + 1);
    case MS_BITS: return ms_compare_bits(a, b);
    default: return MS_SAME; /* [] */
    }
}

enum ms_order ms_compare(struct ms_context *c, const struct ms_value *a, const struct ms_value *b,
                         bool exact)
{
    return compare_at(c, a, b, exact, 0);
}
