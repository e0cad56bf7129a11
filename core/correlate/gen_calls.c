/* gen_calls.c: a table of the latest calls, found by their references. A key has a few places: with
 * one, two calls that were open at the same time would meet there now and then. */
#include "correlate/gen_calls.h"

#include <stdlib.h>
#include <string.h>

#include "beamtap/gen.h"

#define SETS (1u << 12)
#define PLACES 8u /* of a set */

struct open_call {
    uint64_t key; /* 0: none */
    int64_t ts;
    uint32_t age;     /* higher: later */
    bool from_caller; /* the time is that of its send */
    bool answered;    /* the caller has its reply */
};
struct tap_gen_calls {
    struct open_call open[SETS * PLACES];
    uint32_t age;
    struct tap_gen_stats stats;
};

struct tap_gen_calls *tap_gen_calls_new(void)
{
    return calloc(1, sizeof(struct tap_gen_calls));
}

void tap_gen_calls_free(struct tap_gen_calls *g)
{
    free(g);
}

void tap_gen_calls_stats(const struct tap_gen_calls *g, struct tap_gen_stats *stats)
{
    *stats = g->stats;
}

static struct open_call *set_of(struct tap_gen_calls *g, uint64_t key)
{
    return &g->open[((key ^ key >> 29) & (SETS - 1)) * PLACES];
}

static struct open_call *find(struct tap_gen_calls *g, uint64_t key)
{
    struct open_call *set = set_of(g, key);
    for (uint32_t i = 0; i < PLACES; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

/* The place that is given up: an empty one, else of an answered call, else the oldest. */
static struct open_call *make_room(struct tap_gen_calls *g, uint64_t key)
{
    struct open_call *set = set_of(g, key), *worst = set;
    for (uint32_t i = 0; i < PLACES; i++) {
        if (!set[i].key)
            return &set[i];
        bool older = (int32_t)(set[i].age - worst->age) < 0;
        if (set[i].answered == worst->answered ? older : set[i].answered)
            worst = &set[i];
    }
    return worst;
}

/* Where a server passes it on, that is seen as its receive is: the time since is known already, but
 * where nobody saw it before. */
static void called(struct tap_gen_calls *g, const struct tap_event *ev,
                   const struct tap_gen_parts *parts, uint64_t key)
{
    struct open_call *o = find(g, key);
    bool sent = ev->kind == TAP_MESSAGE_SEND && tap_gen_is_callers(parts, ev);
    g->stats.calls += sent;
    if (!o || sent)
        *(o ? o : make_room(g, key)) = (struct open_call){key, ev->ts, g->age++, sent, false};
}

/* Its end is the reply's receive; the server's stream, with the reply's send, may come later than
 * that. */
static bool replied(struct tap_gen_calls *g, struct tap_event *ev, uint64_t key)
{
    struct open_call *o = find(g, key);
    if (!o || (o->answered && ev->kind == TAP_MESSAGE_RECEIVE))
        return false;
    ev->took = ev->ts > o->ts ? ev->ts - o->ts : 0;
    if (ev->kind != TAP_MESSAGE_RECEIVE)
        return true;
    o->answered = true;
    g->stats.replies++;
    if (!o->from_caller)
        return true;
    g->stats.took += (uint64_t)ev->took;
    if (g->stats.took_most < (uint64_t)ev->took)
        g->stats.took_most = (uint64_t)ev->took;
    return true;
}

void tap_gen_calls_event(struct tap_gen_calls *g, struct tap_event *ev, const uint8_t *arena)
{
    struct tap_gen_parts parts;
    if (!tap_gen_read(arena + ev->payload.off, ev->payload.len, &parts))
        return;
    uint64_t key = parts.tag ? tap_gen_key(&parts) : 0;
    /* Nobody replies to a port; and its number stands where the time of a reply does. */
    bool lone = !key || ev->peer_type == TAP_PEER_PORT;
    if (parts.gen == TAP_GEN_REPLY && (lone || !replied(g, ev, key)))
        return;
    ev->gen = (uint8_t)parts.gen;
    if (parts.gen == TAP_GEN_CALL && key)
        called(g, ev, &parts, key);
    g->stats.casts += parts.gen == TAP_GEN_CAST && ev->kind == TAP_MESSAGE_SEND;
}
