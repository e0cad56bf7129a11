/* map.h: a hash table of numbers, and room in growing arrays, for sinks that count.
 *
 * Keys are hashes of 64 bits, never 0; values are indexes or counts. Open addressing with linear
 * probing, and removal by shifting. A key is made of what a node sends, and its place of a number
 * that no node knows: so nobody can choose keys that all want one place.
 */
#ifndef TAP_SINKS_COMMON_MAP_H
#define TAP_SINKS_COMMON_MAP_H

#include <stdlib.h>

#include "beamtap/sink.h"

struct tap_map {
    uint64_t *keys;
    uint32_t *values;
    uint64_t odd; /* a key's place: the upper bits of its product with this */
    uint32_t mask, count, shift;
};
void tap_map_free(struct tap_map *);
/* The value's place; made with value 0 where `make`. NULL: there is none, or no memory. Until the
 * next call. */
uint32_t *tap_map_get(struct tap_map *, uint64_t key, bool make);
void tap_map_remove(struct tap_map *, uint64_t key);

static inline uint64_t tap_map_mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b << 32 | b >> 32)) * 0x9e3779b97f4a7c15ull;
    h = (h ^ (h >> 29) ^ b) * 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
    return h ? h : 1;
}
static inline uint64_t tap_map_pid(const struct tap_pid *p)
{
    uint64_t h = tap_pid_hash64(p);
    return h ? h : 1;
}
static inline uint64_t tap_map_bytes(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint64_t h = 0xcbf29ce484222325u ^ len;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h ? h : 1;
}

/* Room for one more item in a growing array (a pointer to its pointer); false: no memory. */
bool tap_grow(void *array, uint32_t count, size_t size);

/* Lengths are below 2^62, but there are many. */
static inline int64_t tap_times_add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

#endif
