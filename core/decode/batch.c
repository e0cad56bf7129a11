/* batch.c: see batch.h. */
#include "decode/batch.h"

#include <stdlib.h>
#include <string.h>

enum tap_status tap_batch_pool_init(struct tap_batch_pool *pool, uint32_t sets, size_t limit)
{
    memset(pool, 0, sizeof *pool);
    pool->sets = sets;
    pool->limit = limit;
    return pthread_mutex_init(&pool->lock, NULL) ? TAP_ERROR : TAP_OK;
}

static void arena_free(struct tap_arena_impl *arena)
{
    free(arena->base.data);
    free(arena);
}

static void arenas_free(struct tap_arena_impl *list)
{
    for (struct tap_arena_impl *next; list; list = next) {
        next = list->next;
        arena_free(list);
    }
}

static void batch_free(struct tap_batch_impl *batch)
{
    free(batch->events);
    free(batch->indexes);
    free(batch->selections);
    free(batch);
}

void tap_batch_pool_destroy(struct tap_batch_pool *pool)
{
    arenas_free(pool->arenas);
    for (unsigned i = 0; i < TAP_ARENA_SIZES; i++)
        arenas_free(pool->small[i]);
    for (unsigned i = 0; i < 2; i++)
        for (struct tap_batch_impl *b = pool->batches[i], *next; b; b = next) {
            next = b->next;
            batch_free(b);
        }
    pthread_mutex_destroy(&pool->lock);
}

static struct tap_arena *arena_new(size_t size)
{
    struct tap_arena_impl *arena = calloc(1, sizeof *arena);
    if (!arena)
        return NULL;
    arena->base = (struct tap_arena){sizeof arena->base, malloc(size), size};
    if (!arena->base.data) {
        free(arena);
        return NULL;
    }
    return &arena->base;
}

/* An idle one, off its list; NULL: there is none. Under the lock. */
static struct tap_arena *arena_take(struct tap_arena_impl **list)
{
    struct tap_arena_impl *arena = *list;
    if (!arena)
        return NULL;
    *list = arena->next;
    return &arena->base;
}

static struct tap_arena *arena_large(struct tap_batch_pool *pool, size_t min)
{
    if (min > TAP_ARENA_SIZE)
        return arena_new(min);
    pthread_mutex_lock(&pool->lock);
    struct tap_arena *arena = arena_take(&pool->arenas);
    pool->idle_arenas -= arena != NULL;
    pthread_mutex_unlock(&pool->lock);
    return arena ? arena : arena_new(TAP_ARENA_SIZE);
}

/* The small sizes: each second one is twice as large, and one lies between. */
static size_t small_size(unsigned i)
{
    size_t size = (size_t)TAP_ARENA_MIN << (i / 2);
    return i % 2 ? size + size / 2 : size;
}

/* The smallest of them that holds so many bytes; TAP_ARENA_SIZES: none does. */
static unsigned size_for(size_t bytes)
{
    unsigned i = 0;
    while (i < TAP_ARENA_SIZES && bytes > small_size(i))
        i++;
    return i;
}

struct tap_arena *tap_arena_get(struct tap_batch_pool *pool, size_t min)
{
    unsigned size = size_for(min);
    if (size == TAP_ARENA_SIZES)
        return arena_large(pool, min);
    pthread_mutex_lock(&pool->lock);
    struct tap_arena *arena = arena_take(&pool->small[size]);
    pool->idle_small -= arena ? arena->size : 0;
    pthread_mutex_unlock(&pool->lock);
    return arena ? arena : arena_new(small_size(size));
}

/* The list of idle ones that it belongs to; NULL: it is not worth keeping. Counts it. Under the
 * lock. */
static struct tap_arena_impl **arena_home(struct tap_batch_pool *pool, size_t bytes)
{
    unsigned size = size_for(bytes);
    if (size < TAP_ARENA_SIZES) {
        if (bytes != small_size(size) || pool->idle_small + bytes > TAP_POOL_IDLE_SMALL)
            return NULL;
        pool->idle_small += bytes;
        return &pool->small[size];
    }
    if (bytes < TAP_ARENA_SIZE || bytes > TAP_ARENA_POOLED ||
        pool->idle_arenas == TAP_POOL_IDLE_ARENAS)
        return NULL;
    pool->idle_arenas++;
    return &pool->arenas;
}

void tap_arena_put(struct tap_batch_pool *pool, struct tap_arena *base)
{
    if (!base)
        return;
    struct tap_arena_impl *arena = (struct tap_arena_impl *)base;
    pthread_mutex_lock(&pool->lock);
    struct tap_arena_impl **home = arena_home(pool, base->size);
    if (home) {
        arena->next = *home;
        *home = arena;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!home)
        arena_free(arena);
}

static struct tap_batch_impl *batch_new(struct tap_batch_pool *pool)
{
    struct tap_batch_impl *batch = calloc(1, sizeof *batch);
    if (!batch)
        return NULL;
    batch->pool = pool;
    batch->selections = calloc(pool->sets ? pool->sets : 1, sizeof *batch->selections);
    if (!batch->selections) {
        batch_free(batch);
        return NULL;
    }
    return batch;
}

