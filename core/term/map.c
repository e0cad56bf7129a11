/* map.c: maps, in Elixir also structs and sets. */
#include "term/walk.h"

/* More than 32 keys, Erlang: from the last pair to the first. */
static void open_big_map(struct tap_walk *w, uint32_t n, const uint8_t *at)
{
    const struct tap_big_map *map = tap_map_order(w, n, at);
    if (!map) {
        if (!w->o.done)
            tap_walk_bad(w, at);
        return;
    }
    struct tap_walk_frame *f = tap_walk_push(w, TAP_WALK_BIG_MAP, 2 * (uint64_t)n - 1);
    if (!f)
        return;
    w->order.open++;
    f->order = w->order.pairs + map->pairs;
    f->end = map->end;
    w->c.p = w->term + f->order[n - 1];
}

/* ---- Sets */

/* Behind the last key: what follows in the struct has no shapes (tap_shapes_find sees to it). */
static void close_set(struct tap_walk *w, uint32_t pairs)
{
    for (; pairs > 0; pairs--)
        tap_skip(&w->c), tap_skip(&w->c);
    tap_out_lit(&w->o, "])");
}

/* MapSet.new([...]): the struct's other pairs are passed over, the keys of its map are printed
 * where they stand. */
static void open_set(struct tap_walk *w, uint32_t pairs)
{
    uint32_t n = 0;
    for (; pairs > 0 && !tap_match_atom(&w->c, "map"); pairs--)
        tap_skip(&w->c), tap_skip(&w->c);
    if (pairs == 0 || !tap_read_map(&w->c, &n)) {
        tap_walk_bad(w, w->c.p);
        return;
    }
    tap_out_lit(&w->o, "MapSet.new([");
    if (n == 0) {
        close_set(w, pairs - 1);
        return;
    }
    bool keyword = tap_walk_shape(w) & TAP_SHAPE_PAIRS;
    struct tap_walk_frame *f = tap_walk_push(w, keyword ? TAP_WALK_KEY_SET : TAP_WALK_SET, n);
    if (!f)
        return;
    w->as_lists++;
    f->end = pairs - 1;
}

bool tap_walk_next_of_set(struct tap_walk *w, struct tap_walk_frame *f)
{
    uint32_t arity, len, pairs = f->end;
    const uint8_t *at = w->c.p;
    const char *text;
    bool latin1;
    if (!f->first && !tap_read_nil(&w->c)) /* the value of the key before */
        goto bad;
    if (f->left == 0) {
        tap_walk_pop(w);
        close_set(w, pairs);
        return false;
    }
    if (!f->first) {
        tap_walk_separator(w);
        if (tap_walk_full(w, f)) {
            tap_out_lit(&w->o, "...");
            for (uint64_t terms = 2 * f->left; terms > 0 && tap_walk_skip(w); terms--)
                ;
            tap_walk_pop(w);
            close_set(w, pairs);
            return false;
        }
    }
    f->first = false;
    f->left--;
    if (f->kind == TAP_WALK_SET)
        return true;
    at = w->c.p;
    if (!tap_read_tuple(&w->c, &arity) || !tap_read_atom(&w->c, &text, &len, &latin1))
        goto bad;
    tap_out_atom(&w->o, text, len, latin1, TAP_ATOM_KEY);
    tap_out_char(&w->o, ' ');
    return true;
bad:
    tap_walk_bad(w, at);
    return false;
}

/* ---- Structs */

/* The name of the struct at the cursor, whose shape is given; true: that printed or opened all of
 * it. */
static bool print_struct(struct tap_walk *w, uint64_t shape, uint32_t pairs)
{
    uint64_t name = (shape & TAP_SHAPE_KIND) - TAP_SHAPE_STRUCT;
    struct tap_cursor c = tap_cursor(w->term + name, (size_t)(w->c.end - w->term) - name);
    const char *text;
    uint32_t len;
    bool latin1;
    if (!tap_read_atom(&c, &text, &len, &latin1))
        return false;
    if (shape & TAP_SHAPE_SET && len == strlen("Elixir.MapSet") &&
        memcmp(text, "Elixir.MapSet", len) == 0) {
        open_set(w, pairs);
        return true;
    }
    if (tap_walk_inspect(w, text, len, pairs))
        return true;
    tap_out_char(&w->o, '%');
    tap_out_atom(&w->o, text, len, latin1, TAP_ATOM_LITERAL);
    return false;
}

/* Skips the pairs of a struct that are in its name. */
static void skip_struct_pairs(struct tap_walk *w, struct tap_walk_frame *f)
{
    while (f->left > 0) {
        struct tap_cursor c = w->c;
        if (!tap_match_atom(&c, "__struct__") && !tap_match_atom(&c, "__exception__"))
            return;
        const char *text;
        uint32_t n;
        bool latin1;
        if (!tap_read_atom(&c, &text, &n, &latin1)) /* another value would have shapes: print it */
            return;
        w->c = c;
        f->left--;
    }
}

bool tap_walk_next_pair(struct tap_walk *w, struct tap_walk_frame *f)
{
    const uint8_t *at = w->c.p;
    uint32_t arity;
    const char *text;
    uint32_t n;
    bool latin1;
    if (f->is_struct)
        skip_struct_pairs(w, f);
    if (f->left == 0) {
        if (f->kind == TAP_WALK_KEY_LIST)
            tap_read_nil(&w->c);
        tap_out_char(&w->o, f->kind == TAP_WALK_KEY_LIST ? ']' : '}');
        tap_walk_pop(w);
        return false;
    }
    if (!f->first && tap_walk_full(w, f)) {
        bool list = f->kind == TAP_WALK_KEY_LIST;
        tap_walk_cut_short(w, list ? f->left + 1 : 2 * f->left, list ? "]" : "}");
        return false;
    }
    f->left--;
    if (!f->first)
        tap_walk_separator(w);
    f->first = false;
    if ((f->kind == TAP_WALK_KEY_LIST && !tap_read_tuple(&w->c, &arity)) ||
        !tap_read_atom(&w->c, &text, &n, &latin1)) {
        tap_walk_bad(w, at);
        return false;
    }
    tap_out_atom(&w->o, text, n, latin1, TAP_ATOM_KEY);
    tap_out_char(&w->o, ' ');
    return true;
}

/* ---- Maps */

enum tap_step tap_walk_map(struct tap_walk *w, const uint8_t *at)
{
    uint32_t n;
    if (!tap_read_map(&w->c, &n))
        return tap_walk_bad(w, at);
    if (n && tap_walk_too_deep(w))
        return tap_walk_cut(w, at);
    uint64_t all = n ? tap_walk_shape(w) : TAP_SHAPE_PLAIN, shape = all & TAP_SHAPE_KIND;
    if (shape < TAP_SHAPE_STRUCT)
        tap_out_char(&w->o, w->o.elixir ? '%' : '#');
    else if (print_struct(w, all, n))
        return TAP_LEAF;
    tap_out_char(&w->o, '{');
    if (n == 0) {
        tap_out_char(&w->o, '}');
        return TAP_LEAF;
    }
    if (shape == TAP_SHAPE_PLAIN) {
        if (n > 32 && !w->o.elixir)
            open_big_map(w, n, at);
        else
            tap_walk_push(w, TAP_WALK_MAP, 2 * (uint64_t)n - 1);
        return TAP_OPENED;
    }
    struct tap_walk_frame *f = tap_walk_push(w, TAP_WALK_KEY_MAP, n);
    if (f)
        f->is_struct = shape >= TAP_SHAPE_STRUCT;
    return TAP_LEAF;
}
