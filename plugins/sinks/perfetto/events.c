/* events.c: what each event is in the trace.
 *
 * A call begins with its event, and ends when the kit's stack says so. One whose returns are not
 * traced is a slice of 1 ns, which unlike an instant can be added up. What is too deep to be drawn
 * is left out, and so are the turns of a loop (TAP_EVENT_TAIL).
 */
#include "beamtap/counters.h"
#include "beamtap/frame.h"
#include "sinks/perfetto/perfetto.h"

/* ns that a receive may be moved to come after its send: two nodes' clocks differ so much */
#define BEND 100000

/* ---- Calls. A call's tag is its thread, a number, and whether it is drawn. */

static uint64_t tag_of(struct pf *p, const struct pf_track *t)
{
    p->calls = (p->calls + 1) & INT32_MAX;
    return (uint64_t)pf_thread(p, t) << 32 | (uint64_t)p->calls << 1 | (t->depth < PF_DEPTH);
}

static bool call(struct pf *p)
{
    const struct tap_event *e = p->event;
    struct tap_mfa f = {e->module, e->function, e->arity};
    struct pf_track *t = pf_track(p);
    if (!t)
        return false;
    pf_track_settle(p, t, e->ts);
    uint64_t tag = tag_of(p, t);
    p->point = false;
    if (!tap_call_stacks_take_as(p->stacks, e, tag))
        return false;
    bool open = tap_call_stacks_inside(p->stacks, &e->pid) == tag;
    if ((!open && !p->point) || !(tag & 1))
        return true;
    uint32_t name = pf_function(p, e->node, &f);
    if (!name)
        return false;
    int64_t began = pf_on(p, t, PF_BEGIN, e->ts);
    pf_named(p, PF_CAT_CALL, name);
    pf_arguments(p);
    pf_close(p);
    if (p->point) {
        pf_on(p, t, PF_END, began + 1);
        pf_close(p);
    }
    return true;
}

bool pf_call_ended(void *self, const struct tap_call *c)
{
    static const char *const why[] = {[TAP_CALL_UNWOUND] = "unwound",
                                      [TAP_CALL_EXITED] = "process exit",
                                      [TAP_CALL_POINT] = "",
                                      [TAP_CALL_UNKNOWN] = "unknown"};
    struct pf *p = self;
    if (c->end == TAP_CALL_POINT)
        return p->point = true;
    p->any = true;
    if (!(c->tag & 1))
        return true;
    uint32_t thread = (uint32_t)(c->tag >> 32);
    struct pf_track *t = pf_track_at(p, thread);
    int64_t ts = p->event->ts;
    if (t) {
        pf_track_settle(p, t, ts);
        pf_on(p, t, PF_END, ts);
    } else {
        pf_open(p, c->node, PF_END, pf_number_of(thread), ts > c->start ? ts : c->start);
    }
    if (c->end == TAP_CALL_RETURNED)
        pf_term(p, PF_NOTE_RESULT, p->event->payload);
    else if (c->end == TAP_CALL_THREW)
        pf_term(p, PF_NOTE_EXCEPTION, p->event->payload);
    else
        pf_text(p, PF_NOTE_ENDED, why[c->end]);
    if (c->end <= TAP_CALL_THREW)
        pf_extras(p);
    pf_close(p);
    return true;
}

/* A return or an exception; where its call was not seen it is an instant. */
static bool leave(struct pf *p)
{
    const struct tap_event *e = p->event;
    bool thrown = e->kind == TAP_FUNCTION_EXCEPTION;
    struct pf_track *t = pf_track(p);
    if (!t)
        return false;
    pf_track_settle(p, t, e->ts);
    p->any = false;
    if (!tap_call_stacks_take(p->stacks, e))
        return false;
    if (p->any || e->flags & TAP_EVENT_TAIL || t->depth >= PF_DEPTH)
        return true;
    pf_on(p, t, PF_INSTANT, e->ts);
    pf_named(p, PF_CAT_CALL, thrown ? PF_TITLE_EXCEPTION : PF_TITLE_RETURN);
    pf_mfa(p, PF_NOTE_FUNCTION);
    pf_term(p, thrown ? PF_NOTE_EXCEPTION : PF_NOTE_RESULT, e->payload);
    pf_extras(p);
    pf_close(p);
    return true;
}

/* ---- Messages and spawns: instants, which an arrow joins */

static void flow_begin(struct pf *p, uint64_t id, int64_t ts)
{
    pf_flow(p, id ? PF_FLOW : PF_FLOW_NONE, id);
    if (id)
        tap_flow_times_put(&p->flows, id, ts);
}

/* How the event that ends an arrow says so, and its time, which is not before the arrow's begin.
 * One whose begin is not told yet, or was lost, must not be its end: that is an error to viewers,
 * while an arrow that leads nowhere is none. */