/* The same bytes in an arena of about their size; the given one when that fails. */
static struct tap_arena *fitting(struct tap_batch_pool *pool, struct tap_arena *arena, size_t len)
{
    if (!arena || arena->size <= TAP_ARENA_MIN || len > arena->size / 4)
        return arena;
    struct tap_arena *small = tap_arena_get(pool, len);
    if (!small)
        return arena;
    memcpy(small->data, arena->data, len);
    tap_arena_put(pool, arena);
    return small;
}

/* In events; one without any takes some memory too. */
static uint64_t room_of(const struct tap_batch_impl *batch)
{
    return batch->cap + TAP_BATCH_MIN;
}

/* A batch that had many events does not keep their room while it has few: a queue counts it. */
static void trim(struct tap_batch_impl *batch, uint32_t expected)
{
    if (batch->cap / 4 <= expected + TAP_BATCH_MIN)
        return;
    free(batch->events);
    free(batch->indexes);
    batch->events = NULL;
    batch->indexes = NULL;
    batch->cap = 0;
}

struct tap_batch_impl *tap_batch_get(struct tap_batch_pool *pool, struct tap_arena *arena,
                                     size_t arena_len, uint32_t expected)
{
    arena = fitting(pool, arena, arena_len);
    bool many = expected > TAP_BATCH_FEW;
    pthread_mutex_lock(&pool->lock);
    struct tap_batch_impl *batch = pool->batches[many];
    if (batch) {
        pool->batches[many] = batch->next;
        pool->idle_events[many] -= room_of(batch);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!batch && !(batch = batch_new(pool))) {
        tap_arena_put(pool, arena);
        return NULL;
    }
    trim(batch, expected);
    batch->expected = expected;
    atomic_store_explicit(&batch->refs, 1, memory_order_relaxed);
    batch->arena = (struct tap_arena_impl *)arena;
    batch->bytes = 0;
    batch->base = (struct tap_batch){.struct_size = sizeof batch->base,
                                     .event_size = sizeof(struct tap_event),
                                     .arena_len = (uint32_t)arena_len,
                                     .events = batch->events,
                                     .arena = arena ? arena->data : NULL};
    return batch;
}

void tap_batch_fit(struct tap_batch_impl *batch)
{
    struct tap_arena *arena =
        fitting(batch->pool, batch->arena ? &batch->arena->base : NULL, batch->base.arena_len);
    batch->arena = (struct tap_arena_impl *)arena;
    batch->base.arena = arena ? arena->data : NULL;
}

/* What the headers promise is there at once, within reason: they may lie. */
static uint32_t room_next(const struct tap_batch_impl *batch)
{
    uint32_t cap = batch->cap ? batch->cap * 2 : TAP_BATCH_MIN;
    while (cap < batch->expected && cap < TAP_BATCH_MAX)
        cap *= 2;
    return cap;
}

/* For each event: an index of each selection, or before that a time. */
static size_t index_bytes(const struct tap_batch_pool *pool)
{
    size_t selections = pool->sets * sizeof(uint32_t);
    return selections < sizeof(int64_t) ? sizeof(int64_t) : selections;
}

bool tap_batch_grow(struct tap_batch_impl *batch)
{
    uint32_t cap = room_next(batch);
    struct tap_event *events = aligned_alloc(TAP_CACHE_LINE, (size_t)cap * sizeof *events);
    uint32_t *indexes = malloc(cap * index_bytes(batch->pool));
    if (!events || !indexes) {
        free(events);
        free(indexes);
        return false;
    }
    if (batch->base.count)
        memcpy(events, batch->events, batch->base.count * sizeof *events);
    free(batch->events);
    free(batch->indexes); /* nothing is in them yet */
    batch->events = events;
    batch->base.events = events;
    batch->indexes = indexes;
    batch->cap = cap;
    return true;
}

bool tap_batch_seal(struct tap_batch_impl *batch)
{
    if (!batch->indexes && !tap_batch_grow(batch))
        return false;
    for (uint32_t s = 0; s < batch->pool->sets; s++)
        batch->selections[s] =
            (struct tap_selection){.index = batch->indexes + (size_t)s * batch->cap};
    batch->bytes = sizeof *batch + (batch->arena ? batch->arena->base.size : 0) +
                   batch->cap * (sizeof(struct tap_event) + index_bytes(batch->pool));
    atomic_fetch_add_explicit(&batch->pool->alive, batch->bytes, memory_order_relaxed);
    return true;
}

void tap_batch_hold(struct tap_batch_impl *batch, unsigned more)
{
    atomic_fetch_add_explicit(&batch->refs, more, memory_order_relaxed);
}

void tap_batch_release(struct tap_batch_impl *batch)
{
    if (atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct tap_batch_pool *pool = batch->pool;
    atomic_fetch_sub_explicit(&pool->alive, batch->bytes, memory_order_relaxed);
    if (batch->arena)
        tap_arena_put(pool, &batch->arena->base);
    batch->arena = NULL;
    pthread_mutex_lock(&pool->lock);
    bool many = batch->cap > TAP_BATCH_FEW;
    bool keep =
        batch->cap <= 8192 && pool->idle_events[many] + room_of(batch) <= TAP_POOL_IDLE_EVENTS;
    if (keep) {
        batch->next = pool->batches[many];
        pool->batches[many] = batch;
        pool->idle_events[many] += room_of(batch);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!keep)
        batch_free(batch);
}
