/* player.c: see player.h. What a file says of itself (beamtap/frame.h) becomes what a live
 * transport would tell: nodes that come and go. */
#include "transports/file/lives.h"

#include <poll.h>

#define ARENA_SIZE (256u << 10)
/* ns that one node may be ahead of another file's: a small part of what `reorder` may be */
#define AHEAD INT64_C(10000000)
/* ns by which messages of one trace port may be out of their order */
#define OVERLAP INT64_C(1000000000)

/* ---- Handing over */

static void commit(struct tap_player *p)
{
    if (!p->arena)
        return;
    while (!p->host->transport->may_grant(p->host) && p->host->transport->stopping(p->host) < 2)
        p->host->transport->wait(p->host, NULL, 0, 100);
    p->host->transport->commit(p->host, p->arena, p->node->index, p->frames, p->count);
    p->arena = NULL;
    p->used = p->count = 0;
    p->loss = false;
}

/* ---- Frames */

/* A live run's sinks were told of losses one by one: two that came apart stay apart. */
static bool is_loss(const struct tap_frame *h)
{
    return h->count == 0 && h->lost > 0 && h->why > 0;
}

static bool is_left_out(const struct tap_frame *h)
{
    return h->count == 0 && h->lost > 0 && h->why == 0 && !(h->flags & TAP_FRAME_PASSED);
}

static bool is_ahead(const struct tap_player *p, const struct tap_source *s)
{
    return p->source_count > 1 && (__int128)s->time - p->since > AHEAD;
}

static enum tap_status take(struct tap_player *p, struct tap_source *s, struct tap_source_node *n,
                            struct tap_frame h, const uint8_t *frame)
{
    size_t size = TAP_FRAME_HEADER + (size_t)h.length;
    if (!n->alive && tap_life_begin(p, s, n) != TAP_OK)
        return TAP_ERROR;
    if (!n->traced && !(h.flags & TAP_FRAME_OWN)) { /* the time of its end is no sign of life */
        p->host->transport->node_state(p->host, n->index, TAP_NODE_TRACING, NULL);
        n->traced = true;
    }
    if (p->arena && (p->node != n || p->count == TAP_PLAYER_FRAMES ||
                     p->arena->size - p->used < size || (p->loss && is_loss(&h)) || is_ahead(p, s)))
        commit(p);
    if (!p->arena &&
        !(p->arena = p->host->transport->reserve(p->host, size > ARENA_SIZE ? size : ARENA_SIZE)))
        return TAP_FAIL(p->host, TAP_ERROR, "out of memory");
    memcpy(p->arena->data + p->used, frame, size);
    h.seq += n->base;
    if (n->base)
        tap_put_u64(p->arena->data + p->used + 16, h.seq);
    p->since = p->count ? p->since : s->time;
    p->frames[p->count++] = (uint32_t)p->used;
    p->used += size;
    p->node = n;
    /* neither when it was nor what was left out parts two losses for the core */
    p->loss = is_loss(&h) || (p->loss && (h.flags & TAP_FRAME_OWN || is_left_out(&h)));
    uint64_t next = h.seq + (h.flags & TAP_FRAME_CONTROL ? 0 : h.count);
    n->next = next > n->next ? next : n->next; /* less: what another file had already */
    return TAP_OK;
}

/* Events that were not read, for no filter would let them through: at most so many. They stand
 * first in what is handed over, for the core takes their time for that of all before the rest. */
static enum tap_status tell_unread(struct tap_player *p, struct tap_source *s,
                                   struct tap_source_node *n, uint64_t most)
{
    uint64_t left = n->unread.events < most ? n->unread.events : most;
    enum tap_status status = TAP_OK;
    n->unread.events = 0;
    while (left && status == TAP_OK) {
        uint8_t bytes[TAP_FRAME_HEADER + 8];
        struct tap_frame passed = {.flags = TAP_FRAME_RECORDED | TAP_FRAME_PASSED,
                                   .lost = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX - 1,
                                   .length = 8};
        passed.seq = n->next + passed.lost;
        tap_frame_write(bytes, &passed);
        tap_put_u64(bytes + TAP_FRAME_HEADER, (uint64_t)n->unread.last);
        commit(p);
        status = take(p, s, n, passed, bytes);
        left -= passed.lost;
    }
    return status;
}

/* How many of those that are missing here may have been in what is damaged, of any file that has
 * this node: they are not looked for a second time. */
