/* sender.c: the sink's side: what it hands over, waits for, and tells the host. See sender.h. */
#include "sinks/otlp/sending.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/common/writer.h"
#include "sinks/otlp/otlp.h"

#define ASK 1000       /* ms between two askings; each gives time, so not too often */
#define STEP 50        /* ms between two looks at whether the run is to end */
#define END_MOST 30000 /* ms that the end takes at most, be the collector ever so slow */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static bool curl_ready;

static void curl_begin(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* ---- Life */

enum tap_status otlp_sender_new(const struct tap_host *host, const struct otlp_settings *settings,
                                struct otlp_sender **made)
{
    const char *given = settings->endpoint;
    if (!given || !*given)
        given = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    struct otlp_sender *s = calloc(1, sizeof *s);
    pthread_condattr_t clock;
    if (!s)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    s->host = host;
    s->settings = settings;
    s->last = &s->first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &clock);
    pthread_condattr_destroy(&clock);
    enum tap_status status =
        otlp_http_address(&s->http, host, given && *given ? given : "http://localhost:4318");
    if (status == TAP_OK && settings->compression && !(s->pack = tap_gzip_new()))
        status = TAP_FAIL(host, TAP_ERROR, "out of memory");
    s->http.packed = s->pack;
    if (status != TAP_OK)
        otlp_sender_free(s);
    else
        *made = s;
    return status;
}

