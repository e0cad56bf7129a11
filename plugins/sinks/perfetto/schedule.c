/* schedule.c: what the virtual machine does with a process: from out to in it waits, and that nests
 * with its calls, as garbage collection does: both are slices inside the call in which they are.
 */
#include "sinks/perfetto/perfetto.h"

static void pop(struct pf *p, struct pf_track *t, int64_t ts)
{
    t->open_count--;
    pf_on(p, t, PF_END, ts);
}

/* Makes the topmost of these two the innermost; false: none is open. */
static bool uncover(struct pf *p, struct pf_track *t, unsigned one, unsigned other)
{
    unsigned n = t->open_count;
    while (n && t->open[n - 1] != one && t->open[n - 1] != other)
        n--;
    while (n && t->open_count > n) {
        pop(p, t, p->event->ts);
        pf_close(p);
    }
    return n;
}

/* Where one is too deep to be drawn it is left out. */
static bool push(struct pf *p, struct pf_track *t, enum pf_category category, unsigned title)
{
    if (t->depth >= PF_DEPTH + 4)
        return false;
    t->open[t->open_count++] = (uint8_t)title;
    pf_on(p, t, PF_BEGIN, p->event->ts);
    pf_named(p, category, title);
    return true;
}

static void instant(struct pf *p, struct pf_track *t, enum pf_category category, unsigned title)
{
    pf_on(p, t, PF_INSTANT, p->event->ts);
    pf_named(p, category, title);
}

static void where(struct pf *p)
{
    pf_mfa(p, PF_NOTE_AT);
    if (p->event->scheduler)
        pf_number(p, PF_NOTE_SCHEDULER, p->event->scheduler);
    pf_close(p);
}

static void in(struct pf *p, struct pf_track *t)
{
    if (!uncover(p, t, PF_TITLE_WAITING, PF_TITLE_WAITING)) {
        instant(p, t, PF_CAT_SCHEDULE, PF_TITLE_IN);
        where(p);
        return;
    }
    pop(p, t, p->event->ts);
    if (p->event->scheduler)
        pf_number(p, PF_NOTE_SCHEDULER, p->event->scheduler);
    pf_close(p);
}

static void out(struct pf *p, struct pf_track *t)
{
    bool leaves = t->ended || p->event->flags & TAP_EVENT_EXITING; /* it never comes back */
    if (uncover(p, t, PF_TITLE_WAITING, PF_TITLE_WAITING)) {
        pop(p, t, p->event->ts); /* its in was lost */
        pf_close(p);
    }
    if (leaves)
        instant(p, t, PF_CAT_SCHEDULE, PF_TITLE_OUT);
    else if (!push(p, t, PF_CAT_SCHEDULE, PF_TITLE_WAITING))
        return;
    where(p);
}

static void gc_start(struct pf *p, struct pf_track *t)
{
    bool major = p->event->flags & TAP_EVENT_GC_MAJOR;
    if (uncover(p, t, PF_TITLE_MINOR_GC, PF_TITLE_MAJOR_GC)) {
        pop(p, t, p->event->ts); /* its end was lost */
        pf_close(p);
    }
    if (!push(p, t, PF_CAT_GC, major ? PF_TITLE_MAJOR_GC : PF_TITLE_MINOR_GC))
        return;
    pf_term(p, PF_NOTE_BEFORE, p->event->payload);
    pf_close(p);
}

static void gc_end(struct pf *p, struct pf_track *t)
{
    if (uncover(p, t, PF_TITLE_MINOR_GC, PF_TITLE_MAJOR_GC))
        pop(p, t, p->event->ts);
    else
        instant(p, t, PF_CAT_GC, PF_TITLE_GC_END);
    pf_term(p, PF_NOTE_AFTER, p->event->payload);
    pf_close(p);
}

bool pf_schedule(struct pf *p, struct pf_track *t)
{
    if (!pf_track_list(p, t))
        return false;
    switch (p->event->kind) {
    case TAP_SCHEDULE_IN: in(p, t); break;
    case TAP_SCHEDULE_OUT: out(p, t); break;
    case TAP_GC_START: gc_start(p, t); break;
    default: gc_end(p, t); break;
    }
    return true;
}
