/* walk.c: what every kind of container needs of the walk over a term: its end where the bytes are
 * no term, room for what is open, and cutting. */
#include "term/walk.h"

#include <stdlib.h>
#include <string.h>

enum tap_step tap_walk_bad(struct tap_walk *w, const uint8_t *at)
{
    static const char hex[] = "0123456789abcdef";
    size_t left = (size_t)(w->c.end - at);
    tap_out_lit(&w->o, "#Bad<");
    for (size_t i = 0; i < left && i < 8; i++)
        tap_out_put(&w->o, (char[]){hex[at[i] >> 4], hex[at[i] & 15]}, 2);
    tap_out_char(&w->o, '>');
    w->failed = true;
    return TAP_LEAF;
}

void tap_walk_give_up(struct tap_walk *w)
{
    w->o.done = true;
    w->o.end = w->o.p;
}

/* Makes room for twice as many frames; the first ones are in the caller's frame. */
bool tap_walk_grow(struct tap_walk *w)
{
    bool inside = w->stack == w->inside;
    struct tap_walk_frame *stack = realloc(inside ? NULL : w->stack, 2 * w->cap * sizeof *stack);
    if (!stack) {
        tap_walk_give_up(w);
        return false;
    }
    if (inside)
        memcpy(stack, w->inside, sizeof w->inside);
    w->stack = stack;
    w->cap *= 2;
    return true;
}

/* ---- Cutting */

/* The shapes of what is not printed are passed over with it. */
bool tap_walk_skip(struct tap_walk *w)
{
    const uint8_t *at = w->c.p;
    if (w->o.elixir) {
        struct tap_shapes inside;
        tap_shapes_find(&inside, at, tap_left(&w->c));
        w->shape += inside.n;
        free(inside.items);
    }
    if (tap_skip(&w->c))
        return true;
    tap_walk_bad(w, at);
    return false;
}

enum tap_step tap_walk_cut(struct tap_walk *w, const uint8_t *at)
{
    w->c.p = at;
    if (tap_walk_skip(w))
        tap_out_lit(&w->o, "...");
    return TAP_LEAF;
}

void tap_walk_cut_short(struct tap_walk *w, uint64_t terms, const char *end)
{
    bool list = end[0] == ']';
    if (list && !w->o.elixir)
        tap_out_char(&w->o, '|');
    else
        tap_walk_separator(w);
    tap_out_lit(&w->o, "...");
    while (terms > 0 && tap_walk_skip(w))
        terms--;
    if (w->failed)
        return;
    tap_out_char(&w->o, end[0]);
    tap_walk_pop(w);
}
