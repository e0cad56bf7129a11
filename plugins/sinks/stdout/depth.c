/* depth.c: how deep in traced calls each process is, for indentation, in bounded memory.
 *
 * Not every call is seen to return (an exception unwinds several, a match spec asks for some
 * returns only), so a return goes back to the newest call of the same function, not just one step.
 * Four thousand processes are remembered; the one that was silent longest in its place of the table
 * makes room for a new one.
 *
 * A function that takes messages and then calls itself is the loop of a server: its rounds stand
 * where the first one does.
 */
#include "sinks/common/call_rules.h"
#include "sinks/stdout/stdout.h"

#define WAYS 4u
#define SETS 1024u
#define FRAMES 64u /* deeper calls are counted but not told apart */

struct frame {
    uint32_t function; /* a hash of it */
    uint32_t rounds;   /* calls of itself that have no place of their own */
    bool received;     /* it took a message, or its wait for one timed out */
};

struct process {
    struct tap_pid pid; /* node 0: free */
    uint32_t node, used, depth;
    struct frame frames[FRAMES];
};

struct out_depths {
    uint32_t now;
    struct process at[SETS * WAYS];
};

struct out_depths *out_depths_new(void)
{
    return calloc(1, sizeof(struct out_depths));
}

void out_depths_free(struct out_depths *depths)
{
    free(depths);
}

static bool same(const struct process *p, const struct tap_event *e)
{
    return p->pid.id == e->pid.id && p->pid.serial == e->pid.serial && p->pid.node == e->pid.node &&
           p->pid.creation == e->pid.creation && p->node == e->node;
}

static struct process *find(struct out_depths *d, const struct tap_event *e)
{
    uint32_t h = (e->pid.id * 2654435761u) ^ (e->pid.serial * 40503u) ^ (e->node * 97u);
    struct process *set = &d->at[(h >> 7) % SETS * WAYS], *oldest = set;
    for (struct process *p = set; p < set + WAYS; p++) {
        if (same(p, e)) {
            p->used = ++d->now;
            return p;
        }
        if (p->used < oldest->used)
            oldest = p;
    }
    oldest->pid = e->pid;
    oldest->node = e->node;
    oldest->depth = 0;
    oldest->used = ++d->now;
    return oldest;
}

static struct frame *top(struct process *p)
{
    return p->depth && p->depth <= FRAMES ? &p->frames[p->depth - 1] : NULL;
}

/* The depth at which the call stands. */
static unsigned enter(struct process *p, uint32_t function)
{
    struct frame *loop = top(p);
    if (loop && loop->function == function && loop->received) {
        loop->rounds++;
        return p->depth - 1;
    }
    if (p->depth < FRAMES)
        p->frames[p->depth] = (struct frame){.function = function};
    return p->depth++;
}

/* Back to the newest call of this function; when none is known (it began before the trace did) one
 * step up. */
static unsigned leave(struct process *p, uint32_t function)
{
    for (uint32_t i = p->depth <= FRAMES ? p->depth : 0; i-- > 0;)
        if (p->frames[i].function == function) {
            p->depth = p->frames[i].rounds ? i + 1 : i;
            p->frames[i].rounds -= p->frames[i].rounds > 0;
            return i;
        }
    if (p->depth)
        p->depth--;
    return p->depth;
}

unsigned out_depths_step(struct out_depths *d, const struct tap_event *e, bool returns)
{
    struct process *p = find(d, e);
    uint32_t function = e->module * 2654435761u ^ e->function * 40503u ^ (uint32_t)e->arity;
    unsigned depth = p->depth;
    if (tap_call_is_turn(e, depth))
        return depth - 1;
    switch (e->kind) {
    case TAP_FUNCTION_CALL: return returns ? enter(p, function) : depth;
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION: return leave(p, function);
    case TAP_MESSAGE_RECEIVE:
        if (top(p))
            top(p)->received = true;
        return depth;
    case TAP_PROCESS_START: /* its pid lives again */
    case TAP_PROCESS_EXIT: memset(p, 0, sizeof *p); return 0;
    default: return depth;
    }
}

void out_depths_lost(struct out_depths *d, uint32_t node)
{
    for (struct process *p = d->at; p < d->at + SETS * WAYS; p++)
        if (p->node == node)
            p->depth = 0;
}