static uint64_t spend_damage(struct tap_player *p, const struct tap_source_node *first,
                             uint64_t missing)
{
    uint64_t left = missing;
    for (size_t i = 0; i < p->source_count && left; i++)
        for (size_t k = 0; p->sources[i].damages && left && k < TAP_SOURCE_NODES; k++) {
            struct tap_source_node *n = &p->sources[i].nodes[k];
            if (!n->known || tap_node_first(n) != first)
                continue;
            uint64_t part = n->damaged < left ? n->damaged : left;
            n->damaged -= n->damaged == UINT64_MAX ? 0 : part;
            left -= part;
        }
    return missing - left;
}

/* Numbers of blocks that were passed over, or that no file of the run has: a frame says that they
 * were left out. What it does not speak of is lost. */
static enum tap_status pass(struct tap_player *p, struct tap_source *s, struct tap_source_node *own)
{
    const struct tap_frame *h = &s->header;
    struct tap_source_node *n = tap_node_first(own);
    uint8_t bytes[TAP_FRAME_HEADER];
    struct tap_frame left_out = {
        .flags = TAP_FRAME_RECORDED, .lost = TAP_FRAME_LOST_ALL, .node = h->node};
    if (n->unread.events && !n->alive && tap_life_begin(p, s, n) != TAP_OK)
        return TAP_ERROR;
    if (n->unread.events && h->seq > n->next && tell_unread(p, s, n, h->seq - n->next) != TAP_OK)
        return TAP_ERROR;
    uint64_t missing = n->alive && h->seq > n->next ? h->seq - n->next : 0, lost = 0;
    if (s->joint && is_loss(h)) /* that it tells itself */
        lost = h->lost < missing ? h->lost : missing;
    lost += spend_damage(p, n, missing - lost);
    bool some = (n->left_out || s->joint) && missing > lost;
    left_out.seq = some ? h->seq - lost : 0;
    n->left_out = false;
    own->damaged = 0; /* it lies behind */
    tap_frame_write(bytes, &left_out);
    return some ? take(p, s, n, left_out, bytes) : TAP_OK;
}

/* Events that another file of the run had already are taken once, by their numbers. */
static void count(struct tap_source *s, const struct tap_source_node *n)
{
    const struct tap_frame *h = &s->header;
    if (h->flags & TAP_FRAME_CONTROL)
        return;
    uint64_t had = s->joint && n->alive && h->seq < n->next ? n->next - h->seq : 0;
    s->events += h->count;
    s->again += had < h->count ? had : h->count;
}

/* Has every file of the run that goes on come to this node's end, too? */
static bool all_told(struct tap_player *p, struct tap_source *s, struct tap_source_node *first,
                     unsigned lives)
{
    for (size_t i = 0; s->joint && i < p->source_count; i++) {
        struct tap_source *o = &p->sources[i];
        for (size_t k = 0; o->joint && o->got == TAP_READER_FRAME && k < TAP_SOURCE_NODES; k++)
            if (o->nodes[k].known && tap_node_first(&o->nodes[k]) == first &&
                o->nodes[k].lives < lives)
                return false;
    }
    return true;
}

static enum tap_status node_down(struct tap_player *p, struct tap_source *s, struct tap_cursor *c)
{
    const struct tap_frame *h = &s->header;
    struct tap_source_node *own = &s->nodes[h->node], *n = tap_node_first(own);
    int64_t reason;
    if (!own->known || !tap_read_i64(c, &reason))
        return tap_source_bad(s);
    n->told = true;
    if (!all_told(p, s, n, ++own->lives))
        return TAP_OK; /* another one may have what came before it */
    if (pass(p, s, own) != TAP_OK)
        return TAP_ERROR;
    commit(p);
    if (reason && n->traced)
        p->host->log(p->host, TAP_LOG_WARNING, "%s was lost during the recording",
                     p->host->node(p->host, n->index)->name);
    if (!n->alive && tap_life_begin(p, s, n) != TAP_OK) /* it was never traced */
        return TAP_ERROR;
    n->next = h->seq + n->base > n->next ? h->seq + n->base : n->next;
    if (!tap_life_goes_on(p, s, n))
        tap_life_end(p, n, reason);
    return TAP_OK;
}

static bool is_behind(const struct tap_report_place *a, const struct tap_report_place *b)
{
    if (a->life != b->life)
        return a->life > b->life;
    return a->seq != b->seq ? a->seq > b->seq : a->count > b->count;
}

