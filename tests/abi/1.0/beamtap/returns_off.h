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

struct tap_returns_off {
    struct tap_returns_off_function *at;
    uint32_t count, cap;
};

/* Does this call come without a return? */
static inline bool tap_returns_off_has(const struct tap_returns_off *r, const struct tap_event *e)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (r->at[i].function == e->function && r->at[i].module == e->module &&
            r->at[i].arity == e->arity && r->at[i].node == e->node)
            return true;
    return false;
}

/* Learns from a TAP_RETURNS_OFF, and from a TAP_NODE_UP, after which the node traces as it was
 * asked to. False: no memory. */
static inline bool tap_returns_off_learn(struct tap_returns_off *r, const struct tap_event *e)
{
    if (e->kind == TAP_NODE_UP) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < r->count; i++)
            if (r->at[i].node != e->node)
                r->at[kept++] = r->at[i];
        r->count = kept;
        return true;
    }
    if (e->kind != TAP_RETURNS_OFF || tap_returns_off_has(r, e))
        return true;
    if (r->count == r->cap) {
        uint32_t cap = r->cap ? 2 * r->cap : 16;
        struct tap_returns_off_function *at =
            (struct tap_returns_off_function *)realloc(r->at, cap * sizeof *at);
        if (!at)
            return false;
        r->at = at;
        r->cap = cap;
    }
    struct tap_returns_off_function off = {e->node, e->module, e->function, e->arity};
    r->at[r->count++] = off;
    return true;
}

static inline void tap_returns_off_free(struct tap_returns_off *r)
{
    free(r->at);
    memset(r, 0, sizeof *r);
}

#ifdef __cplusplus
}
#endif

#endif
