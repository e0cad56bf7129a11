/* flow.c: a table of open ends.
 *
 * Entries live in a ring in order of age, so that the oldest can be found and evicted, and hang in
 * buckets as doubly linked lists in order of age, so that the oldest of equal ones is found first.
 * A send hangs under its message and receiver, or, when that is only a name or an alias, under its
 * message and its own node. A receive is looked for under both, and waits under both, as two
 * entries that know each other.
 */
#include "correlate/flow.h"

#include <stdlib.h>

#include "base/hash.h"
#include "correlate/message_hash.h"
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
    struct tap_pid sender;   /* id and serial 0: only the node is known */
    struct tap_pid receiver; /* node 0: not known (an alias, a name never heard of) */
    uint32_t prev, next;
    uint32_t twin; /* the other entry of a receive; FLOW_NIL: none */
    uint8_t side;
    bool hint; /* the receiver is what a name stood for */
};
struct flow_bucket {
    uint32_t first, last;
};
struct tap_flow {
    struct flow_open *ring;
    struct flow_bucket *buckets;
    uint32_t mask, head; /* head: the ring's next slot */
    uint64_t next_id;
    struct tap_atom_cache *atoms;
    struct tap_flow_names *names;
    uint64_t seen[FLOW_SEEN / 64]; /* bits: processes of which a message was seen, by a hash */
    struct tap_flow_stats stats;
};

struct tap_flow *tap_flow_new(size_t max_open, struct tap_atom_cache *atoms)
{
    size_t n = 16;
    while (n < max_open && n < (1u << 30))
        n *= 2;
    struct tap_flow *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->atoms = atoms;
    f->names = tap_flow_names_new();
    f->ring = calloc(n, sizeof *f->ring);
    f->buckets = malloc(n * sizeof *f->buckets);
    if (!f->ring || !f->buckets || !f->names) {
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
    tap_flow_names_free(f->names);
    free(f->ring);
    free(f->buckets);
    free(f);
}

static void flow_see(struct tap_flow *f, const struct tap_pid *pid)
{
    uint32_t bit = tap_pid_hash(pid) % FLOW_SEEN;
    f->seen[bit / 64] |= 1ull << bit % 64;
}

/* A process that is known and of which nothing was seen. */
static bool flow_unseen(const struct tap_flow *f, const struct tap_pid *pid)
{
    uint32_t bit = tap_pid_hash(pid) % FLOW_SEEN;
    return (pid->id || pid->serial) && !(f->seen[bit / 64] >> bit % 64 & 1);
}

void tap_flow_read_stats(const struct tap_flow *f, struct tap_flow_stats *stats)
{
    *stats = f->stats;
    for (uint32_t i = 0; i <= f->mask; i++) {
        const struct flow_open *o = &f->ring[i];
        bool again = o->twin != FLOW_NIL && o->twin < i; /* the other entry of the same receive */
        if (o->side == FLOW_SEND)
            stats->sends_unseen += flow_unseen(f, &o->receiver);
        else if (o->side == FLOW_RECEIVE && !again)
            stats->receives_unseen += flow_unseen(f, &o->sender);
    }
}

/* ---- Hashing */

static uint64_t flow_hash_pid(uint64_t h, const struct tap_pid *pid)
{
    h = tap_mix64(h, (uint64_t)pid->node << 32 | pid->id);
    return tap_mix64(h, (uint64_t)pid->serial << 32 | pid->creation);
}

/* The message alone, as both ends of its way tell it. One that was cut in the node has only its
 * size. */
static uint64_t flow_hash_message(const struct tap_event *ev, const uint8_t *arena, bool between)
{
    size_t len = ev->payload.len;
    const uint8_t *message = arena + ev->payload.off;
    if (ev->flags & TAP_EVENT_TRUNCATED)
        return tap_mix64(len, ev->true_size);
    return between ? tap_hash_term(0, message, len) : tap_hash_bytes(len, message, len);
}

/* ---- The table */

static uint64_t *flow_counter(struct tap_flow *f, uint8_t side)
{
    switch (side) {
    case FLOW_SEND: return &f->stats.sends_open;
    case FLOW_RECEIVE: return &f->stats.receives_open;
    case FLOW_SPAWN: return &f->stats.spawns_open;
    default: return &f->stats.starts_open;
    }
}

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
    o->side = FLOW_NONE;
}

