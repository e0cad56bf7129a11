/* batch.c: see batch.h. */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

enum tap_status tap_batch_pool_init(struct tap_batch_pool *pool, uint32_t sets, size_t limit)
{
    memset(pool, 0, sizeof *pool);
    pool->sets = sets;
    pool->limit = limit;
    return pthread_mutex_init(&pool->lock, NULL) ? TAP_ERROR : TAP_OK;
}

static void arena_free(struct tap_arena_own *arena)
{
    free(arena->base.data);
    free(arena);
}

static void batch_free(struct tap_batch_own *batch)
{
    free(batch->events);
    free(batch->indexes);
    free(batch->selections);
    free(batch);
}

void tap_batch_pool_destroy(struct tap_batch_pool *pool)
{
    for (struct tap_arena_own *a = pool->arenas, *next; a; a = next) {
        next = a->next;
        arena_free(a);
    }
    for (struct tap_batch_own *b = pool->batches, *next; b; b = next) {
        next = b->next;
        batch_free(b);
    }
    pthread_mutex_destroy(&pool->lock);
}

struct tap_arena *tap_arena_get(struct tap_batch_pool *pool, size_t min)
{
    struct tap_arena_own *arena = NULL;
    if (min <= TAP_ARENA_SIZE) {
        pthread_mutex_lock(&pool->lock);
        if ((arena = pool->arenas)) {
            pool->arenas = arena->next;
            pool->idle_arenas--;
        }
        pthread_mutex_unlock(&pool->lock);
        if (arena)
            return &arena->base;
        min = TAP_ARENA_SIZE;
    }
    arena = calloc(1, sizeof *arena);
    if (!arena)
        return NULL;
    arena->base.data = malloc(min);
    arena->base.size = min;
    if (!arena->base.data) {
        free(arena);
        return NULL;
    }
    return &arena->base;
}

void tap_arena_put(struct tap_batch_pool *pool, struct tap_arena *base)
{
    if (!base)
        return;
    struct tap_arena_own *arena = (struct tap_arena_own *)base;
    if (base->size >= TAP_ARENA_SIZE && base->size <= TAP_ARENA_POOLED) {
        pthread_mutex_lock(&pool->lock);
        if (pool->idle_arenas < TAP_POOL_IDLE_ARENAS) {
            arena->next = pool->arenas;
            pool->arenas = arena;
            pool->idle_arenas++;
            arena = NULL;
        }
        pthread_mutex_unlock(&pool->lock);
    }
    if (arena)
        arena_free(arena);
}

static struct tap_batch_own *batch_new(struct tap_batch_pool *pool)
{
    struct tap_batch_own *batch = calloc(1, sizeof *batch);
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

/* The same bytes in an arena of their size; the given one when that fails. */
static struct tap_arena *fitting(struct tap_batch_pool *pool, struct tap_arena *arena, size_t len)
{
    if (!arena || arena->size < 4096 || len > arena->size / 4)
        return arena;
    struct tap_arena_own *small = calloc(1, sizeof *small);
    uint8_t *data = small ? malloc(len ? len : 1) : NULL;
    if (!data) {
        free(small);
        return arena;
    }
    memcpy(data, arena->data, len);
    small->base = (struct tap_arena){data, len};
    tap_arena_put(pool, arena);
    return &small->base;
}

/* In events; one without any takes some memory too. */
static uint64_t room_of(const struct tap_batch_own *batch)
{
    return batch->cap + TAP_BATCH_LEAST;
}

/* A batch that had many events does not keep their room while it has few. */
static void trim(struct tap_batch_own *batch, uint32_t expected)
{
    if (batch->cap / 4 <= expected + 256)
        return;
    free(batch->events);
    free(batch->indexes);
    batch->events = NULL;
    batch->indexes = NULL;
    batch->cap = 0;
}

struct tap_batch_own *tap_batch_get(struct tap_batch_pool *pool, struct tap_arena *arena, size_t arena_len,
                                    uint32_t expected)
{
    arena = fitting(pool, arena, arena_len);
    pthread_mutex_lock(&pool->lock);
    struct tap_batch_own *batch = pool->batches;
    if (batch) {
        pool->batches = batch->next;
        pool->idle_events -= room_of(batch);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!batch && !(batch = batch_new(pool))) {
        tap_arena_put(pool, arena);
        return NULL;
    }
    trim(batch, expected);
    atomic_store_explicit(&batch->refs, 1, memory_order_relaxed);
    batch->arena = (struct tap_arena_own *)arena;
    batch->bytes = 0;
    batch->base = (struct tap_batch){.struct_size = sizeof batch->base,
                                     .event_size = sizeof(struct tap_event),
                                     .arena_len = (uint32_t)arena_len,
                                     .events = batch->events,
                                     .arena = arena ? arena->data : NULL};
    return batch;
}

void tap_batch_fit(struct tap_batch_own *batch)
{
    struct tap_arena *arena =
        fitting(batch->pool, batch->arena ? &batch->arena->base : NULL, batch->base.arena_len);
    batch->arena = (struct tap_arena_own *)arena;
    batch->base.arena = arena ? arena->data : NULL;
}

bool tap_batch_grow(struct tap_batch_own *batch)
{
    uint32_t cap = batch->cap ? batch->cap * 2 : TAP_BATCH_LEAST;
    struct tap_event *events = realloc(batch->events, (size_t)cap * sizeof *events);
    if (!events)
        return false;
    batch->events = events;
    batch->base.events = events;
    uint32_t *indexes = realloc(batch->indexes, (size_t)cap * (batch->pool->sets + 1) * sizeof *indexes);
    if (!indexes)
        return false;
    batch->indexes = indexes;
    batch->cap = cap;
    return true;
}

bool tap_batch_seal(struct tap_batch_own *batch)
{
    if (!batch->indexes && !tap_batch_grow(batch))
        return false;
    for (uint32_t s = 0; s < batch->pool->sets; s++)
        batch->selections[s] = (struct tap_selection){.index = batch->indexes + (size_t)s * batch->cap};
    batch->bytes = sizeof *batch + (batch->arena ? batch->arena->base.size : 0) +
                   batch->cap * (sizeof(struct tap_event) + (batch->pool->sets + 1) * sizeof(uint32_t));
    atomic_fetch_add_explicit(&batch->pool->alive, batch->bytes, memory_order_relaxed);
    return true;
}

void tap_batch_hold(struct tap_batch_own *batch, unsigned more)
{
    atomic_fetch_add_explicit(&batch->refs, more, memory_order_relaxed);
}

void tap_batch_release(struct tap_batch_own *batch)
{
    if (atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct tap_batch_pool *pool = batch->pool;
    atomic_fetch_sub_explicit(&pool->alive, batch->bytes, memory_order_relaxed);
    if (batch->arena)
        tap_arena_put(pool, &batch->arena->base);
    batch->arena = NULL;
    pthread_mutex_lock(&pool->lock);
    bool keep = batch->cap <= 8192 && pool->idle_events + room_of(batch) <= TAP_POOL_IDLE_EVENTS;
    if (keep) {
        batch->next = pool->batches;
        pool->batches = batch;
        pool->idle_events += room_of(batch);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!keep)
        batch_free(batch);
}
