/* arrows.c: arrows from a send to its receive, and from a spawn to the start of the process.
 *
 * The end that is told first is only remembered, and written together with the other: an arrow that
 * leads nowhere is an error to one viewer and clutter in the other. Mostly that is the start, but
 * events of two processes may come in any order: of a storm's messages one in twelve was received
 * before its send was told. The memory is a table addressed by the key, so a send whose receive
 * never comes is forgotten when its place is needed, 65,536 messages later.
 */
#include "sinks/chrome/timeline.h"

/* ns that a receive may be moved to come after its send: two nodes' clocks differ so much */
#define TAP_FLOW_BEND 100000

static struct tap_flow *flow_at(const struct tap_chrome *c, uint64_t key)
{
    return &c->flows[key % TAP_CHROME_FLOWS];
}

uint64_t tap_flow_key(const struct tap_pid *child)
{
    return tap_pid_hash64(child) | 1ull << 63; /* those of the core count from 1 */
}

bool tap_flow_begun(const struct tap_chrome *c, uint64_t key)
{
    const struct tap_flow *f = flow_at(c, key);
    return key && f->key == key && !f->end;
}

int64_t tap_flow_bend(const struct tap_chrome *c, uint64_t key, int64_t ts)
{
    int64_t begun = tap_flow_begun(c, key) ? flow_at(c, key)->ts : -1;
    return begun >= ts && begun - ts < TAP_FLOW_BEND ? begun + 1 : ts;
}

static void flow_emit(struct tap_chrome *c, char ph, uint32_t pid, uint32_t tid, int64_t ts,
                      enum tap_flow_kind kind)
{
    if (kind == TAP_FLOW_SPAWN)
        tap_emit_open(c, ph, pid, tid, ts, -1, TAP_TAIL("spawn", "spawn"));
    else
        tap_emit_open(c, ph, pid, tid, ts, -1, TAP_TAIL("message", "message"));
    tap_emit_id(c, c->next_flow);
    if (ph == 'f')
        c->w.p = tap_text_lit(tap_writer_reserve(&c->w, 16), ",\"bp\":\"e\"");
    tap_emit_close(c, 0);
}

/* Writes an arrow whose ends are both known. False: it would go back in time, the nodes' clocks
 * disagree by too much. */
static bool flow_draw(struct tap_chrome *c, const struct tap_flow *from, const struct tap_flow *to,
                      enum tap_flow_kind kind)
{
    if (from->ts >= to->ts)
        return false;
    c->next_flow++;
    flow_emit(c, 's', from->pid, from->tid, from->ts, kind);
    flow_emit(c, 'f', to->pid, to->tid, to->ts, kind);
    c->count.arrows++;
    return true;
}

void tap_flow_start(struct tap_chrome *c, uint64_t key, enum tap_flow_kind kind,
                    const struct tap_track *t, int64_t ts)
{
    struct tap_flow *f = flow_at(c, key), from = {key, ts, t->node + 1, t->tid, false};
    if (f->key != key || !f->end) {
        *f = from;
        return;
    }
    c->count.unpaired -= flow_draw(c, &from, f, kind);
    f->key = 0; /* one end for each start */
}

void tap_flow_end(struct tap_chrome *c, uint64_t key, enum tap_flow_kind kind,
                  const struct tap_track *t, int64_t ts)
{
    struct tap_flow *f = flow_at(c, key), to = {key, ts, t->node + 1, t->tid, true};
    if (!key)
        return;
    if (!tap_flow_begun(c, key)) { /* its start is still to come, or was forgotten or lost */
        *f = to;
        c->count.unpaired++;
        return;
    }
    c->count.unpaired += !flow_draw(c, f, &to, kind);
    f->key = 0;
}
