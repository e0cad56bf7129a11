/* tracks.c: the tracks of processes: when one is told, what it is called, and its mailbox.
 *
 * A process has a track from the first event that is drawn for it. When there are too many all are
 * forgotten, and who is heard of again gets another track; calls know their thread themselves, and
 * end where they began.
 */
#include "sinks/perfetto/perfetto.h"

/* What it is called, put at the writer: shop_door <0.123.0> */
static void title_put(struct pf *p, const struct pf_track *t)
{
    struct tap_writer *w = &p->sink.w;
    const struct tap_process_facts *facts = tap_process_table_find(p->processes, &t->pid);
    if (facts && tap_process_facts_put(facts, w))
        tap_writer_put(w, " ", 1);
    tap_writer_pid(w, &t->pid, &p->print);
}

/* Tells the track, unless it is told by this name already. Between packets. */
static void track_tell(struct pf *p, struct pf_track *t)
{
    struct tap_writer *w = &p->sink.w;
    size_t at = tap_writer_here(w);
    title_put(p, t);
    size_t len = tap_writer_here(w) - at;
    uint64_t hash = w->failed ? t->title : tap_map_bytes(tap_writer_begun(w) + at, len);
    if (w->failed)
        return;
    w->p = tap_writer_begun(w) + at;
    if (hash == t->title)
        return;
    t->title = hash;
    struct tap_pb packet = tap_pb_begin(w, PF_PACKET, 1);
    tap_pb_uint(w, PF_SEQUENCE, t->node + 1);
    struct tap_pb track = tap_pb_begin(w, PF_DESCRIPTOR, 1);
    tap_pb_uint(w, 1, pf_number_of(pf_thread(p, t)));
    tap_pb_uint(w, 5, PF_NODE + t->node);
    struct tap_pb thread = tap_pb_begin(w, 4, 1);
    tap_pb_uint(w, 1, t->node + 1);
    tap_pb_uint(w, 2, pf_thread(p, t));
    struct tap_pb name = tap_pb_begin(w, 5, 1);
    title_put(p, t);
    tap_pb_end(w, name);
    tap_pb_end(w, thread);
    tap_pb_end(w, track);
    tap_pb_end(w, packet);
}

/* NULL: nothing was drawn */
static struct pf_track *track_find(struct pf *p, const struct tap_pid *pid)
{
    uint32_t *at = tap_map_get(&p->track_at, tap_map_pid(pid), false);
    return at ? &p->tracks[*at - 1] : NULL;
}

struct pf_track *pf_track_at(struct pf *p, uint32_t thread)
{
    return thread >= p->first ? &p->tracks[thread - p->first] : NULL;
}

int64_t pf_on(struct pf *p, struct pf_track *t, enum pf_type type, int64_t ts)
{
    t->last = ts > t->last ? ts : t->last;
    t->depth += type == PF_BEGIN;
    t->depth -= type == PF_END && t->depth;
    pf_open(p, t->node, type, pf_number_of(pf_thread(p, t)), t->last);
    return t->last;
}

void pf_track_settle(struct pf *p, struct pf_track *t, int64_t ts)
{
    for (; t->open_count; t->open_count--) {
        pf_on(p, t, PF_END, ts);
        pf_close(p);
    }
}

bool pf_track_list(struct pf *p, struct pf_track *t)
{
    struct pf_node *n = pf_node(p, t->node);
    if (t->listed)
        return true;
    if (!n || !tap_grow(&n->listed, n->listed_count, sizeof *n->listed))
        return false;
    n->listed[n->listed_count++] = (uint32_t)(t - p->tracks);
    return t->listed = true;
}

/* Losses may come as often as events do, and processes may be many: only those are looked at on
 * which something was opened since. */
void pf_tracks_break(struct pf *p, uint32_t node, int64_t ts)
{
    struct pf_node *n = pf_node(p, node);
    for (uint32_t i = 0; n && i < n->listed_count; i++) {
        struct pf_track *t = &p->tracks[n->listed[i]];
        t->listed = false;
        pf_track_settle(p, t, ts);
    }
    if (n)
        n->listed_count = 0;
}

void pf_track_part(struct pf *p, const struct tap_pid *pid)
{
    struct pf_track *t = track_find(p, pid);
    if (t) {
        pf_track_settle(p, t, t->last);
        tap_map_remove(&p->track_at, tap_map_pid(pid));
    }
}

