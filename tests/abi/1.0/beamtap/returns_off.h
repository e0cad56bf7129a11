/* beamtap/returns_off.h: the functions that a node has stopped telling the returns of
 * (TAP_RETURNS_OFF): their calls have no end to wait for. There are few: one here is a function
 * that piled up on a stack, or returned a term that was too large.
 */
#ifndef BEAMTAP_RETURNS_OFF_H
#define BEAMTAP_RETURNS_OFF_H

#include <stdlib.h>
#include <string.h>

#include "event.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tap_returns_off_function {
    uint32_t node, module, function;
    int32_t arity;
};

/* Of one node. */
struct tap_returns_off_node {
    struct tap_returns_off_function *at; /* in the order in which they were told */
    /* where they are, by their hashes: two places for each that `at` has room for, with one more
     * than its index; 0: none. Who is told of very many, as by a recording that was made for that,
     * does not search all of them at each call. */
    uint32_t *places;
    uint32_t count, cap; /* cap: 0, or a power of two */
};

/* All zero at first. */
struct tap_returns_off {
    struct tap_returns_off_node *nodes; /* by tap_event.node */
    uint32_t count;
};

/* The place of a function, or the free one where it would be. There is always a free one. */
static inline uint32_t *tap_returns_off_place(const struct tap_returns_off_node *n, uint32_t module,
                                              uint32_t function, int32_t arity)
{
    uint64_t h = ((uint64_t)module << 32 | function) * 0x9e3779b97f4a7c15ull;
    h = (h ^ (h >> 29) ^ (uint32_t)arity) * 0xd6e8feb86659fd93ull;
    for (uint32_t i = (uint32_t)(h >> 32), mask = 2 * n->cap - 1;; i++) {
        uint32_t *place = &n->places[i & mask];
        const struct tap_returns_off_function *f = *place ? &n->at[*place - 1] : NULL;
        if (!f || (f->function == function && f->module == module && f->arity == arity))
            return place;
    }
}

/* The functions of a node; NULL: it has none. */
static inline const struct tap_returns_off_node *tap_returns_off_of(const struct tap_returns_off *r,
                                                                    uint32_t node)
{
    return node < r->count && r->nodes[node].count ? &r->nodes[node] : NULL;
}

/* Does this call come without a return? */
static inline bool tap_returns_off_has(const struct tap_returns_off *r, const struct tap_event *e)
{
    const struct tap_returns_off_node *n = tap_returns_off_of(r, e->node);
    return n && *tap_returns_off_place(n, e->module, e->function, e->arity);
}

static inline void tap_returns_off_forget(struct tap_returns_off_node *n)
{
    free(n->at);
    free(n->places);
    memset(n, 0, sizeof *n);
}

/* Room for one more. False: no memory. */
static inline bool tap_returns_off_room(struct tap_returns_off_node *n)
{
    if (n->count < n->cap)
        return true;
    if (n->cap > UINT32_MAX / 8)
        return false;
    struct tap_returns_off_node more = *n;
    more.cap = n->cap ? 2 * n->cap : 16;
    struct tap_returns_off_function *at =
        (struct tap_returns_off_function *)realloc(n->at, more.cap * sizeof *at);
    if (!at)
        return false;
    n->at = more.at = at;
    more.places = (uint32_t *)calloc((size_t)more.cap * 2, sizeof *more.places);
    if (!more.places)
        return false;
    for (uint32_t i = 0; i < n->count; i++)
        *tap_returns_off_place(&more, at[i].module, at[i].function, at[i].arity) = i + 1;
    free(n->places);
    *n = more;
    return true;
}

/* What is kept of a node, a new one empty. NULL: no memory. */
static inline struct tap_returns_off_node *tap_returns_off_node_get(struct tap_returns_off *r,
                                                                    uint32_t node)
{
    if (node < r->count)
        return &r->nodes[node];
    struct tap_returns_off_node *nodes =
        node == UINT32_MAX
            ? NULL
            : (struct tap_returns_off_node *)realloc(r->nodes, ((size_t)node + 1) * sizeof *nodes);
    if (!nodes)
        return NULL;
    memset(nodes + r->count, 0, (node + 1 - r->count) * sizeof *nodes);
    r->nodes = nodes;
    r->count = node + 1;
    return &nodes[node];
}

/* Learns from a TAP_RETURNS_OFF, and from a TAP_NODE_UP, after which the node traces as it was
 * asked to. False: no memory. */
static inline bool tap_returns_off_learn(struct tap_returns_off *r, const struct tap_event *e)
{
    if (e->kind == TAP_NODE_UP) {
        if (e->node < r->count)
            tap_returns_off_forget(&r->nodes[e->node]);
        return true;
    }
    if (e->kind != TAP_RETURNS_OFF || tap_returns_off_has(r, e))
        return true;
    struct tap_returns_off_node *n = tap_returns_off_node_get(r, e->node);
    if (!n || !tap_returns_off_room(n))
        return false;
    struct tap_returns_off_function off = {e->node, e->module, e->function, e->arity};
    n->at[n->count] = off;
    *tap_returns_off_place(n, e->module, e->function, e->arity) = ++n->count;
    return true;
}

static inline void tap_returns_off_free(struct tap_returns_off *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        tap_returns_off_forget(&r->nodes[i]);
    free(r->nodes);
    memset(r, 0, sizeof *r);
}

#ifdef __cplusplus
}
#endif

#endif
