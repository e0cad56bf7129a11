/* mempool.h: memory that dies as a whole: where the strings and lists of a configuration live. */
#ifndef TAP_BASE_MEMPOOL_H
#define TAP_BASE_MEMPOOL_H

#include <stddef.h>

struct tap_mempool;
struct tap_mempool *tap_mempool_new(void);
void *tap_mempool_alloc(struct tap_mempool *, size_t size); /* zeroed; NULL when out of memory */
char *tap_mempool_strdup(struct tap_mempool *, const char *text, size_t len);
void tap_mempool_free(struct tap_mempool *);

#endif
