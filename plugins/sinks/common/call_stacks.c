/* call_stacks.c: see call_stacks.h. A process has an entry while calls of it are open, so the table
 * is as large as what happens at once, and not as what happened. Entries stand in a list, too, in
 * the order in which they began: the hash of a pid depends on the run, and what ends together must
 * end in one order in a run and in its replay.
 */
#include "sinks/common/call_stacks.h"

#include <stdlib.h>
#include <string.h>

#include "sinks/common/call_rules.h"
#include "sinks/common/process_name.h"
#include "sinks/common/writer.h"

#define BUCKETS 16384u

struct frame {
    int64_t start, inner; /* inner: time of the calls inside it */
    uint64_t tag;
};

struct process {
    struct process *next;            /* of its bucket */
    struct process *earlier, *later; /* those whose stacks began before and after this one's */
    struct tap_pid pid;
    uint32_t node, depth, cap;
    uint32_t beyond; /* open calls that are deeper than the most */
    struct tap_mfa *stack;
    struct frame *frames;
};

struct tap_call_stacks {
    const struct tap_host *host;
    bool (*ended)(void *arg, const struct tap_call *);
    void *arg;
    struct process *buckets[BUCKETS];
    struct process *first, *last;
    uint32_t count;
    struct tap_returns_off off;
    struct tap_returns_known returns;
    uint64_t tag; /* of the call that is being taken */
};

struct tap_call_stacks *tap_call_stacks_new(const struct tap_host *host,
                                            bool (*ended)(void *, const struct tap_call *),
                                            void *arg)
{
    struct tap_call_stacks *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->host = host;
    s->ended = ended;
    s->arg = arg;
    return s;
}

/* ---- Processes */

static struct process **place_of(struct tap_call_stacks *s, const struct tap_pid *pid)
{
    struct process **at = &s->buckets[tap_pid_hash(pid) % BUCKETS];
    while (*at && !tap_pid_same(&(*at)->pid, pid))
        at = &(*at)->next;
    return at;
}

/* In the place that place_of found for it. */
static struct process *process_new(struct tap_call_stacks *s, struct process **at,
                                   const struct tap_event *e)
{
    struct process *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->pid = e->pid;
    p->node = e->node;
    p->earlier = s->last;
    *(s->last ? &s->last->later : &s->first) = p;
    s->last = p;
    s->count++;
    return *at = p;
}

static void process_free(struct tap_call_stacks *s, struct process **at)
{
    struct process *p = *at;
    *at = p->next;
    *(p->earlier ? &p->earlier->later : &s->first) = p->later;
    *(p->later ? &p->later->earlier : &s->last) = p->earlier;
    s->count--;
    free(p->stack);
    free(p->frames);
    free(p);
}

void tap_call_stacks_free(struct tap_call_stacks *s)
{
    if (!s)
        return;
    while (s->first)
        process_free(s, place_of(s, &s->first->pid));
    tap_returns_off_free(&s->off);
    free(s);
}

static bool room(struct process *p)
{
    if (p->depth < p->cap)
        return true;
    uint32_t cap = p->cap ? 2 * p->cap : 8;
    struct tap_mfa *stack = realloc(p->stack, cap * sizeof *stack);
    if (stack)
        p->stack = stack;
    struct frame *frames = realloc(p->frames, cap * sizeof *frames);
    if (frames)
        p->frames = frames;
    if (stack && frames)
        p->cap = cap;
    return stack && frames;
}

/* ---- Ends */

/* The innermost call ends at `ts`. */
static bool pop(struct tap_call_stacks *s, struct process *p, int64_t ts, enum tap_call_end end)
{
    struct frame *f = &p->frames[p->depth - 1];
    bool timed = end < TAP_CALL_POINT;
    int64_t total = timed && ts > f->start ? ts - f->start : 0;
    struct tap_call call = {.stack = p->stack,
                            .depth = p->depth,
                            .pid = p->pid,
                            .node = p->node,
                            .end = end,
                            .start = f->start,
                            .total = total,
                            .own = total > f->inner ? total - f->inner : 0,
                            .tag = f->tag,
                            .outer = p->depth > 1 ? f[-1].tag : 0};
    p->depth--;
    if (p->depth)
        f[-1].inner += total;
    return s->ended(s->arg, &call);
}

static bool end_all(struct tap_call_stacks *s, struct process **at, int64_t ts,
                    enum tap_call_end end)
{
    bool good = true;
    while (*at && (*at)->depth)
        good &= pop(s, *at, ts, end);
    if (*at)
        process_free(s, at);
    return good;
}

static bool end_where(struct tap_call_stacks *s, bool every, uint32_t node)
{
    bool good = true;
    for (struct process *p = s->first, *later; p; p = later) {
        later = p->later;
        if (every || p->node == node)
            good &= end_all(s, place_of(s, &p->pid), 0, TAP_CALL_UNKNOWN);
    }
    return good;
}

