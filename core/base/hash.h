/* hash.h: what hashes are made of. */
#ifndef TAP_BASE_HASH_H
#define TAP_BASE_HASH_H

#include <stdint.h>
#include <string.h>

/* Eight bytes as they lie. */
static inline uint64_t tap_word64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static inline uint64_t tap_mix64(uint64_t a, uint64_t b)
{
    a = (a ^ (b << 29 | b >> 35)) * 0x9E3779B97F4A7C15ull;
    return a ^ a >> 32;
}

#endif
