/* stack.c: the open frames of a track.
 *
 * A frame keeps its begin and, as JSON text, the args that are known so far; texts of a stack lie
 * behind each other and go as the frames go, so opening and closing a frame allocates nothing.
 * Stacks are pooled: a process in which nothing is open has none. What is deeper than the cap is
 * remembered as (function, count) pairs only, enough to know whose return it is when it comes.
 */
#include "sinks/chrome/timeline.h"

#define TAP_STACK_POOL 256u  /* stacks kept for the next process */
#define TAP_STACK_TEXT 8192u /* a pooled stack keeps no longer text than this */

/* ---- Stacks */

static void stack_free(struct tap_stack *s)
{
    free(s->open);
    free(s->text);
    free(s->hidden);
    free(s);
}

static struct tap_stack *stack_take(struct tap_chrome *c)
{
    struct tap_stack *s = c->pool;
    if (!s)
        return calloc(1, sizeof *s);
    c->pool = s->next;
    c->pooled--;
    return s;
}

void tap_stack_release(struct tap_chrome *c, struct tap_track *t)
{
    struct tap_stack *s = t->stack;
    if (!s || s->depth || s->hidden_len || s->beyond)
        return;
    t->stack = NULL;
    s->text_len = 0;
    if (c->pooled >= TAP_STACK_POOL) {
        stack_free(s);
        return;
    }
    if (s->text_cap > TAP_STACK_TEXT) {
        free(s->text);
        s->text = NULL;
        s->text_cap = 0;
    }
    free(s->hidden);
    s->hidden = NULL;
    s->hidden_cap = 0;
    s->next = c->pool;
    c->pool = s;
    c->pooled++;
}

void tap_stack_free_pool(struct tap_chrome *c)
{
    while (c->pool) {
        struct tap_stack *s = c->pool;
        c->pool = s->next;
        stack_free(s);
    }
    c->pooled = 0;
}

/* Room for more than `len` items of `size` bytes. */
static bool stack_room(struct tap_chrome *c, void *array, uint32_t *cap, size_t need, size_t size,
                       uint32_t least)
{
    if (need <= *cap)
        return true;
    uint64_t wider = *cap ? *cap : least;
    while (wider < need)
        wider *= 2;
    void *old;
    memcpy(&old, array, sizeof old);
    void *more = realloc(old, (size_t)wider * size);
    if (!more) {
        c->no_memory = true;
        return false;
    }
    memcpy(array, &more, sizeof more);
    *cap = (uint32_t)wider;
    return true;
}

/* ---- Opening */

/* Moves the args that were written at the writer since tap_writer_begun into the stack's text. They
 * were written as the members of an object, in the form ,"args":{MEMBERS */
static bool stack_take_text(struct tap_chrome *c, struct tap_stack *s, struct tap_open *o)
{
    const size_t skip = sizeof(",\"args\":{") - 1;
    size_t n = tap_writer_here(&c->w);
    o->text = s->text_len;
    o->text_len = 0;
    if (n > skip && s->text_len + (n - skip) <= TAP_CHROME_TEXT) {
        n -= skip;
        if (!stack_room(c, &s->text, &s->text_cap, s->text_len + n, 1, 256))
            return false;
        memcpy(s->text + s->text_len, tap_writer_begun(&c->w) + skip, n);
        o->text_len = (uint32_t)n;
        s->text_len += (uint32_t)n;
    }
    tap_writer_drop(&c->w);
    c->in_args = false;
    return true;
}

struct tap_open *tap_stack_push(struct tap_chrome *c, struct tap_track *t, int64_t ts,
                                enum tap_open_kind kind, uint32_t label)
{
    struct tap_stack *s = t->stack;
    if (!s && !(s = t->stack = stack_take(c))) {
        c->no_memory = true;
        return NULL;
    }
    if (!stack_room(c, &s->open, &s->depth_cap, s->depth + 1, sizeof *s->open, 4))
        return NULL;
    struct tap_open *o = &s->open[s->depth];
    *o = (struct tap_open){
        .start = tap_track_time(t, ts), .label = label, .run = 1, .events = 1, .kind = kind};
    if (!stack_take_text(c, s, o))
        return NULL;
    if (s->depth && kind == TAP_OPEN_CALL && o[-1].kind == TAP_OPEN_CALL && o[-1].label == label)
        o->run = o[-1].run + 1;
    s->depth++;
    return o;
}

/* ---- Closing */

static const char *open_tail(struct tap_chrome *c, const struct tap_open *o, size_t *len)
{
    static const struct {
        const char *text;
        size_t len;
    } out = {TAP_TAIL("schedule", "waiting")}, minor = {TAP_TAIL("gc", "minor gc")},
      major = {TAP_TAIL("gc", "major gc")};
    if (o->kind == TAP_OPEN_CALL) {
        const struct tap_label *label = tap_label_at(c, o->label);
        *len = label->tail_len;
        return label->tail;
    }
    const char *text = o->kind == TAP_OPEN_OUT ? out.text : o->major ? major.text : minor.text;
    *len = o->kind == TAP_OPEN_OUT ? out.len : o->major ? major.len : minor.len;
    return text;
}

/* Opens the event of a frame and writes the args that it has. */
static void open_emit(struct tap_chrome *c, const struct tap_track *t, const struct tap_open *o,
                      char ph, int64_t dur)
{
    const struct tap_stack *s = t->stack;
    if (o->kind == TAP_OPEN_RUN) { /* its text is a whole tail: a run is named after its process */
        tap_emit_open(c, ph, t->node + 1, t->tid, o->start, dur, s->text + o->text, o->text_len);
    } else {
        size_t len;
        const char *tail = open_tail(c, o, &len);
        tap_emit_open(c, ph, t->node + 1, t->tid, o->start, dur, tail, len);
        tap_emit_members(c, s->text + o->text, o->text_len);
    }
    if (o->collapsed)
        tap_emit_number(c, "collapsed_calls", o->collapsed);
    if (o->capped)
        tap_emit_number(c, "calls_too_deep", o->capped);
}

