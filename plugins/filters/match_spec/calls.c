/* calls.c: a stack for each process, found by its pid. Calls of one function with one verdict that
 * stand on each other, as a loop's, take one place. Everything is bounded: where there is no room
 * the oldest is forgotten, and the ends of those calls are decided by their function alone. */
#include "filters/match_spec/calls.h"

#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 1024, PROCESSES = 1 << 16, PROBES = 8 };

struct open_call {
    uint32_t module, function;
    int32_t arity;
    uint32_t kinds, times;
    bool sure; /* its end will be told */
};
struct process {
    struct tap_pid pid;
    uint32_t node, count, cap;
    struct open_call *calls; /* NULL: the place is free */
};
struct ms_calls {
    uint32_t used;             /* places that are taken */
    struct process *processes; /* from the first call on */
};

struct ms_calls *ms_calls_new(void)
{
    return calloc(1, sizeof(struct ms_calls));
}

static void forget(struct ms_calls *c, struct process *p)
{
    c->used -= p->calls != NULL;
    free(p->calls);
    *p = (struct process){0};
}

void ms_calls_free(struct ms_calls *c)
{
    for (size_t i = 0; c && c->processes && i < PROCESSES; i++)
        free(c->processes[i].calls);
    if (c)
        free(c->processes);
    free(c);
}

/* The process's place; NULL: it has none. With `make` the one that it gets, be it another's; NULL:
 * out of memory. */
static struct process *find(struct ms_calls *c, const struct tap_event *e, bool make)
{
    size_t at = (tap_pid_hash(&e->pid) + e->node * 31u) % PROCESSES;
    struct process *room = NULL;
    if (!c->processes && (!make || !(c->processes = calloc(PROCESSES, sizeof *c->processes))))
        return NULL;
    for (size_t i = 0; i < PROBES; i++) {
        struct process *p = &c->processes[(at + i) % PROCESSES];
        if (p->calls && p->node == e->node && tap_pid_same(&p->pid, &e->pid))
            return p;
        if (!room || (room->calls && (!p->calls || p->count < room->count)))
            room = p;
    }
    if (!make)
        return NULL;
    forget(c, room);
    room->pid = e->pid;
    room->node = e->node;
    return room;
}

static bool is_call(const struct open_call *c, const struct tap_event *e)
{
    return c->module == e->module && c->function == e->function && c->arity == e->arity;
}

/* Room for one more; false: out of memory. */
static bool grow(struct ms_calls *c, struct process *p)
{
    if (p->count < p->cap)
        return true;
    if (p->count == CALLS_MAX) {
        p->count -= CALLS_MAX / 2;
        memmove(p->calls, p->calls + CALLS_MAX / 2, p->count * sizeof *p->calls);
        return true;
    }
    uint32_t cap = p->cap ? p->cap * 2 : 8;
    struct open_call *more = realloc(p->calls, cap * sizeof *more);
    if (!more)
        return false;
    c->used += p->calls == NULL;
    p->calls = more;
    p->cap = cap;
    return true;
}

void ms_calls_begin(struct ms_calls *c, const struct tap_event *e, uint32_t kinds, bool sure)
{
    struct process *p = find(c, e, true);
    if (!p) /* its end is decided by its function alone */
        return;
    struct open_call *top = p->count ? &p->calls[p->count - 1] : NULL;
    if (top && is_call(top, e) && top->kinds == kinds && top->sure == sure &&
        top->times < UINT32_MAX) {
        top->times++;
        return;
    }
    if (grow(c, p))
        p->calls[p->count++] = (struct open_call){e->module, e->function, e->arity, kinds, 1, sure};
    else if (!p->calls)
        forget(c, p);
}

/* Calls above it have ended by an exception that nobody asked for. */
bool ms_calls_end(struct ms_calls *c, const struct tap_event *e, uint32_t *kinds)
{
    struct process *p = find(c, e, false);
    if (!p)
        return false;
    uint32_t at = p->count;
    while (at > 0 && !is_call(&p->calls[at - 1], e))
        at--;
    if (at == 0)
        return false;
    struct open_call *call = &p->calls[at - 1];
    *kinds = call->kinds;
    for (uint32_t i = at - 1; !call->sure && i-- > 0;) /* it may be the end of one of these */
        if (is_call(&p->calls[i], e))
            *kinds |= p->calls[i].kinds;
    p->count = --call->times ? at : at - 1;
    if (p->count == 0)
        forget(c, p);
    return true;
}

void ms_calls_forget(struct ms_calls *c, const struct tap_event *e)
{
    struct process *p = find(c, e, false);
    if (p)
        forget(c, p);
}

void ms_calls_forget_node(struct ms_calls *c, uint32_t node)
{
    for (size_t i = 0; c->used && i < PROCESSES; i++)
        if (c->processes[i].calls && c->processes[i].node == node)
            forget(c, &c->processes[i]);
}