static enum pf_flow flow_end(struct pf *p, uint64_t id, bool sure, int64_t *ts)
{
    struct tap_flow_time from;
    if (!id || !tap_flow_times_take(&p->flows, id, &from))
        return id && sure ? PF_FLOW : PF_FLOW_NONE;
    if (from.sent - *ts >= BEND)
        return PF_FLOW_NONE;
    *ts = from.sent > *ts ? from.sent : *ts;
    return PF_FLOW_END;
}

static void send(struct pf *p, struct pf_track *t)
{
    const struct tap_event *e = p->event;
    int64_t ts = pf_on(p, t, PF_INSTANT, e->ts);
    pf_named(p, PF_CAT_MESSAGE,
             e->flags & TAP_EVENT_NONEXISTING ? PF_TITLE_SEND_NOBODY : PF_TITLE_SEND);
    flow_begin(p, e->flow, ts);
    pf_peer(p, PF_NOTE_TO);
    pf_term(p, PF_NOTE_MESSAGE, e->payload);
    pf_extras(p);
    pf_close(p);
}

static void receive(struct pf *p, struct pf_track *t)
{
    const struct tap_event *e = p->event;
    bool timeout = e->flags & TAP_EVENT_TIMEOUT;
    int64_t ts = e->ts;
    enum pf_flow how = flow_end(p, e->flow, true, &ts);
    pf_on(p, t, PF_INSTANT, ts);
    pf_named(p, PF_CAT_MESSAGE, timeout ? PF_TITLE_RECEIVE_TIMEOUT : PF_TITLE_RECEIVE);
    pf_flow(p, how, e->flow);
    pf_peer(p, PF_NOTE_FROM);
    if (!timeout)
        pf_term(p, PF_NOTE_MESSAGE, e->payload);
    pf_extras(p);
    pf_close(p);
}

/* The number of a spawn that brings none; those of the core count from 1. By its node's name, and
 * not by that name's number, which is another one in a replay. */
static uint64_t spawn_flow(const struct pf *p, const struct tap_pid *child)
{
    if (p->event->flow)
        return p->event->flow;
    const struct tap_name *node = tap_name_get(p->sink.host, child->node);
    struct tap_pid named = *child;
    named.node = (uint32_t)tap_checksum((const uint8_t *)node->text, node->len);
    return tap_pid_hash64(&named) | UINT64_C(1) << 63;
}

static void spawn(struct pf *p, struct pf_track *t)
{
    const struct tap_event *e = p->event;
    int64_t ts = pf_on(p, t, PF_INSTANT, e->ts);
    pf_named(p, PF_CAT_PROCESS, PF_TITLE_SPAWN);
    if (e->peer_type == TAP_PEER_PID)
        flow_begin(p, spawn_flow(p, &e->peer), ts);
    pf_peer(p, PF_NOTE_CHILD);
    pf_term(p, PF_NOTE_FUNCTION, e->payload);
    pf_close(p);
}

static void start(struct pf *p, struct pf_track *t)
{
    const struct tap_event *e = p->event;
    uint64_t id = spawn_flow(p, &e->pid);
    int64_t ts = e->ts;
    enum pf_flow how = flow_end(p, id, e->flow, &ts); /* its parent need not be traced */
    pf_on(p, t, PF_INSTANT, ts);
    pf_named(p, PF_CAT_PROCESS, PF_TITLE_START);
    pf_flow(p, how, id);
    pf_peer(p, PF_NOTE_PARENT);
    pf_term(p, PF_NOTE_FUNCTION, e->payload);
    pf_close(p);
}

static void other(struct pf *p, struct pf_track *t)
{
    static const uint8_t titles[][2] = {
        [TAP_PROCESS_EXIT] = {PF_TITLE_EXIT, PF_TITLE_EXIT},
        [TAP_PROCESS_LINK] = {PF_TITLE_LINK, PF_TITLE_LINKED},
        [TAP_PROCESS_UNLINK] = {PF_TITLE_UNLINK, PF_TITLE_UNLINKED},
        [TAP_PROCESS_REGISTER] = {PF_TITLE_REGISTER, PF_TITLE_REGISTER},
        [TAP_PROCESS_UNREGISTER] = {PF_TITLE_UNREGISTER, PF_TITLE_UNREGISTER}};
    const struct tap_event *e = p->event;
    bool links = e->kind == TAP_PROCESS_LINK || e->kind == TAP_PROCESS_UNLINK;
    if (e->kind == TAP_PROCESS_EXIT)
        pf_track_settle(p, t, e->ts);
    pf_on(p, t, PF_INSTANT, e->ts);
    pf_named(p, PF_CAT_PROCESS, titles[e->kind][(e->flags & TAP_EVENT_LINK_GOT) != 0]);
    if (!links)
        pf_term(p, e->kind == TAP_PROCESS_EXIT ? PF_NOTE_EXIT : PF_NOTE_NAME, e->payload);
    pf_peer(p, links ? PF_NOTE_PEER : PF_NOTE_NAME);
    pf_close(p);
    t->ended |= e->kind == TAP_PROCESS_EXIT;
}