void otlp_sender_free(struct otlp_sender *s)
{
    if (!s)
        return;
    while (s->first)
        otlp_request_free(otlp_sending_take(s));
    otlp_http_close(&s->http);
    tap_gzip_free(s->pack);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* The program's signals are not for this thread. SIGPIPE is held back in it: libcurl's TLS writes
 * to connections that may be closed. */
static int start_thread(struct otlp_sender *s)
{
    sigset_t all, before;
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&all, own[i]);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int code = pthread_create(&s->thread, NULL, otlp_sending, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

enum tap_status otlp_sender_start(struct otlp_sender *s)
{
    char text[128];
    pthread_once(&curl_once, curl_begin);
    if (!curl_ready)
        return TAP_FAIL(s->host, TAP_ERROR, "libcurl cannot be used");
    enum tap_status status =
        otlp_http_open(&s->http, s->host, s->settings->ca_file, s->settings->headers_file);
    if (status != TAP_OK)
        return status;
    int code = start_thread(s);
    if (code)
        return TAP_FAIL(s->host, TAP_ERROR, "cannot start a thread: %s",
                        strerror_r(code, text, sizeof text));
    s->threaded = true;
    return TAP_OK;
}

/* ---- The sink's side */

/* When it was asked last whether the run is to end, and what was taken then. */
struct asked {
    int64_t at, taken_at;
};

/* Somebody is waited for: is the run to end? Asking gives more time, so it is done each time that
 * something was taken, and each second. From the order on all that is left has `timeout`. True: it
 * was asked, without the lock, behind which it is called. */
static bool ask(struct otlp_sender *s, struct asked *a)
{
    int64_t now = otlp_now();
    if (s->taken_at == a->taken_at && now - a->at < ASK)
        return false;
    *a = (struct asked){.at = now, .taken_at = s->taken_at};
    pthread_mutex_unlock(&s->lock);
    bool ordered = tap_sink_is_to_end(s->host);
    pthread_mutex_lock(&s->lock);
    s->ordered |= ordered;
    if (s->ordered && !s->until) {
        s->at_most = INT64_MAX;
        otlp_sending_give_time(s);
    }
    return true;
}

/* Waits for room; false: there will be none soon. Behind the lock. */
static bool wait_for_room(struct otlp_sender *s, size_t len)
{
    int64_t patience = s->settings->timeout / 1000000, began = otlp_now();
    struct asked asked = {.at = began, .taken_at = s->taken_at};
    while (s->first && s->bytes + len > (size_t)s->settings->buffer && !s->failed) {
        int64_t now = otlp_now(), since = s->taken_at > began ? s->taken_at : began;
        if (s->down_since && s->down_since < since)
            since = s->down_since;
        s->waited_out |= now - since >= patience;
        if (s->waited_out || (s->until && now >= s->until))
            return false;
        if (!ask(s, &asked))
            otlp_sending_wait(s, STEP);
    }
    return !s->failed;
}

void otlp_sender_push(struct otlp_sender *s, char *bytes, size_t len, uint32_t spans,
                      uint64_t events)
{
    struct otlp_request *r = malloc(sizeof *r);
    pthread_mutex_lock(&s->lock);
    bool room = r && wait_for_room(s, len);
    if (room) {
        *r = (struct otlp_request){
            .bytes = bytes, .len = len, .held = len, .spans = spans, .events = events};
        *s->last = r;
        s->last = &r->next;
        s->bytes += len;
        pthread_cond_broadcast(&s->changed);
    } else if (!s->failed) {
        otlp_sending_lost(s, s->crowded, "there is no more room for what waits");
        s->crowded += spans;
    }
    pthread_mutex_unlock(&s->lock);
    if (!room) {
        free(r);
        free(bytes);
    }
}

bool otlp_sender_busy(struct otlp_sender *s)
{
    pthread_mutex_lock(&s->lock);
    bool busy = s->first && !s->failed;
    pthread_mutex_unlock(&s->lock);
    return busy;
}

void otlp_sender_settle(struct otlp_sender *s, int ms)
{
    int64_t until = otlp_now() + ms, now;
    pthread_mutex_lock(&s->lock);
    while (s->first && !s->failed && !s->down_since && (now = otlp_now()) < until)
        otlp_sending_wait(s, until - now);
    pthread_mutex_unlock(&s->lock);
}

enum tap_status otlp_sender_report(struct otlp_sender *s)
{
    char why[OTLP_WHY];
    pthread_mutex_lock(&s->lock);
    uint64_t events = s->events, sent = s->sent;
    bool failed = s->failed;
    s->events = s->sent = 0;
    memcpy(why, s->why, sizeof why);
    pthread_mutex_unlock(&s->lock);
    if (events || sent)
        s->host->sink->written(s->host, events, sent);
    if (!failed)
        return TAP_OK;
    if (s->told)
        return TAP_ERROR;
    s->told = true;
    return TAP_FAIL(s->host, TAP_ERROR, "%s refuses spans: %s", s->http.url, why);
}

static enum tap_status judge_end(struct otlp_sender *s)
{
    uint64_t lost = s->refused + s->crowded + s->late;
    if (!lost)
        return TAP_OK;
    if (!s->ever)
        return TAP_FAIL(s->host, TAP_ERROR, "%s took nothing: %s", s->http.url, s->why);
    s->host->log(s->host, TAP_LOG_WARNING,
                 "%s: %llu spans are lost: it refused %llu, there was no room for %llu, %llu were "
                 "left at the end (%s)",
                 s->http.url, (unsigned long long)lost, (unsigned long long)s->refused,
                 (unsigned long long)s->crowded, (unsigned long long)s->late, s->why);
    return TAP_OK;
}

void otlp_sender_hurry(struct otlp_sender *s)
{
    pthread_mutex_lock(&s->lock);
    if (!s->until) { /* else it was ordered before, and so its time runs already */
        s->at_most = otlp_now() + END_MOST;
        otlp_sending_give_time(s);
    }
    pthread_mutex_unlock(&s->lock);
}

enum tap_status otlp_sender_stop(struct otlp_sender *s)
{
    if (!s->threaded)
        return TAP_ERROR; /* its start failed, and said so */
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_broadcast(&s->changed);
    for (struct asked asked = {.at = 0}; !s->done; otlp_sending_wait(s, STEP))
        ask(s, &asked);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->threaded = false;
    enum tap_status status = otlp_sender_report(s);
    return status == TAP_OK ? judge_end(s) : status;
}
