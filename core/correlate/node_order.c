/* node_order.c: a queue of batches, each in order and none overlapping the next.
 *
 * A batch that comes is put in order in itself; where it begins before the queue ends, the events
 * that overlap, of both, are taken out into a batch of their own between the two.
 */
#include "correlate/node_order.h"

#include <stdlib.h>
#include <string.h>

struct place {
    int64_t time;
    const uint8_t *arena;
    uint32_t index;
};
/* Numbers that nobody tells of, before the event that came as the `at`-th. */
struct hole {
    uint64_t at, size;
};

struct tap_node_order {
    int64_t window;
    bool raw;
    int64_t latest; /* time of all that came */
    int64_t passed; /* by the stream, or by a mark */
    int64_t gone;   /* the latest time that went out */
    uint64_t late;
    size_t held;
    struct tap_batch_impl *first, *last;
    uint64_t came, went;      /* events */
    uint64_t in_seq, out_seq; /* the number that comes next, on either side */
    bool moved;               /* some have changed places: out_seq counts */
    struct hole *holes;       /* a ring of a power of two */
    uint32_t hole_cap, hole_first, hole_count;
    struct place *places, *spare; /* for sorting: they grow as needed */
    struct tap_event *events;
    uint32_t cap;
};

struct tap_node_order *tap_node_order_new(int64_t window, bool raw)
{
    struct tap_node_order *o = calloc(1, sizeof *o);
    if (o)
        *o = (struct tap_node_order){.window = window,
                                     .raw = raw,
                                     .latest = INT64_MIN,
                                     .passed = INT64_MIN,
                                     .gone = INT64_MIN};
    return o;
}

void tap_node_order_free(struct tap_node_order *o)
{
    if (!o)
        return;
    for (struct tap_batch_impl *b = o->first, *next; b; b = next) {
        next = b->next;
        tap_batch_release(b);
    }
    free(o->holes);
    free(o->places);
    free(o->spare);
    free(o->events);
    free(o);
}

void tap_node_order_again(struct tap_node_order *o)
{
    o->latest = o->passed = o->gone = INT64_MIN;
}

uint64_t tap_node_order_late(const struct tap_node_order *o)
{
    return o->late;
}

int64_t tap_node_order_passed(const struct tap_node_order *o)
{
    return o->passed > INT64_MIN + o->window ? o->passed - o->window : INT64_MIN;
}

void tap_node_order_mark(struct tap_node_order *o, int64_t mark)
{
    if (mark && mark > o->passed)
        o->passed = mark;
}

static size_t bytes_of(const struct tap_batch_impl *b)
{
    return (b->arena ? b->arena->base.size : 0) + b->base.count * sizeof(struct tap_event);
}

/* ---- Numbers */

/* How many an event stands for. */
static uint64_t numbers_of(const struct tap_event *ev)
{
    return ev->kind <= TAP_KIND_USER_LAST ? 1 : ev->kind == TAP_LOST ? ev->lost : 0;
}

/* Out of memory: the numbers behind it are smaller by it. */
static void note_hole(struct tap_node_order *o, uint64_t size)
{
    if (o->hole_count == o->hole_cap) {
        uint32_t cap = o->hole_cap ? 2 * o->hole_cap : 16;
        struct hole *wider = malloc(cap * sizeof *wider);
        if (!wider)
            return;
        for (uint32_t i = 0; i < o->hole_count; i++)
            wider[i] = o->holes[(o->hole_first + i) & (o->hole_cap - 1)];
        free(o->holes);
        o->holes = wider;
        o->hole_cap = cap;
        o->hole_first = 0;
    }
    o->holes[(o->hole_first + o->hole_count++) & (o->hole_cap - 1)] = (struct hole){o->came, size};
}

/* A number that does not follow on the one before. */
static void number_in(struct tap_node_order *o, const struct tap_event *ev)
{
    if (o->came && ev->seq > o->in_seq)
        note_hole(o, ev->seq - o->in_seq);
    o->in_seq = ev->seq;
}

/* An event of `b`, or of the queue, is about to change its place: from the first that waits on,
 * numbers are given anew until nothing waits. */
static void will_move(struct tap_node_order *o, const struct tap_batch_impl *b)
{
    if (o->moved)
        return;
    const struct hole *hole = o->hole_count ? &o->holes[o->hole_first] : NULL;
    o->moved = true;
    o->out_seq = (o->first ? o->first : b)->events[0].seq;
    o->out_seq -= hole && hole->at == o->went ? hole->size : 0;
}

/* How many numbers are missing before the event that goes. */
static uint64_t take_hole(struct tap_node_order *o)
{
    if (!o->hole_count || o->holes[o->hole_first].at > o->went)
        return 0;
    uint64_t size = o->holes[o->hole_first].size;
    o->hole_first = (o->hole_first + 1) & (o->hole_cap - 1);
    o->hole_count--;
    return size;
}

