/* tails.c: a short stack for each process, in sets of a few places. */
#include "correlate/tails.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "beamtap/returns_off.h"

#define WAYS 4u
#define SETS 1024u
#define FRAMES 48u
#define LOOP 8u          /* functions of a loop */
#define BOTTOM 2u        /* the caller of what has nothing beneath it; no hash is even */
#define KNOWN (1u << 12) /* functions of which something is known */

struct frame {
    uint64_t function, caller; /* hashes */
    uint32_t turns;            /* that have not ended */
    bool ending;               /* some have */
};

struct process {
    struct tap_pid pid; /* node 0: free */
    uint32_t node, used, depth;
    uint32_t deeper; /* calls that the stack has no room for */
    struct frame frames[FRAMES];
};

struct tap_tails {
    uint32_t now;
    struct tap_returns_off returns_off;
    uint64_t nesting[KNOWN]; /* that are no loop */
    uint64_t ended[KNOWN];   /* an end was told of */
    bool opened[KNOWN];      /* a call of such a function has stood on a stack */
    struct process at[SETS * WAYS];
};

struct tap_tails *tap_tails_new(void)
{
    return calloc(1, sizeof(struct tap_tails));
}

void tap_tails_free(struct tap_tails *t)
{
    if (t)
        tap_returns_off_free(&t->returns_off);
    free(t);
}

/* Never 0 or even. */
static uint64_t function_of(uint32_t module, uint32_t function, int32_t arity)
{
    return tap_mix64((uint64_t)module << 32 | function, (uint32_t)arity) | 1;
}

/* The process's stack; NULL: it has none, and `make` is false. */
static struct process *find(struct tap_tails *t, const struct tap_event *ev, bool make)
{
    struct process *set = &t->at[(tap_pid_hash(&ev->pid) + ev->node) % SETS * WAYS], *old = set;
    for (struct process *p = set; p < set + WAYS; p++) {
        if (tap_pid_same(&p->pid, &ev->pid) && p->node == ev->node) {
            p->used = ++t->now;
            return p;
        }
        if (p->used < old->used)
            old = p;
    }
    if (!make)
        return NULL;
    old->pid = ev->pid;
    old->node = ev->node;
    old->depth = old->deeper = 0;
    old->used = ++t->now;
    return old;
}

/* ---- What is no loop */

static unsigned known_index(uint64_t function)
{
    return function >> 7 & (KNOWN - 1);
}

static uint64_t *known_at(uint64_t *table, uint64_t function)
{
    return &table[known_index(function)];
}

/* The functions of the chain that ends with the top: those that were called from the same place. */
static uint32_t chain_begin(const struct process *p)
{
    uint32_t i = p->depth - 1, caller_at = i;
    while (i > 0 && p->depth - i < LOOP && p->frames[i - 1].caller == p->frames[caller_at].caller &&
           p->frames[i - 1].function != p->frames[caller_at].caller)
        i--;
    return i;
}

static void learn(struct tap_tails *t, const struct process *p)
{
    for (uint32_t i = chain_begin(p); i < p->depth; i++)
        *known_at(t->nesting, p->frames[i].function) = p->frames[i].function;
}

/* ---- Calls and their ends */

/* Does a call from there go on with a loop that the top of the stack is in? */
static bool goes_on(struct tap_tails *t, const struct process *p, uint64_t function,
                    uint64_t caller)
{
    const struct frame *top = p->depth ? &p->frames[p->depth - 1] : NULL;
    if (!top || top->caller != caller || top->function == caller ||
        *known_at(t->nesting, function) == function)
        return false;
    for (uint32_t i = chain_begin(p); i < p->depth; i++)
        if (p->frames[i].function == function)
            return true;
    return false;
}

/* Will the call's end be told? The node asks for callers by itself where it will; a caller that the
 * user asked for says nothing of ends. */
