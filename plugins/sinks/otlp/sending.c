/* sending.c: the thread that sends: one request after the other, each until it is taken, refused,
 * or given up. See sender.h.
 */
#include "sinks/otlp/sending.h"

#include <stdlib.h>
#include <string.h>

#include "sinks/otlp/otlp.h"

void otlp_request_free(struct otlp_request *r)
{
    free(r->bytes);
    free(r);
}

/* Takes the first one out. Behind the lock. */
struct otlp_request *otlp_sending_take(struct otlp_sender *s)
{
    struct otlp_request *r = s->first;
    s->first = r->next;
    if (!s->first)
        s->last = &s->first;
    s->bytes -= r->held;
    pthread_cond_broadcast(&s->changed);
    return r;
}

void otlp_sending_wait(struct otlp_sender *s, int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000)
        t.tv_sec++, t.tv_nsec -= 1000000000;
    pthread_cond_timedwait(&s->changed, &s->lock, &t);
}

/* Packs it, once; without memory for that it cannot be sent, for the headers say that it is. */
static bool pack(struct otlp_sender *s, struct otlp_request *r)
{
    const char *packed;
    size_t len;
    char end[TAP_GZIP_END];
    if (!s->pack || r->packed)
        return true;
    tap_gzip_restart(s->pack);
    if (!tap_gzip_add(s->pack, r->bytes, r->len, &packed, &len))
        return false;
    size_t end_len = tap_gzip_end(s->pack, false, "", 0, end);
    char *bytes = malloc(len + end_len);
    if (!bytes)
        return false;
    memcpy(bytes, packed, len);
    memcpy(bytes + len, end, end_len);
    free(r->bytes);
    r->bytes = bytes;
    r->len = len + end_len;
    r->packed = true;
    return true;
}

void otlp_sending_lost(struct otlp_sender *s, uint64_t before, const char *what)
{
    if (!before)
        s->host->log(s->host, TAP_LOG_WARNING, "%s: %s: spans are lost", s->http.url, what);
}

/* From when the end is wanted: for the next request. Behind the lock. */
void otlp_sending_give_time(struct otlp_sender *s)
{
    int64_t until = otlp_now() + s->settings->timeout / 1000000;
    s->until = until < s->at_most ? until : s->at_most;
    atomic_store(&s->http.until, s->until);
    pthread_cond_broadcast(&s->changed); /* the thread may wait for its next try */
}

/* All of it, or all but what the collector rejected: nobody knows which spans those were, so each
 * has its share of the events. */
static void taken(struct otlp_sender *s, const struct otlp_request *r, const struct otlp_answer *a)
{
    uint64_t rejected = a->rejected < r->spans ? a->rejected : r->spans;
    uint64_t lost = r->spans ? (r->events * rejected + r->spans - 1) / r->spans : 0;
    if (rejected) {
        otlp_sending_lost(s, s->refused, "it rejects some");
        if (a->why[0])
            memcpy(s->why, a->why, sizeof s->why);
    }
    if (s->down_since)
        s->host->log(s->host, TAP_LOG_INFO, "%s takes spans again", s->http.url);
    s->refused += rejected;
    s->events += r->events - lost;
    s->sent += r->len;
    s->ever = true;
    s->down_since = 0;
    s->waited_out = false;
    s->taken_at = otlp_now();
    if (s->until && !s->ordered)
        otlp_sending_give_time(s);
}

static void refused(struct otlp_sender *s, const struct otlp_request *r)
{
    if (!s->ever) { /* the address, or the headers: of no use to go on */
        s->failed = true;
    } else {
        char what[OTLP_WHY + 32];
        snprintf(what, sizeof what, "it refuses them (%s)", s->why);
        otlp_sending_lost(s, s->refused, what);
    }
    s->refused += r->spans;
}

/* How long until the next try, ms; its own word goes first. Some spread, so that not all senders
 * of a fleet come at once. */
static int64_t wait_of(const struct otlp_answer *a, unsigned tries)
{
    int64_t wait = OTLP_WAIT_FIRST;
    for (unsigned i = 0; i < tries && wait < OTLP_WAIT_MOST; i++)
        wait *= 2;
    wait = wait < OTLP_WAIT_MOST ? wait : OTLP_WAIT_MOST;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    wait -= wait / 4 * (t.tv_nsec / 1000 % 1000) / 1000;
    return a->retry_after > wait ? a->retry_after : wait;
}

/* Behind the lock. False: there is no time for another try. */
static bool wait_for_try(struct otlp_sender *s, const struct otlp_answer *a, unsigned tries)
{
    int64_t at = otlp_now() + wait_of(a, s->until ? 0 : tries); /* at the end time is short */
    bool asked = a->retry_after >= 0, was_ending = s->until;
    for (;;) {
        int64_t now = otlp_now();
        if (s->until && (now >= s->until || (asked && at >= s->until)))
            return false;
        if (s->until && !was_ending && !asked) /* one more try at once */
            return true;
        if (now >= at)
            return true;
        int64_t left = at - now;
        otlp_sending_wait(s, s->until && s->until - now < left ? s->until - now : left);
    }
}

/* Sends the first one, until it is taken, refused, or given up. Behind the lock. */
static void send_first(struct otlp_sender *s)
{
    struct otlp_request *r = s->first;
    struct otlp_answer answer;
    for (unsigned tries = 0;; tries++) {
        int64_t ms = s->settings->timeout / 1000000, left = s->until - otlp_now();
        if (s->until && left < ms)
            ms = left;
        if (ms <= 0)
            break;
        pthread_mutex_unlock(&s->lock);
        if (pack(s, r))
            otlp_http_post(&s->http, r->bytes, r->len, (int)ms, &answer);
        else
            answer = (struct otlp_answer){
                .outcome = OTLP_LATER, .retry_after = -1, .why = "out of memory"};
        pthread_mutex_lock(&s->lock);
        if (answer.outcome == OTLP_TAKEN) {
            taken(s, r, &answer);
            otlp_request_free(otlp_sending_take(s));
            return;
        }
        memcpy(s->why, answer.why, sizeof s->why);
        if (answer.outcome == OTLP_REFUSED) {
            refused(s, r);
            otlp_request_free(otlp_sending_take(s));
            return;
        }
        if (!s->down_since) {
            s->down_since = otlp_now();
            s->host->log(s->host, TAP_LOG_WARNING, "%s takes nothing (%s): spans wait", s->http.url,
                         s->why);
        }
        pthread_cond_broadcast(&s->changed);
        if (!wait_for_try(s, &answer, tries))
            break;
    }
    s->late += r->spans;
    otlp_request_free(otlp_sending_take(s));
}

void *otlp_sending(void *self)
{
    struct otlp_sender *s = self;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->first && !s->stopping)
            pthread_cond_wait(&s->changed, &s->lock);
        if (!s->first)
            break;
        if (s->failed) {
            s->late += s->first->spans;
            otlp_request_free(otlp_sending_take(s));
        } else {
            send_first(s);
        }
    }
    s->done = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}
