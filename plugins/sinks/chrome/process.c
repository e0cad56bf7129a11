/* process.c: tracks of processes: their names, their lives, and what binds them to others.
 *
 * A process gets a tid with the first event that is drawn for it. What was heard of it before (its
 * spawn, a report of the node) only fills in its name, so that a hundred thousand idle processes
 * cost memory but no lines. A pid that lives again is another process and gets another track.
 */
#include "sinks/common/payload_atom.h"
#include "sinks/chrome/timeline.h"

/* ns: a process seen so long before its spawn was another one with the same pid */
#define TAP_PROCESS_BORN 1000000

/* ---- Tracks */

void tap_process_title(struct tap_chrome *c, const struct tap_track *t)
{
    char *p;
    if (t->pid.serial == UINT32_MAX) {
        p = tap_text_lit(tap_writer_reserve(&c->w, 40), "scheduler ");
        c->w.p = tap_text_u64(p, t->pid.id);
        return;
    }
    if (t->name) {
        const struct tap_name *name = tap_name_get(c->host, t->name);
        size_t longest = name->atom_len > name->elixir_len ? name->atom_len : name->elixir_len;
        p = tap_label_name(tap_writer_reserve(&c->w, 6 * longest + 8), name);
        *p++ = ' ';
        c->w.p = p;
    } else if (t->title) {
        tap_writer_put(&c->w, t->title, strlen(t->title));
        tap_writer_put(&c->w, " ", 1);
    } else if (t->label) {
        const struct tap_label *label = tap_label_at(c, t->label);
        tap_writer_put(&c->w, label->tail + label->name_off, label->name_len);
        tap_writer_put(&c->w, " ", 1);
    }
    tap_writer_pid(&c->w, &t->pid, &c->nodes[t->node].print);
}

static void tap_process_name(struct tap_chrome *c, const struct tap_track *t)
{
    tap_emit_open(c, 'M', t->node + 1, t->tid, 0, -1, TAP_TAIL("__metadata", "thread_name"));
    tap_emit_key(c, "name");
    tap_process_title(c, t);
    tap_emit_quote(c);
    tap_emit_close(c, 0);
}

/* Tracks stand in the order of their first appearance (viewers would sort them by name), schedulers
 * below them all. */
static void tap_process_place(struct tap_chrome *c, const struct tap_track *t)
{
    bool scheduler = t->pid.serial == UINT32_MAX;
    tap_emit_open(c, 'M', t->node + 1, t->tid, 0, -1, TAP_TAIL("__metadata", "thread_sort_index"));
    tap_emit_number(c, "sort_index",
                    scheduler ? INT32_MAX - 100000 + (int64_t)t->pid.id % 100000
                              : (int64_t)t->tid % (INT32_MAX - 100000));
    tap_emit_close(c, 0);
}

void tap_process_rename(struct tap_chrome *c, const struct tap_track *t)
{
    if (t->tid && t->part == c->part)
        tap_process_name(c, t);
}

/* The slice of its life, where its birth was seen: begun, or whole. Left open for args. */
static void tap_process_life(struct tap_chrome *c, const struct tap_track *t, char ph, int64_t dur)
{
    static const char tail[] = "\"cat\":\"process\",\"name\":\"";
    tap_emit_open(c, ph, t->node + 1, t->tid, t->life, dur, tail, sizeof tail - 1);
    if (t->label) {
        const struct tap_label *label = tap_label_at(c, t->label);
        tap_writer_put(&c->w, label->tail + label->name_off, label->name_len);
    } else {
        tap_writer_put(&c->w, "process", 7);
    }
    tap_emit_quote(c);
}

/* Gives it a tid with its first event, and names it in each file where something is drawn for
 * it. */
static void tap_process_show(struct tap_chrome *c, struct tap_track *t, int64_t ts)
{
    if (!t->tid) {
        t->tid = c->next_tid++;
        t->first = ts;
    }
    t->part = c->part;
    tap_process_name(c, t);
    tap_process_place(c, t);
}

/* What is open on it will be drawn now, maybe in a file that does not know it yet. */
static void tap_process_before_end(struct tap_chrome *c, struct tap_track *t)
{
    if ((t->stack || t->life >= 0) && t->part != c->part)
        tap_process_show(c, t, t->last);
}

/* Takes a process out whose end was not seen. */
static void tap_process_forget(struct tap_chrome *c, struct tap_track *t, int64_t ts,
                               enum tap_close_how how)
{
    tap_process_before_end(c, t);
    tap_gen_forget(t);
    tap_stack_close_all(c, t, ts, how);
    if (t->life >= 0) {
        int64_t end = tap_track_time(t, ts);
        tap_process_life(c, t, 'X', end - t->life);
        tap_emit_close(c, 0);
        c->count.slices++;
    }
    tap_tracks_remove(&c->tracks, t);
}

struct tap_track *tap_process_get(struct tap_chrome *c, const struct tap_pid *pid, uint32_t node,
                                  int64_t ts, bool show)
{
    struct tap_track *t = tap_tracks_find(&c->tracks, pid);
    if (__builtin_expect(!t, 0)) {
        bool full = c->tracks.count >= c->settings->max_processes && pid->serial != UINT32_MAX;
        struct tap_track *evicted_track = full ? tap_tracks_evict(&c->tracks) : NULL;
        if (evicted_track) {
            tap_process_forget(c, evicted_track, evicted_track->last, TAP_CLOSE_EVICTED);
            c->count.evicted++;
        }
        t = tap_tracks_add(&c->tracks, pid, node);
        if (!t) {
            c->no_memory = true;
            return NULL;
        }
        t->epoch = c->nodes[node].epoch;
    }
    if (show && __builtin_expect(t->part != c->part, 0))
        tap_process_show(c, t, ts);
    return t;
}

struct tap_track *tap_process_track(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_track *t = tap_process_get(c, &in->ev->pid, in->ev->node, in->ts, true);
    unsigned works = TAP_KIND_BIT(TAP_FUNCTION_CALL) | TAP_KIND_BIT(TAP_MESSAGE_SEND) |
                     TAP_KIND_BIT(TAP_MESSAGE_RECEIVE) | TAP_KIND_BIT(TAP_PROCESS_SPAWN) |
                     TAP_KIND_BIT(TAP_PROCESS_START);
    /* its pid lives again */
    if (t && __builtin_expect(t->dead, 0) && works & TAP_KIND_BIT(in->ev->kind)) {
        tap_process_forget(c, t, in->ts, TAP_CLOSE_EXIT);
        t = tap_process_get(c, &in->ev->pid, in->ev->node, in->ts, true);
    }
    return t;
}

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
    tap_stack_close_all(c, t, in->ts,
                        t->epoch == c->nodes[in->ev->node].epoch ? TAP_CLOSE_EXIT : TAP_CLOSE_LOST);
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

void tap_process_finish(struct tap_chrome *c, struct tap_track *t)
{
    const struct tap_chrome_node *node = &c->nodes[t->node];
    tap_process_before_end(c, t);
    if (t->stack && t->epoch != node->epoch)
        tap_stack_close_all(c, t, node->loss_at, TAP_CLOSE_LOST);
    if (t->life >= 0) {
        tap_process_life(c, t, 'B', -1);
        tap_emit_close(c, 0);
        c->count.open++;
    }
    tap_stack_finish(c, t);
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
static uint32_t tap_process_name_of(struct tap_chrome *c, const struct tap_chrome_in *in)
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
    uint32_t name = tap_process_name_of(c, in);
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
