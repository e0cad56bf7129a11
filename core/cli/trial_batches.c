/* trial_batches.c: batches as the core would hand them over, in memory that shows what a plugin
 * does to them. An event of theirs is longer than this version's, as a newer core's would be:
 * whoever steps from one to the next by sizeof reads nonsense.
 */
#include "cli/trial.h"

#include <stdlib.h>
#include <string.h>

#define STRIDE (sizeof(struct tap_event) + 64)
#define LINE ((size_t)64)

static size_t whole_lines(size_t n)
{
    return (n + LINE - 1) / LINE * LINE;
}

struct tap_pid tap_plan_pid(const struct tap_batch_plan *p, uint32_t node, uint32_t id)
{
    return (struct tap_pid){.node = p->host->node(p->host, node)->name_id, .id = id, .creation = 7};
}

struct tap_event *tap_plan_event(struct tap_batch_plan *p, uint32_t node, enum tap_kind kind,
                                 uint32_t id)
{
    static struct tap_event nowhere;
    if (p->count == p->cap) {
        uint32_t cap = p->cap ? 2 * p->cap : 256;
        struct tap_event *more = realloc(p->events, cap * sizeof *more);
        if (!more)
            return p->arena.oom = true, &nowhere;
        p->events = more;
        p->cap = cap;
    }
    struct tap_event *e = &p->events[p->count++];
    p->ts += 1000;
    *e = (struct tap_event){
        .kind = (uint8_t)kind, .node = node, .ts = p->ts, .seq = p->seq[node], .arity = -1};
    if (!tap_kind_is_control(kind)) {
        p->seq[node]++;
        e->pid = tap_plan_pid(p, node, id);
    }
    return e;
}

/* What an event was made of, for those who look there: some term. */
static void say_raw(struct tap_batch_plan *p)
{
    size_t from = p->arena.len;
    tap_write_atom(&p->arena, "trace");
    for (uint32_t i = 0; p->raw && i < p->count; i++)
        if (!p->events[i].raw.len && !tap_kind_is_control(p->events[i].kind))
            p->events[i].raw = (struct tap_span){(uint32_t)from, (uint32_t)(p->arena.len - from)};
}

static uint32_t choose(const struct tap_batch_plan *p, uint32_t leave_out, uint32_t *select,
                       uint32_t *counted)
{
    uint32_t n = 0, left = 0;
    *counted = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        bool control = tap_kind_is_control(p->events[i].kind);
        if (!control && leave_out && ++left % leave_out == 0)
            continue;
        select[n++] = i;
        *counted += !control;
    }
    return n;
}

struct tap_trial_batch *tap_plan_batch(struct tap_batch_plan *p, uint32_t leave_out)
{
    say_raw(p);
    size_t head = whole_lines(sizeof(struct tap_batch)), events = p->count * STRIDE,
           selected = p->count * sizeof(uint32_t),
           all = whole_lines(head + events + selected + p->arena.len);
    struct tap_trial_batch *b = p->arena.oom ? NULL : calloc(1, sizeof *b);
    if (!b || !(b->region = tap_region_new(TAP_REGION_BATCH, all))) {
        free(b);
        return NULL;
    }
    char *at = tap_region_bytes(b->region);
    uint32_t *select = (uint32_t *)(void *)(at + head + events);
    uint8_t *arena = (uint8_t *)at + all - p->arena.len;
    memset(at + head, 0xa5, events); /* nobody knows what a newer version has there */
    for (uint32_t i = 0; i < p->count; i++)
        memcpy(at + head + i * STRIDE, &p->events[i], sizeof p->events[i]);
    memcpy(arena, p->arena.data, p->arena.len);
    *(struct tap_batch *)(void *)at =
        (struct tap_batch){.struct_size = sizeof(struct tap_batch),
                           .event_size = STRIDE,
                           .count = p->count,
                           .arena_len = (uint32_t)p->arena.len,
                           .events = (const struct tap_event *)(const void *)(at + head),
                           .arena = arena};
    b->n = choose(p, leave_out, select, &b->counted);
    b->batch = (const struct tap_batch *)(const void *)at;
    b->select = select;
    tap_region_set(b->region, TAP_REGION_GONE);
    free(p->events);
    tap_buf_free(&p->arena);
    p->events = NULL;
    p->count = p->cap = 0;
    return b;
}

void tap_trial_batch_free(struct tap_trial_batch *b)
{
    if (b)
        tap_region_free(b->region);
    free(b);
}
