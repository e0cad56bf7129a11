/* call_times.c: see call_times.h. */
#include "sinks/common/call_times.h"

#include "sinks/common/call_rules.h"

bool tap_call_times_init(struct tap_call_times *t, const struct tap_host *host)
{
    t->host = host;
    t->returns = host->run_info->events & TAP_KIND_BIT(TAP_FUNCTION_RETURN);
    if (!tap_grow(&t->functions, 0, sizeof *t->functions))
        return false;
    t->functions[t->function_count++] = (struct tap_call_function){0};
    return true;
}

void tap_call_times_free(struct tap_call_times *t)
{
    for (uint32_t i = 0; i < t->function_count; i++)
        tap_histogram_free(&t->functions[i].lengths);
    free(t->functions);
    tap_map_free(&t->function_at);
    tap_map_free(&t->active);
    tap_returns_off_free(&t->returns_off);
}

/* Its index; 0 of those that are too many. */
static uint32_t function_get(struct tap_call_times *t, const struct tap_event *e)
{
    uint64_t key = tap_map_mix((uint64_t)e->module << 32 | e->function, (uint32_t)e->arity);
    uint32_t *at = tap_map_get(&t->function_at, key, t->function_count < TAP_CALL_FUNCTIONS);
    if (at && *at)
        return *at;
    if (!at || !tap_grow(&t->functions, t->function_count, sizeof *t->functions)) {
        t->no_memory |= t->function_count < TAP_CALL_FUNCTIONS;
        return 0;
    }
    t->functions[t->function_count] = (struct tap_call_function){
        .module = e->module,
        .function = e->function,
        .arity = e->arity,
        .returns =
            t->returns || tap_returns_traced(t->host, tap_name_get(t->host, e->module)->text,
                                             tap_name_get(t->host, e->function)->text, e->arity)};
    *at = t->function_count++;
    return *at;
}

static uint64_t active_key(uint32_t process, uint32_t function)
{
    return tap_map_mix((uint64_t)process << 32 | function, 77);
}

/* Takes the top frame off, and counts its time where that is known. */
static void pop(struct tap_call_times *t, struct tap_call_stack *p, uint32_t process, int64_t ts,
                bool known)
{
    struct tap_call_frame f = p->frames[--p->depth];
    uint64_t key = active_key(process, f.function);
    uint32_t *active = tap_map_get(&t->active, key, false);
    if (active && --*active == 0)
        tap_map_remove(&t->active, key);
    int64_t length = ts > f.start ? ts - f.start : 0;
    int64_t busy = tap_times_add(f.inner, f.waited);
    int64_t own = length > busy ? length - busy : 0;
    if (known) {
        struct tap_call_function *fn = &t->functions[f.function];
        fn->own = tap_times_add(fn->own, own);
        fn->waited = tap_times_add(fn->waited, f.waited);
        fn->total = tap_times_add(fn->total, f.inside ? 0 : length);
        t->no_memory |= !tap_histogram_add(&fn->lengths, length);
        if (p->depth) {
            struct tap_call_frame *under = &p->frames[p->depth - 1];
            under->inner = tap_times_add(under->inner, length);
        }
    }
    if (t->ended)
        t->ended(t->context, process, p, &f, known ? length : -1, own);
}

void tap_call_times_clear(struct tap_call_times *t, struct tap_call_stack *p, uint32_t process)
{
    while (p->depth)
        pop(t, p, process, 0, false);
    free(p->frames);
    *p = (struct tap_call_stack){.epoch = p->epoch};
}

static void waited(struct tap_call_stack *p, int64_t from, int64_t to)
{
    if (!p->depth || to <= from)
        return;
    struct tap_call_frame *top = &p->frames[p->depth - 1];
    from = from > top->start ? from : top->start;
    top->waited = tap_times_add(top->waited, to > from ? to - from : 0);
}

