/* trial_region.c: pages whose access can be taken away, with a page behind them that nobody may
 * touch. So a plugin that writes into what it only borrows, reads behind its end, or uses it after
 * it was given back does not get away with it, and what it did has a name.
 */
#include "cli/trial.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct tap_region {
    enum tap_region_kind kind;
    enum tap_region_access access;
    char *from, *end; /* pages; the one behind `end` is the guard */
    void *bytes;
    struct tap_region *next;
};

/* All of this process, which has one thread that makes them: the handler of a crash looks here. */
static struct tap_region *regions;

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

struct tap_region *tap_region_new(enum tap_region_kind kind, size_t size)
{
    struct tap_region *r = calloc(1, sizeof *r);
    size_t page = page_size(), own = (size + page - 1) / page * page;
    char *from =
        r ? mmap(NULL, own + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
          : MAP_FAILED;
    if (from == MAP_FAILED || mprotect(from + own, page, PROT_NONE) != 0) {
        free(r);
        return NULL;
    }
    size_t aligned = size / 64 * 64 == size ? size : size / 64 * 64 + 64;
    *r = (struct tap_region){.kind = kind,
                             .from = from,
                             .end = from + own,
                             .bytes = from + own - aligned,
                             .next = regions};
    regions = r;
    return r;
}

void *tap_region_bytes(const struct tap_region *r)
{
    return r->bytes;
}

void tap_region_set(struct tap_region *r, enum tap_region_access access)
{
    static const int rights[] = {[TAP_REGION_WRITABLE] = PROT_READ | PROT_WRITE,
                                 [TAP_REGION_READABLE] = PROT_READ,
                                 [TAP_REGION_GONE] = PROT_NONE};
    r->access = access;
    mprotect(r->from, (size_t)(r->end - r->from), rights[access]);
}

void tap_region_free(struct tap_region *r)
{
    struct tap_region **at = &regions;
    while (*at && *at != r)
        at = &(*at)->next;
    if (!r || !*at)
        return;
    *at = r->next;
    munmap(r->from, (size_t)(r->end - r->from) + page_size());
    free(r);
}

const char *tap_region_blames(const void *address)
{
    static const char *const words[][3] = {
        [TAP_REGION_BATCH] = {"it reads behind the end of the batch",
                              "it writes into the batch, which is everybody's",
                              "it uses a batch that it did not hold after consume has returned"},
        [TAP_REGION_SETTINGS] = {"it reads behind the end of its settings",
                                 "it writes into its settings, which are the core's", "?"},
        [TAP_REGION_KEEP] = {"it writes behind the end of keep", "?", "?"}};
    const char *at = address;
    for (const struct tap_region *r = regions; r; r = r->next)
        if (at >= r->from && at < r->end + page_size())
            return words[r->kind][at >= r->end ? 0 : r->access == TAP_REGION_GONE ? 2 : 1];
    return NULL;
}
