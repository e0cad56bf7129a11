/* flow_impl.h: the table of open ends of flow.h.
 *
 * Entries live in a ring in order of age, so that the oldest can be found and evicted, and hang in
 * buckets as doubly linked lists in order of age, so that the oldest of equal ones is found first.
 * A send hangs under its message and receiver, or, when that is only a name or an alias, under its
 * message and its own node. A receive is looked for under both, and waits under both, as two
 * entries that know each other. What is never to be found again hangs under a hash of its own.
 */
#ifndef TAP_CORRELATE_FLOW_IMPL_H
#define TAP_CORRELATE_FLOW_IMPL_H

#include "base/hash.h"
#include "correlate/flow.h"
#include "correlate/registered_names.h"

enum { FLOW_NONE = 0, FLOW_SEND, FLOW_RECEIVE, FLOW_SPAWN, FLOW_START };
#define FLOW_NIL UINT32_MAX
/* entries of a list that are looked at: thousands of equal messages may be open */
#define FLOW_LOOK 512u
/* ns by which the clocks of two nodes may differ in what they say of a message */
#define FLOW_ACROSS INT64_C(1000000000)
#define FLOW_SEEN \
    (1u << 18) /* processes that are told apart by whether a message of them was seen */

struct flow_open {
    uint64_t hash, id;
    int64_t ts;
    struct tap_pid sender;   /* all but the node 0: that alone is known */
    struct tap_pid receiver; /* node 0: not known (an alias, a name never heard of) */
    uint32_t prev, next;
    uint32_t twin; /* the other entry of a receive; FLOW_NIL: none */
    uint8_t side;
    bool hint;   /* the receiver is what a name stood for */
    bool unsure; /* cut, and the end of another that is alike may have been taken for its own */
    bool aside;  /* cut, and its other end came, but nobody knows which that is */
};
struct flow_bucket {
    uint32_t first, last;
};
#define FLOW_BROKEN 1024u /* receivers, by a hash, of which it is known when they were not traced */

struct tap_flow {
    struct flow_open *ring;
    struct flow_bucket *buckets;
    uint32_t mask, head; /* head: the ring's next slot */
    uint64_t next_id;
    struct tap_atom_cache *atoms;
    struct tap_flow_names *names;
    uint64_t seen[FLOW_SEEN / 64]; /* bits: processes of which a message was seen, by a hash */
    /* the first id since all events, or the messages of a process, were missed for a while */
    uint64_t broken, broken_of[FLOW_BROKEN];
    struct tap_flow_stats stats;
};

static inline uint64_t *flow_counter(struct tap_flow *f, uint8_t side)
{
    switch (side) {
    case FLOW_SEND: return &f->stats.sends_open;
    case FLOW_RECEIVE: return &f->stats.receives_open;
    case FLOW_SPAWN: return &f->stats.spawns_open;
    default: return &f->stats.starts_open;
    }
}

/* Hangs it in the bucket of its hash, behind all that are there. */
static inline void flow_hang(struct tap_flow *f, uint32_t at)
{
    struct flow_open *o = &f->ring[at];
    struct flow_bucket *b = &f->buckets[o->hash & f->mask];
    o->prev = b->last;
    o->next = FLOW_NIL;
    if (b->last != FLOW_NIL)
        f->ring[b->last].next = at;
    else
        b->first = at;
    b->last = at;
}

static inline void flow_unhang(struct tap_flow *f, uint32_t at)
{
    struct flow_open *o = &f->ring[at];
    struct flow_bucket *b = &f->buckets[o->hash & f->mask];
    if (o->prev != FLOW_NIL)
        f->ring[o->prev].next = o->next;
    else
        b->first = o->next;
    if (o->next != FLOW_NIL)
        f->ring[o->next].prev = o->prev;
    else
        b->last = o->prev;
}

static inline void flow_unlink(struct tap_flow *f, uint32_t at)
{
    flow_unhang(f, at);
    f->ring[at].side = FLOW_NONE;
}

/* Takes an end out, with its twin. */
static inline void flow_close(struct tap_flow *f, uint32_t at)
{
    --*flow_counter(f, f->ring[at].side);
    if (f->ring[at].twin != FLOW_NIL)
        flow_unlink(f, f->ring[at].twin);
    flow_unlink(f, at);
}

static inline uint32_t flow_link(struct tap_flow *f, const struct flow_open *end)
{
    uint32_t at = f->head++ & f->mask;
    struct flow_open *o = &f->ring[at];
    if (o->side != FLOW_NONE) {
        f->stats.sends_evicted += o->side == FLOW_SEND;
        f->stats.receives_evicted += o->side == FLOW_RECEIVE;
        flow_close(f, at);
    }
    *o = *end;
    o->twin = FLOW_NIL;
    flow_hang(f, at);
    return at;
}

static inline void flow_open(struct tap_flow *f, const struct flow_open *end)
{
    ++*flow_counter(f, end->side);
    flow_link(f, end);
}

/* The same end under two hashes. */
static inline void flow_open_twice(struct tap_flow *f, struct flow_open *end, uint64_t other)
{
    ++*flow_counter(f, end->side);
    uint32_t one = flow_link(f, end);
    end->hash = other;
    uint32_t two = flow_link(f, end);
    f->ring[one].twin = two;
    f->ring[two].twin = one;
}

/* Is it a process, and not its node alone? init is <0.0.0>. */
static inline bool flow_is_process(const struct tap_pid *pid)
{
    return pid->id || pid->serial || pid->creation;
}

/* Where one of them is only a node, the nodes are compared. */
static inline bool flow_same_sender(const struct tap_pid *a, const struct tap_pid *b)
{
    bool whole = flow_is_process(a) && flow_is_process(b);
    return whole ? tap_pid_same(a, b) : a->node == b->node;
}

/* A receive from before the message was sent is of an earlier one, whose send was not traced: by
 * the clock of their node, or those of two nodes. */
static inline bool flow_too_early(const struct flow_open *receive, const struct flow_open *send)
{
    bool across = receive->receiver.node != send->sender.node;
    return receive->side == FLOW_RECEIVE &&
           receive->ts < (across ? send->ts - FLOW_ACROSS : send->ts);
}

/* May they be ends of one message, as far as anything but the receiver tells? */
static inline bool flow_fits(const struct flow_open *o, uint8_t other, uint64_t hash,
                             const struct flow_open *end)
{
    return o->side == other && o->hash == hash && flow_same_sender(&o->sender, &end->sender) &&
           !flow_too_early(o, end);
}

static inline uint64_t flow_take_at(struct tap_flow *f, uint32_t at, struct tap_pid *sender)
{
    uint64_t id = f->ring[at].id;
    if (sender)
        *sender = f->ring[at].sender;
    flow_close(f, at);
    return id;
}

/* As flow_take, of a cut message, under one hash or two: 0 where it is not sure. Then, where some
 * fitted, end->aside. */
uint64_t tap_flow_take_cut(struct tap_flow *, uint8_t other, struct flow_open *end,
                           const uint64_t *hashes, size_t n, struct tap_pid *sender);
/* The hash of an end that stays open and of which nobody asks again. */
static inline uint64_t flow_hash_aside(uint64_t id)
{
    return tap_mix64(FLOW_NONE, id);
}

#endif
