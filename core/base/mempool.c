/* mempool.c: where the strings and lists of a configuration live: allocated one by one, freed as a
 * whole.
 *
 * A configuration is a web of small pieces (values, items, copied names) that all die together.
 * Giving each an owner would be more code than using them; so they are chained to one pool. Not
 * thread safe: a pool belongs to the session's thread.
 */
#include "base/mempool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct pool_block {
    struct pool_block *next;
    _Alignas(max_align_t) char data[];
};

struct tap_mempool {
    struct pool_block *blocks;
};

struct tap_mempool *tap_mempool_new(void)
{
    return calloc(1, sizeof(struct tap_mempool));
}

void *tap_mempool_alloc(struct tap_mempool *pool, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct pool_block))
        return NULL;
    struct pool_block *block = calloc(1, sizeof *block + size);
    if (!block)
        return NULL;
    block->next = pool->blocks;
    pool->blocks = block;
    return block->data;
}

char *tap_mempool_strdup(struct tap_mempool *pool, const char *text, size_t len)
{
    char *copy = tap_mempool_alloc(pool, len + 1);
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

void tap_mempool_free(struct tap_mempool *pool)
{
    if (!pool)
        return;
    for (struct pool_block *block = pool->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(pool);
}
