/* map_order.c: where the pairs of large maps begin: see walk.h. */
#include <stdlib.h>

#include "term/walk.h"

#define NO_MAP SIZE_MAX

struct level {
    uint64_t left; /* terms to come */
    size_t map;    /* which, of the large ones */
};
struct pass {
    struct tap_cursor c;
    const uint8_t *term;
    struct tap_map_order *order;
    struct level *levels;
    size_t depth, cap;
    bool oom;
};

/* Room for one more in a growing array. */
static bool room(struct pass *p, void *array, size_t count, size_t *cap, size_t size)
{
    void **at = array;
    if (count < *cap)
        return true;
    size_t more = *cap ? 2 * *cap : 64;
    void *wider = realloc(*at, more * size);
    if (!wider) {
        p->oom = true;
        return false;
    }
    *at = wider;
    *cap = more;
    return true;
}

static bool push(struct pass *p, uint64_t left, size_t map)
{
    if (!room(p, &p->levels, p->depth, &p->cap, sizeof *p->levels))
        return false;
    p->levels[p->depth++] = (struct level){left, map};
    return true;
}

/* The `at` of a map, and room for its pairs: so many are behind each other, as they are not in one
 * another. */
static bool push_map(struct pass *p, uint32_t n, const uint8_t *at)
{
    struct tap_map_order *o = p->order;
    if (n <= 32)
        return push(p, 2 * (uint64_t)n, NO_MAP);
    if (n > tap_left(&p->c) / 2 || tap_left(&p->c) > UINT32_MAX)
        return tap_cursor_fail(&p->c);
    if (!room(p, &o->maps, o->map_count, &o->map_cap, sizeof *o->maps))
        return false;
    while (o->pair_cap - o->pair_count < n)
        if (!room(p, &o->pairs, o->pair_cap, &o->pair_cap, sizeof *o->pairs))
            return false;
    o->maps[o->map_count] =
        (struct tap_big_map){.at = (uint32_t)(at - p->term), .count = n, .pairs = o->pair_count};
    o->pair_count += n;
    return push(p, 2 * (uint64_t)n, o->map_count++);
}

/* Reads the head of a container or skips a leaf. */
static bool enter(struct pass *p)
{
    uint32_t n;
    struct tap_cursor *c = &p->c;
    const uint8_t *at = c->p;
    switch (tap_peek(c)) {
    case TAP_EXT_SMALL_TUPLE:
    case TAP_EXT_LARGE_TUPLE: return tap_read_tuple(c, &n) && push(p, n, NO_MAP);
    case TAP_EXT_MAP: return tap_read_map(c, &n) && push_map(p, n, at);
    case TAP_EXT_LIST: return tap_read_list(c, &n) && push(p, (uint64_t)n + 1, NO_MAP);
    case TAP_EXT_RECORD: return tap_read_record(c, &n) && push(p, 2 * (uint64_t)n + 2, NO_MAP);
    default: return tap_skip(c);
    }
}

/* The whole term at the cursor, which is a large map. */
static bool pass_over(struct pass *p)
{
    bool good = enter(p);
    while (good && p->depth > 0) {
        struct level *l = &p->levels[p->depth - 1];
        struct tap_big_map *m = l->map == NO_MAP ? NULL : &p->order->maps[l->map];
        uint32_t here = (uint32_t)(p->c.p - p->term);
        if (l->left == 0) {
            if (m)
                m->end = here;
            p->depth--;
            continue;
        }
        if (m && l->left % 2 == 0)
            p->order->pairs[m->pairs + m->count - l->left / 2] = here;
        l->left--;
        good = enter(p);
    }
    return good;
}

const struct tap_big_map *tap_map_order(struct tap_walk *w, uint32_t n, const uint8_t *at)
{
    struct tap_map_order *o = &w->order;
    if (o->open == 0) {
        struct pass p = {.c = tap_cursor(at, (size_t)(w->c.end - at)), .term = w->term, .order = o};
        o->map_count = o->pair_count = 0;
        bool good = pass_over(&p);
        free(p.levels);
        if (p.oom)
            tap_walk_give_up(w);
        if (!good)
            return NULL;
    }
    uint32_t here = (uint32_t)(at - w->term);
    size_t from = 0, to = o->map_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (o->maps[middle].at < here)
            from = middle + 1;
        else
            to = middle;
    }
    return from < o->map_count && o->maps[from].at == here && o->maps[from].count == n
               ? &o->maps[from]
               : NULL;
}
