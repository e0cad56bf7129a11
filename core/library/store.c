/* store.c: see store.h. */
#include "library/store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* ---- Copies */

static size_t event_bytes(const struct tap_event *e)
{
    return e->raw.len ? e->raw.len
                      : (size_t)e->payload.len + e->metadata.len + tap_event_peer_term(e).len +
                            tap_event_stack(e).len;
}

static void copy_span(struct tap_span *span, const uint8_t *from, uint8_t *to, uint32_t *used)
{
    if (!span->len)
        return;
    memcpy(to + *used, from + span->off, span->len);
    span->off = *used;
    *used += span->len;
}

/* An event's spans are pieces of what it was made of, where it was made of something. */
static void copy_spans(struct tap_event *e, const uint8_t *from, uint8_t *to, uint32_t *used)
{
    struct tap_span *pieces[4] = {&e->payload, &e->metadata};
    uint32_t was = e->raw.off;
    int n = 2;
    if (e->peer_type == TAP_PEER_TERM)
        pieces[n++] = &e->peer_term;
    if (e->flags & TAP_EVENT_STACK)
        pieces[n++] = &e->stack;
    copy_span(&e->raw, from, to, used);
    for (int i = 0; i < n; i++) {
        if (!e->raw.len)
            copy_span(pieces[i], from, to, used);
        else if (pieces[i]->len)
            pieces[i]->off = e->raw.off + (pieces[i]->off - was);
    }
}

struct tap_chunk *tap_store_copy(const struct tap_batch *batch, const uint32_t *select, size_t n)
{
    size_t arena = 0;
    for (size_t i = 0; i < n; i++)
        arena += event_bytes(tap_batch_event(batch, select[i]));
    size_t size = sizeof(struct tap_chunk) + n * sizeof(struct tap_event) + arena;
    struct tap_chunk *k = arena < UINT32_MAX ? malloc(size) : NULL;
    if (!k)
        return NULL;
    uint8_t *bytes = (uint8_t *)&k->events[n];
    uint32_t used = 0;
    memset(k, 0, sizeof *k);
    atomic_init(&k->refs, 1);
    for (size_t i = 0; i < n; i++) {
        struct tap_event *e = &k->events[i];
        *e = *tap_batch_event(batch, select[i]);
        copy_spans(e, batch->arena, bytes, &used);
        k->counted += !tap_kind_is_control(e->kind);
    }
    k->bytes = size;
    k->base = (struct tap_batch){.struct_size = sizeof k->base,
                                 .event_size = sizeof(struct tap_event),
                                 .count = (uint32_t)n,
                                 .arena_len = used,
                                 .events = k->events,
                                 .arena = bytes};
    return k;
}

void tap_store_release(struct tap_chunk *k)
{
    if (k && atomic_fetch_sub(&k->refs, 1) == 1)
        free(k);
}

struct tap_chunk *tap_store_hold(struct tap_chunk *k)
{
    if (k)
        atomic_fetch_add(&k->refs, 1);
    return k;
}

/* ---- Falling out */

/* Without these the rest could not be drawn: they outlive what they came with, within a bound of
 * their own. */
static void keep_header(struct tap_store *s, const struct tap_chunk *old)
{
    uint32_t few[64];
    size_t n = 0;
    for (uint32_t i = 0; i < old->base.count && n < sizeof few / sizeof few[0]; i++)
        if (old->events[i].kind == TAP_NODE_UP || old->events[i].kind == TAP_NODE_DOWN ||
            old->events[i].kind == TAP_PROCESS_INFO || old->events[i].kind == TAP_PLAN)
            few[n++] = i;
    struct tap_chunk *k = n ? tap_store_copy(&old->base, few, n) : NULL;
    if (!k)
        return;
    k->index = old->index;
    *(s->header ? &s->header_tail->next : &s->header) = k;
    s->header_tail = k;
    s->header_bytes += k->bytes;
    while (s->header_bytes > s->keep / 4 && s->header != k) {
        struct tap_chunk *first = s->header;
        s->header = first->next;
        s->header_bytes -= first->bytes;
        tap_store_release(first);
    }
}

