/* functions.c: calls and their times. A return pops to its function: what lies above was left by an
 * exception that nobody traced. Times are those of the clock, waiting included.
 */
#include "sinks/summary/summary.h"

static struct sum_function *function_get(struct sum *s, const struct tap_event *e, uint32_t *index)
{
    uint64_t key = sum_mix((uint64_t)e->module << 32 | e->function, (uint32_t)e->arity);
    uint32_t *at = sum_map_get(&s->function_at, key, true);
    if (!at || (!*at && !sum_room(s, &s->functions, s->function_count, sizeof *s->functions))) {
        s->no_memory = true;
        return NULL;
    }
    if (!*at) {
        s->functions[s->function_count++] = (struct sum_function){
            .module = e->module, .function = e->function, .arity = e->arity, .returns = s->returns};
        *at = s->function_count;
    }
    *index = *at - 1;
    return &s->functions[*index];
}

static uint64_t active_key(uint32_t process, uint32_t function)
{
    return sum_mix((uint64_t)process << 32 | function, 77);
}

/* Takes the top frame off, and counts its time where that is known. */
static void pop(struct sum *s, struct sum_process *p, uint32_t process, int64_t ts, bool known)
{
    struct sum_frame f = p->frames[--p->depth];
    uint64_t key = active_key(process, f.function);
    uint32_t *active = sum_map_get(&s->active, key, false);
    if (active && --*active == 0)
        sum_map_remove(&s->active, key);
    int64_t length = ts > f.start ? ts - f.start : 0;
    if (!known)
        return;
    struct sum_function *fn = &s->functions[f.function];
    fn->own = sum_times(fn->own, length > f.inner ? length - f.inner : 0);
    fn->total = sum_times(fn->total, f.inside ? 0 : length);
    if (p->depth)
        p->frames[p->depth - 1].inner = sum_times(p->frames[p->depth - 1].inner, length);
}

void sum_function_clear(struct sum *s, struct sum_process *p, uint32_t process)
{
    while (p->depth)
        pop(s, p, process, 0, false);
    p->beyond = 0;
    free(p->frames);
    p->frames = NULL;
    p->cap = 0;
}

void sum_function_call(struct sum *s, struct sum_process *p, uint32_t process,
                       const struct tap_event *e)
{
    uint32_t index;
    struct sum_function *f = function_get(s, e, &index);
    if (!f)
        return;
    f->calls++;
    if (e->flags & TAP_EVENT_TAIL && p->depth) /* a loop goes on in its first frames */
        return;
    if (!process || !f->returns || tap_returns_off_has(&s->returns_off, e))
        return;
    if (p->depth == SUMMARY_DEPTH) {
        p->beyond++;
        return;
    }
    if (p->depth == p->cap) {
        uint32_t cap = p->cap ? 2 * p->cap : 8;
        struct sum_frame *more = realloc(p->frames, cap * sizeof *more);
        if (!more) {
            s->no_memory = true;
            return;
        }
        p->frames = more;
        p->cap = cap;
    }
    uint32_t *active = sum_map_get(&s->active, active_key(process, index), true);
    if (!active) {
        s->no_memory = true;
        return;
    }
    p->frames[p->depth++] =
        (struct sum_frame){.function = index, .inside = *active > 0, .start = e->ts};
    ++*active;
}

void sum_function_end(struct sum *s, struct sum_process *p, uint32_t process,
                      const struct tap_event *e)
{
    uint32_t index, *active;
    struct sum_function *f = function_get(s, e, &index);
    if (!f)
        return;
    f->returns |= e->kind == TAP_FUNCTION_RETURN;
    f->returned += e->kind == TAP_FUNCTION_RETURN;
    if (e->flags & TAP_EVENT_TAIL) /* told again at the loop's first frames */
        return;
    f->thrown += e->kind == TAP_FUNCTION_EXCEPTION;
    if (p->beyond) {
        p->beyond--;
        return;
    }
    active = process ? sum_map_get(&s->active, active_key(process, index), false) : NULL;
    if (!active) /* its call was not seen */
        return;
    while (p->depth && p->frames[p->depth - 1].function != index)
        pop(s, p, process, e->ts, true);
    if (p->depth)
        pop(s, p, process, e->ts, true);
}
