/* flow.c: a table of open ends, keyed by a hash of the sender and the message.
 *
 * Entries live in a ring in order of age, so that the oldest can be found and evicted, and hang in buckets as doubly linked
 * lists in order of age, so that the oldest of equal ones is found first. Large messages are hashed by their ends and
 * length only: the hash selects, it need not be perfect, since sender, receiver and direction are compared too.
 */
#include "flow.h"

enum { FLOW_NONE = 0, FLOW_SEND, FLOW_RECEIVE, FLOW_SPAWN, FLOW_START };
#define FLOW_NIL UINT32_MAX
#define FLOW_HASHED 512u /* bytes hashed at either end of a message */

struct flow_open {
    uint64_t hash, id;
    struct tap_pid receiver; /* node 0: not known (a name, an alias) */
    uint32_t prev, next;
    uint8_t side;
};
struct flow_bucket {
    uint32_t first, last;
};
struct tap_flow {
    struct flow_open *ring;
    struct flow_bucket *buckets;
    uint32_t mask, head; /* head: the ring's next slot */
    uint64_t next_id;
    struct tap_flow_stats stats;
};

struct tap_flow *tap_flow_new(size_t max_open)
{
    size_t n = 16;
    while (n < max_open && n < (1u << 30))
        n *= 2;
    struct tap_flow *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->ring = calloc(n, sizeof *f->ring);
    f->buckets = malloc(n * sizeof *f->buckets);
    if (!f->ring || !f->buckets) {
        tap_flow_free(f);
        return NULL;
    }
    memset(f->buckets, 0xff, n * sizeof *f->buckets);
    f->mask = (uint32_t)n - 1;
    f->next_id = 1;
    return f;
}

void tap_flow_free(struct tap_flow *f)
{
    if (!f)
        return;
    free(f->ring);
    free(f->buckets);
    free(f);
}

void tap_flow_read_stats(const struct tap_flow *f, struct tap_flow_stats *stats)
{
    *stats = f->stats;
}

/* ---- Hashing ------------------------------------------------------------------------------------------------- */

static inline uint64_t flow_mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t flow_hash_bytes(uint64_t h, const uint8_t *p, size_t n)
{
    uint64_t word;
    for (; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        h = flow_mix(h, word);
    }
    word = 0;
    memcpy(&word, p, n);
    return flow_mix(h, word ^ (uint64_t)n << 56);
}

static uint64_t flow_hash_pid(uint64_t h, const struct tap_pid *pid)
{
    h = flow_mix(h, (uint64_t)pid->node << 32 | pid->id);
    return flow_mix(h, (uint64_t)pid->serial << 32 | pid->creation);
}

static uint64_t flow_hash_message(const struct tap_pid *sender, const uint8_t *message, size_t len)
{
    uint64_t h = flow_hash_pid(len, sender);
    if (len <= 2 * FLOW_HASHED)
        return flow_hash_bytes(h, message, len);
    h = flow_hash_bytes(h, message, FLOW_HASHED);
    return flow_hash_bytes(h, message + len - FLOW_HASHED, FLOW_HASHED);
}

/* ---- The table ----------------------------------------------------------------------------------------------- */

static void flow_unlink(struct tap_flow *f, uint32_t at)
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
    f->stats.sends_open -= o->side == FLOW_SEND;
    f->stats.receives_open -= o->side == FLOW_RECEIVE;
    o->side = FLOW_NONE;
}

static void flow_open(struct tap_flow *f, uint8_t side, uint64_t hash, const struct tap_pid *receiver,
                      uint64_t id)
{
    uint32_t at = f->head++ & f->mask;
    struct flow_open *o = &f->ring[at];
    if (o->side != FLOW_NONE) {
        f->stats.sends_evicted += o->side == FLOW_SEND;
        f->stats.receives_evicted += o->side == FLOW_RECEIVE;
        flow_unlink(f, at);
    }
    struct flow_bucket *b = &f->buckets[hash & f->mask];
    *o = (struct flow_open){.hash = hash, .id = id, .prev = b->last, .next = FLOW_NIL, .side = side};
    if (receiver)
        o->receiver = *receiver;
    if (b->last != FLOW_NIL)
        f->ring[b->last].next = at;
    else
        b->first = at;
    b->last = at;
    f->stats.sends_open += side == FLOW_SEND;
    f->stats.receives_open += side == FLOW_RECEIVE;
}

static bool flow_same(const struct tap_pid *a, const struct tap_pid *b)
{
    return a->id == b->id && a->serial == b->serial && a->node == b->node && a->creation == b->creation;
}

/* The oldest open end of this side that fits; takes it out and gives its id. 0: none. */
static uint64_t flow_take(struct tap_flow *f, uint8_t side, uint64_t hash, const struct tap_pid *receiver)
{
    for (uint32_t at = f->buckets[hash & f->mask].first; at != FLOW_NIL; at = f->ring[at].next) {
        const struct flow_open *o = &f->ring[at];
        if (o->side != side || o->hash != hash)
            continue;
        if (receiver && o->receiver.node && !flow_same(receiver, &o->receiver))
            continue;
        uint64_t id = o->id;
        flow_unlink(f, at);
        return id;
    }
    return 0;
}

/* One end arrives: closes the other when it is there, else waits for it. */
static void flow_end(struct tap_flow *f, struct tap_event *ev, uint8_t side, uint8_t other, uint64_t hash,
                     const struct tap_pid *receiver, uint64_t *paired)
{
    ev->flow = flow_take(f, other, hash, receiver);
    if (ev->flow) {
        ++*paired;
        return;
    }
    ev->flow = f->next_id++;
    flow_open(f, side, hash, receiver, ev->flow);
}

void tap_flow_event(struct tap_flow *f, struct tap_event *ev, const uint8_t *arena)
{
    switch (ev->kind) {
    case TAP_MESSAGE_SEND: {
        uint64_t h = flow_hash_message(&ev->pid, arena + ev->payload.off, ev->payload.len);
        const struct tap_pid *to = ev->peer_type == TAP_PEER_PID ? &ev->peer : NULL;
        flow_end(f, ev, FLOW_SEND, FLOW_RECEIVE, h, to, &f->stats.paired);
        break;
    }
    case TAP_MESSAGE_RECEIVE:
        if (ev->flags & TAP_EVENT_TIMEOUT)
            break;
        if (ev->peer_type != TAP_PEER_PID) {
            f->stats.no_sender++;
            break;
        }
        flow_end(f, ev, FLOW_RECEIVE, FLOW_SEND,
                 flow_hash_message(&ev->peer, arena + ev->payload.off, ev->payload.len), &ev->pid,
                 &f->stats.paired);
        break;
    case TAP_PROCESS_SPAWN:
        if (ev->peer_type == TAP_PEER_PID)
            flow_end(f, ev, FLOW_SPAWN, FLOW_START, flow_hash_pid(FLOW_SPAWN, &ev->peer), NULL,
                     &f->stats.spawned);
        break;
    case TAP_PROCESS_START:
        flow_end(f, ev, FLOW_START, FLOW_SPAWN, flow_hash_pid(FLOW_SPAWN, &ev->pid), NULL, &f->stats.spawned);
        break;
    default: break;
    }
}