/* Room for what falls out of as many nodes as these events are of. */
static bool fallen_room(struct tap_store *s, const struct tap_chunk *k)
{
    uint32_t n = s->fallen_count;
    for (uint32_t i = 0; i < k->base.count; i++)
        n = k->events[i].node >= n ? k->events[i].node + 1 : n;
    if (n == s->fallen_count)
        return true;
    struct tap_fallen *more = realloc(s->fallen, n * sizeof *more);
    if (!more)
        return false;
    memset(more + s->fallen_count, 0, (n - s->fallen_count) * sizeof *more);
    s->fallen = more;
    s->fallen_count = n;
    return true;
}

static void count_fallen(struct tap_store *s, const struct tap_chunk *old)
{
    for (uint32_t i = 0; i < old->base.count; i++) {
        const struct tap_event *e = &old->events[i];
        struct tap_fallen *f = &s->fallen[e->node];
        if (tap_kind_is_control(e->kind))
            continue;
        if (f->events++ == 0) {
            f->seq = e->seq;
            f->ts = e->ts;
        }
    }
    s->evicted += old->counted;
}

static void let_fall(struct tap_store *s)
{
    while (s->bytes > s->keep && s->head != s->tail) {
        struct tap_chunk *old = s->head;
        s->head = old->next;
        s->bytes -= old->bytes;
        count_fallen(s, old);
        keep_header(s, old);
        tap_store_release(old);
    }
}

/* ---- Reading */

/* The one after `current`, under the lock. */
static struct tap_chunk *after(const struct tap_store *s, const struct tap_chunk *current)
{
    if (!current || (s->head && current->index < s->head->index))
        return s->head;
    return current->next;
}

struct tap_chunk *tap_store_next(struct tap_store *s, struct tap_chunk *current, uint64_t *missed)
{
    return tap_store_next_fallen(s, current, missed, NULL);
}

/* Between the two is what fell out meanwhile, if anything: then nothing that is in the store. */
struct tap_chunk *tap_store_next_fallen(struct tap_store *s, struct tap_chunk *current,
                                        uint64_t *missed, struct tap_fallen_list *fallen)
{
    pthread_mutex_lock(&s->lock);
    struct tap_chunk *next = tap_store_hold(after(s, current));
    *missed = next ? next->before - (current ? current->before + current->counted : 0) : 0;
    if (*missed && fallen) {
        size_t size = s->fallen_count * sizeof *s->fallen;
        struct tap_fallen *copy = malloc(size + 1);
        if (copy && size)
            memcpy(copy, s->fallen, size);
        free(fallen->nodes);
        *fallen = (struct tap_fallen_list){copy, copy ? s->fallen_count : 0};
    }
    pthread_mutex_unlock(&s->lock);
    if (next)
        tap_store_release(current);
    return next;
}

struct tap_chunk *tap_store_header(struct tap_store *s, struct tap_chunk *current)
{
    pthread_mutex_lock(&s->lock);
    struct tap_chunk *next = s->header;
    while (current && next && next->index <= current->index)
        next = next->next;
    tap_store_hold(next);
    pthread_mutex_unlock(&s->lock);
    if (next)
        tap_store_release(current);
    return next;
}

bool tap_store_wait(struct tap_store *s, const struct tap_chunk *current, int64_t deadline)
{
    struct timespec until = {deadline / TAP_SECOND, deadline % TAP_SECOND};
    pthread_mutex_lock(&s->lock);
    while (!s->ended && !after(s, current))
        if (pthread_cond_timedwait(&s->more, &s->lock, &until))
            break;
    bool more = !s->ended || after(s, current);
    pthread_mutex_unlock(&s->lock);
    return more;
}

