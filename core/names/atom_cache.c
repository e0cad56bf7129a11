/* atom_cache.c: the slow half of the cache: what is long, new, or no atom.
 *
 * The table of short atoms grows when too many want the same place, so that a name costs as few
 * instructions among a hundred thousand as among ten. A long one is found by its hash and compared
 * with the name itself.
 */
#include "names/atom_cache.h"

#include <stdlib.h>
#include <string.h>

#include "syntax/atom_size.h"

#define BUCKETS 512u            /* powers of two */
#define BUCKETS_MAX (64u << 10) /* 4 MiB */
#define LONG_SLOTS (32u << 10)  /* 256 KiB */

/* Each in a line of the processor's cache, two beside each other. */
static struct tap_atom_bucket *new_buckets(uint32_t count)
{
    struct tap_atom_bucket *buckets = aligned_alloc(2 * sizeof *buckets, count * sizeof *buckets);
    if (buckets)
        memset(buckets, 0, count * sizeof *buckets);
    return buckets;
}

struct tap_atom_cache *tap_atom_cache_new(struct tap_intern *table)
{
    struct tap_atom_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->table = table;
    cache->buckets = new_buckets(BUCKETS);
    cache->count = BUCKETS;
    cache->longs = calloc(LONG_SLOTS, sizeof *cache->longs);
    if (cache->buckets && cache->longs)
        return cache;
    tap_atom_cache_free(cache);
    return NULL;
}

void tap_atom_cache_free(struct tap_atom_cache *cache)
{
    if (!cache)
        return;
    free(cache->buckets);
    free(cache->longs);
    free(cache);
}

static const struct tap_name *name_at(const struct tap_atom_cache *cache, uint32_t id)
{
    const struct tap_names *names = tap_intern_names(cache->table);
    return &names->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
}

static bool is_ascii(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)text[i] >= 0x80)
            return false;
    return true;
}

/* A place for the key in its bucket or in its sibling, a free one where there is one; whether
 * it was free. */
static bool take_place(struct tap_atom_cache *cache, const uint64_t key[2], uint32_t id)
{
    struct tap_atom_bucket *own = tap_atom_bucket(cache->buckets, cache->count, key), *to = own;
    unsigned k = 0;
    for (unsigned i = 0; i < 2 * TAP_ATOM_WAYS; i++) {
        to = i < TAP_ATOM_WAYS ? own : tap_atom_sibling(cache->buckets, own);
        k = i % TAP_ATOM_WAYS;
        if (!to->id[k])
            break;
    }
    bool is_free = !to->id[k];
    if (!is_free) { /* not each time: those that went round would throw each other out for ever */
        cache->clock = (cache->clock + 1) % (16 * TAP_ATOM_WAYS + 1);
        if (cache->clock >= TAP_ATOM_WAYS)
            return false;
        to = own;
        k = cache->clock;
    }
    memcpy(to->key[k], key, sizeof to->key[k]);
    to->id[k] = id;
    return is_free;
}

/* Twice as many; when there is no memory for them it stays as it is. */
static void more_buckets(struct tap_atom_cache *cache)
{
    struct tap_atom_cache wider = {.count = 2 * cache->count,
                                   .buckets = new_buckets(2 * cache->count)};
    if (!wider.buckets)
        return;
    for (uint32_t i = 0; i < cache->count; i++)
        for (unsigned k = 0; k < TAP_ATOM_WAYS && cache->buckets[i].id[k]; k++)
            wider.used += take_place(&wider, cache->buckets[i].key[k], cache->buckets[i].id[k]);
    free(cache->buckets);
    cache->buckets = wider.buckets;
    cache->count = wider.count;
    cache->used = wider.used;
}

static void keep_short(struct tap_atom_cache *cache, const uint64_t key[2], uint32_t id)
{
    cache->used += take_place(cache, key, id);
    if (cache->used > cache->count / 5 * 3 * TAP_ATOM_WAYS && cache->count < BUCKETS_MAX)
        more_buckets(cache);
}