static void number_out(struct tap_node_order *o, struct tap_batch_impl *b)
{
    if (!o->moved && !o->hole_count) {
        o->went += b->base.count;
        return;
    }
    for (uint32_t i = 0; i < b->base.count; i++, o->went++) {
        uint64_t hole = take_hole(o);
        if (!o->moved)
            continue;
        b->events[i].seq = o->out_seq += hole;
        o->out_seq += numbers_of(&b->events[i]);
    }
}

/* ---- Times */

/* Tells nothing of when it happened. */
static bool is_timeless(const struct tap_event *ev)
{
    return ev->kind == TAP_LOST || ev->kind == TAP_NODE_DOWN || ev->kind == TAP_PROCESS_INFO ||
           ev->kind == TAP_PLAN || ev->kind == TAP_RETURNS_OFF || ev->kind == TAP_MARK;
}

/* The time in the order of an event that is not asked for. */
static int64_t time_of(const struct tap_node_order *o, struct tap_event *ev)
{
    if (is_timeless(ev) && o->latest > ev->ts)
        ev->ts = o->latest;
    /* The word on a clock overtakes events: it stays where it came. */
    return ev->kind == TAP_CLOCK ? o->latest : ev->ts;
}

/* Each event's time in the order; true when they are in order. */
static bool read_times(struct tap_node_order *o, struct tap_batch_impl *b)
{
    int64_t before = INT64_MIN;
    bool sorted = true;
    for (uint32_t i = 0; i < b->base.count; i++) {
        struct tap_event *ev = &b->events[i];
        bool common = ev->kind <= TAP_KIND_USER_LAST;
        int64_t time = common ? ev->ts : time_of(o, ev);
        if (time > o->latest)
            o->latest = time;
        b->times[i] = time;
        sorted &= time >= before;
        before = time;
        if (__builtin_expect(ev->seq != o->in_seq, 0))
            number_in(o, ev);
        o->in_seq += common ? 1 : numbers_of(ev);
        o->came++;
    }
    return sorted;
}

static int64_t end_of(const struct tap_batch_impl *b)
{
    return b->times[b->base.count - 1];
}

/* ---- Sorting */

static bool make_room(struct tap_node_order *o, uint32_t n)
{
    if (n <= o->cap)
        return true;
    uint32_t cap = n < 1024 ? 1024 : n;
    struct place *places = malloc(cap * sizeof *places), *spare = malloc(cap * sizeof *spare);
    struct tap_event *events = aligned_alloc(TAP_CACHE_LINE, cap * sizeof *events);
    if (!places || !spare || !events) {
        free(places);
        free(spare);
        free(events);
        return false;
    }
    free(o->places);
    free(o->spare);
    free(o->events);
    o->places = places;
    o->spare = spare;
    o->events = events;
    o->cap = cap;
    return true;
}

/* Puts the events of a batch from `from` to `to` behind the `n` that are there; how many there are
 * then. */
static uint32_t gather(struct tap_node_order *o, uint32_t n, const struct tap_batch_impl *b,
                       uint32_t from, uint32_t to)
{
    for (; from < to; from++, n++) {
        o->events[n] = b->events[from];
        o->places[n] = (struct place){b->times[from], b->base.arena, n};
    }
    return n;
}

/* Two sorted neighbours become one: at once where they do not overlap, which is nearly always. */
static void join(struct place *p, uint32_t n, uint32_t middle, struct place *spare)
{
    if (p[middle - 1].time <= p[middle].time)
        return;
    memcpy(spare, p, middle * sizeof *p);
    for (uint32_t at = 0, left = 0, right = middle; left < middle; at++)
        p[at] = right < n && p[right].time < spare[left].time ? p[right++] : spare[left++];
}

static void sort(struct tap_node_order *o, uint32_t n)
{
    for (uint64_t width = 1; width < n; width *= 2)
        for (uint64_t at = 0; n - at > width; at += 2 * width) {
            uint64_t end = n - at < 2 * width ? n - at : 2 * width;
            join(o->places + at, (uint32_t)end, (uint32_t)width, o->spare);
            if (end < 2 * width)
                break;
        }
}

/* The batch, which is in no order, in order. */
static void sort_batch(struct tap_node_order *o, struct tap_batch_impl *b)
{
    if (!make_room(o, b->base.count))
        return;
    will_move(o, b);
    uint32_t n = gather(o, 0, b, 0, b->base.count);
    sort(o, n);
    for (uint32_t i = 0; i < n; i++) {
        b->events[i] = o->events[o->places[i].index];
        b->times[i] = o->places[i].time;
    }
}

