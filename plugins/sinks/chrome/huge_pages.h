/* huge_pages.h: memory for tables that grow large, in which each look is anywhere. */
#ifndef TAP_SINKS_CHROME_HUGE_PAGES_H
#define TAP_SINKS_CHROME_HUGE_PAGES_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TAP_HUGE_PAGE (2u << 20)

/* A multiple of TAP_HUGE_PAGE, not touched yet, to be given to free; NULL: out of memory. On large
 * pages where the machine has them: with small ones the processor looks up where a page is as often
 * as it looks into the table. */
static inline void *tap_pages_new(size_t bytes)
{
    void *pages = aligned_alloc(TAP_HUGE_PAGE, bytes);
#ifdef MADV_HUGEPAGE
    if (pages)
        (void)madvise(pages, bytes, MADV_HUGEPAGE); /* a wish */
#endif
    return pages;
}

/* As calloc(1, bytes). */
static inline void *tap_pages_zeros(size_t bytes)
{
    if (bytes < TAP_HUGE_PAGE || bytes % TAP_HUGE_PAGE)
        return calloc(1, bytes);
    void *pages = tap_pages_new(bytes);
    return pages ? memset(pages, 0, bytes) : NULL;
}

#endif
