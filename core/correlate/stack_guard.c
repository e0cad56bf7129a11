/* stack_guard.c: a table of (process, function) with calls that are open, in sets of a few places:
 * the one that is looked for is there or in none. A full set grows the table; at its bound a
 * newcomer wears down the smallest count of its set. */
#include "correlate/stack_guard.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "beamtap/returns_off.h"

#define PLACES 8u             /* of a set: two cache lines */
#define SETS_FIRST (1u << 10) /* 128 kB */
#define SETS_MAX (1u << 17)   /* 16 MB */
#define WAITING 16u           /* deep stacks that the transport was not told of yet */

struct open_calls {
    uint64_t key; /* 0: free */
    uint32_t open, limit;
};

struct tap_stack_guard {
    struct open_calls *at;
    uint32_t sets;
    struct tap_returns_off done;
    struct {
        uint32_t node;
        struct tap_deep_stack deep_stack;
    } waiting[WAITING];
    uint32_t waits;
};

struct tap_stack_guard *tap_stack_guard_new(void)
{
    struct tap_stack_guard *r = calloc(1, sizeof *r);
    if (r && !(r->at = calloc(SETS_FIRST * PLACES, sizeof *r->at))) {
        free(r);
        return NULL;
    }
    if (r)
        r->sets = SETS_FIRST;
    return r;
}

void tap_stack_guard_free(struct tap_stack_guard *r)
{
    if (!r)
        return;
    free(r->at);
    tap_returns_off_free(&r->done);
    free(r);
}

static uint64_t key_of(const struct tap_event *ev)
{
    uint64_t h = tap_mix64(0, (uint64_t)ev->node << 32 | ev->pid.node);
    h = tap_mix64(h, (uint64_t)ev->pid.id << 32 | ev->pid.serial);
    h = tap_mix64(h, (uint64_t)ev->pid.creation << 32 | (uint32_t)ev->arity);
    h = tap_mix64(h, (uint64_t)ev->module << 32 | ev->function);
    return h ? h : 1;
}

static struct open_calls *set_of(const struct tap_stack_guard *r, uint64_t key)
{
    return r->at + (key & (r->sets - 1)) * PLACES;
}

static struct open_calls *in_set(struct open_calls *set, uint64_t key)
{
    for (uint32_t i = 0; i < PLACES; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

static struct open_calls *find(const struct tap_stack_guard *r, uint64_t key)
{
    return in_set(set_of(r, key), key);
}

static struct open_calls *free_place(const struct tap_stack_guard *r, uint64_t key)
{
    return in_set(set_of(r, key), 0);
}

/* Twice the sets: what was in one goes to one of two, so there is room for all. False: at its
 * bound, or no memory. */
static bool grow(struct tap_stack_guard *r)
{
    struct tap_stack_guard wider = {.sets = r->sets * 2};
    if (r->sets >= SETS_MAX || !(wider.at = calloc((size_t)wider.sets * PLACES, sizeof *wider.at)))
        return false;
    for (uint32_t i = 0; i < r->sets * PLACES; i++)
        if (r->at[i].key)
            *free_place(&wider, r->at[i].key) = r->at[i];
    free(r->at);
    r->at = wider.at;
    r->sets = wider.sets;
    return true;
}

/* The place of a key that has none yet; NULL: there is no room for it now. */
static struct open_calls *make(struct tap_stack_guard *r, uint64_t key)
{
    struct open_calls *place = free_place(r, key);
    if (!place && grow(r))
        place = free_place(r, key);
    if (!place) {
        struct open_calls *set = set_of(r, key);
        place = set;
        for (uint32_t i = 1; i < PLACES; i++)
            if (set[i].open < place->open)
                place = &set[i];
        if (--place->open > 0)
            return NULL;
    }
    *place = (struct open_calls){.key = key, .limit = TAP_STACK_GUARD_OPEN};
    return place;
}

/* Once for all processes that stand before the same function. */
static void ask(struct tap_stack_guard *r, struct open_calls *place, const struct tap_event *ev)
{
    bool known = tap_returns_off_has(&r->done, ev) || r->waits == WAITING;
    for (uint32_t i = 0; i < r->waits && !known; i++) {
        const struct tap_deep_stack *p = &r->waiting[i].deep_stack;
        known = r->waiting[i].node == ev->node && p->module == ev->module &&
                p->function == ev->function && p->arity == ev->arity;
    }
    if (!known) {
        r->waiting[r->waits].node = ev->node;
        r->waiting[r->waits++].deep_stack =
            (struct tap_deep_stack){.struct_size = sizeof(struct tap_deep_stack),
                                    .pid = ev->pid,
                                    .module = ev->module,
                                    .function = ev->function,
                                    .arity = ev->arity,
                                    .open = place->open};
    }
    place->limit = place->limit < UINT32_MAX / 2 ? place->limit * 2 : UINT32_MAX;
}

static void count_call(struct tap_stack_guard *r, const struct tap_event *ev)
{
    uint64_t key = key_of(ev);
    struct open_calls *place = find(r, key);
    if (!place)
        place = make(r, key);
    if (place && place->open < UINT32_MAX && ++place->open >= place->limit)
        ask(r, place, ev);
}

static void count_end(struct tap_stack_guard *r, const struct tap_event *ev)
{
    struct open_calls *place = find(r, key_of(ev));
    if (place && --place->open == 0)
        place->key = 0;
}

void tap_stack_guard_event(struct tap_stack_guard *r, const struct tap_event *ev)
{
    switch (ev->kind) {
    case TAP_FUNCTION_CALL: count_call(r, ev); break;
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION: count_end(r, ev); break;
    case TAP_RETURNS_OFF:
    case TAP_NODE_UP:
        tap_returns_off_learn(&r->done, ev);
        break; /* no memory: it is asked for again, and is done there */
    default: break;
    }
}

bool tap_stack_guard_done(const struct tap_stack_guard *r, uint32_t node, size_t i,
                          struct tap_event *ev)
{
    const struct tap_returns_off_node *done = tap_returns_off_of(&r->done, node);
    if (!done || i >= done->count)
        return false;
    const struct tap_returns_off_function *d = &done->at[i];
    *ev = (struct tap_event){.kind = TAP_RETURNS_OFF,
                             .node = d->node,
                             .module = d->module,
                             .function = d->function,
                             .arity = d->arity};
    return true;
}

bool tap_stack_guard_take(struct tap_stack_guard *r, uint32_t node, struct tap_deep_stack *out)
{
    for (uint32_t i = 0; i < r->waits; i++) {
        if (r->waiting[i].node != node)
            continue;
        *out = r->waiting[i].deep_stack;
        memmove(&r->waiting[i], &r->waiting[i + 1], (--r->waits - i) * sizeof r->waiting[0]);
        return true;
    }
    return false;
}
