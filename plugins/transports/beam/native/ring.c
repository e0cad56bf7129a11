/* ring.c: records one after the other, each filled up to eight bytes, over the end of the memory to
 * its beginning. */
#include "transports/beam/native/ring.h"

#include <string.h>
#include <sys/mman.h>

#include "transports/beam/native/event.h"

#define PAGE 4096

static size_t filled(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* One event is not more than a quarter of its ring, or a few of them would fill it. */
static size_t term_limit(size_t size, size_t max_term)
{
    size_t most = (size / 4 - TAP_EVENT_FIXED) / 2;
    return max_term < most ? max_term : most;
}

size_t tap_ring_overhead(size_t size, size_t max_term)
{
    size_t all = sizeof(struct tap_ring) + 2 * term_limit(size, max_term) + TAP_EVENT_FIXED;
    return (all + PAGE - 1) / PAGE * PAGE;
}

struct tap_ring *tap_ring_new(size_t size, size_t max_term)
{
    size_t overhead = tap_ring_overhead(size, max_term);
    uint8_t *memory =
        mmap(NULL, overhead + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    struct tap_ring *r = (struct tap_ring *)memory; /* all zero */
    r->size = size;
    r->mapped = overhead + size;
    r->max_term = term_limit(size, max_term);
    r->message_size = 2 * r->max_term + TAP_EVENT_FIXED;
    r->message = memory + sizeof *r;
    r->bytes = memory + overhead;
    r->encoder.names = &r->names;
    return r;
}

void tap_ring_free(struct tap_ring *r)
{
    if (r)
        munmap(r, r->mapped);
}

/* ---- Writing */

static void copy_in(struct tap_ring *r, uint64_t at, const void *from, size_t len)
{
    size_t off = at & (r->size - 1), first = r->size - off < len ? r->size - off : len;
    memcpy(r->bytes + off, from, first);
    memcpy(r->bytes, (const uint8_t *)from + first, len - first);
}

bool tap_ring_put(struct tap_ring *r, size_t len, int64_t time, size_t *used)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t need = sizeof(struct tap_record) + filled(len);
    if (head + need - r->tail_seen > r->size)
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
    *used = head + need - r->tail_seen;
    if (*used > r->size) {
        *used = r->size;
        tap_ring_lose(r);
        return false;
    }
    struct tap_record record = {
        (uint32_t)len, (uint32_t)atomic_load_explicit(&r->lost, memory_order_relaxed), time};
    copy_in(r, head, &record, sizeof record);
    copy_in(r, head + sizeof record, r->message, len);
    atomic_store_explicit(&r->last, time, memory_order_relaxed);
    atomic_store_explicit(&r->head, head + need, memory_order_release);
    return true;
}

/* ---- Reading */

static void copy_out(const struct tap_ring *r, uint64_t at, void *to, size_t len)
{
    size_t off = at & (r->size - 1), first = r->size - off < len ? r->size - off : len;
    memcpy(to, r->bytes + off, first);
    memcpy((uint8_t *)to + first, r->bytes, len - first);
}

void tap_ring_peek(const struct tap_ring *r, struct tap_record *record)
{
    copy_out(r, atomic_load_explicit(&r->tail, memory_order_relaxed), record, sizeof *record);
}

uint64_t tap_ring_take_lost(struct tap_ring *r, const struct tap_record *record)
{
    /* Read before it is seen that nothing waits: all of these were lost before what comes next. */
    uint64_t by_now = atomic_load_explicit(&r->lost, memory_order_acquire), lost;
    if (record)
        lost = (uint32_t)(record->lost - (uint32_t)r->lost_told);
    else
        lost = tap_ring_used(r) == 0 ? by_now - r->lost_told : 0;
    r->lost_told += lost;
    return lost;
}

void tap_ring_take(struct tap_ring *r, const struct tap_record *record, uint8_t *to)
{
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (to)
        copy_out(r, tail + sizeof *record, to, record->size);
    atomic_store_explicit(&r->tail, tail + sizeof *record + filled(record->size),
                          memory_order_release);
}
