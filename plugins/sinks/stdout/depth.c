/* depth.c: how deep in traced calls each process is, for indentation, in bounded memory.
 *
 * Not every call is seen to return (an exception unwinds several, a match spec asks for some returns only), so a
 * return goes back to the newest call of the same function, not just one step. Four thousand processes are
 * remembered; the one that was silent longest in its place of the table makes room for a new one.
 */
#include "stdout.h"

#define WAYS 4u
#define SETS 1024u
#define FRAMES 64u /* deeper calls are counted but not told apart */

struct process {
    struct tap_pid pid; /* node 0: free */
    uint32_t node, used, depth;
    uint32_t frames[FRAMES]; /* a hash of the function */
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

/* Back to the newest call of this function; when none is known (it began before the trace did) one step up. */
static void leave(struct process *p, uint32_t function)
{
    if (p->depth > FRAMES) {
        p->depth--;
        return;
    }
    for (uint32_t i = p->depth; i-- > 0;)
        if (p->frames[i] == function) {
            p->depth = i;
            return;
        }
    if (p->depth)
        p->depth--;
}

unsigned out_depths_step(struct out_depths *d, const struct tap_event *e, bool returns)
{
    struct process *p = find(d, e);
    uint32_t function = e->module * 2654435761u ^ e->function * 40503u ^ (uint32_t)e->arity;
    unsigned depth = p->depth;
    switch (e->kind) {
    case TAP_FUNCTION_CALL:
        if (!returns)
            return depth;
        if (p->depth < FRAMES)
            p->frames[p->depth] = function;
        p->depth++;
        return depth;
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION: leave(p, function); return p->depth;
    case TAP_PROCESS_EXIT: memset(p, 0, sizeof *p); return 0;
    default: return depth;
    }
}
