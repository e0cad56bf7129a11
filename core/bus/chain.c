/* chain.c: see chain.h. Three tables of numbers: processes, messages that are on their way, and
 * calls that are not answered. */
#include "bus/chain.h"

#include <stdlib.h>

#include "beamtap/gen.h"

#define PLACES (1u << 17)
#define MOST (PLACES / 2)
#define PLAIN 1u    /* a process: it got a message that is no call, */
#define ONE_CALL 2u /* and, times this, calls that it has not replied to */

struct place {
    uint64_t key; /* 0: free */
    uint64_t value;
};
struct table {
    struct place *places;
    uint32_t count;
};
struct tap_chain {
    bool begun;
    struct table processes, flows, calls; /* calls: who got it, 1 where nobody did yet */
    struct tap_chain_stats stats;
};

void tap_chain_free(struct tap_chain *c)
{
    if (!c)
        return;
    free(c->processes.places);
    free(c->flows.places);
    free(c->calls.places);
    free(c);
}

struct tap_chain *tap_chain_new(void)
{
    struct tap_chain *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->processes.places = calloc(PLACES, sizeof(struct place));
    c->flows.places = calloc(PLACES, sizeof(struct place));
    c->calls.places = calloc(PLACES, sizeof(struct place));
    if (c->processes.places && c->flows.places && c->calls.places)
        return c;
    tap_chain_free(c);
    return NULL;
}

/* ---- Tables */

static uint32_t home(uint64_t key)
{
    return (uint32_t)(key * 0x9e3779b97f4a7c15u >> 40) % PLACES;
}

/* Its place, or the free one where it would be. */
static struct place *find(const struct table *t, uint64_t key)
{
    uint32_t at = home(key);
    while (t->places[at].key && t->places[at].key != key)
        at = (at + 1) % PLACES;
    return &t->places[at];
}

static uint64_t get(const struct table *t, uint64_t key)
{
    return key ? find(t, key)->value : 0;
}

/* False: there is no room. */
static bool put(struct table *t, uint64_t key, uint64_t value)
{
    struct place *p = find(t, key);
    if (!key || (!p->key && t->count == MOST))
        return false;
    t->count += !p->key;
    *p = (struct place){key, value};
    return true;
}

/* Those behind it that would have stood here move up. */
static void take(struct table *t, uint64_t key)
{
    struct place *p = find(t, key);
    if (!key || !p->key)
        return;
    uint32_t hole = (uint32_t)(p - t->places);
    for (uint32_t at = (hole + 1) % PLACES; t->places[at].key; at = (at + 1) % PLACES) {
        uint32_t from = home(t->places[at].key);
        if ((at - from) % PLACES < (at - hole) % PLACES)
            continue;
        t->places[hole] = t->places[at];
        hole = at;
    }
    t->places[hole] = (struct place){0, 0};
    t->count--;
}

/* ---- The chain */

static uint64_t process_key(const struct tap_pid *pid)
{
    uint64_t key = tap_pid_hash64(pid);
    return key ? key : 1;
}

static uint64_t call_key(const struct tap_event *ev, const uint8_t *arena)
{
    struct tap_gen_parts parts;
    if (!tap_gen_read(arena + ev->payload.off, ev->payload.len, &parts) || !parts.tag)
        return 0;
    return tap_gen_key(&parts);
}

static void join(struct tap_chain *c, const struct tap_pid *pid, bool call)
{
    uint64_t key = process_key(pid), was = get(&c->processes, key);
    if (!put(&c->processes, key, call ? was + ONE_CALL : was | PLAIN))
        c->stats.forgotten++;
    else
        c->stats.processes += !was;
}

/* What it was in the chain for is over. */
static void leave(struct tap_chain *c, uint64_t key, bool call)
{
    uint64_t was = get(&c->processes, key);
    uint64_t left = call && was >= ONE_CALL ? was - ONE_CALL : call ? was : was & ~PLAIN;
    if (left)
        put(&c->processes, key, left);
    else
        take(&c->processes, key);
}

static void sent(struct tap_chain *c, const struct tap_event *ev, const uint8_t *arena)
{
    c->stats.messages++;
    if (!ev->flow) /* to a port, or to nobody */
        return;
    c->stats.forgotten += !put(&c->flows, ev->flow, 1);
    if (ev->gen == TAP_GEN_CALL)
        put(&c->calls, call_key(ev, arena), 1);
}

static bool send(struct tap_chain *c, const struct tap_event *ev, const uint8_t *arena)
{
    bool in;
    if (ev->gen == TAP_GEN_REPLY) {
        uint64_t key = call_key(ev, arena), server = get(&c->calls, key);
        in = server;
        if (in) { /* whoever sends it: a server may leave that to another process */
            take(&c->calls, key);
            leave(c, server, true);
        }
    } else {
        in = get(&c->processes, process_key(&ev->pid));
    }
    if (in)
        sent(c, ev, arena);
    return in;
}

static bool receive(struct tap_chain *c, const struct tap_event *ev, const uint8_t *arena)
{
    if (ev->flags & TAP_EVENT_TIMEOUT)
        return get(&c->processes, process_key(&ev->pid));
    if (!get(&c->flows, ev->flow)) {
        leave(c, process_key(&ev->pid), false);
        return false;
    }
    take(&c->flows, ev->flow);
    uint64_t call = ev->gen == TAP_GEN_CALL ? call_key(ev, arena) : 0;
    bool known = get(&c->calls, call) && put(&c->calls, call, process_key(&ev->pid));
    join(c, &ev->pid, known);
    return true;
}

void tap_chain_begin(struct tap_chain *c, const struct tap_event *ev, const uint8_t *arena)
{
    c->begun = true;
    if (ev->kind == TAP_MESSAGE_SEND) {
        sent(c, ev, arena);
        return;
    }
    uint64_t call = ev->gen == TAP_GEN_CALL ? call_key(ev, arena) : 0;
    join(c, &ev->pid, call && put(&c->calls, call, process_key(&ev->pid)));
}

bool tap_chain_begun(const struct tap_chain *c)
{
    return c->begun;
}

bool tap_chain_event(struct tap_chain *c, const struct tap_event *ev, const uint8_t *arena)
{
    bool in;
    switch (ev->kind) {
    case TAP_MESSAGE_SEND: return send(c, ev, arena);
    case TAP_MESSAGE_RECEIVE: return receive(c, ev, arena);
    case TAP_PROCESS_SPAWN:
        in = get(&c->processes, process_key(&ev->pid));
        if (in && ev->peer_type == TAP_PEER_PID)
            join(c, &ev->peer, false);
        return in;
    case TAP_PROCESS_EXIT:
        in = get(&c->processes, process_key(&ev->pid));
        take(&c->processes, process_key(&ev->pid));
        return in;
    default: return get(&c->processes, process_key(&ev->pid));
    }
}

void tap_chain_read_stats(const struct tap_chain *c, struct tap_chain_stats *stats)
{
    *stats = c->stats;
}