/* Takes an end out, with its twin. */
static void flow_close(struct tap_flow *f, uint32_t at)
{
    --*flow_counter(f, f->ring[at].side);
    if (f->ring[at].twin != FLOW_NIL)
        flow_unlink(f, f->ring[at].twin);
    flow_unlink(f, at);
}

static uint32_t flow_link(struct tap_flow *f, const struct flow_open *end)
{
    uint32_t at = f->head++ & f->mask;
    struct flow_open *o = &f->ring[at];
    if (o->side != FLOW_NONE) {
        f->stats.sends_evicted += o->side == FLOW_SEND;
        f->stats.receives_evicted += o->side == FLOW_RECEIVE;
        flow_close(f, at);
    }
    struct flow_bucket *b = &f->buckets[end->hash & f->mask];
    *o = *end;
    o->prev = b->last;
    o->next = FLOW_NIL;
    o->twin = FLOW_NIL;
    if (b->last != FLOW_NIL)
        f->ring[b->last].next = at;
    else
        b->first = at;
    b->last = at;
    return at;
}

static void flow_open(struct tap_flow *f, const struct flow_open *end)
{
    ++*flow_counter(f, end->side);
    flow_link(f, end);
}

/* The same end under two hashes. */
static void flow_open_twice(struct tap_flow *f, struct flow_open *end, uint64_t other)
{
    ++*flow_counter(f, end->side);
    uint32_t one = flow_link(f, end);
    end->hash = other;
    uint32_t two = flow_link(f, end);
    f->ring[one].twin = two;
    f->ring[two].twin = one;
}

/* Where one of them is only a node, the nodes are compared. */
static bool flow_same_sender(const struct tap_pid *a, const struct tap_pid *b)
{
    bool whole = (a->id || a->serial) && (b->id || b->serial);
    return whole ? tap_pid_same(a, b) : a->node == b->node;
}

/* A receive from before the message was sent is of an earlier one, whose send was not traced: by
 * the clock of their node, or those of two nodes. */
static bool flow_too_early(const struct flow_open *receive, const struct flow_open *send)
{
    bool across = receive->receiver.node != send->sender.node;
    return receive->side == FLOW_RECEIVE &&
           receive->ts < (across ? send->ts - FLOW_ACROSS : send->ts);
}

/* The oldest open end of the other side under this hash that fits; takes it out and gives its id,
 * and the sender that it knows (NULL: not asked). 0: none. An end whose name stood for another
 * process is the last choice. */
static uint64_t flow_take(struct tap_flow *f, uint8_t other, const struct flow_open *end,
                          uint64_t hash, struct tap_pid *sender)
{
    uint32_t last_choice = FLOW_NIL, looked = 0, at = f->buckets[hash & f->mask].first;
    for (; at != FLOW_NIL && looked < FLOW_LOOK; at = f->ring[at].next, looked++) {
        const struct flow_open *o = &f->ring[at];
        if (o->side != other || o->hash != hash || !flow_same_sender(&o->sender, &end->sender) ||
            flow_too_early(o, end))
            continue;
        bool known = o->receiver.node && end->receiver.node;
        if (!known || tap_pid_same(&o->receiver, &end->receiver))
            break;
        if ((o->hint || end->hint) && last_choice == FLOW_NIL)
            last_choice = at;
    }
    if (at == FLOW_NIL || looked == FLOW_LOOK)
        at = last_choice;
    if (at == FLOW_NIL)
        return 0;
    uint64_t id = f->ring[at].id;
    if (sender)
        *sender = f->ring[at].sender;
    flow_close(f, at);
    return id;
}

/* ---- Messages */

static uint64_t flow_by_node(uint64_t message, uint32_t node)
{
    return tap_mix64(message, node);
}

/* The node that a send goes to; 0: the alias does not tell. */
static uint32_t flow_goes_to(struct tap_flow *f, const struct tap_event *ev, const uint8_t *arena)
{
    if (ev->peer_type == TAP_PEER_PID)
        return ev->peer.node;
    if (ev->peer_type == TAP_PEER_NAME)
        return ev->peer.node ? ev->peer.node : ev->pid.node;
    struct tap_span alias = tap_event_peer_term(ev);
    struct tap_cursor c = tap_cursor(arena + alias.off, alias.len);
    if (!f->atoms || tap_peek(&c) != TAP_EXT_NEWER_REFERENCE || tap_left(&c) < 3)
        return 0;
    c.p += 3; /* the tag, and how many words the number has: then its node */
    uint32_t node = tap_intern_atom(f->atoms, &c);
    return c.bad ? 0 : node;
}

