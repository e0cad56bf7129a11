/* hash.h: what hashes are made of. */
#ifndef TAP_BASE_HASH_H
#define TAP_BASE_HASH_H

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

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

/* A number that no node knows, for a table whose keys come from nodes: what would all want one
 * place of it cannot be chosen then. `own`: anything of the table's, for a machine that has no
 * random numbers yet. */
static inline uint64_t tap_hash_secret(const void *own)
{
    uint64_t secret;
    if (getrandom(&secret, sizeof secret, GRND_NONBLOCK) != (ssize_t)sizeof secret)
        secret = (uint64_t)(uintptr_t)own * 0x9E3779B97F4A7C15ull;
    return secret;
}

/* Both halves of a product, in one: where one factor is secret nothing is known of it. */
static inline uint64_t tap_fold64(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#endif
