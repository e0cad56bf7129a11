/* message_hash.h: a number that two events of one message have in common, and those of different
 * messages have not.
 *
 * Within a node a message has the same bytes at its send and at its receive, so the bytes count,
 * all of them. Two nodes may write one term differently: releases before 26 write atoms in latin1,
 * since then the order of a small map's keys is the order of the node's own atom table, and a
 * reference's or port's number has more than one width. Then the terms count and not their bytes.
 */
#ifndef TAP_CORRELATE_MESSAGE_HASH_H
#define TAP_CORRELATE_MESSAGE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"

static inline uint64_t tap_hash_bytes(uint64_t h, const uint8_t *p, size_t n)
{
    uint64_t word = 0;
    for (; n >= 8; p += 8, n -= 8)
        h = tap_mix64(h, tap_word64(p));
    memcpy(&word, p, n);
    return tap_mix64(h, word ^ (uint64_t)n << 56);
}

/* Of an external term without version byte, the same in whichever way its node wrote it. All of it
 * counts; in maps inside of more than TAP_HASH_MAPS others also the order of the keys, so that two
 * nodes may tell such a term differently, but never two terms the same. What is no whole term
 * counts by its bytes. Any thread. */
#define TAP_HASH_MAPS 32u
uint64_t tap_hash_term(uint64_t h, const uint8_t *term, size_t len);

#endif
