/* atom_cache.h: the decoder's way from the bytes of an atom to its name's id.
 *
 * Nearly every atom of a stream was there before. Short ones, tag and length included, are two
 * words, compared as they stand with three candidates in one line of the processor's cache (and
 * three more in its sibling). Before that, the node of a pid is held against the one that came
 * last. Long ones are found by a hash of all their bytes. The cache belongs to one thread; what it
 * does not know it asks of the table of names (intern.h), which everybody shares.
 */
#ifndef TAP_NAMES_ATOM_CACHE_H
#define TAP_NAMES_ATOM_CACHE_H

#include "base/hash.h"
#include "names/intern.h"

/* bytes of an encoded atom that has a place in a bucket; as many must be there to be read */
#define TAP_ATOM_SHORT 16u
#define TAP_ATOM_WAYS 3u

struct tap_atom_bucket {
    uint64_t key[TAP_ATOM_WAYS][2];
    /* 0: free; filled from the first on; the last is room up to the line's end */
    uint32_t id[TAP_ATOM_WAYS + 1];
};
_Static_assert(sizeof(struct tap_atom_bucket) == 64, "a bucket is a line");

/* The encoded atom that came last at some place; len 0: none. */
struct tap_atom_last {
    uint8_t bytes[264];
    uint32_t len, id;
};

/* One that is too long for a bucket, by its hash. id 0: free. */
struct tap_atom_long {
    uint32_t hash, id;
};

struct tap_atom_cache {
    struct tap_atom_bucket *buckets;
    /* used: places of all of them; clock: whose turn it is to be thrown out */
    uint32_t count, used, clock;
    /* the decoder takes names of functions later: see tap_decode_defer_names */
    bool deferred;
    struct tap_atom_last node;
    struct tap_atom_long *longs;
    struct tap_intern *table;
};

/* Before a table, which must outlive it. NULL: out of memory. */
struct tap_atom_cache *tap_atom_cache_new(struct tap_intern *table);
void tap_atom_cache_free(struct tap_atom_cache *);

/* Bytes of an encoded atom, which are not looked at but for the first three. UINT32_MAX: it is
 * none. */
static inline uint32_t tap_atom_size(const uint8_t *p)
{
    if (__builtin_expect(p[0] == TAP_EXT_SMALL_ATOM_UTF8 || p[0] == TAP_EXT_SMALL_ATOM, 1))
        return 2u + p[1];
    if (p[0] == TAP_EXT_ATOM || p[0] == TAP_EXT_ATOM_UTF8)
        return 3u + ((uint32_t)p[1] << 8 | p[2]);
    return UINT32_MAX;
}

/* Its n bytes, at most TAP_ATOM_SHORT, with zeros behind them. */
static inline void tap_atom_key(const uint8_t *p, uint32_t n, uint64_t key[2])
{
    uint64_t low = tap_word64(p), high = tap_word64(p + 8);
    unsigned spare = 8 * (TAP_ATOM_SHORT - n); /* bits that are not the atom's */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    key[0] = n < 8 ? low & UINT64_MAX >> (spare - 64) : low;
    key[1] = n <= 8 ? 0 : high & UINT64_MAX >> spare;
#else
    key[0] = n < 8 ? low & UINT64_MAX << (spare - 64) : low;
    key[1] = n <= 8 ? 0 : high & UINT64_MAX << spare;
#endif
}

/* Every bit of both words counts: functions are often numbered, so their last characters are all
 * that differs. */
static inline struct tap_atom_bucket *tap_atom_bucket(struct tap_atom_bucket *buckets,
                                                      uint32_t count, const uint64_t key[2])
{
    unsigned __int128 h = (unsigned __int128)(key[0] ^ UINT64_C(0xD6E8FEB86659FD93)) *
                          (key[1] ^ UINT64_C(0x9E3779B97F4A7C15));
    return &buckets[((uint64_t)h ^ (uint64_t)(h >> 64)) & (count - 1)];
}

/* Where it is when its own bucket is full: the two are fetched together by most processors. */
static inline struct tap_atom_bucket *tap_atom_sibling(struct tap_atom_bucket *buckets,
                                                       const struct tap_atom_bucket *b)
{
    return &buckets[(size_t)(b - buckets) ^ 1];
}

/* The slow half of tap_intern_atom: long, new, or no atom. */
uint32_t tap_intern_slow(struct tap_atom_cache *, struct tap_cursor *);
/* The slow half of tap_intern_last: makes it the last one. */
uint32_t tap_intern_last_slow(struct tap_atom_cache *, struct tap_cursor *);

/* The id of the atom at the cursor, which goes past it; fails the cursor when it is none, or one of
 * more characters than an atom may have. */
static inline uint32_t tap_intern_atom(struct tap_atom_cache *cache, struct tap_cursor *c)
{
    uint32_t n = tap_left(c) >= TAP_ATOM_SHORT ? tap_atom_size(c->p) : UINT32_MAX;
    if (__builtin_expect(n > TAP_ATOM_SHORT, 0))
        return tap_intern_slow(cache, c);
    uint64_t key[2];
    tap_atom_key(c->p, n, key);
    const struct tap_atom_bucket *b = tap_atom_bucket(cache->buckets, cache->count, key);
    for (unsigned k = 0; k < TAP_ATOM_WAYS; k++) {
        if (__builtin_expect(b->key[k][0] == key[0] && b->key[k][1] == key[1], 1)) {
            c->p += n;
            return b->id[k];
        }
    }
    return tap_intern_slow(cache, c);
}

/* Goes past a short atom and has its bucket fetched, for tap_intern_atom to find it there a while
 * later. False: it is none, and nothing is done. */
static inline bool tap_intern_fetch(const struct tap_atom_cache *cache, struct tap_cursor *c)
{
    uint32_t n = tap_left(c) >= TAP_ATOM_SHORT ? tap_atom_size(c->p) : UINT32_MAX;
    if (n > TAP_ATOM_SHORT)
        return false;
    uint64_t key[2];
    tap_atom_key(c->p, n, key);
    __builtin_prefetch(tap_atom_bucket(cache->buckets, cache->count, key));
    c->p += n;
    return true;
}

/* The same for what is nearly always the atom that it was the last time: the node of a pid. */
static inline uint32_t tap_intern_last(struct tap_atom_cache *cache, struct tap_cursor *c)
{
    const struct tap_atom_last *last = &cache->node;
    uint32_t n = last->len, at = 0;
    if (n && tap_left(c) >= n) {
        while (at + 8 < n && tap_word64(c->p + at) == tap_word64(last->bytes + at))
            at += 8;
        if (at + 8 >= n && tap_word64(c->p + n - 8) == tap_word64(last->bytes + n - 8)) {
            c->p += n;
            return last->id;
        }
    }
    return tap_intern_last_slow(cache, c);
}

#endif
