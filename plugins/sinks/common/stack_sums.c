/* stack_sums.c: see stack_sums.h. */
#include "sinks/common/stack_sums.h"

#include <inttypes.h>
#include <stdlib.h>

#include "beamtap/counters.h"
#include "sinks/common/call_stacks.h"
#include "sinks/common/sums.h"
#include "sinks/common/writer.h"

/* Bytes that different stacks may take. A program that calls itself in ever other ways would have
 * the collector take all memory there is. */
#define STACKS_BYTES (UINT64_C(32) << 20)
#define STACK_BYTES 64 /* what one takes beside its functions */

struct tap_stack_sums {
    const struct tap_host *host;
    struct tap_call_stacks *stacks;
    struct tap_sums *sums;
    bool counted, counted_time;    /* a profile's rows, and time in them */
    uint64_t calls, points, timed; /* traced ones; without a traced end; with a length */
    uint64_t bytes, most;          /* that the sums take, and may */
    uint64_t all;                  /* calls in the sums, a profile's too */
};

/* To a stack that is known, or while there is room; else to what all others took together, which is
 * the stack of no function. */
static bool add(struct tap_stack_sums *s, const struct tap_mfa *stack, size_t depth, uint64_t calls,
                uint64_t ns)
{
    size_t len = depth * sizeof *stack, size = STACK_BYTES + len;
    s->all += calls;
    switch (tap_sums_add_to(s->sums, stack, len, calls, ns, s->bytes + size <= s->most)) {
    case TAP_SUMS_NO_MEMORY: return false;
    case TAP_SUMS_UNKNOWN: return tap_sums_add(s->sums, "", 0, calls, ns);
    case TAP_SUMS_NEW: s->bytes += size; return true;
    case TAP_SUMS_KNOWN: break;
    }
    return true;
}

static bool ended(void *self, const struct tap_call *call)
{
    struct tap_stack_sums *s = self;
    s->calls++;
    s->points += call->end == TAP_CALL_POINT;
    s->timed += call->end < TAP_CALL_POINT;
    return add(s, call->stack, call->depth, 1, (uint64_t)call->own);
}

struct tap_stack_sums *tap_stack_sums_new(const struct tap_host *host)
{
    struct tap_stack_sums *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->host = host;
    s->most = STACKS_BYTES;
    s->stacks = tap_call_stacks_new(host, ended, s);
    s->sums = tap_sums_new();
    if (s->stacks && s->sums)
        return s;
    tap_stack_sums_free(s);
    return NULL;
}

void tap_stack_sums_limit(struct tap_stack_sums *s, uint64_t most)
{
    s->most = most;
}

void tap_stack_sums_free(struct tap_stack_sums *s)
{
    if (!s)
        return;
    tap_call_stacks_free(s->stacks);
    tap_sums_free(s->sums);
    free(s);
}

static bool take_counted(struct tap_stack_sums *s, const struct tap_batch *batch,
                         const struct tap_event *e)
{
    struct tap_mfa function = {e->module, e->function, e->arity};
    struct tap_counted row;
    if (!tap_counted_read(batch->arena + e->payload.off, e->payload.len, &row))
        return true;
    s->counted = true;
    s->counted_time |= row.ns >= 0;
    return add(s, &function, 1, (uint64_t)row.calls, row.ns > 0 ? (uint64_t)row.ns : 0);
}

bool tap_stack_sums_take(struct tap_stack_sums *s, const struct tap_batch *batch,
                         const struct tap_event *e)
{
    return e->kind == TAP_FUNCTION_COUNTERS ? take_counted(s, batch, e)
                                            : tap_call_stacks_take(s->stacks, e);
}

static void tell_why_empty(const struct tap_stack_sums *s, const char *path)
{
    const char *why = s->points == s->calls
                          ? "returns were not traced, and without its return a call has no length: "
                            "add function_return to events in [session] or -> return to the "
                            "pattern"
                      : s->timed ? "all calls together took less than a microsecond: trace longer"
                                 : "no call was seen to end: trace longer";
    s->host->log(s->host, TAP_LOG_WARNING,
                 "%s is empty: %s, or set weight = calls of this sink, which needs no time", path,
                 why);
}

static void put_others(const struct tap_stack_sums *s, struct tap_writer *w,
                       const struct tap_sum *sum)
{
    static const char name[] = "(other stacks)";
    tap_writer_put(w, name, sizeof name - 1);
    s->host->log(s->host, TAP_LOG_WARNING,
                 "%s: there were more different stacks than max_memory holds: %" PRIu64
                 " of %" PRIu64 " calls are added up as %s; give it more, or trace fewer functions",
                 w->path, sum->count, s->all, name);
}

bool tap_stack_sums_put(struct tap_stack_sums *s, struct tap_writer *w, bool calls)
{
    const struct tap_sum *sum;
    bool empty = true;
    if (!tap_call_stacks_finish(s->stacks))
        return false;
    calls |= s->counted && !s->counted_time && !s->timed;
    for (size_t i = 0; (sum = tap_sums_at(s->sums, i)); i++) {
        uint64_t value = calls ? sum->count : sum->total / 1000;
        if (!value)
            continue;
        if (sum->len)
            tap_call_stack_put(w, (const struct tap_mfa *)(const void *)sum->key,
                               sum->len / sizeof(struct tap_mfa));
        else
            put_others(s, w, sum);
        w->p = tap_text_u64(tap_text_lit(tap_writer_reserve(w, 32), " "), value);
        tap_writer_put(w, "\n", 1);
        empty = false;
    }
    if (empty && s->calls)
        tell_why_empty(s, w->path);
    return true;
}
