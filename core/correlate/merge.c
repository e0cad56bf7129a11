/* merge.c: a queue of batches for each node, and the node whose head is the earliest.
 *
 * A queue's key is the time of its head, or the latest time before it in that stream, whichever is
 * later: so it never goes back, and what comes is never earlier than what went. The earliest is
 * found in a tree, so that sixty-four nodes cost hardly more than eight. What waits has mostly left
 * the caches when it is due: so the times are kept apart, eight in a line, and an event is fetched
 * a few before it is copied.
 */
#include "correlate/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define NONE UINT32_MAX
#define LAST ((__int128)INT64_MAX * ((__int128)1 << 32) + NONE) /* a head that none is behind */
/* Sends and spawns that are known at once: of the last second, at a hundred thousand a second. */
#define CAUSES (1u << 17)
/* that clocks may have gone apart since they were compared, and been corrected by */
#define DRIFT (TAP_SECOND / 500)
/* times that one head waits for its cause: two that wait for each other must not for ever */
#define RAISES 64u

struct merge_node {
    struct tap_batch_impl *first, *last;
    uint32_t at; /* the head, in the first batch */
    unsigned raised;
    int64_t key;    /* of the head */
    int64_t latest; /* of all that came */
    int64_t bound;  /* of its clock's error; 0: unknown */
    bool open;      /* more may come of it */
};
/* A send or spawn, by its flow id, which are given out one after the other. */
struct merge_cause {
    uint64_t flow;
    int64_t key;
    uint32_t node;
    bool waits; /* it is still in its queue */
};
struct tap_merge {
    int64_t window;
    int64_t horizon; /* what is not later is due */
    int64_t gone;    /* the largest key that went */
    size_t held;
    struct merge_node *nodes;
    uint32_t node_count; /* a power of two; 0: none yet */
    /* the nodes' heads from node_count on; each before that is the earlier one of 2 i and 2 i +
     * 1 */
    __int128 *tree;
    struct tap_batch_impl *done; /* its last event is at the caller's */
    struct merge_cause *causes;
    uint64_t late;
};

struct tap_merge *tap_merge_new(int64_t window)
{
    struct tap_merge *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->window = window;
    m->horizon = m->gone = INT64_MIN;
    m->causes = calloc(CAUSES, sizeof *m->causes);
    if (m->causes)
        return m;
    tap_merge_free(m);
    return NULL;
}

void tap_merge_free(struct tap_merge *m)
{
    if (!m)
        return;
    if (m->done)
        tap_batch_release(m->done);
    for (uint32_t i = 0; i < m->node_count; i++)
        for (struct tap_batch_impl *b = m->nodes[i].first, *next; b; b = next) {
            next = b->next;
            tap_batch_release(b);
        }
    free(m->nodes);
    free(m->tree);
    free(m->causes);
    free(m);
}

uint64_t tap_merge_late(const struct tap_merge *m)
{
    return m->late;
}

/* ---- Coming in */

static bool is_cause(const struct tap_event *ev)
{
    return ev->flow && (ev->kind == TAP_MESSAGE_SEND || ev->kind == TAP_PROCESS_SPAWN);
}

static bool is_effect(const struct tap_event *ev)
{
    return ev->flow && (ev->kind == TAP_MESSAGE_RECEIVE || ev->kind == TAP_PROCESS_START);
}

/* The word on a clock overtakes the events of its node: it says nothing of how far they are. */
static int64_t time_of(const struct tap_event *ev)
{
    return ev->kind == TAP_CLOCK ? INT64_MIN : ev->ts;
}