static bool has_end(struct tap_tails *t, const struct tap_event *ev, uint64_t function)
{
    if (tap_returns_off_has(&t->returns_off, ev))
        return false;
    bool asked = (ev->flags & (TAP_DECODE_CALLER | TAP_DECODE_TAIL)) == TAP_DECODE_CALLER;
    return !asked || *known_at(t->ended, function) == function;
}

static void call(struct tap_tails *t, struct tap_event *ev)
{
    uint64_t function = function_of(ev->module, ev->function, ev->arity);
    if (!has_end(t, ev, function)) /* it opens nothing */
        return;
    t->opened[known_index(function)] = true;
    struct process *p = find(t, ev, true);
    uint64_t caller = BOTTOM;
    if (ev->peer_type == TAP_PEER_MFA)
        caller = function_of(ev->caller.module, ev->caller.function, ev->caller.arity);
    struct frame *top = p->depth ? &p->frames[p->depth - 1] : NULL;
    if (top && top->ending) { /* turns of a loop would have ended all together */
        learn(t, p);
        top->ending = false;
    }
    if (p->deeper) {
        p->deeper++;
    } else if (goes_on(t, p, function, caller)) {
        top->turns++;
        ev->flags |= TAP_EVENT_TAIL;
    } else if (p->depth == FRAMES) {
        p->deeper++;
    } else {
        p->frames[p->depth++] = (struct frame){.function = function, .caller = caller};
    }
}

/* Is it an end of one of the turns that the top of the stack counts? */
static bool ends_turn(const struct process *p, uint64_t function)
{
    if (!p->frames[p->depth - 1].turns)
        return false;
    for (uint32_t i = chain_begin(p); i < p->depth; i++)
        if (p->frames[i].function == function)
            return true;
    return false;
}

static void end(struct tap_tails *t, struct tap_event *ev)
{
    uint64_t function = function_of(ev->module, ev->function, ev->arity);
    *known_at(t->ended, function) = function;
    struct process *p = t->opened[known_index(function)] ? find(t, ev, false) : NULL;
    if (!p || !p->depth)
        return;
    if (p->deeper) {
        p->deeper--;
        return;
    }
    uint32_t i = p->depth;
    while (i > 0 && p->frames[i - 1].function != function)
        i--;
    if (i == 0) /* its call was not seen */
        return;
    /* Above a loop that goes on, something was left without an end. */
    while (p->depth > i && !ends_turn(p, function))
        p->depth--;
    struct frame *top = &p->frames[p->depth - 1];
    if (ends_turn(p, function)) {
        top->turns--;
        top->ending = true;
        ev->flags |= TAP_EVENT_TAIL;
    } else {
        p->depth--;
    }
}

static void forget(struct tap_tails *t, uint32_t node)
{
    for (struct process *p = t->at; p < t->at + SETS * WAYS; p++)
        if (p->node == node)
            p->depth = p->deeper = 0;
}

void tap_tails_told(struct tap_tails *t, struct tap_event *ev)
{
    struct process *p;
    switch (ev->kind) {
    case TAP_FUNCTION_CALL:
        call(t, ev);
        if (ev->flags & TAP_DECODE_TAIL && ev->peer_type == TAP_PEER_MFA) {
            ev->peer_type = TAP_PEER_NONE;
            ev->peer = (struct tap_pid){0};
        }
        ev->flags &= ~(TAP_DECODE_TAIL | TAP_DECODE_CALLER);
        break;
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION: end(t, ev); break;
    case TAP_PROCESS_START: /* its pid lives again */
    case TAP_PROCESS_EXIT:
        if ((p = find(t, ev, false)))
            p->depth = p->deeper = 0;
        break;
    case TAP_NODE_UP:
    case TAP_RETURNS_OFF:
        /* without memory its calls are counted as turns that go on, to the process's end */
        (void)tap_returns_off_learn(&t->returns_off, ev);
        break;
    default:
        if (tap_event_breaks_stacks(ev))
            forget(t, ev->node);
        break;
    }
}
