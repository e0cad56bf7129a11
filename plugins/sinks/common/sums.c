/* sums.c: a table of keys, open addressing; the keys themselves lie where they do not move. */
#include "sinks/common/sums.h"

#include <stdlib.h>
#include <string.h>

struct tap_sums {
    struct tap_sum **at; /* in the order in which they came */
    size_t count, cap;
    uint32_t *slots; /* index + 1; 0: free */
    size_t mask;
};

static uint64_t hash(const uint8_t *key, size_t len)
{
    uint64_t h = 0xcbf29ce484222325ull ^ len;
    for (; len >= 4; key += 4, len -= 4) {
        uint32_t word;
        memcpy(&word, key, 4);
        h = (h ^ word) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
    }
    for (; len; key++, len--)
        h = (h ^ *key) * 0x100000001b3ull;
    return h ^ h >> 32;
}

struct tap_sums *tap_sums_new(void)
{
    return calloc(1, sizeof(struct tap_sums));
}

void tap_sums_free(struct tap_sums *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        free(s->at[i]);
    free(s->at);
    free(s->slots);
    free(s);
}

/* The slot of a key, or the free one where it belongs. */
static uint32_t *slot_of(const struct tap_sums *s, const void *key, size_t len)
{
    size_t at = (size_t)hash(key, len) & s->mask;
    while (s->slots[at]) {
        const struct tap_sum *sum = s->at[s->slots[at] - 1];
        if (sum->len == len && memcmp(sum->key, key, len) == 0)
            break;
        at = (at + 1) & s->mask;
    }
    return &s->slots[at];
}

static bool grow(struct tap_sums *s)
{
    size_t cap = s->cap ? 2 * s->cap : 256;
    struct tap_sum **at = realloc(s->at, cap * sizeof *at);
    if (!at)
        return false;
    s->at = at;
    uint32_t *slots = calloc(2 * cap, sizeof *slots);
    if (!slots)
        return false;
    free(s->slots);
    s->slots = slots;
    s->cap = cap;
    s->mask = 2 * cap - 1;
    for (size_t i = 0; i < s->count; i++)
        *slot_of(s, s->at[i]->key, s->at[i]->len) = (uint32_t)i + 1;
    return true;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

enum tap_sums_added tap_sums_add_to(struct tap_sums *s, const void *key, size_t len, uint64_t count,
                                    uint64_t value, bool may_add)
{
    if (s->count == s->cap && !grow(s))
        return TAP_SUMS_NO_MEMORY;
    uint32_t *slot = slot_of(s, key, len);
    bool known = *slot;
    if (!known && !may_add)
        return TAP_SUMS_UNKNOWN;
    if (!known) {
        struct tap_sum *sum = malloc(sizeof *sum + len);
        if (!sum)
            return TAP_SUMS_NO_MEMORY;
        memcpy(sum + 1, key, len);
        *sum = (struct tap_sum){.len = len, .key = (const uint8_t *)(sum + 1)};
        s->at[s->count++] = sum;
        *slot = (uint32_t)s->count;
    }
    struct tap_sum *sum = s->at[*slot - 1];
    sum->count = plus(sum->count, count);
    sum->total = plus(sum->total, value);
    return known ? TAP_SUMS_KNOWN : TAP_SUMS_NEW;
}

bool tap_sums_add(struct tap_sums *s, const void *key, size_t len, uint64_t count, uint64_t value)
{
    return tap_sums_add_to(s, key, len, count, value, true) != TAP_SUMS_NO_MEMORY;
}

const struct tap_sum *tap_sums_at(const struct tap_sums *s, size_t i)
{
    return i < s->count ? s->at[i] : NULL;
}
