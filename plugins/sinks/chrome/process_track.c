/* process_track.c: the track of a process: when it gets one, how it is named, how it ends.
 *
 * A process gets a tid with the first event that is drawn for it. What was heard of it before (its
 * spawn, a report of the node) only fills in its name, so that a hundred thousand idle processes
 * cost memory but no lines. A pid that lives again is another process and gets another track.
 */
#include "sinks/chrome/timeline.h"

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

static void process_name(struct tap_chrome *c, const struct tap_track *t)
{
    tap_emit_open(c, 'M', t->node + 1, t->tid, 0, -1, TAP_TAIL("__metadata", "thread_name"));
    tap_emit_key(c, "name");
    tap_process_title(c, t);
    tap_emit_quote(c);
    tap_emit_close(c, 0);
}

/* Tracks stand in the order of their first appearance (viewers would sort them by name), schedulers
 * below them all. */
static void process_place(struct tap_chrome *c, const struct tap_track *t)
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
        process_name(c, t);
}

void tap_process_life(struct tap_chrome *c, const struct tap_track *t, char ph, int64_t dur)
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
static void process_show(struct tap_chrome *c, struct tap_track *t, int64_t ts)
{
    if (!t->tid) {
        t->tid = c->next_tid++;
        t->first = ts;
    }
    t->part = c->part;
    process_name(c, t);
    process_place(c, t);
}

/* What is open on it will be drawn now, maybe in a file that does not know it yet. */
static void process_before_end(struct tap_chrome *c, struct tap_track *t)
{
    if ((t->stack || t->life >= 0) && t->part != c->part)
        process_show(c, t, t->last);
}

/* Ends what was open when its node's stacks broke: a return that comes later may be that of another
 * call. */
static void process_settle(struct tap_chrome *c, struct tap_track *t, int64_t ts)
{
    const struct tap_chrome_node *node = &c->nodes[t->node];
    if (__builtin_expect(t->epoch == node->epoch, 1))
        return;
    t->epoch = node->epoch;
    tap_stack_close_all(c, t, node->loss_at < ts ? node->loss_at : ts, TAP_CLOSE_LOST);
}

void tap_process_forget(struct tap_chrome *c, struct tap_track *t, int64_t ts,
                        enum tap_close_how how)
{
    process_before_end(c, t);
    tap_gen_forget(t);
    process_settle(c, t, ts);
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
        process_show(c, t, ts);
    if (show)
        process_settle(c, t, ts);
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

void tap_process_finish(struct tap_chrome *c, struct tap_track *t)
{
    process_before_end(c, t);
    process_settle(c, t, c->latest);
    if (t->life >= 0) {
        tap_process_life(c, t, 'B', -1);
        tap_emit_close(c, 0);
        c->count.open++;
    }
    tap_stack_finish(c, t);
}
