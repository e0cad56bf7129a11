/* schedule.c: what the virtual machine does with a process: waiting, running, collecting its
 * garbage.
 *
 * From out to in a process waits, and that nests with its calls (a run does not: a call goes on
 * over many runs). So the waiting is a slice on the process's track, and runs are slices on tracks
 * of the schedulers, where the events tell which scheduler it was. Garbage collection is a slice
 * inside the call that it happened in.
 *
 * Each event is told once: with the waiting that it begins or ends, or with the run, or else as an
 * instant.
 */
#include "sinks/chrome/timeline.h"

/* The track of a scheduler: in the table of processes, under a pid that no process can have. */
static struct tap_track *schedule_track(struct tap_chrome *c, const struct tap_chrome_in *in,
                                        uint32_t scheduler)
{
    struct tap_pid pid = {in->ev->pid.node, scheduler, UINT32_MAX, UINT32_MAX};
    return tap_process_get(c, &pid, in->ev->node, in->ts, true);
}

/* Where in its code the process was, as a member. */
static void schedule_where(struct tap_chrome *c, const struct tap_event *ev)
{
    if (!ev->module || ev->arity < 0)
        return;
    const struct tap_label *label = tap_label_get(c, ev->module, ev->function, ev->arity);
    if (label)
        tap_emit_text(c, "at", label->tail + label->name_off, label->name_len);
}

/* A frame that is no call must not make the stack too deep either. False: it is counted with the
 * frame below. */
static bool schedule_fits(struct tap_chrome *c, struct tap_track *t)
{
    struct tap_open *top = tap_stack_top(t);
    if (!top || t->stack->depth < TAP_CHROME_DEPTH + 4)
        return true;
    top->capped++;
    top->events++;
    c->count.capped++;
    return false;
}

/* The topmost frame of this kind, if only frames that are no calls lie above it: those are
 * closed. */
static bool schedule_uncover(struct tap_chrome *c, struct tap_track *t, int64_t ts,
                             enum tap_open_kind kind)
{
    struct tap_stack *s = t->stack;
    uint32_t i = s ? s->depth : 0;
    while (i > 0 && s->open[i - 1].kind != kind)
        if (s->open[--i].kind == TAP_OPEN_CALL)
            return false;
    if (i == 0)
        return false;
    while (s->depth > i)
        tap_stack_close(c, t, ts, TAP_CLOSE_PLAIN, NULL, 0);
    return true;
}

/* ---- Runs on the schedulers' tracks */

static void schedule_run_begin(struct tap_chrome *c, const struct tap_chrome_in *in,
                               struct tap_track *process, uint32_t events)
{
    struct tap_track *t = schedule_track(c, in, in->ev->scheduler);
    if (!t)
        return;
    process->scheduler = in->ev->scheduler;
    if (t->stack) /* its out was lost */
        tap_stack_close_all(c, t, in->ts, TAP_CLOSE_LOST);
    /* the text of a run is its tail, in the place of its args */
    char *p = tap_writer_reserve(&c->w, 64);
    p = tap_text_lit(p, ",\"args\":{\"cat\":\"run\",\"name\":\"");
    c->w.p = p;
    tap_process_title(c, process);
    tap_emit_quote(c);
    struct tap_open *o = tap_stack_push(c, t, in->ts, TAP_OPEN_RUN, process->tid);
    if (o)
        o->events = events;
}

/* False: no run of it was open. Where another one runs there already, its own has ended with
 * that. */
static bool schedule_run_end(struct tap_chrome *c, const struct tap_chrome_in *in,
                             struct tap_track *process, uint32_t events)
{
    struct tap_track *t = process->scheduler ? schedule_track(c, in, process->scheduler) : NULL;
    process->scheduler = 0;
    const struct tap_open *run = t ? tap_stack_top(t) : NULL;
    if (!run || run->kind != TAP_OPEN_RUN || run->label != process->tid)
        return false;
    tap_stack_close(c, t, in->ts, TAP_CLOSE_PLAIN, NULL, events);
    return true;
}

/* ---- Events */

void tap_schedule_in(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_track *t = tap_process_track(c, in);
    if (!t)
        return;
    bool told = schedule_uncover(c, t, in->ts, TAP_OPEN_OUT);
    if (told)
        tap_stack_close(c, t, in->ts, TAP_CLOSE_PLAIN, NULL, 1);
    if (in->ev->scheduler) {
        schedule_run_begin(c, in, t, told ? 0 : 1);
    } else if (!told) {
        tap_emit_instant(c, t, in->ts, TAP_TAIL("schedule", "scheduled in"));
        schedule_where(c, in->ev);
        tap_emit_close(c, 1);
    }
}

void tap_schedule_out(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_track *t = tap_process_track(c, in);
    if (!t)
        return;
    /* it does not wait: it never comes back */
    bool leaves = t->dead || in->ev->flags & TAP_EVENT_EXITING;
    bool told = schedule_run_end(c, in, t, leaves ? 1 : 0);
    if (!leaves) {
        if (!schedule_fits(c, t))
            return;
        /* its in was lost: it waits still, or again */
        schedule_uncover(c, t, in->ts, TAP_OPEN_OUT);
        struct tap_open *top = tap_stack_top(t);
        if (top && top->kind == TAP_OPEN_OUT)
            tap_stack_close(c, t, in->ts, TAP_CLOSE_PLAIN, NULL, 0);
        schedule_where(c, in->ev);
        tap_stack_push(c, t, in->ts, TAP_OPEN_OUT, 0);
    } else if (!told) {
        tap_emit_instant(c, t, in->ts, TAP_TAIL("schedule", "scheduled out"));
        schedule_where(c, in->ev);
        tap_emit_close(c, 1);
    }
}

void tap_schedule_exit(struct tap_chrome *c, const struct tap_chrome_in *in, struct tap_track *t)
{
    schedule_run_end(c, in, t, 0);
}

void tap_schedule_gc_start(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_track *t = tap_process_track(c, in);
    if (!t || !schedule_fits(c, t))
        return;
    tap_emit_term(c, "before", in, in->ev->payload);
    struct tap_open *o = tap_stack_push(c, t, in->ts, TAP_OPEN_GC, 0);
    if (o)
        o->major = in->ev->flags & TAP_EVENT_GC_MAJOR;
}

void tap_schedule_gc_end(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_track *t = tap_process_track(c, in);
    if (!t)
        return;
    if (schedule_uncover(c, t, in->ts, TAP_OPEN_GC)) {
        tap_stack_close(c, t, in->ts, TAP_CLOSE_PLAIN, in, 1);
        return;
    }
    tap_emit_instant(c, t, in->ts, TAP_TAIL("gc", "gc end"));
    tap_emit_term(c, "after", in, in->ev->payload);
    tap_emit_close(c, 1);
}
