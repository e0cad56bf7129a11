/* sink.c: see sink.h. */
#include "bus/sink.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

static void bump(atomic_uint_fast64_t *figure, uint64_t n)
{
    if (n)
        atomic_fetch_add_explicit(figure, n, memory_order_relaxed);
}

/* Every call of the plugin is between these, so that one that hangs can be seen, and one that
 * crashes has a name. */
static void call_begins(struct tap_sink *s, const char *name)
{
    s->operation = name;
    tap_operation_begin((struct tap_operation){name, s->section, s->file, &s->crashed});
    atomic_store_explicit(&s->call_since, tap_clock_steady(), memory_order_relaxed);
}
static enum tap_status call_ends(struct tap_sink *s, enum tap_status status)
{
    atomic_store_explicit(&s->call_left, tap_clock_steady(), memory_order_relaxed);
    atomic_store_explicit(&s->call_since, 0, memory_order_release); /* behind call_left */
    tap_operation_end((struct tap_operation){NULL, NULL, NULL, NULL});
    return status == TAP_OK && s->wrote_beyond ? TAP_ERROR : status;
}

bool tap_sink_written(struct tap_sink *s, uint64_t events, uint64_t bytes)
{
    uint64_t left = s->taken - atomic_load_explicit(&s->written, memory_order_relaxed);
    bump(&s->written, events < left ? events : left);
    bump(&s->bytes, bytes);
    s->wrote_beyond |= events > left;
    return events <= left;
}

static enum tap_status call_stop(struct tap_sink *s)
{
    call_begins(s, "stop");
    return call_ends(s, s->ops->stop(s->self));
}

void tap_sink_begin(struct tap_sink *s)
{
    atomic_store(&s->begun, true);
}

static enum tap_status flush(struct tap_sink *s)
{
    if (!atomic_load(&s->begun))
        return TAP_OK;
    call_begins(s, "flush");
    return call_ends(s, s->ops->flush(s->self));
}

static enum tap_status flush_when_due(struct tap_sink *s, int64_t *due)
{
    if (tap_clock_steady() < *due)
        return TAP_OK;
    enum tap_status status = flush(s);
    *due = tap_clock_steady() + TAP_SINK_FLUSH; /* from its end: between two slow ones is time */
    return status;
}

static enum tap_status consume(struct tap_sink *s, const struct tap_queue_item *item)
{
    const struct tap_selection *sel = item->selection;
    if (sel->accepted) /* one node traces already while others are still asked */
        tap_sink_begin(s);
    s->taken += sel->accepted;
    call_begins(s, "consume");
    enum tap_status status =
        call_ends(s, s->ops->consume(s->self, &item->batch->base, sel->index, sel->count));
    tap_batch_release(item->batch);
    return status;
}

/* False: it failed, and is stopped. */
static bool start(struct tap_sink *s)
{
    call_begins(s, "start");
    bool good = call_ends(s, s->ops->start(s->self)) == TAP_OK;
    if (good) {
        atomic_store(&s->opened, true);
        return true;
    }
    atomic_store(&s->failed, true);
    call_stop(s);
    tap_queue_kill(&s->queue);
    return false;
}

/* Batches and flushes until the queue's end, or until one of them fails. */
static enum tap_status work(struct tap_sink *s)
{
    struct tap_queue_item item;
    enum tap_status status = TAP_OK;
    int64_t due = tap_clock_steady() + TAP_SINK_FLUSH;
    while (status == TAP_OK) {
        bool eased;
        enum tap_popped popped = tap_queue_pop(&s->queue, &item, due, &eased);
        if (popped == TAP_POP_END)
            return flush(s);
        if (eased)
            s->eased(s->arg);
        if (popped == TAP_POPPED)
            status = consume(s, &item);
        if (status == TAP_OK)
            status = flush_when_due(s, &due);
    }
    return status;
}

