/* drain.c: the sending thread of a run: from the rings to the collector.
 *
 * It belongs to no scheduler and waits for none. It looks at the rings every few milliseconds, and
 * at once when one is half full; what may be sent, by the collector's credit, it sends. It ends
 * when the final report is out, or the run was aborted, or the process that began it is gone: then
 * nobody is left to take the flags away, and each traced process is told to drop them with its next
 * event.
 */
#include "transports/beam/native/drain.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transports/beam/native/socket.h"

#define MS INT64_C(1000000)
#define NAP_BUSY 1 /* ms until it looks again where the last look found something */
#define NAP_IDLE 5
#define NAP_LOST 50 /* and where nothing can be sent any more */
#define LOOK (100 * MS)

/* Nothing more is sent; what is taken is counted. */
static void drain_broke(struct tap_drain *d)
{
    close(d->fd);
    d->fd = -1;
    d->out.len = d->out.written = d->out.count = 0;
    if (d->ended)
        tap_drain_tell(d, "broken", d->why);
    else
        tap_drain_ended(d, TAP_WHY_CONNECTION, "broken", d->why);
}

/* ---- A round */

static void drain_write(struct tap_drain *d)
{
    struct tap_frames_out *o = &d->out;
    int64_t now = tap_now();
    if (d->fd < 0) {
        o->len = o->written = 0;
        return;
    }
    ssize_t n = tap_socket_write(d->fd, o->bytes + o->written, tap_frames_waiting(o), d->why);
    if (n < 0 || tap_socket_is_over(d->fd, d->why)) {
        drain_broke(d);
        return;
    }
    if (n > 0 || tap_frames_waiting(o) == 0)
        d->written_at = now;
    tap_frames_written(o, (size_t)n);
    int64_t patience = d->run->options.lease > 5000 * MS ? d->run->options.lease : 5000 * MS;
    if (now - d->written_at > patience) {
        snprintf(d->why, sizeof d->why, "the collector has read nothing for %d s",
                 (int)(patience / (1000 * MS)));
        drain_broke(d);
    }
}

static void drain_wait(struct tap_drain *d, bool busy)
{
    bool waiting = d->fd >= 0 && tap_frames_waiting(&d->out) > 0;
    struct pollfd fds[2] = {{.fd = d->run->wake, .events = POLLIN},
                            {.fd = d->fd, .events = POLLIN | (waiting ? POLLOUT : 0)}};
    uint64_t count;
    if (poll(fds, 2,
             d->fd < 0 ? NAP_LOST
             : busy    ? NAP_BUSY
                       : NAP_IDLE) > 0 &&
        (fds[0].revents & POLLIN) && read(d->run->wake, &count, sizeof count) < 0)
        return;
}

/* What is left when nothing more may be sent is lost. */
static void drain_finish(struct tap_drain *d, int64_t finish_by)
{
    /* The flags are off; where some are not, nothing is told of it any more. What was on its way
     * into the rings, or was lost there, is seen by the next round. */
    if (!d->closed) {
        atomic_store(&d->run->gate, TAP_GATE_ENDED);
        tap_threads_pass();
        d->closed = true;
        return;
    }
    bool empty = tap_rings_are_empty(d);
    if (!empty && tap_now() < finish_by && !d->ended)
        return;
    if (!empty && !d->ended)
        d->ended = TAP_WHY_CREDIT;
    if (!empty)
        return; /* the next round counts them */
    tap_rings_settle(d);
    tap_pause_end(d);
    d->figures = true;
    tap_drain_tell(d, "figures", NULL);
}

static void drain_look(struct tap_drain *d)
{
    unsigned news = atomic_load(&d->run->own_news);
    if (news != d->own_told)
        tap_drain_tell_own(d);
    d->own_told = news;
    struct tap_run *r = d->run;
    struct tap_control *c;
    pthread_mutex_lock(&r->lock);
    bool aborted = r->aborted, finishing = r->finishing;
    int64_t finish_by = r->finish_by, now = tap_now();
    pthread_mutex_unlock(&r->lock);
    if (now - d->looked_at > LOOK) {
        d->looked_at = now;
        aborted |= !enif_is_process_alive(NULL, &r->owner);
    }
    if (d->figures) /* whatever waits for credit: reports need none */
        while ((c = tap_control_take(r, INT64_MAX, false)))
            tap_control_send(d, c);
    else if (finishing)
        drain_finish(d, finish_by);
    d->over = aborted || (d->last && (d->fd < 0 || tap_frames_waiting(&d->out) == 0));
}

static void drain_run(struct tap_drain *d)
{
    tap_drain_tell(d, "connected", d->why[0] ? d->why : NULL);
    d->window = d->written_at = tap_now();
    while (!d->over) {
        uint64_t seq = d->out.seq;
        tap_merge_rings(d, tap_pause_waits(d));
        tap_limits_look(d);
        drain_look(d);
        drain_write(d);
        if (!d->over && !(d->last && tap_frames_waiting(&d->out) == 0))
            drain_wait(d, d->out.seq != seq);
    }
    if (d->last)
        tap_drain_tell(d, d->fd < 0 ? "unsent" : "done", NULL);
    if (d->fd >= 0)
        close(d->fd); /* what is on its way is still sent */
}

void *tap_drain_thread(void *run)
{
    struct tap_run *r = run;
    struct tap_drain *d = calloc(1, sizeof *d);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    if (d) {
        d->run = d->out.run = r;
        d->horizon = d->told = INT64_MIN;
        if ((d->fd = tap_socket_open(r, d->why)) < 0)
            tap_drain_tell(d, "failed", d->why);
        else
            drain_run(d);
        free(d->out.bytes);
    } else {
        tap_run_tell(r, "failed", "no memory for the thread that sends");
    }
    free(d);
    atomic_store(&r->gate, TAP_GATE_ENDED);
    tap_threads_pass();
    tap_run_free_rings(r);
    pthread_mutex_lock(&r->lock);
    r->over = true;
    pthread_mutex_unlock(&r->lock);
    return NULL;
}
