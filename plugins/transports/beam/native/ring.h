/* ring.h: what one thread of the node has to say, on its way to the thread that sends it.
 *
 * One writes and one reads, neither waits for the other. What does not fit is counted, and the next
 * record that fits says how many were lost before it: so each loss stands at its place. All of a
 * ring is one piece of memory, taken when its thread has its first event, and of the size that it
 * keeps: with it comes what the thread needs to encode.
 *
 * A record lies in one piece, so that it is encoded where it stays: what is left at the end is
 * passed over. Where the reader has everything, the writer goes on at the beginning long before the
 * end: a large ring that is never full takes no more memory, nor of the processor's caches, than a
 * small one.
 */
#ifndef TAP_NATIVE_RING_H
#define TAP_NATIVE_RING_H

#include <stdatomic.h>

#include "transports/beam/native/encode.h"

#define TAP_RING_LINE 64 /* bytes of a cache line: what the two write is apart */

#define TAP_RECORD_PASS UINT32_MAX /* as size: nothing more stands here up to the end */

struct tap_record {
    uint32_t size; /* of the message that follows, without what fills up to 8 bytes */
    uint32_t lost; /* how many were lost in this ring by now, modulo 2^32 */
    int64_t time;  /* ns by the machine's clock */
};
struct tap_ring {
    /* The writer's. */
    _Alignas(TAP_RING_LINE) atomic_uint_fast64_t head; /* bytes written since the start */
    atomic_uint_fast64_t lost;
    atomic_int_fast64_t last;  /* time of the last record */
    uint64_t tail_seen;        /* bytes read, when that was asked last */
    size_t to;                 /* where in bytes the next record goes */
    atomic_uint_fast64_t back; /* head when it went back to the beginning, and all was read */
    bool direct;               /* the message is being written where it stays */
    /* The reader's. */
    _Alignas(TAP_RING_LINE) atomic_uint_fast64_t tail; /* bytes read, as the writer is told */
    size_t from;                                       /* where in bytes the next record is */
    uint64_t read;                                     /* bytes read */
    uint64_t lost_told;
    /* Neither changes these. */
    _Alignas(TAP_RING_LINE) size_t size; /* of bytes: a power of two */
    size_t mapped;
    size_t max_term; /* bytes of a payload: also what the ring's size allows */
    uint8_t *bytes, *message;
    size_t message_size;
    struct tap_encoder encoder;
    struct tap_native_names names;
    struct tap_native_numbers numbers;
};

/* Bytes of a payload in a ring of that size, where no more than max_term is wanted. */
size_t tap_ring_max_term(size_t size, size_t max_term);
/* What a ring takes beside its `size`. */
size_t tap_ring_overhead(size_t size, size_t max_term);
/* NULL: there is no memory. size: a power of two. */
struct tap_ring *tap_ring_new(size_t size, size_t max_term);
/* Its events have numbers for names, which are its own. */
void tap_ring_number(struct tap_ring *, unsigned thread);
void tap_ring_free(struct tap_ring *);

/* Writer: where the next message is to be written, up to message_size bytes. NULL: not even a small
 * one fits, and it is counted as lost. */
uint8_t *tap_ring_room(struct tap_ring *);
/* Writer: adds the message of `len` bytes that was written there. False: it does not fit and is
 * counted as lost. *half: with it half of the ring is full. */
bool tap_ring_put(struct tap_ring *, size_t len, int64_t time, bool *half);
/* Writer: one is lost. */
static inline void tap_ring_lose(struct tap_ring *r)
{
    uint64_t lost = atomic_load_explicit(&r->lost, memory_order_relaxed);
    atomic_store_explicit(&r->lost, lost + 1, memory_order_release);
}

/* Reader: bytes that wait. */
static inline uint64_t tap_ring_used(const struct tap_ring *r)
{
    return atomic_load_explicit(&r->head, memory_order_acquire) - r->read;
}
/* Reader: the next record. False: there is none. */
bool tap_ring_peek(struct tap_ring *, struct tap_record *);
/* Reader: how many were lost before that record, or without one (NULL) after the last, if none
 * waits; each is told once. */
uint64_t tap_ring_take_lost(struct tap_ring *, const struct tap_record *);
/* Reader: its message, up to the next tap_ring_told. */
const uint8_t *tap_ring_message(const struct tap_ring *);
/* Reader: goes behind that record. */
void tap_ring_take(struct tap_ring *, const struct tap_record *);
/* Reader: what was read may be written over: the writer is told seldom, as it would have to fetch
 * that each time. */
void tap_ring_told(struct tap_ring *);

#endif