static void flow_send(struct tap_flow *f, struct tap_event *ev, const uint8_t *arena)
{
    struct flow_open end = {.side = FLOW_SEND, .ts = ev->ts, .sender = ev->pid};
    if (ev->peer_type == TAP_PEER_PORT) {
        f->stats.to_ports++;
        return;
    }
    if (ev->flags & TAP_EVENT_NONEXISTING) {
        f->stats.to_nobody++;
        return;
    }
    uint32_t to = flow_goes_to(f, ev, arena);
    bool between = to && to != ev->pid.node;
    uint64_t message = flow_hash_message(ev, arena, between);
    if (ev->peer_type == TAP_PEER_PID) {
        end.receiver = ev->peer;
        end.hash = flow_hash_pid(message, &ev->peer);
    } else {
        const struct tap_pid *pid = NULL;
        if (ev->peer_type == TAP_PEER_NAME)
            pid = tap_flow_names_get(f->names, to, ev->peer_name);
        end.receiver = pid ? *pid : (struct tap_pid){0};
        end.hint = pid != NULL;
        end.hash = flow_by_node(message, ev->pid.node);
    }
    ev->flow = flow_take(f, FLOW_RECEIVE, &end, end.hash, NULL);
    f->stats.paired += ev->flow != 0;
    if (ev->flow)
        return;
    ev->flow = end.id = f->next_id++;
    flow_open(f, &end);
}

static void flow_receive(struct tap_flow *f, struct tap_event *ev, const uint8_t *arena)
{
    bool between = ev->peer.node && ev->peer.node != ev->pid.node;
    bool untold = between && ev->peer_type == TAP_PEER_NONE; /* the sender, but for its node */
    if (ev->flags & TAP_EVENT_TIMEOUT)
        return;
    if (ev->peer_type != TAP_PEER_PID && !untold) {
        f->stats.no_sender++;
        return;
    }
    uint64_t message = flow_hash_message(ev, arena, between);
    uint64_t by_node = flow_by_node(message, ev->peer.node);
    struct flow_open end = {.side = FLOW_RECEIVE, .ts = ev->ts, .receiver = ev->pid};
    struct tap_pid sender;
    end.hash = flow_hash_pid(message, &ev->pid);
    end.sender = untold ? (struct tap_pid){.node = ev->peer.node} : ev->peer;
    ev->flow = flow_take(f, FLOW_SEND, &end, end.hash, &sender);
    if (!ev->flow)
        ev->flow = flow_take(f, FLOW_SEND, &end, by_node, &sender);
    f->stats.paired += ev->flow != 0;
    if (!ev->flow) {
        ev->flow = end.id = f->next_id++;
        flow_open_twice(f, &end, by_node);
    } else if (untold) {
        ev->peer_type = TAP_PEER_PID;
        ev->peer = sender;
    }
}

/* ---- Births */

static void flow_birth(struct tap_flow *f, struct tap_event *ev, const struct tap_pid *child,
                       uint8_t side, uint8_t other)
{
    struct flow_open end = {
        .side = side, .receiver = *child, .hash = flow_hash_pid(FLOW_SPAWN, child)};
    ev->flow = flow_take(f, other, &end, end.hash, NULL);
    f->stats.spawned += ev->flow != 0;
    if (ev->flow)
        return;
    ev->flow = end.id = f->next_id++;
    flow_open(f, &end);
}

void tap_flow_event(struct tap_flow *f, struct tap_event *ev, const uint8_t *arena)
{
    switch (ev->kind) {
    case TAP_MESSAGE_SEND:
        flow_see(f, &ev->pid);
        flow_send(f, ev, arena);
        break;
    case TAP_MESSAGE_RECEIVE:
        flow_see(f, &ev->pid);
        flow_receive(f, ev, arena);
        break;
    case TAP_PROCESS_SPAWN:
        if (ev->peer_type == TAP_PEER_PID)
            flow_birth(f, ev, &ev->peer, FLOW_SPAWN, FLOW_START);
        break;
    case TAP_PROCESS_START: flow_birth(f, ev, &ev->pid, FLOW_START, FLOW_SPAWN); break;
    case TAP_PROCESS_REGISTER:
    case TAP_PROCESS_UNREGISTER:
    case TAP_PROCESS_INFO: tap_flow_names_event(f->names, f->atoms, ev, arena); break;
    default: break;
    }
}
