/* batch.h: arenas and batches: pooled, counted, bounded.
 *
 * A transport receives into an arena; commit turns it into a batch, which owns the arena, an array
 * of events and one selection for each distinct set of filters. All sinks share a batch; the last
 * to let go returns it to the pool with its memory, so that a running trace allocates nothing. What
 * is alive is counted in bytes: above the pool's limit nothing new is handed to sinks (bus.c), so a
 * sink that holds batches cannot eat the machine.
 */
#ifndef TAP_DECODE_BATCH_H
#define TAP_DECODE_BATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "beamtap/transport.h"

#define TAP_CACHE_LINE 64u            /* bytes of a line of a processor's cache, mostly */
#define TAP_ARENA_SIZE (256u << 10)   /* of an arena that has none of the sizes below, at least */
#define TAP_ARENA_POOLED (512u << 10) /* larger ones are freed, not pooled */
#define TAP_POOL_IDLE_ARENAS 32u      /* at most so many wait for use */
/* the smallest of those that fit what is in them: 4, 6, 8, 12, ... */
#define TAP_ARENA_MIN (4u << 10)
#define TAP_ARENA_SIZES 11u            /* so many sizes of them: the largest has 128 KiB */
#define TAP_POOL_IDLE_SMALL (2u << 20) /* bytes of these that wait for use */
#define TAP_BATCH_MIN 16u              /* events that a batch has room for as soon as it has one */
/* batches with room for more are kept apart from those with less */
#define TAP_BATCH_FEW 256u
/* that it has room for at once because so many are expected */
#define TAP_BATCH_MAX 2048u
/* room of batches that wait for use: of sixty-four nodes, each with some that wait */
#define TAP_POOL_IDLE_EVENTS 65536u

_Static_assert(sizeof(struct tap_event) == 2 * TAP_CACHE_LINE, "an event is two lines");

struct tap_batch_pool;

/* The events of a batch that one set of filters lets through: indexes, ascending. */
struct tap_selection {
    uint32_t *index;
    uint32_t count;
    uint32_t accepted; /* how many of them are counted events: neither control nor lost nor gap */
};

/* A batch as the core sees it. The public part comes first. */
struct tap_batch_impl {
    struct tap_batch base;
    atomic_uint refs;
    struct tap_batch_pool *pool;
    struct tap_arena_impl *arena; /* NULL: none */
    struct tap_event *events;
    uint32_t cap, expected;
    struct tap_selection *selections; /* pool->sets of them */
    union {
        uint32_t *indexes; /* what they point into: sets * cap */
        /* while it waits for its place in the order: what counts there, of each event */
        int64_t *times;
    };
    size_t bytes; /* what it costs while alive */
    struct tap_batch_impl *next;
};

struct tap_arena_impl {
    struct tap_arena base;
    struct tap_arena_impl *next;
};

struct tap_batch_pool {
    pthread_mutex_t lock;
    struct tap_arena_impl *arenas;
    struct tap_arena_impl *small[TAP_ARENA_SIZES];
    /* with room for few events, and for more than TAP_BATCH_FEW */
    struct tap_batch_impl *batches[2];
    unsigned idle_arenas;
    size_t idle_small;
    uint64_t idle_events[2];
    uint32_t sets; /* selections a batch */
    atomic_size_t alive;
    size_t limit; /* bytes; see tap_batch_pool_full */
};

/* `sets`: selections a batch; `limit`: bytes that may be alive. TAP_ERROR when out of memory. */
enum tap_status tap_batch_pool_init(struct tap_batch_pool *, uint32_t sets, size_t limit);
/* Every batch must have been released. */
void tap_batch_pool_destroy(struct tap_batch_pool *);
static inline bool tap_batch_pool_full(struct tap_batch_pool *pool)
{
    return atomic_load_explicit(&pool->alive, memory_order_relaxed) >= pool->limit;
}

/* An arena of at least `min` bytes: of the smallest size that holds them. NULL when out of memory.
 * Any thread. */
struct tap_arena *tap_arena_get(struct tap_batch_pool *, size_t min);
void tap_arena_put(struct tap_batch_pool *, struct tap_arena *);

/* An empty batch with one reference. Takes the arena over, also on failure (NULL, out of memory);
 * one that is mostly empty is changed for one that fits, so that a queue's bytes are bytes of
 * trace. `expected`: about so many events. */
struct tap_batch_impl *tap_batch_get(struct tap_batch_pool *, struct tap_arena *, size_t arena_len,
                                     uint32_t expected);
/* Gives an arena back that is mostly empty: for a batch whose arena was filled by hand. */
void tap_batch_fit(struct tap_batch_impl *);
/* One more event: _room for one that is to be written whole, _add zeroed but for arity -1. NULL
 * when out of memory. Only while unshared. */
bool tap_batch_grow(struct tap_batch_impl *);
static inline struct tap_event *tap_batch_room(struct tap_batch_impl *batch)
{
    if (__builtin_expect(batch->base.count == batch->cap, 0) && !tap_batch_grow(batch))
        return NULL;
    return &batch->events[batch->base.count++];
}
static inline struct tap_event *tap_batch_add(struct tap_batch_impl *batch)
{
    struct tap_event *ev = tap_batch_room(batch);
    if (__builtin_expect(!ev, 0))
        return NULL;
    /* In two halves, which compilers store word by word: for the whole they take a loop of the
     * processor's that needs as long to begin as for all of it. */
    memset(ev, 0, sizeof *ev / 2);
    memset((char *)ev + sizeof *ev / 2, 0, sizeof *ev / 2);
    ev->arity = -1;
    return ev;
}
/* How much of an arena a copy of an event takes; `raw`: with all that it was made of, else only the
 * pieces that are printed, which are a small part. */
size_t tap_event_bytes(const struct tap_event *, bool raw);
/* A copy of an event of another arena, behind the others: its bytes go to the batch's arena, behind
 * arena_len, where there is room for them. NULL when out of memory. */
struct tap_event *tap_batch_copy(struct tap_batch_impl *, const struct tap_event *,
                                 const uint8_t *arena, bool raw);
/* Counts it as alive; after that it must not change. False when out of memory. */
bool tap_batch_seal(struct tap_batch_impl *);
void tap_batch_hold(struct tap_batch_impl *, unsigned more);
void tap_batch_release(struct tap_batch_impl *);

#endif
