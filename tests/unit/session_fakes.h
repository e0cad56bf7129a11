/* session_fakes.h: a transport that sends what a test's script says, sinks that misbehave as told,
 * and a session made of them without a file. */
#ifndef TAP_SESSION_FAKES_H
#define TAP_SESSION_FAKES_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "beamtap/filter.h"
#include "beamtap/sink.h"
#include "beamtap/transport.h"
#include "frames.h"
#include "session/session.h"
#include "unit.h"

static inline void nap(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* ---- The transport: start adds the node(s), run is the test's script. */
struct fake_transport {
    const struct tap_host *host;
    uint32_t node;
};
static void (*script)(struct fake_transport *);
static enum tap_status transport_start_status = TAP_OK, transport_run_status = TAP_OK;
static int transport_stops, transport_destroys, transport_start_ms;

static enum tap_status transport_create(const struct tap_host *host, const void *settings,
                                        void **self)
{
    static struct fake_transport one;
    (void)settings;
    one.host = host;
    *self = &one;
    return TAP_OK;
}
static enum tap_status transport_start(void *self)
{
    struct fake_transport *t = self;
    t->node = t->host->transport->node_add(t->host, "n@h");
    nap(transport_start_ms);
    if (transport_start_status == TAP_OK)
        t->host->transport->node_state(t->host, t->node, TAP_NODE_TRACING, NULL);
    return transport_start_status;
}
static enum tap_status transport_run(void *self)
{
    script(self);
    return transport_run_status;
}
static enum tap_status transport_stop(void *self)
{
    (void)self;
    transport_stops++;
    return TAP_OK;
}
static void transport_destroy(void *self)
{
    (void)self;
    transport_destroys++;
}
static const struct tap_transport_ops transport_ops = {sizeof transport_ops,
                                                       transport_create,
                                                       transport_start,
                                                       transport_run,
                                                       transport_stop,
                                                       transport_destroy,
                                                       NULL,
                                                       NULL};
static const struct tap_plugin transport_plugin = {TAP_PLUGIN_HEADER, .kind = TAP_PLUGIN_TRANSPORT,
                                                   .name = "fake", .ops = &transport_ops};
static const struct tap_loaded transport_loaded = {&transport_plugin, "fake.so", NULL};

/* Commits one frame and lets the buffer go. */
static inline void send_frame(struct fake_transport *t, struct frame *f)
{
    static const uint32_t at[] = {0};
    frame_end(f);
    struct tap_arena *arena = t->host->transport->reserve(t->host, f->buf.len);
    memcpy(arena->data, f->buf.data, f->buf.len);
    /* What lies behind the frame in the arena is no part of it. */
    memset(arena->data + f->buf.len, 0xee,
           arena->size - f->buf.len < 64 ? arena->size - f->buf.len : 64);
    t->host->transport->commit(t->host, arena, t->node, at, 1);
    tap_buf_free(&f->buf);
}
static inline void send_calls(struct fake_transport *t, uint64_t seq, uint32_t n, uint32_t lost,
                              uint32_t why)
{
    struct frame f;
    frame_begin(&f, 0, seq, lost, why);
    for (uint32_t i = 0; i < n; i++)
        frame_call(&f, 80 + i % 7, (int64_t)(seq + i), (int64_t)(seq + i) * 1000 - 5000000);
    send_frame(t, &f);
}
static inline void send_up(struct fake_transport *t)
{
    struct frame f;
    frame_begin(&f, TAP_FRAME_CONTROL, 0, 0, 0);
    frame_node_up(&f, 1700000000000000000);
    send_frame(t, &f);
}
static inline void send_done(struct fake_transport *t, uint64_t produced, uint64_t lost)
{
    struct tap_node_final final = {sizeof final, produced, lost};
    t->host->transport->node_state(t->host, t->node, TAP_NODE_DONE, &final);
}

/* ---- Sinks: settings say how they behave. */
struct fake_sink {
    int slow_ms;         /* a batch */
    uint64_t fail_after; /* events; 0: never */
    bool fail_start, fail_flush, fail_stop, silent, hangs, hold;
    bool forgets;    /* writes every second event only */
    uint64_t boasts; /* so many more than there were, each time */
    const struct tap_host *host;
    const struct tap_batch *held;
    uint64_t events, lost, gaps, control, max_seq;
    uint64_t lost_by[TAP_REASON_COUNT];
    int starts, flushes, stops, destroys;
    bool disorder, after_failure, failed;
    bool hurried;     /* the run was to end when it was stopped */
    atomic_bool gate; /* while set, consume waits */
};
static enum tap_status sink_create(const struct tap_host *host, const void *settings, void **self)
{
    struct fake_sink *s = (struct fake_sink *)(uintptr_t)settings;
    s->host = host;
    *self = s;
    return TAP_OK;
}
static enum tap_status sink_fail(struct fake_sink *s, const char *what)
{
    s->failed = true;
    return s->silent ? TAP_ERROR : TAP_FAIL(s->host, TAP_ERROR, "cannot %s", what);
}
static enum tap_status sink_start(void *self)
{
    struct fake_sink *s = self;
    s->starts++;
    return s->fail_start ? sink_fail(s, "start") : TAP_OK;
}
static void sink_take(struct fake_sink *s, const struct tap_event *ev)
{
    if (ev->kind == TAP_LOST) {
        s->lost += ev->lost;
        s->lost_by[ev->reason] += ev->lost;
    }
    s->gaps += ev->kind == TAP_GAP;
    s->control += ev->kind > TAP_GAP;
    if (ev->kind <= TAP_KIND_USER_LAST) {
        s->disorder |= s->events > 0 && ev->seq <= s->max_seq;
        s->max_seq = ev->seq;
        s->events++;
    }
}
static enum tap_status sink_consume(void *self, const struct tap_batch *batch,
                                    const uint32_t *select, size_t n)
{
    struct fake_sink *s = self;
    uint64_t before = s->events;
    s->after_failure |= s->failed;
    while (atomic_load(&s->gate) || s->hangs)
        nap(1);
    if (s->slow_ms)
        nap(s->slow_ms);
    for (size_t i = 0; i < n; i++)
        sink_take(s, tap_batch_event(batch, select[i]));
    if (s->fail_after && s->events >= s->fail_after)
        return sink_fail(s, "write");
    if (s->hold) {
        s->host->sink->hold(s->host, batch);
        if (s->held)
            s->host->sink->release(s->host, s->held);
        s->held = batch;
    }
    s->host->sink->written(s->host, (s->events - before) / (s->forgets ? 2 : 1) + s->boasts,
                           10 * (s->events - before));
    return TAP_OK;
}
static enum tap_status sink_flush(void *self)
{
    struct fake_sink *s = self;
    s->flushes++;
    return s->fail_flush ? sink_fail(s, "flush") : TAP_OK;
}
static enum tap_status sink_stop(void *self)
{
    struct fake_sink *s = self;
    s->stops++;
    s->hurried = s->host->sink->ending(s->host);
    s->host->count(s->host, "stopped", 1);
    return s->fail_stop ? sink_fail(s, "stop") : TAP_OK;
}
static void sink_destroy(void *self)
{
    struct fake_sink *s = self;
    if (s->held)
        s->host->sink->release(s->host, s->held);
    s->destroys++;
}
static const struct tap_sink_ops sink_ops = {
    sizeof sink_ops, sink_create, sink_start, sink_consume, sink_flush, sink_stop, sink_destroy};
static const struct tap_plugin sink_plugin = {TAP_PLUGIN_HEADER, .kind = TAP_PLUGIN_SINK,
                                              .name = "fake", .ops = &sink_ops};
static const struct tap_loaded sink_loaded = {&sink_plugin, "fake.so", NULL};

/* ---- A filter that lets calls of odd arguments' pids pass (pid.id odd). */
static atomic_int filter_run;
static enum tap_status filter_create(const struct tap_host *host, const void *settings, void **self)
{
    (void)host, (void)settings;
    static int one;
    *self = &one;
    return TAP_OK;
}
static enum tap_status filter_plan(void *self, struct tap_claim *claim)
{
    (void)self, (void)claim;
    return TAP_OK; /* claims nothing: it judges live */
}
static void filter_judge(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    (void)self;
    filter_run++;
    for (uint32_t i = 0; i < batch->count; i++)
        if (tap_batch_event(batch, i)->pid.id % 2 == 0)
            keep[i] = 0;
}
static void filter_destroy(void *self)
{
    (void)self;
}
static const struct tap_filter_ops filter_ops = {sizeof filter_ops, filter_create, filter_plan,
                                                 filter_judge, filter_destroy};
static const struct tap_plugin filter_plugin = {TAP_PLUGIN_HEADER, .kind = TAP_PLUGIN_FILTER,
                                                .name = "fake", .ops = &filter_ops};
static const struct tap_loaded filter_loaded = {&filter_plugin, "fake.so", NULL};

/* ---- A session of these. */
#define FAKES_MAX 8
static struct tap_instance fakes[FAKES_MAX];
static const char *const fake_sections[] = {"sink:a", "sink:b", "sink:c",
                                            "sink:d", "sink:e", "sink:f"};
static struct tap_config fake_config;
static struct tap_error *fake_err;
static char fake_log[4096];
static pthread_mutex_t fake_log_lock = PTHREAD_MUTEX_INITIALIZER;

static void log_line(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    (void)arg, (void)level;
    pthread_mutex_lock(&fake_log_lock);
    size_t n = strlen(fake_log);
    snprintf(fake_log + n, sizeof fake_log - n, "[%s] %s\n", actor, text);
    pthread_mutex_unlock(&fake_log_lock);
}
static inline struct tap_instance *add_fake(enum tap_plugin_kind kind, const char *section,
                                            const struct tap_loaded *loaded, void *settings)
{
    struct tap_instance *in = &fakes[fake_config.instance_count++];
    *in = (struct tap_instance){.kind = kind,
                                .name = strchr(section, ':') + 1,
                                .section = section,
                                .loaded = loaded,
                                .settings = settings,
                                .sink = {.queue = 16 << 20}};
    return in;
}
static inline void begin_session(uint32_t events, struct fake_sink *sinks, size_t n)
{
    static const struct tap_text nodes[] = {{.text = "n@h"}};
    memset(&fake_config, 0, sizeof fake_config);
    fake_config.instances = fakes;
    fake_config.text = (char *)(uintptr_t) "[session]\n";
    fake_config.session = (struct tap_session_settings){
        .nodes = {1, nodes}, .events = events, .cookie_file = "none", .lease = 1000000000};
    add_fake(TAP_PLUGIN_TRANSPORT, "transport:fake", &transport_loaded, NULL);
    for (size_t i = 0; i < n; i++)
        add_fake(TAP_PLUGIN_SINK, fake_sections[i], &sink_loaded, &sinks[i]);
    fake_err = tap_error_new();
}
/* From new to finish. NULL when it could not be created or started. */
static inline struct tap_session *run_session(enum tap_status *status)
{
    struct tap_session *t = tap_session_new(&fake_config, fake_err);
    if (!t) {
        *status = tap_error_status(fake_err);
        return NULL;
    }
    tap_session_set_log(t, log_line, NULL);
    if ((*status = tap_session_start(t)) == TAP_OK)
        while (!tap_session_poll(t, 100))
            ;
    *status = tap_session_finish(t);
    return t;
}
static inline bool err_has(const char *text)
{
    for (size_t i = 0; i < tap_error_count(fake_err); i++)
        if (strstr(tap_error_get(fake_err, i)->message, text))
            return true;
    return false;
}
/* produced = written + filtered + lost, for each node and each sink; the figures of sink `s` are
 * given back. */
static inline struct tap_sink_stats balance(struct tap_session *t, size_t s,
                                            struct tap_node_stats *node)
{
    struct tap_sink_stats sinks[FAKES_MAX];
    struct tap_node_stats nodes[FAKES_MAX];
    size_t n = tap_session_sinks(t, sinks, FAKES_MAX), nn = tap_session_nodes(t, nodes, FAKES_MAX);
    uint64_t produced = 0, by = 0;
    for (size_t i = 0; i < nn; i++) {
        CU_ASSERT_EQUAL(nodes[i].produced, nodes[i].received + nodes[i].lost);
        produced += nodes[i].produced;
        for (int r = 0; r < TAP_REASON_COUNT; r++)
            by += nodes[i].lost_by[r];
        CU_ASSERT_EQUAL(by, nodes[i].lost);
        by = 0;
    }
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_EQUAL(sinks[i].written + sinks[i].filtered + sinks[i].lost, produced);
    if (node && nn)
        *node = nodes[0];
    return sinks[s];
}
static inline void end_session(struct tap_session *t)
{
    tap_session_free(t);
    tap_error_free(fake_err);
}

#endif
