/* processes.c: what a process does just now belongs to.
 *
 * A receive is when the machine fetches a message into the process, and it fetches all that are
 * there: a server then handles them one after the other, and nothing tells when it begins with the
 * next. So what was fetched and may not be done with is kept in its order, and the first one is
 * what the process does now
 *
 *  - when it is the only one;
 *  - when it is a call, until its reply is sent;
 *  - when it was given to a callback that is traced (handle_call/3, handle_cast/2, handle_info/2),
 *    until that returns: the message is its first argument.
 *
 * Else nobody knows which of them it is, and what the process does is inside none. A process that
 * waits for nothing in particular fetches only when it is done with all: those that it fetched
 * before it did something, or before the new one was sent, are over then. One that was spawned
 * belongs to its spawn until it takes a message.
 */
#include "sinks/otlp/otlp.h"

struct otlp_process *otlp_process(struct otlp *o, const struct tap_pid *pid)
{
    uint32_t *at = tap_map_get(&o->process_at, tap_map_pid(pid), false);
    return at ? &o->processes[*at - 1] : NULL;
}

static struct otlp_span *innermost(struct otlp *o)
{
    uint64_t tag = tap_call_stacks_inside(o->stacks, &o->event->pid);
    return tag ? &o->spans[tag - 1] : NULL;
}

/* ---- Messages that were fetched */

static bool is_sure(const struct otlp_fetched *m)
{
    return !m->next || m->callback || (m->gen == TAP_GEN_CALL && !m->replied);
}

/* From here on it is the first; `ts` 0: nobody knows since when. */
static void becomes_first(struct otlp *o, struct otlp_process *p, int64_t ts)
{
    struct otlp_fetched *m = p->first;
    struct otlp_span *span = m ? otlp_span_at(o, m->span) : NULL;
    if (!m)
        return;
    m->number = ++o->begun;
    m->replied |= m->span.at && !span; /* while it was too far behind to be found */
    if (span && ts > span->start && is_sure(m))
        span->start = ts;
}

/* The first one is done with, at `ts`. A call's span waits for its reply, whoever sends that. */
static void drop_first(struct otlp *o, struct otlp_process *p, int64_t ts)
{
    struct otlp_fetched *m = p->first;
    struct otlp_span *span = m->gen == TAP_GEN_CALL ? NULL : otlp_span_at(o, m->span);
    if (span && otlp_end(o, m->span, is_sure(m) ? ts : m->lasts, false))
        otlp_close(o, m->span);
    p->first = m->next;
    if (!p->first)
        p->last_one = NULL;
    o->fetched--;
    free(m);
}

void otlp_process_lasts(struct otlp *o, struct otlp_ref ref, int64_t ts)
{
    const struct otlp_span *span = otlp_span_at(o, ref);
    struct otlp_process *p =
        span && span->parent && o->event ? otlp_process(o, &o->event->pid) : NULL;
    struct otlp_fetched *m = p ? p->first : NULL;
    if (m && ts > m->lasts && memcmp(m->ids.span, &span->parent, sizeof span->parent) == 0)
        m->lasts = ts;
}

static void drop_all(struct otlp *o, struct otlp_process *p)
{
    while (p->first)
        drop_first(o, p, p->seen);
}

bool otlp_process_takes(struct otlp *o, struct otlp_process *p, enum tap_gen gen, uint64_t hash,
                        struct otlp_ref span)
{
    if (o->fetched == OTLP_FETCHED) { /* nothing is inside it */
        if (gen != TAP_GEN_CALL && otlp_end(o, span, o->event->ts, false))
            otlp_close(o, span);
        return true;
    }
    struct otlp_fetched *m = calloc(1, sizeof *m);
    if (!m)
        return false;
    const struct otlp_span *s = otlp_span_at(o, span);
    *m = (struct otlp_fetched){.gen = gen, .hash = hash, .span = span};
    if (s)
        m->ids = s->ids;
    o->fetched++;
    if (p->first && is_sure(p->first) && p->seen > p->first->lasts) /* it may be no more */
        p->first->lasts = p->seen;
    if (p->last_one)
        p->last_one->next = m;
    else
        p->first = m;
    p->last_one = m;
    if (p->first == m) {
        p->fetched = o->event->ts;
        becomes_first(o, p, 0);
    }
    return true;
}

/* A message is fetched, which was sent at `sent` (0: unknown). */
void otlp_process_fetches(struct otlp *o, struct otlp_process *p, int64_t sent)
{
    const struct otlp_span *call = innermost(o);
    bool inside = call && p->first && call->number > p->first->number;
    if (!inside && !p->waits && (p->active || sent > p->fetched)) {
        drop_all(o, p);
        p->caused = false;
    }
    p->active = false;
}

/* The first one with this content, or, where that is not known, of this kind; NULL: none of the
 * OTLP_LOOKED first ones, for each callback looks. */
static const struct otlp_fetched *find(const struct otlp_process *p, enum tap_gen gen,
                                       uint64_t hash)
{
    const struct otlp_fetched *m = p->first;
    uint32_t looked = 1;
    while (m && (m->gen != gen || (hash && m->hash != hash)))
        m = looked++ < OTLP_LOOKED ? m->next : NULL;
    return m;
}

bool otlp_process_calls_back(struct otlp *o, struct otlp_process *p, enum tap_gen gen,
                             uint64_t hash)
{
    const struct otlp_span *call = innermost(o);
    if (call && call->number > p->first->number)
        return false;
    const struct otlp_fetched *m = find(p, gen, hash);
    if (!m)
        return false;
    while (p->first != m)
        drop_first(o, p, o->event->ts);
    p->first->callback = UINT64_MAX; /* until its span has a number */
    becomes_first(o, p, o->event->ts);
    return true;
}

