/* sums.h: numbers added up by a key of any bytes: how often, how long. */
#ifndef TAP_SINKS_COMMON_SUMS_H
#define TAP_SINKS_COMMON_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tap_sums;

struct tap_sum {
    uint64_t count, total; /* they go no further than their largest number */
    size_t len;
    const uint8_t *key;
};

struct tap_sums *tap_sums_new(void); /* NULL: out of memory */
void tap_sums_free(struct tap_sums *);
/* So many more of this key, with their numbers together. False: out of memory. */
bool tap_sums_add(struct tap_sums *, const void *key, size_t len, uint64_t count, uint64_t value);
/* The same, and whether the key is a new one; without `may_add` a new one is not taken. */
enum tap_sums_added { TAP_SUMS_NO_MEMORY, TAP_SUMS_KNOWN, TAP_SUMS_NEW, TAP_SUMS_UNKNOWN };
enum tap_sums_added tap_sums_add_to(struct tap_sums *, const void *key, size_t len, uint64_t count,
                                    uint64_t value, bool may_add);
/* The i-th key in the order in which they came first; NULL: there are no more. */
const struct tap_sum *tap_sums_at(const struct tap_sums *, size_t i);

#endif