static void close_args(struct tap_chrome *c, enum tap_close_how how, const struct tap_chrome_in *in)
{
    static const char *const why[] = {[TAP_CLOSE_UNWOUND] = "unwound",
                                      [TAP_CLOSE_EXIT] = "process exit",
                                      [TAP_CLOSE_LOST] = "unknown: events were lost",
                                      [TAP_CLOSE_EVICTED] = "unknown: too many processes"};
    if (how == TAP_CLOSE_RETURN)
        tap_emit_term(c, "result", in, in->ev->payload);
    else if (how == TAP_CLOSE_EXCEPTION && in->ev->payload.len && c->settings->args)
        tap_emit_term(c, "exception", in, in->ev->payload);
    else if (how == TAP_CLOSE_EXCEPTION)
        tap_emit_text(c, "exception", "true", 4);
    else if (how != TAP_CLOSE_PLAIN)
        tap_emit_text(c, "end", why[how], strlen(why[how]));
    if (in && (how == TAP_CLOSE_RETURN || how == TAP_CLOSE_EXCEPTION) &&
        in->ev->flags & TAP_EVENT_TRUNCATED)
        tap_emit_number(c, "result_cut_in_node_bytes", (int64_t)(in->ev->true_size & INT64_MAX));
    if (in && how == TAP_CLOSE_PLAIN && in->ev->payload.len && in->ev->kind == TAP_GC_END)
        tap_emit_term(c, "after", in, in->ev->payload);
}

void tap_stack_close(struct tap_chrome *c, struct tap_track *t, int64_t ts, enum tap_close_how how,
                     const struct tap_chrome_in *in, uint32_t events)
{
    struct tap_stack *s = t->stack;
    struct tap_open *o = &s->open[s->depth - 1];
    int64_t end = tap_track_time(t, ts);
    open_emit(c, t, o, 'X', end - o->start);
    close_args(c, how, in);
    tap_emit_close(c, o->events + events);
    c->count.slices++;
    if (how == TAP_CLOSE_UNWOUND)
        c->count.unwound++;
    s->text_len = o->text;
    if (--s->depth == 0)
        tap_stack_release(c, t);
}

void tap_stack_close_all(struct tap_chrome *c, struct tap_track *t, int64_t ts,
                         enum tap_close_how how)
{
    if (t->stack)
        tap_stack_forget_hidden(t->stack);
    while (t->stack && t->stack->depth) {
        struct tap_open *o = tap_stack_top(t);
        tap_stack_close(c, t, ts, o->kind == TAP_OPEN_CALL ? how : TAP_CLOSE_PLAIN, NULL, 0);
    }
    tap_stack_release(c, t);
}

void tap_stack_close_special(struct tap_chrome *c, struct tap_track *t, int64_t ts)
{
    for (struct tap_open *o; (o = tap_stack_top(t)) && o->kind != TAP_OPEN_CALL;)
        tap_stack_close(c, t, ts, TAP_CLOSE_PLAIN, NULL, 0);
}

void tap_stack_received(struct tap_track *t)
{
    const struct tap_stack *s = t->stack;
    uint32_t n = s ? s->depth : 0;
    while (n > 0 && s->open[n - 1].kind != TAP_OPEN_CALL)
        n--;
    if (n > 0)
        s->open[n - 1].received = true;
}

void tap_stack_finish(struct tap_chrome *c, struct tap_track *t)
{
    struct tap_stack *s = t->stack;
    if (!s)
        return;
    for (uint32_t i = 0; i < s->depth; i++) {
        open_emit(c, t, &s->open[i], 'B', -1);
        tap_emit_close(c, s->open[i].events);
        c->count.open++;
    }
    s->depth = 0;
    tap_stack_forget_hidden(s);
    tap_stack_release(c, t);
}

/* ---- Too deep to draw */

void tap_stack_hide(struct tap_chrome *c, struct tap_track *t, uint32_t label)
{
    struct tap_stack *s = t->stack;
    struct tap_open *top = tap_stack_top(t);
    top->capped++;
    top->events++;
    c->count.capped++;
    struct tap_hidden *last = s->hidden_len ? &s->hidden[s->hidden_len - 1] : NULL;
    if (s->beyond || (s->hidden_len == TAP_CHROME_HIDDEN && last->label != label)) {
        s->beyond++;
    } else if (last && last->label == label && last->count < UINT32_MAX) {
        last->count++;
    } else if (stack_room(c, &s->hidden, &s->hidden_cap, s->hidden_len + 1, sizeof *s->hidden,
                          16)) {
        s->hidden[s->hidden_len++] = (struct tap_hidden){label, 1};
    }
}

bool tap_stack_unhide(struct tap_stack *s, uint32_t label)
{
    if (s->beyond) { /* nothing is known of these but that they return first */
        s->beyond--;
        return true;
    }
    for (uint32_t i = s->hidden_len; i-- > 0;) {
        if (s->hidden[i].label != label)
            continue;
        s->hidden_len = i + 1; /* what is above was unwound */
        if (--s->hidden[i].count == 0)
            s->hidden_len = i;
        return true;
    }
    return false;
}

void tap_stack_forget_hidden(struct tap_stack *s)
{
    s->hidden_len = 0;
    s->beyond = 0;
}