static void *sink_main(void *arg)
{
    struct tap_sink *s = arg;
    char stack[TAP_OPERATION_STACK];
    tap_operation_stack(stack);
    if (!start(s)) {
        atomic_store(&s->done, true);
        return NULL;
    }
    enum tap_status status = work(s);
    if (status != TAP_OK)
        tap_queue_kill(&s->queue);
    enum tap_status stopped = call_stop(s);
    bool gone = status == TAP_ENDED || stopped == TAP_ENDED;
    if ((status != TAP_OK && status != TAP_ENDED) || (stopped != TAP_OK && stopped != TAP_ENDED))
        atomic_store(&s->failed, true);
    if (!atomic_load(&s->abandoned)) /* else that was told, and counted */
        s->ended(s->arg, s,
                 atomic_load(&s->failed) ? TAP_SINK_FAILED
                 : gone                  ? TAP_SINK_GONE
                                         : TAP_SINK_DONE);
    atomic_store(&s->done, true);
    return NULL;
}

static void leave_behind(struct tap_sink *s)
{
    atomic_store(&s->abandoned, true);
    s->threaded = false;
    atomic_store(&s->failed, true);
    tap_queue_kill(&s->queue); /* nobody takes from it: it withholds no credit */
    pthread_detach(s->thread);
}

bool tap_sink_crashed(struct tap_sink *s)
{
    if (!atomic_load(&s->crashed) || atomic_load(&s->abandoned))
        return false;
    leave_behind(s);
    return true;
}

/* How long the call under way has taken; one that has ended has taken none. */
static int64_t call_time(struct tap_sink *s, int64_t began)
{
    int64_t since = atomic_load_explicit(&s->call_since, memory_order_relaxed);
    return since ? tap_clock_steady() - (since > began ? since : began) : 0;
}

/* The same, or how long it has been between two calls: there it is in nobody's hands but those of
 * whoever is told that it ended. */
static int64_t rest_time(struct tap_sink *s, int64_t began)
{
    int64_t since = atomic_load_explicit(&s->call_since, memory_order_acquire);
    if (!since)
        since = atomic_load_explicit(&s->call_left, memory_order_relaxed);
    return tap_clock_steady() - (since > began ? since : began);
}

enum tap_sink_begun tap_sink_start(struct tap_sink *s)
{
    int64_t began = tap_clock_steady();
    s->started = true;
    errno = pthread_create(&s->thread, NULL, sink_main, s);
    if (errno) {
        atomic_store(&s->failed, true);
        tap_queue_kill(&s->queue);
        atomic_store(&s->done, true);
        return TAP_SINK_THREAD;
    }
    s->threaded = true;
    while (!atomic_load(&s->opened) && !atomic_load(&s->done)) {
        if (tap_sink_crashed(s))
            return TAP_SINK_CRASHED;
        if (call_time(s, began) > TAP_OPERATION_DEADLINE) {
            leave_behind(s);
            return TAP_SINK_LATE;
        }
        bool soon = tap_clock_steady() - began < 5000000; /* most are there at once */
        nanosleep(&(struct timespec){.tv_nsec = soon ? 50000 : 2000000}, NULL);
    }
    return atomic_load(&s->opened) ? TAP_SINK_STARTED : TAP_SINK_REFUSED;
}

void tap_sink_waits(struct tap_sink *s)
{
    if (atomic_load(&s->call_since))
        atomic_store_explicit(&s->call_since, tap_clock_steady(), memory_order_relaxed);
}

void tap_sink_offer(struct tap_sink *s, struct tap_batch_impl *batch, uint64_t total, bool full)
{
    const struct tap_selection *sel = &batch->selections[s->set];
    bump(&s->given, sel->accepted);
    bump(&s->filtered, total - sel->accepted);
    bump(&s->dropped, tap_queue_push(&s->queue, batch, sel, full));
}

bool tap_sink_join(struct tap_sink *s)
{
    if (!s->threaded)
        return true;
    int64_t began = tap_clock_steady();
    while (!atomic_load(&s->done)) {
        if (tap_sink_crashed(s))
            return false;
        if (rest_time(s, began) > TAP_SINK_DEADLINE) {
            leave_behind(s);
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    pthread_join(s->thread, NULL);
    s->threaded = false;
    return true;
}
