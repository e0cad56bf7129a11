/* track_table.c: the table of processes, by pid.
 *
 * Tracks live in chunks and never move; the hash table holds their hashes and indexes, open
 * addressed with linear probing, and is given back by shifting, so it never fills with graves. A
 * process that ended stays findable for a moment, because its last events (unlinks, the
 * scheduler's) come after its exit. When there are too many processes, a hand goes round and takes
 * one that was not used since it last came by.
 */
#include "sinks/chrome/timeline.h"
#include "sinks/chrome/huge_pages.h"

#define TAP_TRACK_CHUNK 16384u
#define TAP_TRACK_MORE 2u /* chunks of schedulers, which do not count */
_Static_assert(TAP_TRACK_CHUNK * sizeof(struct tap_track) == TAP_HUGE_PAGE, "a chunk is a page");

static struct tap_track *tracks_at(const struct tap_tracks *ts, uint32_t index)
{
    return &ts->chunks[(index - 1) / TAP_TRACK_CHUNK][(index - 1) % TAP_TRACK_CHUNK];
}

static void track_told_free(struct tap_track *t)
{
    free(t->title);
    free(t->mailbox);
    t->title = t->mailbox = NULL;
}

bool tap_tracks_start(struct tap_tracks *ts, uint32_t most)
{
    ts->mask = 1023;
    ts->slots = calloc((size_t)ts->mask + 1, sizeof *ts->slots);
    ts->chunk_count = most / TAP_TRACK_CHUNK + TAP_TRACK_MORE;
    ts->chunks = calloc(ts->chunk_count + 1, sizeof *ts->chunks);
    return ts->slots && ts->chunks;
}

void tap_tracks_free(struct tap_tracks *ts)
{
    for (uint32_t i = 1; i <= ts->made; i++)
        track_told_free(tracks_at(ts, i));
    for (size_t i = 0; ts->chunks && ts->chunks[i]; i++)
        free(ts->chunks[i]);
    free(ts->chunks);
    free(ts->slots);
    memset(ts, 0, sizeof *ts);
}

/* The slot that holds this pid, or the empty one where it belongs. */
static struct tap_track_slot *tracks_slot(const struct tap_tracks *ts, const struct tap_pid *pid)
{
    uint32_t hash = tap_pid_hash(pid), at = hash & ts->mask;
    while (ts->slots[at].index && (ts->slots[at].hash != hash ||
                                   !tap_pid_same(&tracks_at(ts, ts->slots[at].index)->pid, pid)))
        at = (at + 1) & ts->mask;
    return &ts->slots[at];
}

struct tap_track *tap_tracks_find(struct tap_tracks *ts, const struct tap_pid *pid)
{
    uint32_t index = tracks_slot(ts, pid)->index;
    if (!index)
        return NULL;
    struct tap_track *t = tracks_at(ts, index);
    t->recent = true;
    return t;
}

void tap_tracks_fetch(const struct tap_tracks *ts, const struct tap_pid *soon,
                      const struct tap_pid *later)
{
    uint32_t index = ts->slots[tap_pid_hash(soon) & ts->mask].index;
    if (index)
        __builtin_prefetch(tracks_at(ts, index), 1);
    __builtin_prefetch(&ts->slots[tap_pid_hash(later) & ts->mask], 1);
}

static bool tracks_grow(struct tap_tracks *ts)
{
    uint32_t old = ts->mask + 1, mask = 2 * old - 1;
    struct tap_track_slot *wider = tap_pages_zeros(2 * (size_t)old * sizeof *wider);
    if (!wider)
        return false;
    for (uint32_t i = 0; i < old; i++) {
        uint32_t at = ts->slots[i].hash & mask;
        if (!ts->slots[i].index)
            continue;
        while (wider[at].index)
            at = (at + 1) & mask;
        wider[at] = ts->slots[i];
    }
    free(ts->slots);
    ts->slots = wider;
    ts->mask = mask;
    return true;
}

