/* map.c: the tables and arrays of sinks that count. */
#include "sinks/common/map.h"

#include <sys/random.h>

#define FIRST_BITS 8u

void tap_map_free(struct tap_map *m)
{
    free(m->keys);
    free(m->values);
    memset(m, 0, sizeof *m);
}

static uint32_t home_of(const struct tap_map *m, uint64_t key)
{
    return (uint32_t)(key * m->odd >> m->shift);
}

static uint32_t slot_of(const struct tap_map *m, uint64_t key)
{
    uint32_t at = home_of(m, key);
    while (m->keys[at] && m->keys[at] != key)
        at = (at + 1) & m->mask;
    return at;
}

/* Where a machine has no random numbers yet, the table's address is better than nothing. */
static uint64_t odd_of(const struct tap_map *m)
{
    uint64_t odd;
    if (getrandom(&odd, sizeof odd, GRND_NONBLOCK) != (ssize_t)sizeof odd)
        odd = (uint64_t)(uintptr_t)m * 0x9e3779b97f4a7c15ull;
    return odd | 1;
}

static bool grow(struct tap_map *m)
{
    struct tap_map wider = {.mask = (1u << FIRST_BITS) - 1, .shift = 64 - FIRST_BITS};
    if (m->keys)
        wider = (struct tap_map){
            .odd = m->odd, .mask = 2 * m->mask + 1, .count = m->count, .shift = m->shift - 1};
    else
        wider.odd = odd_of(m);
    wider.keys = calloc((size_t)wider.mask + 1, sizeof *wider.keys);
    wider.values = calloc((size_t)wider.mask + 1, sizeof *wider.values);
    if (!wider.keys || !wider.values) {
        tap_map_free(&wider);
        return false;
    }
    for (uint32_t i = 0; m->keys && i <= m->mask; i++)
        if (m->keys[i]) {
            uint32_t at = slot_of(&wider, m->keys[i]);
            wider.keys[at] = m->keys[i];
            wider.values[at] = m->values[i];
        }
    tap_map_free(m);
    *m = wider;
    return true;
}

uint32_t *tap_map_get(struct tap_map *m, uint64_t key, bool make)
{
    if (m->keys) {
        uint32_t at = slot_of(m, key);
        if (m->keys[at])
            return &m->values[at];
    }
    if (!make || ((!m->keys || m->count >= m->mask / 2) && !grow(m)))
        return NULL;
    uint32_t at = slot_of(m, key);
    m->keys[at] = key;
    m->values[at] = 0;
    m->count++;
    return &m->values[at];
}

void tap_map_remove(struct tap_map *m, uint64_t key)
{
    uint32_t hole = m->keys ? slot_of(m, key) : 0;
    if (!m->keys || !m->keys[hole])
        return;
    for (uint32_t at = (hole + 1) & m->mask; m->keys[at]; at = (at + 1) & m->mask) {
        uint32_t home = home_of(m, m->keys[at]);
        if (((at - home) & m->mask) >= ((at - hole) & m->mask)) { /* it may stand in the hole */
            m->keys[hole] = m->keys[at];
            m->values[hole] = m->values[at];
            hole = at;
        }
    }
    m->keys[hole] = 0;
    m->count--;
}

bool tap_grow(void *array, uint32_t count, size_t size)
{
    void **at = array;
    if (count & (count - 1) || (count && count < 64)) /* it grows at powers of two, from 64 on */
        return true;
    void *more = realloc(*at, (count ? 2 * (size_t)count : 64) * size);
    if (more)
        *at = more;
    return more != NULL;
}