void tap_call_times_event(struct tap_call_times *t, struct tap_call_stack *p,
                          const struct tap_event *e, int64_t sent)
{
    if (e->kind == TAP_SCHEDULE_OUT) {
        t->scheduled = true;
        p->out = e->ts;
    } else if (e->kind == TAP_SCHEDULE_IN) {
        t->scheduled = true;
        if (p->out)
            waited(p, p->out, e->ts);
        p->out = 0;
    } else if (e->kind == TAP_MESSAGE_RECEIVE) {
        t->received = true;
        t->sent |= sent > 0;
        if (!t->scheduled && p->last) /* from its sending on a message is not waited for */
            waited(p, p->last, sent && sent < e->ts ? sent : e->ts);
    }
    p->last = e->ts;
}

/* Room for one more frame. */
static bool room(struct tap_call_times *t, struct tap_call_stack *p)
{
    if (p->depth < p->cap)
        return true;
    uint32_t cap = p->cap ? 2 * p->cap : 8;
    struct tap_call_frame *more = realloc(p->frames, cap * sizeof *more);
    t->no_memory |= !more;
    if (!more)
        return false;
    p->frames = more;
    p->cap = cap;
    return true;
}

void tap_call_times_call(struct tap_call_times *t, struct tap_call_stack *p, uint32_t process,
                         const struct tap_event *e)
{
    uint32_t index = function_get(t, e);
    struct tap_call_function *f = &t->functions[index];
    f->calls++;
    p->unwinding = 0;
    if (tap_call_is_turn(e, p->depth))
        return;
    if (!process || !index || !f->returns || tap_returns_off_has(&t->returns_off, e))
        return;
    if (p->depth == TAP_CALL_DEPTH) {
        p->beyond++;
        return;
    }
    if (!room(t, p))
        return;
    uint32_t *active = tap_map_get(&t->active, active_key(process, index), true);
    if (!active) {
        t->no_memory = true;
        return;
    }
    p->frames[p->depth++] =
        (struct tap_call_frame){.function = index, .inside = *active > 0, .start = e->ts};
    ++*active;
    if (t->begun)
        t->begun(t->context, process, p);
}

/* Is it one that its process has not told yet? While one goes through several frames, each tells
 * it, and nothing else is told between them. */
static bool begins(struct tap_call_times *t, struct tap_call_stack *p,
                   const struct tap_batch *batch, const struct tap_event *e)
{
    uint64_t hash = tap_map_bytes(batch->arena + e->payload.off, e->payload.len);
    bool new = p->unwinding != hash;
    p->unwinding = hash;
    t->exceptions += new;
    return new;
}

bool tap_call_times_end(struct tap_call_times *t, struct tap_call_stack *p, uint32_t process,
                        const struct tap_batch *batch, const struct tap_event *e)
{
    bool exception = e->kind == TAP_FUNCTION_EXCEPTION, new = false;
    uint32_t index = function_get(t, e);
    struct tap_call_function *f = &t->functions[index];
    f->returns |= !exception;
    f->returned += !exception;
    if (tap_call_is_turn(e, true))
        return false;
    f->thrown += exception;
    if (exception)
        new = begins(t, p, batch, e);
    else
        p->unwinding = 0;
    if (p->beyond) {
        p->beyond--;
        return new;
    }
    if (!process || !index || !tap_map_get(&t->active, active_key(process, index), false))
        return new; /* its call was not seen */
    while (p->depth && p->frames[p->depth - 1].function != index)
        pop(t, p, process, e->ts, true);
    if (p->depth)
        pop(t, p, process, e->ts, true);
    return new;
}

const char *tap_call_times_own(const struct tap_call_times *t)
{
    return t->scheduled  ? "what it ran, by the scheduler"
           : t->received ? "without what was waited in receive, at the least"
                         : "by the clock, waiting included: trace message_receive to take it out";
}

const char *tap_call_times_doubt(const struct tap_call_times *t)
{
    if (t->scheduled || !t->received)
        return "";
    return t->sent ? "Waiting is what lies between a process's last event and the sending of a "
                     "message that it took: untraced work in it counts as waited. schedule_in and "
                     "schedule_out among the events tell them apart."
                   : "Waiting is what lies between a process's last event and a message that it "
                     "took, for no sends were seen: untraced work in it counts as waited, however "
                     "long the message was there. message_send among the events tells the latter, "
                     "schedule_in and schedule_out tell work from waiting.";
}
