/* map_index.c: see map_index.h. Terms that ms_compare calls the same, exactly, have one hash,
 * however they were written. */
#include "filters/match_spec/map_index.h"

#include <stdlib.h>

#define DEEP 4u /* what lies deeper does not count */

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ (b << 29 | b >> 35)) * 0x9E3779B97F4A7C15ull;
    return a ^ a >> 32;
}

/* ---- Hashes; false: some of it is not known */

static bool hash_at(struct ms_context *, const struct ms_value *, unsigned depth, uint64_t *h);

static uint64_t hash_bytes(const uint8_t *p, size_t n, uint64_t h)
{
    for (; n >= 8; p += 8, n -= 8)
        h = mix(h, tap_get_u64(p));
    for (; n > 0; n--)
        h = mix(h, *p++);
    return h;
}

static uint64_t hash_number(const struct ms_value *v, uint64_t h)
{
    uint64_t bits;
    double number = v->number == 0 ? 0 : v->number; /* before OTP 27 -0.0 is 0.0 */
    if (v->type == MS_INTEGER)
        return mix(mix(h, (uint64_t)v->integer), (uint64_t)(v->integer >> 64));
    if (v->type == MS_BIG)
        return hash_bytes(v->p, v->length, mix(h, v->negative));
    memcpy(&bits, &number, sizeof bits);
    return mix(h, ~bits);
}

static bool hash_list(struct ms_context *c, struct ms_value list, unsigned depth, uint64_t *h)
{
    while (list.type == MS_LIST) {
        struct ms_value head, rest;
        if (!ms_list_split(c, &list, &head, &rest) || !hash_at(c, &head, depth, h))
            return false;
        list = rest;
    }
    return hash_at(c, &list, depth, h);
}

static bool hash_tuple(struct ms_context *c, const struct ms_value *v, unsigned depth, uint64_t *h)
{
    struct ms_items items = ms_items_of(v);
    struct ms_value item;
    *h = mix(*h, v->length);
    for (uint32_t i = 0; i < v->length; i++)
        if (!ms_items_next(c, &items, &item) || !hash_at(c, &item, depth, h))
            return false;
    return true;
}

static bool hash_at(struct ms_context *c, const struct ms_value *v, unsigned depth, uint64_t *h)
{
    int type = v->type <= MS_FLOAT ? MS_INTEGER : v->type;
    if (v->type == MS_UNKNOWN || c->steps == 0)
        return false;
    c->steps--;
    *h = mix(*h, (uint64_t)type);
    if (depth == DEEP)
        return true;
    switch (type) {
    case MS_INTEGER: *h = hash_number(v, *h); return true;
    case MS_ATOM: *h = mix(*h, ms_hash_atom(v)); return true;
    case MS_REFERENCE:
    case MS_PORT:
    case MS_PID: return ms_hash_identifier(v, h);
    case MS_TUPLE: return hash_tuple(c, v, depth + 1, h);
    case MS_LIST: return hash_list(c, *v, depth + 1, h);
    case MS_MAP: *h = mix(*h, v->length); return true;
    case MS_BITS: *h = hash_bytes(v->p, v->bits / 8, mix(*h, v->bits)); return true;
    default: return true; /* funs are few */
    }
}

/* ---- The pairs */

static void put(struct ms_map_index *x, uint32_t at, uint64_t hash)
{
    uint32_t *bucket = &x->buckets[hash & x->mask];
    x->pairs[at].next = *bucket;
    *bucket = at + 1;
}

bool ms_map_index_make(struct ms_context *c, const struct ms_value *map, struct ms_map_index *x)
{
    struct ms_items items = ms_items_of(map);
    uint32_t buckets = 1;
    if (map->length > c->steps / 2)
        return c->steps = 0, false;
    while (buckets < map->length * 2)
        buckets *= 2;
    *x = (struct ms_map_index){.pairs = malloc(map->length * sizeof *x->pairs),
                               .buckets = calloc(buckets, sizeof *x->buckets),
                               .mask = buckets - 1};
    if (!x->pairs || !x->buckets) {
        ms_map_index_free(x);
        c->bounds |= MS_BOUND_MEMORY;
        return false;
    }
    for (uint32_t i = 0; i < map->length; i++) {
        struct ms_map_pair *p = &x->pairs[i];
        uint64_t hash = 0;
        bool known = ms_items_next(c, &items, &p->key);
        ms_items_next(c, &items, &p->value);
        if (known && hash_at(c, &p->key, 0, &hash))
            put(x, i, hash);
        else
            x->unsure = true;
        if (c->steps == 0)
            return false;
    }
    return true;
}

const struct ms_map_pair *ms_map_index_first(struct ms_context *c, const struct ms_map_index *x,
                                             const struct ms_value *key, bool *known)
{
    uint64_t hash = 0;
    *known = hash_at(c, key, 0, &hash);
    uint32_t at = *known ? x->buckets[hash & x->mask] : 0;
    return at ? &x->pairs[at - 1] : NULL;
}

const struct ms_map_pair *ms_map_index_next(const struct ms_map_index *x,
                                            const struct ms_map_pair *pair)
{
    return pair->next ? &x->pairs[pair->next - 1] : NULL;
}

void ms_map_index_free(struct ms_map_index *x)
{
    free(x->pairs);
    free(x->buckets);
    *x = (struct ms_map_index){NULL};
}
