/* settle.c: see settle.h. Two tables that forget the oldest: of sends and spawns by their flow ids,
 * which are given out one after the other, and of the processes that were moved. */
#include "correlate/settle.h"

#include <stdlib.h>

#include "base/clock.h"

/* Of the last second, at a hundred thousand a second. */
#define CAUSES (1u << 17)
#define LOWER_BOUNDS (1u << 12) /* processes whose next event may have to be moved */
#define LOWER_BOUNDS_LOOK 8u    /* places of one process */
/* No clocks that are compared are so far apart: it was paired wrongly. */
#define FAR TAP_SECOND

struct settle_cause {
    uint64_t flow;
    int64_t ts;
    uint32_t node;
};
struct settle_lower_bound {
    struct tap_pid pid;
    int64_t ts;
};
struct tap_settle {
    struct settle_cause *causes;
    struct settle_lower_bound *lower_bounds;
    int64_t lower_bound_max; /* no process has a floor above this */
    struct tap_settle_stats stats;
};

struct tap_settle *tap_settle_new(void)
{
    struct tap_settle *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->lower_bound_max = INT64_MIN;
    s->causes = calloc(CAUSES, sizeof *s->causes);
    s->lower_bounds = calloc(LOWER_BOUNDS, sizeof *s->lower_bounds);
    if (s->causes && s->lower_bounds)
        return s;
    tap_settle_free(s);
    return NULL;
}

void tap_settle_free(struct tap_settle *s)
{
    if (!s)
        return;
    free(s->causes);
    free(s->lower_bounds);
    free(s);
}

void tap_settle_read_stats(const struct tap_settle *s, struct tap_settle_stats *stats)
{
    *stats = s->stats;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static struct settle_lower_bound *lower_bounds_of(const struct tap_settle *s,
                                                  const struct tap_pid *pid)
{
    uint32_t hash = (pid->id * 2654435761u ^ pid->serial * 40503u ^ pid->node * 97u) &
                    (LOWER_BOUNDS / LOWER_BOUNDS_LOOK - 1);
    return &s->lower_bounds[hash * LOWER_BOUNDS_LOOK];
}

static int64_t lower_bound_of(const struct tap_settle *s, const struct tap_pid *pid)
{
    const struct settle_lower_bound *f = lower_bounds_of(s, pid);
    for (uint32_t i = 0; i < LOWER_BOUNDS_LOOK; i++)
        if (f[i].ts && tap_pid_same(&f[i].pid, pid))
            return f[i].ts;
    return INT64_MIN;
}

/* From here on the process does nothing before `ts`. The lowest floor gives way: its process is
 * past it most likely. */
static void set_lower_bound(struct tap_settle *s, const struct tap_pid *pid, int64_t ts)
{
    struct settle_lower_bound *f = lower_bounds_of(s, pid), *place = f;
    for (uint32_t i = 0; i < LOWER_BOUNDS_LOOK; i++) {
        if (f[i].ts && tap_pid_same(&f[i].pid, pid)) {
            place = &f[i];
            break;
        }
        if (f[i].ts < place->ts)
            place = &f[i];
    }
    *place = (struct settle_lower_bound){*pid, ts};
    s->lower_bound_max = later(s->lower_bound_max, ts);
}

void tap_settle_event(struct tap_settle *s, struct tap_event *ev)
{
    int64_t ts = ev->ts;
    if (tap_kind_is_control(ev->kind))
        return;
    struct settle_cause *c = &s->causes[ev->flow & (CAUSES - 1)];
    bool effect = ev->kind == TAP_MESSAGE_RECEIVE || ev->kind == TAP_PROCESS_START;
    if (ev->flow && effect && c->flow == ev->flow && c->node != ev->node && c->ts >= ts &&
        c->ts - ts < FAR)
        set_lower_bound(s, &ev->pid, ts = c->ts + 1);
    if (ts < s->lower_bound_max)
        ts = later(ts, lower_bound_of(s, &ev->pid));
    if (ts != ev->ts) {
        s->stats.moved++;
        s->stats.moved_most = later(s->stats.moved_most, ts - ev->ts);
        ev->ts = ts;
        ev->flags |= TAP_EVENT_MOVED;
    }
    if (ev->flow && (ev->kind == TAP_MESSAGE_SEND || ev->kind == TAP_PROCESS_SPAWN))
        *c = (struct settle_cause){ev->flow, ts, ev->node};
}