/* An index that is not in use; 0: out of memory. */
static uint32_t tracks_take(struct tap_tracks *ts)
{
    uint32_t index = ts->free;
    if (index) {
        ts->free = tracks_at(ts, index)->tid;
        return index;
    }
    if (ts->made % TAP_TRACK_CHUNK == 0) {
        if (ts->made / TAP_TRACK_CHUNK == ts->chunk_count)
            return 0;
        /* The first one takes memory as processes come; with large pages it would take all of
         * it. */
        struct tap_track *chunk =
            ts->made ? tap_pages_new(TAP_HUGE_PAGE) : aligned_alloc(64, TAP_HUGE_PAGE);
        if (!chunk)
            return 0;
        ts->chunks[ts->made / TAP_TRACK_CHUNK] = chunk;
    }
    return ++ts->made;
}

struct tap_track *tap_tracks_add(struct tap_tracks *ts, const struct tap_pid *pid, uint32_t node)
{
    if (ts->count >= ts->mask / 2 && !tracks_grow(ts))
        return NULL;
    uint32_t index = tracks_take(ts);
    if (!index)
        return NULL;
    struct tap_track *t = tracks_at(ts, index);
    *t = (struct tap_track){.pid = *pid,
                            .node = node,
                            .last = -1,
                            .first = -1,
                            .life = -1,
                            .used = true,
                            .recent = true};
    *tracks_slot(ts, pid) = (struct tap_track_slot){tap_pid_hash(pid), index};
    ts->count++;
    return t;
}

void tap_tracks_remove(struct tap_tracks *ts, struct tap_track *t)
{
    uint32_t hole = (uint32_t)(tracks_slot(ts, &t->pid) - ts->slots), index = ts->slots[hole].index;
    for (uint32_t at = (hole + 1) & ts->mask; ts->slots[at].index; at = (at + 1) & ts->mask) {
        uint32_t home = ts->slots[at].hash & ts->mask;
        if (((at - home) & ts->mask) >=
            ((at - hole) & ts->mask)) { /* it may stand in the hole: it is not before home */
            ts->slots[hole] = ts->slots[at];
            hole = at;
        }
    }
    ts->slots[hole] = (struct tap_track_slot){0, 0};
    ts->count--;
    track_told_free(t);
    t->used = t->dead = false;
    t->tid = ts->free;
    ts->free = index;
}

/* The slot of the one that the hand will point at in a while. */
static void tracks_fetch_evicted(const struct tap_tracks *ts)
{
    enum { AHEAD = 8 };
    const struct tap_track *t = tracks_at(ts, (ts->hand + AHEAD) % ts->made + 1);
    __builtin_prefetch(&ts->slots[tap_pid_hash(&t->pid) & ts->mask], 1);
}

struct tap_track *tap_tracks_evict(struct tap_tracks *ts)
{
    if (ts->made)
        tracks_fetch_evicted(ts);
    for (uint64_t tries = 0; tries < 2ull * ts->made + 1 && ts->made; tries++) {
        ts->hand = ts->hand % ts->made + 1;
        struct tap_track *t = tracks_at(ts, ts->hand);
        if (t->used && !t->recent && t->pid.serial != UINT32_MAX)
            return t;
        t->recent = false;
    }
    return NULL;
}

struct tap_track *tap_tracks_retire(struct tap_tracks *ts, struct tap_track *t)
{
    uint32_t index = tracks_slot(ts, &t->pid)->index, at = ts->dead_next++ % TAP_CHROME_DEAD;
    struct tap_track *old = ts->dead[at].index ? tracks_at(ts, ts->dead[at].index) : NULL;
    /* Its place may have been taken by another process meanwhile: then that one has another tid. */
    bool still = old && old->used && old->dead && old->tid == ts->dead[at].tid;
    ts->dead[at].index = index;
    ts->dead[at].tid = t->tid;
    t->dead = true;
    return still ? old : NULL;
}

void tap_tracks_each(struct tap_chrome *c, void (*visit)(struct tap_chrome *, struct tap_track *))
{
    for (uint32_t i = 1; i <= c->tracks.made; i++) {
        struct tap_track *t = tracks_at(&c->tracks, i);
        if (t->used)
            visit(c, t);
    }
}