void otlp_process_called_back(struct otlp_process *p, uint64_t number)
{
    if (p->first)
        p->first->callback = number;
}

void otlp_process_replied(struct otlp *o, struct otlp_ref server)
{
    struct otlp_process *p = otlp_process(o, &o->event->pid);
    struct otlp_fetched *m = p ? p->first : NULL;
    uint32_t looked = 1;
    while (m && (m->span.at != server.at || m->span.number != server.number))
        m = looked++ < OTLP_LOOKED ? m->next : NULL;
    if (!m)
        return;
    m->replied = true;
    if (m->callback) /* which goes on */
        return;
    while (p->first != m)
        drop_first(o, p, o->event->ts);
    if (m->next) {
        drop_first(o, p, o->event->ts);
        becomes_first(o, p, o->event->ts);
    }
}

void otlp_process_call_ended(struct otlp *o, const struct tap_pid *pid, uint64_t number, int64_t ts)
{
    struct otlp_process *p = otlp_process(o, pid);
    if (!p || !p->first || p->first->callback != number)
        return;
    drop_first(o, p, ts);
    becomes_first(o, p, ts);
}

/* ---- Processes */

void otlp_process_free(struct otlp_process *p)
{
    for (struct otlp_fetched *next; p->first; p->first = next) {
        next = p->first->next;
        free(p->first);
    }
}

static void end_call(struct otlp *o, struct otlp_process *p, int64_t ts, const char *why)
{
    if (otlp_end(o, p->call, ts, false)) {
        otlp_why(o, "unanswered");
        otlp_failed(o, why, strlen(why));
        otlp_close(o, p->call);
    }
    p->call = (struct otlp_ref){0, 0};
}

/* The last one takes its place. */
static void forget(struct otlp *o, struct otlp_process *p)
{
    struct otlp_process *last = &o->processes[o->process_count - 1];
    uint32_t index = (uint32_t)(p - o->processes);
    drop_all(o, p);
    tap_map_remove(&o->process_at, tap_map_pid(&p->pid));
    if (p != last) {
        *p = *last;
        uint32_t *at = tap_map_get(&o->process_at, tap_map_pid(&p->pid), false);
        if (at)
            *at = index + 1;
    }
    o->process_count--;
}

void otlp_processes_forget(struct otlp *o, bool every, uint32_t node)
{
    for (uint32_t i = o->process_count; i-- > 0;)
        if (every || o->processes[i].node == node)
            forget(o, &o->processes[i]);
}

struct otlp_process *otlp_process_make(struct otlp *o, const struct tap_pid *pid, uint32_t node)
{
    struct otlp_process *p = otlp_process(o, pid);
    if (p)
        return p;
    if (o->process_count == OTLP_PROCESSES)
        otlp_processes_forget(o, true, 0);
    if (!tap_grow(&o->processes, o->process_count, sizeof *o->processes))
        return NULL;
    uint32_t *at = tap_map_get(&o->process_at, tap_map_pid(pid), true);
    if (!at)
        return NULL;
    *at = ++o->process_count;
    p = &o->processes[o->process_count - 1];
    *p = (struct otlp_process){.pid = *pid, .node = node, .seen = o->event->ts};
    return p;
}

const struct otlp_ids *otlp_inside(struct otlp *o)
{
    const struct otlp_process *p = otlp_process(o, &o->event->pid);
    const struct otlp_span *call = innermost(o);
    const struct otlp_fetched *m = p ? p->first : NULL;
    if (m && is_sure(m) && (!call || call->number < m->number))
        return m->span.at ? &m->ids : NULL;
    return call ? &call->ids : NULL;
}

const struct otlp_ids *otlp_in_call(struct otlp *o)
{
    const struct otlp_process *p = otlp_process(o, &o->event->pid);
    const struct otlp_span *call = innermost(o);
    return call && (!p || !p->first || call->number > p->first->number) ? &call->ids : NULL;
}

/* It did something. Being woken is nothing that a message's handling lasts to. */
void otlp_process_seen(struct otlp *o)
{
    const struct tap_event *e = o->event;
    struct otlp_process *p = otlp_process(o, &e->pid);
    if (!p || e->kind == TAP_MESSAGE_RECEIVE)
        return;
    p->active = true;
    p->waits &= e->kind > TAP_PROCESS_SPAWN;
    if (e->ts > p->seen && e->kind <= TAP_SCHEDULE_OUT && e->kind != TAP_SCHEDULE_IN)
        p->seen = e->ts;
}

void otlp_process_exit(struct otlp *o)
{
    static const char why[] = "the process ended without a reply";
    struct otlp_process *p = otlp_process(o, &o->event->pid);
    int64_t ts = o->event->ts;
    if (!p)
        return;
    end_call(o, p, ts, "the process ended");
    for (const struct otlp_fetched *m = p->first; m; m = m->next)
        if (m->gen == TAP_GEN_CALL && otlp_end(o, m->span, ts, false)) {
            otlp_why(o, "process exit");
            otlp_failed(o, why, sizeof why - 1);
            otlp_close(o, m->span);
        }
    forget(o, p);
}

void otlp_process_unwound(struct otlp *o, const struct tap_pid *pid, uint64_t number, int64_t ts)
{
    struct otlp_process *p = otlp_process(o, pid);
    if (p && p->call.number > number)
        end_call(o, p, ts, "no reply came");
}