void tap_store_end(struct tap_store *s)
{
    pthread_mutex_lock(&s->lock);
    s->ended = true;
    pthread_cond_broadcast(&s->more);
    pthread_mutex_unlock(&s->lock);
}

/* ---- The sink */

static enum tap_status store_create(const struct tap_host *host, const void *settings, void **self)
{
    const struct tap_store_settings *given = settings;
    struct tap_store *s = calloc(1, sizeof *s);
    pthread_condattr_t attr;
    if (!s)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    s->host = host;
    s->keep = given->keep > 0 ? (size_t)given->keep : TAP_STORE_KEEP;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->more, &attr);
    pthread_condattr_destroy(&attr);
    *self = s;
    return TAP_OK;
}

static enum tap_status store_nothing(void *self)
{
    (void)self;
    return TAP_OK;
}

static enum tap_status store_piece(struct tap_store *s, const struct tap_batch *batch,
                                   const uint32_t *select, size_t n)
{
    struct tap_chunk *k = tap_store_copy(batch, select, n);
    if (!k)
        return TAP_FAIL(s->host, TAP_ERROR, "out of memory");
    uint32_t counted = k->counted;
    size_t bytes = k->bytes;
    pthread_mutex_lock(&s->lock);
    if (!fallen_room(s, k)) {
        pthread_mutex_unlock(&s->lock);
        tap_store_release(k);
        return TAP_FAIL(s->host, TAP_ERROR, "out of memory");
    }
    k->index = s->index++;
    k->before = s->counted;
    s->counted += counted;
    *(s->head ? &s->tail->next : &s->head) = k;
    s->tail = k;
    s->bytes += bytes;
    let_fall(s);
    pthread_cond_broadcast(&s->more);
    pthread_mutex_unlock(&s->lock);
    s->host->sink->written(s->host, counted, bytes);
    return TAP_OK;
}

/* In pieces of which several fit: what falls out is the oldest, and little more than must. */
static enum tap_status store_consume(void *self, const struct tap_batch *batch,
                                     const uint32_t *select, size_t n)
{
    struct tap_store *s = self;
    enum tap_status status = TAP_OK;
    for (size_t from = 0, to; status == TAP_OK && from < n; from = to) {
        size_t bytes = 0;
        for (to = from; to < n && bytes < s->keep / 16; to++)
            bytes += sizeof(struct tap_event) + event_bytes(tap_batch_event(batch, select[to]));
        status = store_piece(s, batch, select + from, to - from);
    }
    return status;
}

static void release_all(struct tap_chunk *k)
{
    while (k) {
        struct tap_chunk *next = k->next;
        tap_store_release(k);
        k = next;
    }
}

static void store_destroy(void *self)
{
    struct tap_store *s = self;
    release_all(s->head);
    release_all(s->header);
    free(s->fallen);
    pthread_cond_destroy(&s->more);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static const struct tap_sink_ops store_ops = {.struct_size = sizeof store_ops,
                                              .create = store_create,
                                              .start = store_nothing,
                                              .consume = store_consume,
                                              .flush = store_nothing,
                                              .stop = store_nothing,
                                              .destroy = store_destroy};
static const struct tap_option store_options[] = {
    {.name = "keep",
     .type = TAP_OPT_SIZE,
     .def = "64M",
     .min = 4096,
     .max = INT64_C(1) << 40,
     .help = "bytes of events that are kept",
     .flags = TAP_OPT_BYTES,
     .offset = offsetof(struct tap_store_settings, keep)},
};
static const struct tap_plugin store_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "events",
    .version = "",
    .summary = "keeps the events in memory",
    .license = "Apache-2.0",
    .options = store_options,
    .option_count = sizeof store_options / sizeof store_options[0],
    .settings_size = sizeof(struct tap_store_settings),
    .ops = &store_ops,
};
const struct tap_loaded tap_store_plugin = {&store_plugin, "built in", store_options};