/* ---- The queue */

static void append(struct tap_node_order *o, struct tap_batch_impl *b)
{
    b->next = NULL;
    if (o->first)
        o->last->next = b;
    else
        o->first = b;
    o->last = b;
    o->held += bytes_of(b);
}

/* The first of a batch's events that is later than `time`, or, `same`, not earlier. */
static uint32_t find_time(const struct tap_batch_impl *b, int64_t time, bool same)
{
    uint32_t low = 0, high = b->base.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (b->times[middle] > time || (same && b->times[middle] == time))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* What overlaps, of a batch in the queue from `k` on and of one that came from `p` to `q`, in a
 * batch of their own, in order. NULL: out of memory. */
static struct tap_batch_impl *weave(struct tap_node_order *o, const struct tap_batch_impl *held,
                                    uint32_t k, const struct tap_batch_impl *b, uint32_t p,
                                    uint32_t q)
{
    if (!make_room(o, held->base.count - k + q - p))
        return NULL;
    uint32_t n = gather(o, gather(o, 0, held, k, held->base.count), b, p, q);
    size_t bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += tap_event_bytes(&o->events[i], o->raw);
    sort(o, n);
    struct tap_arena *arena = tap_arena_get(b->pool, bytes ? bytes : 1);
    struct tap_batch_impl *out = arena ? tap_batch_get(b->pool, arena, arena->size, n) : NULL;
    if (!out)
        return NULL;
    out->base.arena_len = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct place *at = &o->places[i];
        if (!tap_batch_copy(out, &o->events[at->index], at->arena, o->raw)) {
            tap_batch_release(out);
            return NULL;
        }
    }
    for (uint32_t i = 0; i < n; i++) /* not before: a batch that grows forgets them */
        out->times[i] = o->places[i].time;
    return out;
}

/* Puts the events of `b` from `p` to `q`, which are earlier than the end of `held`, among its own:
 * the batch that ends with them; NULL: out of memory. */
static struct tap_batch_impl *put_among(struct tap_node_order *o, struct tap_batch_impl **held_at,
                                        const struct tap_batch_impl *b, uint32_t p, uint32_t q)
{
    struct tap_batch_impl *held = *held_at;
    uint32_t k = find_time(held, b->times[p], false);
    struct tap_batch_impl *woven = weave(o, held, k, b, p, q);
    if (!woven)
        return NULL;
    o->held += bytes_of(woven);
    o->held -= bytes_of(held);
    woven->next = held->next;
    if (o->last == held)
        o->last = woven;
    held->base.count = k;
    if (k) {
        o->held += bytes_of(held);
        held->next = woven;
    } else {
        *held_at = woven;
        tap_batch_release(held);
    }
    return woven;
}

/* Gives the queue those events of a batch in order that are earlier than its end: how many. */
static uint32_t overlap(struct tap_node_order *o, const struct tap_batch_impl *b)
{
    uint32_t p = 0;
    will_move(o, b);
    for (struct tap_batch_impl **at = &o->first; *at && p < b->base.count; at = &(*at)->next) {
        if (end_of(*at) <= b->times[p])
            continue;
        uint32_t q = find_time(b, end_of(*at), true);
        struct tap_batch_impl *woven = put_among(o, at, b, p, q);
        if (!woven)
            break;
        if (*at != woven)
            at = &(*at)->next;
        p = q;
    }
    return p;
}

void tap_node_order_add(struct tap_node_order *o, struct tap_batch_impl *b, int64_t mark)
{
    if (b->base.count && !read_times(o, b))
        sort_batch(o, b);
    if (o->latest > o->passed)
        o->passed = o->latest;
    tap_node_order_mark(o, mark);
    uint32_t gone = o->first && b->base.count && b->times[0] < end_of(o->last) ? overlap(o, b) : 0;
    b->base.count -= gone;
    if (b->base.count == 0) {
        tap_batch_release(b);
        return;
    }
    if (gone) {
        memmove(b->events, b->events + gone, b->base.count * sizeof *b->events);
        memmove(b->times, b->times + gone, b->base.count * sizeof *b->times);
    }
    append(o, b);
}

struct tap_batch_impl *tap_node_order_next(struct tap_node_order *o, size_t limit)
{
    struct tap_batch_impl *b = o->first;
    if (!b || (o->held <= limit && limit && end_of(b) > tap_node_order_passed(o)))
        return NULL;
    o->first = b->next;
    o->held -= bytes_of(b);
    number_out(o, b);
    o->moved &= o->first != NULL;
    if (__builtin_expect(b->times[0] < o->gone, 0))
        o->late += find_time(b, o->gone, true);
    o->gone = end_of(b) > o->gone ? end_of(b) : o->gone;
    return b;
}
