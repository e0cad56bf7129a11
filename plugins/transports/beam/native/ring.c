/* ring.c: records one after the other, each filled up to eight bytes. */
#include "transports/beam/native/ring.h"

#include <string.h>
#include <sys/mman.h>

#include "transports/beam/native/event.h"

#define PAGE 4096
#define NEAR (256u << 10) /* bytes: so far the writer goes before it looks whether it may go back */
#define SMALL 128u        /* bytes of the smallest event, and more */

static size_t filled(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* One event is not more than a quarter of its ring, or a few of them would fill it. */
size_t tap_ring_max_term(size_t size, size_t max_term)
{
    size_t most = (size / 4 - TAP_EVENT_FIXED) / 2;
    return max_term < most ? max_term : most;
}

size_t tap_ring_overhead(size_t size, size_t max_term)
{
    size_t all = sizeof(struct tap_ring) + 2 * tap_ring_max_term(size, max_term) + TAP_EVENT_FIXED;
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
    r->max_term = tap_ring_max_term(size, max_term);
    r->message_size = 2 * r->max_term + TAP_EVENT_FIXED;
    r->message = memory + sizeof *r;
    r->bytes = memory + overhead;
    r->encoder.names = &r->names;
    return r;
}

void tap_ring_number(struct tap_ring *r, unsigned thread)
{
    r->numbers.first = thread * TAP_NUMBERS;
    r->encoder.numbers = &r->numbers;
}

void tap_ring_free(struct tap_ring *r)
{
    if (r)
        munmap(r, r->mapped);
}

/* ---- Writing */

/* Bytes that wait, as far as the writer knows: what was read meanwhile it asks where it matters. */
static uint64_t waiting(struct tap_ring *r, uint64_t head, bool ask)
{
    if (ask)
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
    return head - r->tail_seen;
}

/* Goes on at the beginning. */
static uint64_t pass_over(struct tap_ring *r, uint64_t head, size_t left)
{
    struct tap_record pass = {TAP_RECORD_PASS, 0, 0};
    if (left >= sizeof pass)
        memcpy(r->bytes + r->to, &pass, sizeof pass);
    r->to = 0;
    atomic_store_explicit(&r->head, head + left, memory_order_release);
    return head + left;
}

uint8_t *tap_ring_room(struct tap_ring *r)
{
    size_t most = sizeof(struct tap_record) + filled(r->message_size);
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    if (r->to >= NEAR && waiting(r, head, true) == 0) {
        r->to = 0;
        atomic_store_explicit(&r->back, head, memory_order_release);
    }
    if (r->size - waiting(r, head, false) < most)
        waiting(r, head, true);
    size_t room = r->size - (head - r->tail_seen);
    if (room < sizeof(struct tap_record) + SMALL) {
        tap_ring_lose(r);
        return NULL;
    }
    r->direct = room >= most && r->size - r->to >= most;
    return r->direct ? r->bytes + r->to + sizeof(struct tap_record) : r->message;
}

bool tap_ring_put(struct tap_ring *r, size_t len, int64_t time, bool *half)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t need = sizeof(struct tap_record) + filled(len), left = r->size - r->to;
    size_t passed = need > left ? left : 0;
    uint64_t used = waiting(r, head, false) + passed + need;
    *half = false;
    if (used > r->size / 2) {
        uint64_t before = waiting(r, head, true);
        used = before + passed + need;
        *half = used > r->size / 2 && before <= r->size / 2;
    }
    if (used > r->size) {
        *half = true;
        tap_ring_lose(r);
        return false;
    }
    if (passed)
        head = pass_over(r, head, passed);
    struct tap_record record = {
        (uint32_t)len, (uint32_t)atomic_load_explicit(&r->lost, memory_order_relaxed), time};
    uint8_t *to = r->bytes + r->to;
    memcpy(to, &record, sizeof record);
    if (!r->direct)
        memcpy(to + sizeof record, r->message, len);
    r->to += need;
    r->to = r->to < r->size ? r->to : 0;
    atomic_store_explicit(&r->last, time, memory_order_relaxed);
    atomic_store_explicit(&r->head, head + need, memory_order_release);
    return true;
}

/* ---- Reading */

bool tap_ring_peek(struct tap_ring *r, struct tap_record *record)
{
    while (tap_ring_used(r) > 0) {
        if (r->read == atomic_load_explicit(&r->back, memory_order_acquire))
            r->from = 0;
        size_t left = r->size - r->from;
        if (left >= sizeof *record) {
            memcpy(record, r->bytes + r->from, sizeof *record);
            if (record->size != TAP_RECORD_PASS)
                return true;
        }
        r->read += left;
        r->from = 0;
        tap_ring_told(r);
    }
    return false;
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

const uint8_t *tap_ring_message(const struct tap_ring *r)
{
    return r->bytes + r->from + sizeof(struct tap_record);
}

void tap_ring_take(struct tap_ring *r, const struct tap_record *record)
{
    size_t all = sizeof *record + filled(record->size);
    r->read += all;
    r->from += all;
    r->from = r->from < r->size ? r->from : 0;
}

void tap_ring_told(struct tap_ring *r)
{
    if (atomic_load_explicit(&r->tail, memory_order_relaxed) != r->read)
        atomic_store_explicit(&r->tail, r->read, memory_order_release);
}
