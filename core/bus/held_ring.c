/* held_ring.c: see held_ring.h. */
#include "bus/held_ring.h"

#include <stdlib.h>

struct tap_held_item *tap_held_at(const struct tap_held_ring *r, size_t i)
{
    return &r->items[(r->head + i) % r->cap];
}

void tap_held_ring_free(struct tap_held_ring *r)
{
    for (size_t i = 0; i < r->count; i++)
        tap_batch_release(tap_held_at(r, i)->batch);
    free(r->items);
}

struct tap_held_item tap_held_take(struct tap_held_ring *r)
{
    struct tap_held_item item = *tap_held_at(r, 0);
    r->head = (r->head + 1) % r->cap;
    r->count--;
    r->bytes -= item.batch->bytes;
    return item;
}

bool tap_held_put(struct tap_held_ring *r, struct tap_held_item item)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        struct tap_held_item *items = malloc(cap * sizeof *items);
        if (!items)
            return false;
        for (size_t i = 0; i < r->count; i++)
            items[i] = *tap_held_at(r, i);
        free(r->items);
        r->items = items;
        r->cap = cap;
        r->head = 0;
    }
    r->count++;
    *tap_held_at(r, r->count - 1) = item;
    r->bytes += item.batch->bytes;
    return true;
}