static bool of_process(struct pf *p)
{
    const struct tap_event *e = p->event;
    if (!tap_call_stacks_take(p->stacks, e))
        return false;
    if (e->kind == TAP_PROCESS_START) /* nothing comes before it: that was another one */
        pf_track_part(p, &e->pid);
    struct pf_track *t = pf_track(p);
    if (!t)
        return false;
    switch (e->kind) {
    case TAP_MESSAGE_SEND: send(p, t); break;
    case TAP_MESSAGE_RECEIVE: receive(p, t); break;
    case TAP_PROCESS_SPAWN: spawn(p, t); break;
    case TAP_PROCESS_START: start(p, t); break;
    case TAP_SCHEDULE_IN:
    case TAP_SCHEDULE_OUT:
    case TAP_GC_START:
    case TAP_GC_END: return pf_schedule(p, t);
    default: other(p, t); break;
    }
    return true;
}

/* ---- Of a node as a whole */

static void node_instant(struct pf *p, enum pf_category category, enum pf_title title)
{
    pf_open(p, p->event->node, PF_INSTANT, PF_NODE + p->event->node, p->event->ts);
    pf_named(p, category, title);
}

static void reason(struct pf *p)
{
    const char *text = p->sink.host->reason_name(p->event->reason);
    if (p->event->reason && text)
        pf_text(p, PF_NOTE_REASON, text);
}

static void lost(struct pf *p)
{
    node_instant(p, PF_CAT_LOST, PF_TITLE_EVENTS_LOST);
    pf_number(p, PF_NOTE_EVENTS, (int64_t)(p->event->lost & INT64_MAX));
    reason(p);
    pf_close(p);
}

static void gap(struct pf *p)
{
    const struct tap_event *e = p->event;
    bool part = tap_event_is_part_gap(e);
    node_instant(p, PF_CAT_LOST,
                 !part    ? PF_TITLE_OFF
                 : e->gap ? PF_TITLE_LEFT_OUT_END
                          : PF_TITLE_LEFT_OUT);
    if (part)
        pf_pid(p, PF_NOTE_PROCESS);
    pf_term(p, PF_NOTE_WHAT, e->payload);
    if (e->gap)
        pf_number(p, PF_NOTE_NS, (int64_t)(e->gap & INT64_MAX));
    reason(p);
    pf_close(p);
}

static void counted(struct pf *p)
{
    const struct tap_event *e = p->event;
    struct tap_counted row;
    if (!tap_counted_read(p->batch->arena + e->payload.off, e->payload.len, &row))
        row = (struct tap_counted){0, -1, -1};
    node_instant(p, PF_CAT_COUNTERS, PF_TITLE_COUNTED);
    pf_mfa(p, PF_NOTE_FUNCTION);
    pf_pid(p, PF_NOTE_PROCESS);
    pf_number(p, PF_NOTE_CALLS, row.calls);
    if (row.ns >= 0)
        pf_number(p, PF_NOTE_TIME, row.ns);
    if (row.bytes >= 0)
        pf_number(p, PF_NOTE_BYTES, row.bytes);
    pf_close(p);
}

static bool of_node(struct pf *p)
{
    const struct tap_event *e = p->event;
    if (!tap_call_stacks_take(p->stacks, e))
        return false;
    if (tap_event_breaks_stacks(e))
        pf_tracks_break(p, e->node, e->ts); /* what was open there ended, nobody knows when */
    switch (e->kind) {
    case TAP_NODE_UP: pf_node_describe(p, e->node, true); break;
    case TAP_NODE_DOWN:
        node_instant(p, PF_CAT_TRACING, PF_TITLE_END);
        reason(p);
        pf_close(p);
        break;
    case TAP_LOST: lost(p); break;
    case TAP_GAP: gap(p); break;
    case TAP_MAILBOX: pf_mailboxes(p); break;
    case TAP_FUNCTION_COUNTERS: counted(p); break;
    case TAP_RETURNS_OFF:
        node_instant(p, PF_CAT_TRACING, PF_TITLE_RETURNS_OFF);
        pf_mfa(p, PF_NOTE_FUNCTION);
        pf_term(p, PF_NOTE_WHY, e->payload);
        pf_close(p);
        break;
    case TAP_MARK:
        node_instant(p, PF_CAT_TRACING, PF_TITLE_MARK);
        pf_term(p, PF_NOTE_WHAT, e->payload);
        pf_pid(p, PF_NOTE_PROCESS);
        pf_close(p);
        break;
    default: break;
    }
    return true;
}

bool pf_event(struct pf *p)
{
    unsigned kind = p->event->kind;
    uint32_t node = p->event->node;
    bool known = node < p->node_count && p->nodes[node].known;
    if (!known && !p->sink.host->node(p->sink.host, node))
        return true;
    if (!pf_node(p, node))
        return false;
    pf_learn(p);
    if (kind == TAP_FUNCTION_CALL)
        return call(p);
    if (kind == TAP_FUNCTION_RETURN || kind == TAP_FUNCTION_EXCEPTION)
        return leave(p);
    return kind <= TAP_GC_END ? of_process(p) : of_node(p);
}
