/* process.c: events of a process's life: its birth and death, its names, and what binds it to
 * others. Its track is in process_track.c. */
#include "sinks/common/payload_atom.h"
#include "sinks/chrome/timeline.h"

/* ns: a process seen so long before its spawn was another one with the same pid */
#define TAP_PROCESS_BORN 1000000

/* ---- Birth and death */

void tap_process_spawn(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    struct tap_track *parent = tap_process_track(c, in);
    if (!parent)
        return;
    int64_t start = tap_emit_point(c, parent, in->ts, TAP_TAIL("process", "spawn"));
    tap_emit_peer(c, "child", in);
    tap_emit_term(c, "function", in, ev->payload);
    tap_emit_close(c, 1);
    if (ev->peer_type != TAP_PEER_PID)
        return;
    tap_flow_start(c, ev->flow ? ev->flow : tap_flow_key(&ev->peer), TAP_FLOW_SPAWN, parent, start);
    if (ev->peer.node != ev->pid.node)
        return; /* it lives on another node, which tells of it itself */
    struct tap_track *child = tap_tracks_find(&c->tracks, &ev->peer);
    int64_t born = !child || !child->tid ? in->ts : child->life >= 0 ? child->life : child->first;
    if (child && (born + TAP_PROCESS_BORN < in->ts))
        tap_process_forget(c, child, in->ts, TAP_CLOSE_EXIT);
    child = tap_process_get(c, &ev->peer, ev->node, in->ts, false);
    uint32_t label = child && !child->label
                         ? tap_label_initial(c, tap_initial_call_of(c->host, in->batch, ev))
                         : 0;
    if (label) {
        child->label = label;
        tap_process_rename(c, child);
    }
}

void tap_process_start(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    struct tap_track *t = tap_tracks_find(&c->tracks, &ev->pid);
    if (t && t->tid) /* nothing comes before a process's start: this was another one */
        tap_process_forget(c, t, in->ts, TAP_CLOSE_EXIT);
    t = tap_process_get(c, &ev->pid, ev->node, in->ts, false);
    if (!t)
        return;
    if (!t->label)
        t->label = tap_label_initial(c, tap_initial_call_of(c->host, in->batch, ev));
    tap_process_get(c, &ev->pid, ev->node, in->ts, true);
    uint64_t key = ev->flow ? ev->flow : tap_flow_key(&ev->pid);
    bool begun = tap_flow_begun(c, key);
    t->life = tap_track_time(t, tap_flow_bend(c, key, in->ts));
    int64_t start = tap_emit_point(c, t, t->life, TAP_TAIL("process", "start"));
    tap_emit_peer(c, "parent", in);
    tap_emit_term(c, "function", in, ev->payload);
    tap_emit_close(c, 1);
    if (ev->flow || begun) /* its parent need not be traced */
        tap_flow_end(c, key, TAP_FLOW_SPAWN, t, start);
}

void tap_process_exit(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_track *t = tap_process_track(c, in);
    if (!t)
        return;
    tap_gen_forget(t);
    tap_stack_close_all(c, t, in->ts, TAP_CLOSE_EXIT);
    if (t->life >= 0) {
        int64_t end = tap_track_time(t, in->ts);
        tap_process_life(c, t, 'X', end - t->life);
        c->count.slices++;
        t->life = -1;
    } else {
        tap_emit_instant(c, t, in->ts, TAP_TAIL("process", "exit"));
    }
    tap_emit_term(c, "exit", in, in->ev->payload);
    tap_emit_close(c, 1);
    tap_schedule_exit(c, in, t);
    if (t->dead)
        return;
    struct tap_track *gone = tap_tracks_retire(&c->tracks, t);
    if (gone)
        tap_process_forget(c, gone, gone->last, TAP_CLOSE_EXIT);
}

/* ---- Links and names */

void tap_process_link(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_track *t = tap_process_track(c, in);
    bool got = in->ev->flags & TAP_EVENT_LINK_GOT;
    if (!t)
        return;
    if (in->ev->kind == TAP_PROCESS_LINK && got)
        tap_emit_instant(c, t, in->ts, TAP_TAIL("process", "linked by"));
    else if (in->ev->kind == TAP_PROCESS_LINK)
        tap_emit_instant(c, t, in->ts, TAP_TAIL("process", "link"));
    else if (got)
        tap_emit_instant(c, t, in->ts, TAP_TAIL("process", "unlinked by"));
    else
        tap_emit_instant(c, t, in->ts, TAP_TAIL("process", "unlink"));
    tap_emit_peer(c, "peer", in);
    tap_emit_close(c, 1);
}

/* The name of a registration: its payload, or its peer. */
static uint32_t process_name_of(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_cursor cur = tap_cursor(in->batch->arena + in->ev->payload.off, in->ev->payload.len);
    uint32_t name = in->ev->payload.len ? tap_sink_atom(c->host, &cur) : 0;
    return name ? name : in->ev->peer_type == TAP_PEER_NAME ? in->ev->peer_name : 0;
}

void tap_process_register(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_track *t = tap_process_track(c, in);
    if (!t)
        return;
    uint32_t name = process_name_of(c, in);
    if (in->ev->kind == TAP_PROCESS_UNREGISTER) {
        tap_emit_instant(c, t, in->ts,
                         /* the track keeps the name: it had it */
                         TAP_TAIL("process", "unregister"));
    } else {
        tap_emit_instant(c, t, in->ts, TAP_TAIL("process", "register"));
        if (name)
            t->name = name;
    }
    if (name) {
        tap_emit_key(c, "name");
        const struct tap_name *n = tap_name_get(c->host, name);
        size_t longest = n->atom_len > n->elixir_len ? n->atom_len : n->elixir_len;
        c->w.p = tap_label_name(tap_writer_reserve(&c->w, 6 * longest + 8), n);
        tap_emit_quote(c);
    }
    tap_emit_close(c, 1);
    if (name && in->ev->kind == TAP_PROCESS_REGISTER)
        tap_process_rename(c, t);
}
