/* unnamed.c: see unnamed.h. A set of what was seen, by number (within one life of a node that is
 * all of a pid), open addressed; and a ring of those that wait. */
#include "correlate/unnamed.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "beamtap/term.h"

#define FIRST_SIZE 1024u

struct tap_unnamed {
    uint64_t *seen; /* 0: empty */
    uint64_t odd;   /* secret: where each number stands */
    uint32_t mask, count;
    uint64_t last; /* of the event before: mostly the next one's */
    struct tap_pid waiting[TAP_UNNAMED_WAITING];
    uint32_t first, waits;
    bool named_too;
};

struct tap_unnamed *tap_unnamed_new(bool named_too)
{
    struct tap_unnamed *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->named_too = named_too;
    s->odd = tap_hash_secret(s) | 1;
    s->mask = FIRST_SIZE - 1;
    s->seen = calloc(FIRST_SIZE, sizeof *s->seen);
    if (s->seen)
        return s;
    free(s);
    return NULL;
}

void tap_unnamed_free(struct tap_unnamed *s)
{
    if (s)
        free(s->seen);
    free(s);
}

void tap_unnamed_forget(struct tap_unnamed *s)
{
    memset(s->seen, 0, (s->mask + 1) * sizeof *s->seen);
    s->count = s->waits = 0;
    s->last = 0;
}

/* No process has the number that would be 0. */
static uint64_t number_of(const struct tap_pid *pid)
{
    return ~((uint64_t)pid->id << 32 | pid->serial);
}

static uint64_t *place_of(uint64_t *seen, uint64_t odd, uint32_t mask, uint64_t number)
{
    uint32_t at = (uint32_t)tap_fold64(number, odd) & mask;
    while (seen[at] && seen[at] != number)
        at = (at + 1) & mask;
    return &seen[at];
}

/* Half of the table stays empty. */
static void make_room(struct tap_unnamed *s)
{
    uint32_t old = s->mask + 1;
    if (s->count < old / 2)
        return;
    uint64_t *more = s->count < TAP_UNNAMED_SEEN ? calloc(2 * (size_t)old, sizeof *more) : NULL;
    if (!more) {
        memset(s->seen, 0, old * sizeof *s->seen);
        s->count = 0;
        return;
    }
    for (uint32_t i = 0; i < old; i++)
        if (s->seen[i])
            *place_of(more, s->odd, 2 * old - 1, s->seen[i]) = s->seen[i];
    free(s->seen);
    s->seen = more;
    s->mask = 2 * old - 1;
}

/* It was new until now. */
static bool take_note(struct tap_unnamed *s, uint64_t number)
{
    uint64_t *place = place_of(s->seen, s->odd, s->mask, number);
    if (*place)
        return false;
    *place = number;
    s->count++;
    make_room(s);
    return true;
}

static void see_process(struct tap_unnamed *s, const struct tap_pid *pid)
{
    uint64_t number = number_of(pid);
    if (number == s->last || s->waits == TAP_UNNAMED_WAITING)
        return;
    s->last = number;
    if (take_note(s, number))
        s->waiting[(s->first + s->waits++) % TAP_UNNAMED_WAITING] = *pid;
}

static void see_named(struct tap_unnamed *s, const struct tap_pid *pid)
{
    if (!s->named_too)
        take_note(s, number_of(pid));
}

/* [{Pid, Facts}]: whoever is named there. */
static void see_report(struct tap_unnamed *s, struct tap_cursor c)
{
    uint32_t n, two, len;
    const char *node;
    struct tap_pid pid;
    if (!tap_read_list(&c, &n))
        return;
    for (; n > 0 && tap_read_tuple(&c, &two) && two == 2 && tap_read_pid(&c, &node, &len, &pid);
         n--) {
        if (tap_peek(&c) != TAP_EXT_NIL)
            see_named(s, &pid);
        if (!tap_skip(&c))
            return;
    }
}

static bool is_local(const struct tap_event *ev)
{
    return ev->peer_type == TAP_PEER_PID && ev->peer.node == ev->pid.node;
}

void tap_unnamed_see(struct tap_unnamed *s, const struct tap_batch *batch, uint32_t kinds)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct tap_event *ev = tap_batch_event(batch, i);
        if (ev->kind == TAP_PROCESS_INFO)
            see_report(s, tap_cursor(batch->arena + ev->payload.off, ev->payload.len));
        if (tap_kind_is_control(ev->kind))
            continue;
        if (ev->kind == TAP_PROCESS_SPAWN && is_local(ev))
            see_named(s, &ev->peer);
        if (ev->kind == TAP_PROCESS_START || ev->kind == TAP_PROCESS_REGISTER)
            see_named(s, &ev->pid);
        if (ev->kind != TAP_PROCESS_EXIT && kinds & TAP_KIND_BIT(ev->kind))
            see_process(s, &ev->pid);
    }
}

size_t tap_unnamed_take(struct tap_unnamed *s, struct tap_pid *pids, size_t max)
{
    size_t n = 0;
    for (; n < max && s->waits > 0; n++, s->waits--) {
        pids[n] = s->waiting[s->first];
        s->first = (s->first + 1) % TAP_UNNAMED_WAITING;
    }
    return n;
}
