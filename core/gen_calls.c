/* gen_calls.c: a table of the latest calls, addressed by their references. */
#include "gen_calls.h"

#include <stdlib.h>
#include <string.h>

#include "beamtap/gen.h"

#define OPEN (1u << 15)

struct open_call {
    uint64_t key; /* 0: none */
    int64_t ts;
    bool from_caller; /* the time is that of its send */
    bool answered;    /* the caller has its reply */
};
struct tap_gen_calls {
    struct open_call open[OPEN];
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

/* The node's name and the numbers of a reference. Releases write the name's atom in different ways, and an old form has
 * less of the creation: neither counts. */
static uint64_t key_of(const uint8_t *tag, size_t len)
{
    struct tap_cursor c = tap_cursor(tag, len);
    const char *node;
    uint32_t n;
    bool latin1, newer = *tag == TAP_EXT_NEWER_REFERENCE;
    uint64_t key = 0xcbf29ce484222325u;
    c.p += 3;
    if (len < 4 || !tap_read_atom(&c, &node, &n, &latin1))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        key = (key ^ (uint8_t)node[i]) * 0x100000001b3u;
    for (c.p += newer ? 4 : 1; c.p < c.end; c.p++)
        key = (key ^ *c.p) * 0x100000001b3u;
    return key ? key : 1;
}

static struct open_call *place_of(struct tap_gen_calls *g, uint64_t key)
{
    return &g->open[(key ^ key >> 29) & (OPEN - 1)];
}

static void called(struct tap_gen_calls *g, const struct tap_event *ev, uint64_t key)
{
    struct open_call *o = place_of(g, key);
    bool sent = ev->kind == TAP_MESSAGE_SEND;
    g->stats.calls += sent;
    if (o->key != key || sent)
        *o = (struct open_call){key, ev->ts, sent, false};
}

/* Its end is the reply's receive; the server's stream, with the reply's send, may come later than that. */
static bool replied(struct tap_gen_calls *g, struct tap_event *ev, uint64_t key)
{
    struct open_call *o = place_of(g, key);
    if (o->key != key || (o->answered && ev->kind == TAP_MESSAGE_RECEIVE))
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
    uint64_t key = parts.tag ? key_of(parts.tag, parts.tag_len) : 0;
    if (parts.gen == TAP_GEN_REPLY && !replied(g, ev, key))
        return;
    ev->gen = (uint8_t)parts.gen;
    if (parts.gen == TAP_GEN_CALL)
        called(g, ev, key);
    g->stats.casts += parts.gen == TAP_GEN_CAST && ev->kind == TAP_MESSAGE_SEND;
}