static void forget_all(struct pf *p)
{
    for (uint32_t i = 0; i < p->track_count; i++)
        pf_track_settle(p, &p->tracks[i], p->tracks[i].last);
    for (uint32_t i = 0; i < p->node_count; i++)
        p->nodes[i].listed_count = 0;
    tap_map_free(&p->track_at);
    p->first += p->track_count;
    p->track_count = 0;
}

/* Of one that has ended nothing more comes but what unlinks it and puts it away. */
static bool lives(unsigned kind)
{
    return kind == TAP_FUNCTION_CALL || kind == TAP_MESSAGE_SEND || kind == TAP_MESSAGE_RECEIVE ||
           kind == TAP_PROCESS_SPAWN;
}

struct pf_track *pf_track(struct pf *p)
{
    const struct tap_event *e = p->event;
    struct pf_track *t = track_find(p, &e->pid);
    if (t && t->ended && lives(e->kind)) {
        pf_track_part(p, &e->pid);
        t = NULL;
    }
    if (t)
        return t;
    if (p->track_count == PF_TRACKS)
        forget_all(p);
    if (!tap_grow(&p->tracks, p->track_count, sizeof *p->tracks))
        return NULL;
    uint32_t *at = tap_map_get(&p->track_at, tap_map_pid(&e->pid), true);
    if (!at)
        return NULL;
    t = &p->tracks[p->track_count++];
    *at = p->track_count;
    *t = (struct pf_track){.pid = e->pid, .node = e->node};
    track_tell(p, t);
    return t;
}

/* ---- What is told of them */

static void rename_it(struct pf *p, const struct tap_pid *pid)
{
    struct pf_track *t = pid ? track_find(p, pid) : NULL;
    if (t && !t->ended)
        track_tell(p, t);
}

void pf_learn(struct pf *p)
{
    const struct tap_event *e = p->event;
    if (e->kind != TAP_PROCESS_UNREGISTER) /* the track keeps the name: it had it */
        tap_process_table_learn(p->processes, p->sink.host, p->batch, e, &p->print);
    if (e->kind == TAP_PROCESS_REGISTER)
        rename_it(p, &e->pid);
    if (e->kind == TAP_PROCESS_SPAWN)
        rename_it(p, tap_child(e));
    if (e->kind != TAP_PROCESS_INFO)
        return;
    struct tap_process_report_list list = tap_process_report_begin(p->batch, e);
    struct tap_process_report told;
    while (tap_process_report_next(p->sink.host, &list, &told))
        rename_it(p, &told.pid);
}

static void mailbox_tell(struct pf *p, struct pf_track *t)
{
    struct tap_writer *w = &p->sink.w;
    uint64_t number = pf_number_of(pf_thread(p, t));
    struct tap_pb packet = tap_pb_begin(w, PF_PACKET, 1);
    tap_pb_uint(w, PF_SEQUENCE, t->node + 1);
    struct tap_pb track = tap_pb_begin(w, PF_DESCRIPTOR, 1);
    tap_pb_uint(w, 1, number + 1);
    tap_pb_uint(w, 5, number);
    struct tap_pb name = tap_pb_begin(w, 2, 1);
    tap_writer_put(w, "mailbox ", 8);
    title_put(p, t);
    tap_pb_end(w, name);
    struct tap_pb counter = tap_pb_begin(w, 8, 1);
    tap_pb_uint(w, 3, 2); /* unit: a count */
    tap_pb_end(w, counter);
    tap_pb_end(w, track);
    tap_pb_end(w, packet);
    t->counted = true;
}

void pf_mailboxes(struct pf *p)
{
    struct tap_process_report_list list = tap_process_report_begin(p->batch, p->event);
    struct tap_pid pid;
    int64_t length;
    while (tap_process_mailbox_next(p->sink.host, &list, &pid, &length)) {
        struct pf_track *t = track_find(p, &pid);
        if (!t || t->ended)
            continue;
        if (!t->counted)
            mailbox_tell(p, t);
        pf_open(p, t->node, PF_COUNTER, pf_number_of(pf_thread(p, t)) + 1, p->event->ts);
        tap_pb_int(&p->sink.w, 30, length);
        pf_close(p);
    }
}