/* Is it in its bucket's sibling? */
static uint32_t find_in_sibling(const struct tap_atom_cache *cache, const uint64_t key[2])
{
    const struct tap_atom_bucket *b =
        tap_atom_sibling(cache->buckets, tap_atom_bucket(cache->buckets, cache->count, key));
    for (unsigned k = 0; k < TAP_ATOM_WAYS; k++)
        if (b->id[k] && b->key[k][0] == key[0] && b->key[k][1] == key[1])
            return b->id[k];
    return 0;
}

static uint32_t intern_text(struct tap_intern *in, const char *text, uint32_t len, bool latin1)
{
    return latin1 && !is_ascii(text, len) ? tap_intern_latin1(in, text, len)
                                          : tap_intern_name(in, text, len);
}

/* One that is long, or has too little behind it to be looked at in two words. */
__attribute__((noinline)) static uint32_t intern_long(struct tap_atom_cache *cache,
                                                      struct tap_cursor *c)
{
    const char *text;
    uint32_t len;
    bool latin1;
    if (!tap_read_atom(c, &text, &len, &latin1))
        return 0;
    if (!tap_atom_fits(text, len, latin1)) { /* no VM has such a one */
        tap_cursor_fail(c);
        return 0;
    }
    if (len < 8)
        return intern_text(cache->table, text, len, latin1);
    uint64_t h = len, last = tap_word64((const uint8_t *)text + len - 8), bits = last;
    for (uint32_t i = 0; i + 8 < len; i += 8) {
        uint64_t word = tap_word64((const uint8_t *)text + i);
        h = tap_mix64(h, word);
        bits |= word;
    }
    h = tap_mix64(h, last);
    if (latin1 && bits & UINT64_C(0x8080808080808080)) /* names are UTF-8 */
        return intern_text(cache->table, text, len, latin1);
    struct tap_atom_long *s = &cache->longs[h & (LONG_SLOTS - 1)];
    if (s->id && s->hash == (uint32_t)(h >> 32)) {
        /* it never moves, and this thread was given it */
        const struct tap_name *n = name_at(cache, s->id);
        if (n->len == len && memcmp(n->text, text, len) == 0)
            return s->id;
    }
    uint32_t id = tap_intern_name(cache->table, text, len);
    *s = (struct tap_atom_long){(uint32_t)(h >> 32), id};
    return id;
}

/* One that has no place in the cache yet gets one. */
static uint32_t intern_short(struct tap_atom_cache *cache, struct tap_cursor *c, uint32_t n)
{
    uint64_t key[2];
    const char *text;
    uint32_t len, id;
    bool latin1;
    tap_atom_key(c->p, n, key);
    if ((id = find_in_sibling(cache, key))) {
        c->p += n;
        return id;
    }
    if (!tap_read_atom(c, &text, &len, &latin1))
        return 0;
    if ((id = intern_text(cache->table, text, len, latin1)))
        keep_short(cache, key, id);
    return id;
}

uint32_t tap_intern_slow(struct tap_atom_cache *cache, struct tap_cursor *c)
{
    uint32_t n = tap_left(c) >= TAP_ATOM_SHORT ? tap_atom_size(c->p) : UINT32_MAX;
    return n > TAP_ATOM_SHORT ? intern_long(cache, c) : intern_short(cache, c, n);
}

uint32_t tap_intern_last_slow(struct tap_atom_cache *cache, struct tap_cursor *c)
{
    struct tap_atom_last *last = &cache->node;
    const uint8_t *from = c->p;
    uint32_t id = tap_intern_atom(cache, c);
    size_t len = (size_t)(c->p - from);
    last->len = 0;
    if (!id || c->bad || len < 8 || len > sizeof last->bytes)
        return id;
    memcpy(last->bytes, from, len);
    last->len = (uint32_t)len;
    last->id = id;
    return id;
}