static size_t bytes_of(const struct tap_batch_impl *b)
{
    return (b->arena ? b->arena->base.size : 0) + b->base.count * sizeof(struct tap_event);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier_by(int64_t time, int64_t by)
{
    return time > INT64_MIN + by ? time - by : INT64_MIN;
}

/* What every stream has passed, and the clocks' errors on top: no cause of it can still be on its
 * way. Unknown where some clock's error is. Where none is open nothing is on its way. */
static int64_t passed_by_all(const struct tap_merge *m)
{
    int64_t passed = INT64_MAX, bound = 0, last = INT64_MIN;
    bool open = false;
    for (uint32_t i = 0; i < m->node_count; i++) {
        const struct merge_node *n = &m->nodes[i];
        last = later(last, n->latest);
        if (!n->open)
            continue;
        if (!n->bound)
            return INT64_MIN;
        open = true;
        passed = n->latest < passed ? n->latest : passed;
        bound = later(bound, n->bound);
    }
    if (!open) /* one that went behind its cause is a few ns later than it came */
        return last < INT64_MAX - DRIFT ? last + DRIFT : last;
    return bound < m->window ? earlier_by(passed, 2 * bound + DRIFT) : INT64_MIN;
}

static void look_ahead(struct tap_merge *m, int64_t time)
{
    int64_t due = later(earlier_by(time, m->window), passed_by_all(m));
    m->horizon = later(m->horizon, due);
}

/* ---- Whose head is the earliest */

/* A head's time and, where two have the same, its node: one number, which is compared without jumps
 * that could not be foretold. */
static __int128 head_of(const struct tap_merge *m, uint32_t node)
{
    return (__int128)m->nodes[node].key * ((__int128)1 << 32) + node;
}

static uint32_t node_of(__int128 head)
{
    return (uint32_t)head;
}

static void head_changed(struct tap_merge *m, uint32_t node)
{
    __int128 head = m->nodes[node].first ? head_of(m, node) : LAST, *tree = m->tree;
    uint32_t at = m->node_count + node;
    for (tree[at] = head; at > 1; tree[at /= 2] = head)
        head = tree[at ^ 1] < head ? tree[at ^ 1] : head;
}

static bool node_there(struct tap_merge *m, uint32_t node)
{
    if (node < m->node_count)
        return true;
    uint32_t count = m->node_count ? m->node_count : 2;
    while (count <= node)
        count *= 2;
    struct merge_node *nodes = realloc(m->nodes, count * sizeof *nodes);
    if (!nodes)
        return false;
    m->nodes = nodes;
    __int128 *tree = malloc(2 * count * sizeof *tree);
    if (!tree)
        return false;
    free(m->tree);
    m->tree = tree;
    for (uint32_t i = m->node_count; i < count; i++)
        nodes[i] = (struct merge_node){.key = INT64_MIN, .latest = INT64_MIN};
    m->node_count = count;
    for (uint32_t i = 0; i < 2 * count; i++)
        tree[i] = LAST;
    for (uint32_t i = 0; i < count; i++)
        head_changed(m, i);
    return true;
}

bool tap_merge_expect(struct tap_merge *m, uint32_t node)
{
    if (!node_there(m, node))
        return false;
    m->nodes[node].open = true;
    return true;
}

bool tap_merge_add(struct tap_merge *m, struct tap_batch_impl *batch, uint32_t node,
                   const struct tap_merge_progress *word)
{
    if (!tap_merge_expect(m, node))
        return false;
    struct merge_node *n = &m->nodes[node];
    n->bound = word->bound;
    for (uint32_t i = 0; i < batch->base.count; i++) {
        const struct tap_event *ev = &batch->events[i];
        n->latest = later(n->latest, batch->times[i] = time_of(ev));
        m->late += n->latest < m->gone && !tap_kind_is_control(ev->kind);
        if (is_cause(ev))
            m->causes[ev->flow & (CAUSES - 1)] =
                (struct merge_cause){ev->flow, n->latest, node, true};
        n->open = ev->kind != TAP_NODE_DOWN;
    }
    if (word->mark)
        n->latest = later(n->latest, word->mark);
    look_ahead(m, n->latest);
    if (batch->base.count == 0) {
        tap_batch_release(batch);
        return true;
    }
    m->held += bytes_of(batch);
    batch->next = NULL;
    if (n->first) {
        n->last->next = batch;
    } else {
        n->first = batch;
        n->at = 0;
        n->raised = 0;
        n->key = later(n->key, batch->times[0]);
        head_changed(m, node);
    }
    n->last = batch;
    return true;
}

void tap_merge_end(struct tap_merge *m)
{
    m->horizon = INT64_MAX;
}

/* ---- Going out */

/* Does the head wait for its cause, which is in another node's queue? Then it goes behind it. */
static bool goes_behind(struct tap_merge *m, uint32_t node, const struct tap_event *ev)
{
    struct merge_node *n = &m->nodes[node];
    const struct merge_cause *c = &m->causes[ev->flow & (CAUSES - 1)];
    if (c->flow != ev->flow || !c->waits || c->node == node || n->raised >= RAISES)
        return false;
    int64_t behind = later(c->key, m->nodes[c->node].key) + 1;
    if (behind <= n->key || behind - ev->ts > m->window)
        return false;
    n->key = behind;
    n->raised++;
    head_changed(m, node);
    return true;
}

/* What will be copied about sixteen events from now, of this node: its raw message follows those
 * before it. */
static void fetch(const struct tap_merge *m, const struct tap_batch_impl *b, uint32_t at)
{
    uint32_t ahead = m->node_count < 16 ? 16 / m->node_count : 1;
    if (b->base.count - at <= ahead)
        return;
    const char *event = (const char *)&b->events[at + ahead];
    for (size_t line = 0; line < sizeof(struct tap_event); line += TAP_CACHE_LINE)
        __builtin_prefetch(event + line);
    if (!b->base.arena)
        return;
    struct tap_span now = b->events[at].raw;
    const uint8_t *raw = b->base.arena + now.off + (size_t)now.len * ahead;
    __builtin_prefetch(raw);
    __builtin_prefetch(raw + TAP_CACHE_LINE);
}

static void take(struct tap_merge *m, uint32_t node)
{
    struct merge_node *n = &m->nodes[node];
    struct tap_batch_impl *b = n->first;
    const struct tap_event *ev = &b->events[n->at];
    if (is_cause(ev) && m->causes[ev->flow & (CAUSES - 1)].flow == ev->flow)
        m->causes[ev->flow & (CAUSES - 1)].waits = false;
    m->gone = later(m->gone, n->key);
    n->raised = 0;
    fetch(m, b, n->at);
    if (++n->at == b->base.count) {
        m->done = b;
        m->held -= bytes_of(b);
        n->first = b->next;
        n->at = 0;
    }
    if (n->first)
        n->key = later(n->key, n->first->times[n->at]);
    head_changed(m, node);
}

const struct tap_event *tap_merge_next(struct tap_merge *m, const uint8_t **arena)
{
    if (m->done)
        tap_batch_release(m->done);
    m->done = NULL;
    while (m->node_count && m->tree[1] != LAST) {
        uint32_t node = node_of(m->tree[1]);
        const struct merge_node *n = &m->nodes[node];
        if (n->key > m->horizon && m->held <= TAP_MERGE_HELD)
            return NULL;
        const struct tap_event *ev = &n->first->events[n->at];
        if (is_effect(ev) && goes_behind(m, node, ev))
            continue;
        *arena = n->first->base.arena;
        take(m, node);
        return ev;
    }
    return NULL;
}