bool tap_call_stacks_finish(struct tap_call_stacks *s)
{
    return end_where(s, true, 0);
}

/* ---- As text */

void tap_call_stack_put(struct tap_writer *w, const struct tap_mfa *stack, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        tap_writer_put(w, ";", i > 0);
        size_t from = tap_writer_here(w);
        tap_function_put(w, stack[i].module, stack[i].function, stack[i].arity);
        for (char *c = tap_writer_begun(w) + from; c < w->p; c++)
            *c = *c == ';' ? ',' : *c;
    }
}

/* ---- Events */

static struct tap_mfa function_of(const struct tap_event *e)
{
    return (struct tap_mfa){e->module, e->function, e->arity};
}

static bool same(const struct tap_mfa *a, const struct tap_mfa *b)
{
    return a->function == b->function && a->module == b->module && a->arity == b->arity;
}

/* One that is over at once, in what is open around it. */
static bool point(struct tap_call_stacks *s, struct process *p, const struct tap_event *e)
{
    struct tap_mfa alone[1] = {function_of(e)};
    struct tap_call call = {.stack = alone,
                            .depth = 1,
                            .pid = e->pid,
                            .node = e->node,
                            .end = TAP_CALL_POINT,
                            .start = e->ts,
                            .tag = s->tag};
    if (p && p->depth && !p->beyond) {
        if (!room(p))
            return false;
        p->stack[p->depth] = alone[0];
        call.stack = p->stack;
        call.depth = p->depth + 1;
        call.outer = p->frames[p->depth - 1].tag;
    }
    return s->ended(s->arg, &call);
}

static bool enter(struct tap_call_stacks *s, const struct tap_event *e)
{
    struct process **at = place_of(s, &e->pid), *p = *at;
    if (tap_call_is_turn(e, p && p->depth))
        return true;
    if (!tap_call_has_end(s->host, &s->off, &s->returns, e) ||
        (!p && s->count == TAP_STACKS_PROCESSES))
        return point(s, p, e);
    if (!p && !(p = process_new(s, at, e)))
        return false;
    if (p->depth == TAP_STACKS_DEPTH || p->beyond) {
        p->beyond++;
        return true;
    }
    if (!room(p))
        return false;
    p->stack[p->depth] = function_of(e);
    p->frames[p->depth++] = (struct frame){.start = e->ts, .tag = s->tag};
    return true;
}

static bool leave(struct tap_call_stacks *s, const struct tap_event *e)
{
    struct process **at = place_of(s, &e->pid), *p = *at;
    struct tap_mfa function = function_of(e);
    if (!p || tap_call_is_turn(e, true))
        return true;
    if (p->beyond) {
        p->beyond--;
        return true;
    }
    uint32_t i = p->depth;
    while (i > 0 && !same(&p->stack[i - 1], &function))
        i--;
    if (i == 0) /* its call was not seen */
        return true;
    bool good = true;
    while (p->depth > i)
        good &= pop(s, p, e->ts, TAP_CALL_UNWOUND);
    good &= pop(s, p, e->ts, e->kind == TAP_FUNCTION_RETURN ? TAP_CALL_RETURNED : TAP_CALL_THREW);
    if (!p->depth)
        process_free(s, at);
    return good;
}

bool tap_call_stacks_take(struct tap_call_stacks *s, const struct tap_event *e)
{
    if (tap_event_breaks_stacks(e))
        return end_where(s, false, e->node);
    switch (e->kind) {
    case TAP_FUNCTION_CALL: return enter(s, e);
    case TAP_FUNCTION_RETURN:
    case TAP_FUNCTION_EXCEPTION: return leave(s, e);
    case TAP_PROCESS_EXIT: return end_all(s, place_of(s, &e->pid), e->ts, TAP_CALL_EXITED);
    case TAP_PROCESS_START: return end_all(s, place_of(s, &e->pid), e->ts, TAP_CALL_UNKNOWN);
    default: return tap_returns_off_learn(&s->off, e);
    }
}

bool tap_call_stacks_take_as(struct tap_call_stacks *s, const struct tap_event *e, uint64_t tag)
{
    s->tag = tag;
    bool good = tap_call_stacks_take(s, e);
    s->tag = 0;
    return good;
}

uint64_t tap_call_stacks_inside(const struct tap_call_stacks *s, const struct tap_pid *pid)
{
    const struct process *p = s->buckets[tap_pid_hash(pid) % BUCKETS];
    while (p && !tap_pid_same(&p->pid, pid))
        p = p->next;
    return p && p->depth ? p->frames[p->depth - 1].tag : 0;
}
