/* beamtap/bloom.h: which processes and functions a recording's blocks of events hold: so that who
 * asks for a few of them need not read the others (frame.h has the blocks).
 *
 * Behind so many blocks stands one of type TAP_BLOCK_BLOOM, with the frame {bloom, Binary}: a
 * record for each block since the one before it, blocks of reports with them. Its `first` is the
 * number of the first of these, its `last` how many bytes they are. Integers are big-endian:
 *
 *   off  size
 *     0     2  length of what follows; 0: nothing is told of this block, it has to be read
 *     2     2  nodes
 *     4     4  TAP_KIND_BITs of its events
 *     8  12 *  of each node: its index (2), how many events (2), the time of the last one (8)
 *        rest  a Bloom filter, a power of two bytes: of each event's process, and of each call,
 *              return, exception or row of counters the module, and module and function
 *
 * Nothing is told of a block that holds more than events, in numbers without a hole and each with
 * the time that follows from its report, in order: losses, and what was left out, have to be read.
 * A record is about 1 % of its block at the most, mostly a fifth of that.
 *
 * Who passes over a block by it tells the core of its events with TAP_FRAME_PASSED, so that they
 * are counted as if they had been filtered, and the times of what follows are right. That changes
 * nothing that any sink gets only where no filter and nothing else needs them: plan->pass_processes
 * and plan->pass_functions say where (plan.h). Everybody else reads all blocks. Where the index of
 * the file, this block or its checksum does not hold, or a record is not of the block that the
 * index has in its place, everything is read.
 */
#ifndef BEAMTAP_BLOOM_H
#define BEAMTAP_BLOOM_H

#include "event.h"
#include "frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TAP_BLOOM_FRONT (TAP_FRAME_HEADER + 19u) /* {bloom, Binary} before its bytes */
#define TAP_BLOOM_RECORD 8u
#define TAP_BLOOM_NODE 12u
/* kinds of which a filter has the module and the function, too */
#define TAP_BLOOM_CALLS                                                    \
    (TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_FUNCTION_RETURN) | \
     TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION) | TAP_KIND_BIT(TAP_FUNCTION_COUNTERS))
#define TAP_BLOOM_BITS_MIN 16u /* bytes of a Bloom filter */
#define TAP_BLOOM_BITS_MAX 1024u
#define TAP_BLOOM_BLOCKS 1024u       /* that one block tells of, at the most */
#define TAP_BLOOM_BYTES (256u << 10) /* a longer one is damage */

struct tap_bloom_record {
    uint32_t kinds;
    uint16_t node_count, bits_len;
    const uint8_t *nodes, *bits;
};

/* ---- What is asked for: keys */

static inline uint64_t tap_bloom_key(uint64_t a, uint64_t b)
{
    a = (a ^ b * 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;
    a = (a ^ a >> 32) * 0xd6e8feb86659fd93ull;
    return a ^ a >> 32;
}
static inline uint64_t tap_bloom_process(uint32_t id, uint32_t serial)
{
    return tap_bloom_key((uint64_t)id << 32 | serial, 1);
}
/* Of a name, in UTF-8, that the next two are made of. */
static inline uint64_t tap_bloom_name(const char *text, size_t len)
{
    return tap_checksum((const uint8_t *)text, len);
}
static inline uint64_t tap_bloom_module(uint64_t module)
{
    return tap_bloom_key(module, 2);
}
static inline uint64_t tap_bloom_function(uint64_t module, uint64_t function)
{
    return tap_bloom_key(tap_bloom_key(module, 3), function);
}

/* ---- The filter: three bits a key. A longer one folded in two by OR is the shorter one. */

static inline void tap_bloom_add(uint8_t *bits, uint32_t len, uint64_t key)
{
    for (int i = 0; i < 3; i++, key >>= 21) {
        uint32_t at = (uint32_t)key & (len * 8 - 1);
        bits[at / 8] |= (uint8_t)(1u << at % 8);
    }
}
/* False: it was never added. */
static inline bool tap_bloom_may(const uint8_t *bits, uint32_t len, uint64_t key)
{
    bool all = true;
    for (int i = 0; i < 3; i++, key >>= 21) {
        uint32_t at = (uint32_t)key & (len * 8 - 1);
        all &= bits[at / 8] >> at % 8 & 1;
    }
    return all;
}

/* ---- Records */

static inline uint16_t tap_bloom_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
/* The record at p, of which n bytes are there. How long it is; 0: that is no record. bits_len 0:
 * nothing is told. */
static inline size_t tap_bloom_read(const uint8_t *p, size_t n, struct tap_bloom_record *r)
{
    memset(r, 0, sizeof *r);
    if (n < 2)
        return 0;
    size_t len = 2 + (size_t)tap_bloom_u16(p);
    if (len > n || len == 2)
        return len > n ? 0 : len;
    if (len < TAP_BLOOM_RECORD)
        return 0;
    size_t nodes = tap_bloom_u16(p + 2), front = TAP_BLOOM_RECORD + nodes * TAP_BLOOM_NODE;
    if (nodes == 0 || front >= len)
        return 0;
    size_t bits = len - front;
    if (bits > TAP_BLOOM_BITS_MAX || (bits & (bits - 1)) != 0)
        return 0;
    r->kinds = tap_get_u32(p + 4);
    r->node_count = (uint16_t)nodes;
    r->bits_len = (uint16_t)bits;
    r->nodes = p + TAP_BLOOM_RECORD;
    r->bits = p + front;
    return len;
}

#ifdef __cplusplus
}
#endif
#endif