/* Reports are played as the first file has them. Where that ended before its run did, another one
 * tells them from there on. */
static bool told_elsewhere(struct tap_source_node *own, const struct tap_frame *h)
{
    struct tap_report_place *at = &own->reports;
    bool again = at->life == own->lives && at->seq == h->seq;
    *at = (struct tap_report_place){own->lives, h->seq, again ? at->count + 1 : 1};
    if (!own->twin)
        return false;
    if (own->twin->of->got == TAP_READER_FRAME || !is_behind(at, &own->twin->reports))
        return true;
    own->twin->reports = *at;
    return false;
}

static enum tap_status play(struct tap_player *p, struct tap_source *s)
{
    struct tap_cursor c;
    const struct tap_frame *h = &s->header;
    if (h->node >= TAP_SOURCE_NODES)
        return tap_source_bad(s);
    s->begun = true;
    if (h->flags & TAP_FRAME_OWN) {
        if (tap_told_term(h, s->frame, 2, "node", &c))
            return tap_life_named(p, s, &c);
        if (tap_told_term(h, s->frame, 2, "node_down", &c))
            return node_down(p, s, &c);
        bool timed =
            tap_told_term(h, s->frame, 2, "at", &c) || tap_told_term(h, s->frame, 2, "timed", &c);
        if (!timed || s->joint) /* of several files none knows what comes before it */
            return TAP_OK;      /* or of a later version */
    }
    struct tap_source_node *own = &s->nodes[h->node], *n = tap_node_first(own);
    if (!own->known)
        return tap_source_bad(s);
    if (s->joint && (h->flags & TAP_FRAME_CONTROL ? told_elsewhere(own, h) : is_left_out(h)))
        return TAP_OK;
    count(s, n);
    enum tap_status status = pass(p, s, own);
    return status == TAP_OK ? take(p, s, n, *h, s->frame) : status;
}

/* ---- The run */

static int64_t due(struct tap_player *p, struct tap_source *s)
{
    const struct tap_frame *h = &s->header;
    if (h->node >= TAP_SOURCE_NODES || h->flags & TAP_FRAME_CONTROL || h->count == 0)
        return 0;
    return p->source_count > 1 ? tap_pace_until(&p->pace, s->time)
                               : tap_pace_due(&s->nodes[h->node].pace, h, s->frame);
}

/* Until the frame is due, what came before it is handed over. False: the run is to end. */
static bool wait_for(struct tap_player *p, struct tap_source *s)
{
    int64_t ms;
    while (p->real && (ms = due(p, s)) > 0) {
        if (p->host->transport->stopping(p->host))
            return false;
        commit(p);
        p->host->transport->wait(p->host, NULL, 0, ms < 100 ? (int)ms : 100);
    }
    return true;
}

/* Is a's frame before b's? Where both are of one node and run its numbers say so. */
static bool is_before(const struct tap_source *a, const struct tap_source *b)
{
    if (a->joint && b->joint) {
        struct tap_source_node *m = &a->nodes[a->header.node % TAP_SOURCE_NODES],
                               *n = &b->nodes[b->header.node % TAP_SOURCE_NODES];
        if (m->known && n->known && tap_node_first(m) == tap_node_first(n)) {
            if (m->lives != n->lives)
                return m->lives < n->lives;
            if (a->header.seq != b->header.seq)
                return a->header.seq < b->header.seq;
        }
    }
    return a->time < b->time;
}

/* Is what comes next of a life that has to wait for the one before it to end in another file? */
static bool waits(const struct tap_source *s)
{
    struct tap_source_node *n = &s->nodes[s->header.node % TAP_SOURCE_NODES];
    return s->joint && n->known && tap_node_first(n)->told && n->lives > tap_node_first(n)->ended;
}

/* Of what a trace port wrote to several files, does the piece before this one still go on?
 * Schedulers write in turns: a piece's first message may be older than the last ones of the piece
 * before. What is that much older is of another trace. */
static bool waits_for_piece(const struct tap_player *p, const struct tap_source *s)
{
    bool begins = s->port && !s->begun;
    for (const struct tap_source *o = p->sources; begins && o < p->sources + p->source_count; o++)
        if (o != s && o->port && o->begun && o->got == TAP_READER_FRAME &&
            o->started <= s->started && (__int128)o->passed - s->time < OVERLAP &&
            strcmp(o->port->frames.node, s->port->frames.node) == 0)
            return true;
    return false;
}

