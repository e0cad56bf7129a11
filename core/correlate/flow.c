/* flow.c: sends and receives, spawns and starts, by the table of flow_impl.h. */
#include "correlate/flow_impl.h"

#include <stdlib.h>

#include "correlate/message_hash.h"

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
    return flow_is_process(pid) && !(f->seen[bit / 64] >> bit % 64 & 1);
}

void tap_flow_read_stats(const struct tap_flow *f, struct tap_flow_stats *stats)
{
    *stats = f->stats;
    for (uint32_t i = 0; i <= f->mask; i++) {
        const struct flow_open *o = &f->ring[i];
        bool again = o->twin != FLOW_NIL && o->twin < i; /* the other entry of the same receive */
        if (o->side == FLOW_SEND) {
            stats->sends_unseen += flow_unseen(f, &o->receiver);
            stats->sends_cut += o->aside;
        } else if (o->side == FLOW_RECEIVE && !again) {
            stats->receives_unseen += flow_unseen(f, &o->sender);
            stats->receives_cut += o->aside;
        }
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

/* The oldest open end of the other side under this hash that fits; takes it out and gives its id,
 * and the sender that it knows (NULL: not asked). 0: none. An end whose name stood for another
 * process is the last choice. */
static uint64_t flow_take(struct tap_flow *f, uint8_t other, const struct flow_open *end,
                          uint64_t hash, struct tap_pid *sender)
{
    uint32_t last_choice = FLOW_NIL, looked = 0, at = f->buckets[hash & f->mask].first;
    for (; at != FLOW_NIL && looked < FLOW_LOOK; at = f->ring[at].next, looked++) {
        const struct flow_open *o = &f->ring[at];
        if (!flow_fits(o, other, hash, end))
            continue;
        bool known = o->receiver.node && end->receiver.node;
        if (!known || tap_pid_same(&o->receiver, &end->receiver))
            break;
        if ((o->hint || end->hint) && last_choice == FLOW_NIL)
            last_choice = at;
    }
    if (at == FLOW_NIL || looked == FLOW_LOOK)
        at = last_choice;
    return at == FLOW_NIL ? 0 : flow_take_at(f, at, sender);
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
    ev->flow = ev->flags & TAP_EVENT_TRUNCATED
                   ? tap_flow_take_cut(f, FLOW_RECEIVE, &end, &end.hash, 1, NULL)
                   : flow_take(f, FLOW_RECEIVE, &end, end.hash, NULL);
    f->stats.paired += ev->flow != 0;
    if (ev->flow)
        return;
    ev->flow = end.id = f->next_id++;
    if (end.aside)
        end.hash = flow_hash_aside(end.id);
    flow_open(f, &end);
}

static uint64_t flow_take_send(struct tap_flow *f, bool cut, struct flow_open *end,
                               uint64_t by_node, struct tap_pid *sender)
{
    if (cut) {
        const uint64_t hashes[] = {end->hash, by_node};
        return tap_flow_take_cut(f, FLOW_SEND, end, hashes, 2, sender);
    }
    uint64_t id = flow_take(f, FLOW_SEND, end, end->hash, sender);
    return id ? id : flow_take(f, FLOW_SEND, end, by_node, sender);
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
    ev->flow = flow_take_send(f, ev->flags & TAP_EVENT_TRUNCATED, &end, by_node, &sender);
    f->stats.paired += ev->flow != 0;
    if (!ev->flow) {
        ev->flow = end.id = f->next_id++;
        if (end.aside)
            end.hash = flow_hash_aside(end.id), flow_open(f, &end);
        else
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

/* ---- Events */

/* The messages of a process, or everything, may have gone unseen. */
static void flow_break(struct tap_flow *f, const struct tap_event *ev)
{
    if (ev->kind == TAP_GAP && ev->reason == TAP_REASON_CODE)
        return;
    if (ev->kind == TAP_GAP && flow_is_process(&ev->pid))
        f->broken_of[tap_pid_hash(&ev->pid) % FLOW_BROKEN] = f->next_id;
    else
        f->broken = f->next_id;
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
    case TAP_LOST:
    case TAP_GAP:
    case TAP_NODE_DOWN: flow_break(f, ev); break;
    default: break;
    }
}
