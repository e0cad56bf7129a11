/* flow_cut.c: messages that were cut at max_term.
 *
 * Of such a one only its size is known, of the native tracer's what it is at the least, and others
 * have the same. The VM delivers first in, first out, but for messages with priority, and for those
 * whose other end was not traced: of two that are open nobody knows which is meant. So a pair is
 * made only where one single end fits; and not where tracing may have missed something since, for
 * then it may be the end of that. What is not sure is set aside, one for each that comes, and what
 * is left of those that were alike is unsure too.
 */
#include "correlate/flow_impl.h"

/* The open ends that fit one of a cut message. */
struct flow_cut {
    uint32_t n, oldest;
    bool unsure;
};

/* In both of its places: whoever looks there next finds it in one of them. */
static void flow_mark_unsure(struct tap_flow *f, uint32_t at)
{
    f->ring[at].unsure = true;
    if (f->ring[at].twin != FLOW_NIL)
        f->ring[f->ring[at].twin].unsure = true;
}

static void flow_look_cut(struct tap_flow *f, uint8_t other, const struct flow_open *end,
                          uint64_t hash, struct flow_cut *cut)
{
    uint32_t looked = 0, at = f->buckets[hash & f->mask].first;
    for (; at != FLOW_NIL && looked < FLOW_LOOK; at = f->ring[at].next, looked++) {
        struct flow_open *o = &f->ring[at];
        bool same =
            !o->receiver.node || !end->receiver.node || tap_pid_same(&o->receiver, &end->receiver);
        if (!flow_fits(o, other, hash, end) || (!same && !o->hint && !end->hint))
            continue;
        const struct tap_pid *to = &(other == FLOW_RECEIVE ? o : end)->receiver;
        cut->unsure |= !same || o->unsure || o->id < f->broken ||
                       o->id < f->broken_of[tap_pid_hash(to) % FLOW_BROKEN];
        if (cut->n++ == 0)
            cut->oldest = at;
        else { /* one of them will be left that may not be its own */
            flow_mark_unsure(f, at);
            flow_mark_unsure(f, cut->oldest);
        }
    }
    cut->unsure |= at != FLOW_NIL;
}

static void flow_set_aside(struct tap_flow *f, uint32_t at)
{
    for (int i = 0; i < 2 && at != FLOW_NIL; i++, at = f->ring[at].twin) {
        flow_unhang(f, at);
        f->ring[at].aside = true;
        f->ring[at].hash = flow_hash_aside(f->ring[at].id);
        flow_hang(f, at);
    }
}

/* One is set aside for each that comes, so that those behind them, once none is left, are paired
 * again. */
uint64_t tap_flow_take_cut(struct tap_flow *f, uint8_t other, struct flow_open *end,
                           const uint64_t *hashes, size_t n, struct tap_pid *sender)
{
    struct flow_cut cut = {0};
    for (size_t i = 0; i < n; i++)
        flow_look_cut(f, other, end, hashes[i], &cut);
    if (cut.n == 1 && !cut.unsure)
        return flow_take_at(f, cut.oldest, sender);
    end->aside = cut.n > 0;
    if (end->aside)
        flow_set_aside(f, cut.oldest);
    return 0;
}