/* The next frame of each is at hand, or its end. */
static void make_ready(struct tap_player *p)
{
    for (struct tap_source *s = p->sources; s < p->sources + p->source_count; s++) {
        if (s->ready)
            continue;
        tap_source_next(s, p->source_count > 1);
        if (s->got == TAP_READER_FRAME || s->got == TAP_READER_STOPPED || !s->port ||
            !s->nodes[0].known)
            continue;
        commit(p); /* where the piece has no whole end, the next one goes on all the same */
        tap_life_goes_on(p, s, &s->nodes[0]);
    }
}

/* Whose frame is the earliest; NULL: all are at their ends. */
static struct tap_source *whose_turn(struct tap_player *p)
{
    struct tap_source *first = NULL, *waiting = NULL;
    make_ready(p);
    for (size_t i = 0; i < p->source_count; i++) {
        struct tap_source *s = &p->sources[i];
        if (s->got != TAP_READER_FRAME || waits_for_piece(p, s))
            continue;
        if (waits(s))
            waiting = s;
        else if (!first || is_before(s, first))
            first = s;
    }
    if (first || !waiting)
        return first;
    commit(p); /* the file that it waits for has no end of that life */
    tap_life_end(p, tap_node_first(&waiting->nodes[waiting->header.node % TAP_SOURCE_NODES]), true);
    return waiting;
}

static void tell_again(const struct tap_player *p)
{
    uint64_t again = 0;
    for (const struct tap_source *s = p->sources; s < p->sources + p->source_count; s++) {
        if (s->again && s->again == s->events)
            p->host->log(p->host, TAP_LOG_WARNING,
                         "%s is a copy of another of the files, or of a part of it: all of its "
                         "%llu events are there, too, and each is told once",
                         s->path, (unsigned long long)s->events);
        else
            again += s->again;
    }
    if (again)
        p->host->log(p->host, TAP_LOG_WARNING,
                     "%llu times an event came that another of the files had already, for these "
                     "are of one run: each is told once",
                     (unsigned long long)again);
}

/* Until a pipe has more, what came before is handed over. */
static bool wait_to_read(void *arg, int fd)
{
    struct tap_player *p = arg;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, 0) > 0)
        return true;
    commit(p);
    while (!p->host->transport->stopping(p->host)) {
        p->host->transport->wait(p->host, &ready, 1, 1000);
        if (ready.revents)
            return true;
    }
    return false;
}

enum tap_status tap_player_run(struct tap_player *p)
{
    enum tap_status status = TAP_OK;
    struct tap_source *s;
    bool stopped = false;
    for (s = p->sources; s < p->sources + p->source_count; s++) {
        s->reader.wait = wait_to_read;
        s->reader.wait_arg = p;
    }
    while (status == TAP_OK && !(stopped = p->host->transport->stopping(p->host)) &&
           (s = whose_turn(p)) != NULL) {
        if (wait_for(p, s)) {
            status = play(p, s);
            s->ready = s->got != TAP_READER_FRAME; /* it was none: see tap_source_bad */
        }
    }
    commit(p);
    for (s = p->sources; s < p->sources + p->source_count; s++)
        stopped |= s->got == TAP_READER_STOPPED;
    bool ended = status == TAP_OK && !stopped;
    for (size_t k = 0; p->source_count == 1 && ended && k < TAP_SOURCE_NODES; k++)
        if (p->sources[0].nodes[k].alive)
            tell_unread(p, &p->sources[0], &p->sources[0].nodes[k], UINT64_MAX);
    commit(p);
    for (size_t i = 0; i < p->source_count && ended; i++)
        if (tap_source_ended(&p->sources[i]) != TAP_OK)
            status = TAP_ERROR;
    tell_again(p);
    if (ended)
        tap_life_of_none(p);
    for (size_t i = 0; i < p->source_count; i++)
        for (size_t k = 0; k < TAP_SOURCE_NODES; k++)
            tap_life_end(p, &p->sources[i].nodes[k], !stopped && !p->sources[i].nodes[k].told);
    return status;
}

void tap_player_free(struct tap_player *p)
{
    if (p->arena)
        p->host->transport->discard(p->host, p->arena);
    for (size_t i = 0; i < p->source_count; i++)
        tap_source_close(&p->sources[i]);
    free(p->sources);
    free(p->who);
}
