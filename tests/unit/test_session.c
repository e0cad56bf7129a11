/* test_session.c: whole sessions with a transport and sinks that do as told. Every test ends with
 * the same sum: produced = written + filtered + lost, for each node and each sink. */
#include <sys/resource.h>

#include "session/internal.h"
#include "session_fakes.h"

#define CALLS TAP_KIND_BIT(TAP_FUNCTION_CALL)

static void send_plain(struct fake_transport *t)
{
    send_up(t);
    for (uint64_t seq = 0; seq < 10000; seq += 100)
        send_calls(t, seq, 100, 0, 0);
    send_done(t, 10000, 0);
}

static void writes_everything(void)
{
    struct fake_sink sinks[2] = {{0}, {.hold = true}};
    enum tap_status status;
    struct tap_node_stats node;
    begin_session(CALLS, sinks, 2);
    script = send_plain;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_OK);
    for (size_t s = 0; s < 2; s++) {
        struct tap_sink_stats stats = balance(t, s, &node);
        CU_ASSERT_EQUAL(stats.written, 10000);
        CU_ASSERT_EQUAL(stats.bytes, 100000);
        CU_ASSERT(stats.lost == 0 && stats.filtered == 0 && !stats.failed);
        CU_ASSERT_EQUAL(sinks[s].events, 10000);
        CU_ASSERT_EQUAL(sinks[s].control, 2); /* node_up, node_down */
        CU_ASSERT(!sinks[s].disorder);
        CU_ASSERT(sinks[s].starts == 1 && sinks[s].flushes >= 1 && sinks[s].stops == 1 &&
                  sinks[s].destroys == 0);
    }
    CU_ASSERT(node.final && node.state == TAP_NODE_DONE && node.produced == 10000 && node.traced);
    CU_ASSERT_STRING_EQUAL(node.release, "25");
    CU_ASSERT_STRING_EQUAL(node.name, "n@h");
    const char *section, *name;
    int64_t value;
    CU_ASSERT(tap_session_counter(t, 1, &section, &name, &value) && value == 1);
    CU_ASSERT_STRING_EQUAL(section, "sink:b");
    CU_ASSERT_STRING_EQUAL(name, "stopped");
    CU_ASSERT_FALSE(tap_session_counter(t, 2, &section, &name, &value));
    end_session(t);
    CU_ASSERT(sinks[0].destroys == 1 && sinks[1].destroys == 1 && transport_stops == 1 &&
              transport_destroys == 1);
}

static void send_with_losses(struct fake_transport *t)
{
    send_up(t);
    send_calls(t, 0, 100, 0, 0);
    send_calls(t, 150, 100, 50, TAP_REASON_CREDIT); /* 100..149, announced */
    send_calls(t, 300, 10, 20, TAP_REASON_QUEUE);   /* 250..279 nobody knows, 280..299 announced */
    send_calls(t, 305, 10, 0, 0);                   /* 305..309 came twice */
    struct frame f;
    frame_begin(&f, TAP_FRAME_CONTROL, 320, 5, TAP_REASON_RATE); /* 315..319 */
    frame_gap(&f, -5000000, -4000000, TAP_REASON_RATE);
    frame_log(&f, "hello\nthere");
    send_frame(t, &f);
    send_done(t, 330, 75 + 30); /* 320..329 never came */
}

static void losses_are_events_at_their_place(void)
{
    struct fake_sink sink = {0};
    enum tap_status status;
    struct tap_node_stats node;
    begin_session(CALLS, &sink, 1);
    script = send_with_losses;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_OK);
    struct tap_sink_stats stats = balance(t, 0, &node);
    CU_ASSERT_EQUAL(node.produced, 330);
    CU_ASSERT_EQUAL(node.received, 215);
    CU_ASSERT_EQUAL(node.lost_by[TAP_REASON_CREDIT], 50);
    CU_ASSERT_EQUAL(node.lost_by[TAP_REASON_SEQUENCE], 30);
    CU_ASSERT_EQUAL(node.lost_by[TAP_REASON_QUEUE], 20);
    CU_ASSERT_EQUAL(node.lost_by[TAP_REASON_RATE], 5);
    CU_ASSERT_EQUAL(node.lost_by[TAP_REASON_CONNECTION], 10);
    CU_ASSERT_EQUAL(node.gap_ns, 1000000);
    CU_ASSERT_EQUAL(sink.lost, 115);
    for (int r = 0; r < TAP_REASON_COUNT; r++)
        CU_ASSERT_EQUAL(sink.lost_by[r], node.lost_by[r]);
    CU_ASSERT_EQUAL(sink.gaps, 1);
    CU_ASSERT_EQUAL(stats.written, 215);
    CU_ASSERT_EQUAL(stats.lost_before, 115);
    CU_ASSERT(!sink.disorder);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log, "[transport:fake] n@h: hello there\n"));
    end_session(t);
}

static void send_mixed(struct fake_transport *t)
{
    struct frame f;
    send_up(t);
    frame_begin(&f, 0, 0, 0, 0);
    for (int i = 0; i < 100; i++) {
        frame_call(&f, 80 + (uint32_t)i, i, i);
        frame_exit(&f, 80 + (uint32_t)i, i); /* nobody asked for these */
    }
    send_frame(t, &f);
    send_done(t, 200, 0);
}

static void filters_count(void)
{
    struct fake_sink sinks[3] = {{0}, {0}, {0}};
    enum tap_status status;
    static const struct tap_text other = {.text = "other"}, odd = {.text = "odd"};
    begin_session(CALLS, sinks, 3);
    add_fake(TAP_PLUGIN_FILTER, "filter:odd", &filter_loaded, NULL);
    add_fake(TAP_PLUGIN_FILTER, "filter:other", &filter_loaded, NULL);
    fakes[2].sink.filters = (struct tap_text_list){1, &other};
    fakes[3].sink.filters = (struct tap_text_list){1, &odd};
    script = send_mixed;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_OK);
    for (size_t s = 0; s < 3; s++) {
        struct tap_sink_stats stats = balance(t, s, NULL);
        CU_ASSERT_EQUAL(stats.written, 50);
        CU_ASSERT_EQUAL(stats.filtered, 150);
        CU_ASSERT_EQUAL(sinks[s].events, 50);
        CU_ASSERT_EQUAL(sinks[s].control, 2);
    }
    CU_ASSERT_EQUAL(filter_run, 2 * 3); /* once a filter and batch, however many sinks use it */
    end_session(t);
}

/* 400 frames of 64 calls, about 80 KB each in a queue of 64 KiB, before the sink takes one. */
static struct fake_sink gated;
static void send_flood(struct fake_transport *t)
{
    struct frame f;
    send_up(t);
    atomic_store(&gated.gate, true);
    for (uint64_t seq = 0; seq < 25600; seq += 64) {
        send_calls(t, seq, 64, 0, 0);
        if (seq % 6400 == 0) {
            frame_begin(&f, TAP_FRAME_CONTROL, seq + 64, 0, 0);
            frame_clock(&f, 0, 1700000000000000000);
            send_frame(t, &f);
        }
    }
    atomic_store(&gated.gate, false);
    send_done(t, 25600, 0);
}

static void full_queue(int on_full)
{
    struct fake_sink sinks[2] = {{0}, {0}};
    enum tap_status status;
    memset(&gated, 0, sizeof gated);
    begin_session(CALLS, sinks, 1);
    struct tap_instance *in = add_fake(TAP_PLUGIN_SINK, "sink:b", &sink_loaded, &gated);
    in->sink.queue = 64 << 10;
    in->sink.on_full = on_full;
    script = send_flood;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_OK);
    struct tap_sink_stats fast = balance(t, 0, NULL), slow = balance(t, 1, NULL);
    CU_ASSERT_EQUAL(fast.written, 25600);
    CU_ASSERT_EQUAL(slow.written + slow.lost, 25600);
    CU_ASSERT(!gated.disorder && !sinks[0].disorder);
    CU_ASSERT_EQUAL(gated.control, 2 + 4); /* what was dropped were events: no control event is */
    CU_ASSERT_EQUAL(gated.lost_by[TAP_REASON_SINK_QUEUE], slow.lost);
    if (on_full == TAP_BLOCK) {
        CU_ASSERT_EQUAL(slow.lost, 0);
    } else {
        CU_ASSERT(slow.lost > 20000);
        CU_ASSERT(on_full == TAP_DROP_OLDEST ? gated.max_seq == 25599 : gated.max_seq < 25599);
    }
    end_session(t);
}
static void a_full_queue_drops_the_newest(void)
{
    full_queue(TAP_DROP_NEWEST);
}
static void a_full_queue_drops_the_oldest(void)
{
    full_queue(TAP_DROP_OLDEST);
}
static void a_full_queue_that_blocks_loses_nothing(void)
{
    full_queue(TAP_BLOCK);
}

/* Sends only while it may, as a transport does with credit. */
static int refusals;
static void send_on_credit(struct fake_transport *t)
{
    uint64_t seq = 0;
    send_up(t);
    while (seq < 12800) {
        if (!t->host->transport->may_grant(t->host)) {
            refusals++;
            CU_ASSERT(t->host->transport->wait(t->host, NULL, 0, 5000) >= 0);
            continue;
        }
        send_calls(t, seq, 64, 0, 0);
        seq += 64;
    }
    send_done(t, seq, 0);
}
static void block_withholds_credit_and_gives_it_again(void)
{
    struct fake_sink sink = {.slow_ms = 4}; /* slower than the sender in any build */
    enum tap_status status;
    begin_session(CALLS, &sink, 1);
    fakes[1].sink.queue = 256 << 10;
    fakes[1].sink.on_full = TAP_BLOCK;
    script = send_on_credit;
    int64_t began = time(NULL);
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(balance(t, 0, NULL).written, 12800);
    CU_ASSERT(refusals > 5);
    CU_ASSERT(time(NULL) - began < 20); /* woken each time, not timed out */
    end_session(t);
}

static void send_until_stopped(struct fake_transport *t)
{
    uint64_t seq = 0;
    send_up(t);
    while (!t->host->transport->stopping(t->host)) {
        send_calls(t, seq, 10, 0, 0);
        seq += 10;
        t->host->transport->wait(t->host, NULL, 0, 1);
    }
    send_done(t, seq, 0);
}

static void a_failing_sink_does_not_hurt_another(void)
{
    struct fake_sink sinks[2] = {{.fail_after = 500}, {0}};
    enum tap_status status;
    begin_session(CALLS, sinks, 2);
    script = send_plain;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    struct tap_sink_stats bad = balance(t, 0, NULL), good = balance(t, 1, NULL);
    CU_ASSERT(bad.failed && bad.written < 500 && bad.lost > 9500);
    CU_ASSERT(!good.failed && good.written == 10000 && good.lost == 0);
    CU_ASSERT(sinks[0].stops == 1 && !sinks[0].after_failure);
    CU_ASSERT(err_has("cannot write"));
    CU_ASSERT_PTR_NOT_NULL(strstr(
        fake_log, "[sink:a] has failed and is detached, the run goes on without it: cannot write"));
    end_session(t);
    CU_ASSERT(sinks[0].destroys == 1);
}

static void nobody_writes_more_than_there_is(void)
{
    struct fake_sink sinks[2] = {{.boasts = UINT64_C(1) << 60}, {0}};
    enum tap_status status;
    begin_session(CALLS, sinks, 2);
    script = send_plain;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    struct tap_sink_stats bad = balance(t, 0, NULL), good = balance(t, 1, NULL);
    CU_ASSERT(bad.failed && bad.written + bad.lost == 10000);
    CU_ASSERT(!good.failed && good.written == 10000 && good.lost == 0);
    CU_ASSERT(err_has("wrote more events than it was given"));
    end_session(t);
}

static void without_a_sink_the_run_ends(void)
{
    struct fake_sink sinks[2] = {{.fail_after = 50, .silent = true}, {.fail_flush = true}};
    enum tap_status status;
    begin_session(CALLS, sinks, 2);
    script = send_until_stopped;
    struct tap_session *t = run_session(&status); /* nobody else ends it */
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT(balance(t, 0, NULL).failed && balance(t, 1, NULL).failed);
    CU_ASSERT(err_has("did not say why") && err_has("cannot flush"));
    CU_ASSERT(sinks[0].stops == 1 && sinks[1].stops == 1);
    end_session(t);
}

static void a_sink_that_cannot_start_is_detached(void)
{
    struct fake_sink sinks[2] = {{.fail_start = true}, {0}};
    enum tap_status status;
    begin_session(CALLS, sinks, 2);
    script = send_plain;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT_EQUAL(balance(t, 1, NULL).written, 10000);
    CU_ASSERT(sinks[0].stops == 1 && sinks[0].events == 0);
    end_session(t);
}

static void no_tracing_when_no_sink_starts(void)
{
    struct fake_sink sink = {.fail_start = true};
    enum tap_status status;
    begin_session(CALLS, &sink, 1);
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT_EQUAL(tap_session_nodes(t, NULL, 0), 0); /* the transport was not even started */
    CU_ASSERT_EQUAL(transport_stops, 0);
    end_session(t);
}

static void what_a_sink_forgets_is_lost(void)
{
    struct fake_sink sinks[2] = {{.forgets = true}, {.fail_stop = true}};
    enum tap_status status;
    begin_session(CALLS, sinks, 2);
    script = send_plain;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT_EQUAL(balance(t, 0, NULL).lost, 5000);
    CU_ASSERT(err_has("cannot stop") && balance(t, 1, NULL).failed);
    end_session(t);
}

static void a_hanging_sink_is_left_behind(void)
{
    static struct fake_sink sinks[2]; /* its thread outlives the test */
    sinks[0].hangs = true;
    enum tap_status status;
    begin_session(CALLS, sinks, 2);
    script = send_plain;
    int64_t began = time(NULL);
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT(time(NULL) - began >= 9 && time(NULL) - began < 15);
    CU_ASSERT(err_has("left behind"));
    CU_ASSERT_EQUAL(balance(t, 1, NULL).written, 10000);
    tap_session_free(t); /* frees nothing: the thread is still in there */
}

/* Its thread is between two calls, in the function that it is told to: nobody waits for that for
 * ever. */
static atomic_bool log_hangs;
static void log_for_ever(void *arg, enum tap_log_level level, const char *actor, const char *text)
{
    log_line(arg, level, actor, text);
    while (atomic_load(&log_hangs) && strcmp(actor, "sink:a") == 0)
        nap(10);
}
static void a_sink_whose_log_line_hangs_is_left_behind(void)
{
    static struct fake_sink sinks[2];
    sinks[0].fail_after = 500;
    begin_session(CALLS, sinks, 2);
    script = send_plain;
    struct tap_session *t = tap_session_new(&fake_config, fake_err);
    tap_session_set_log(t, log_for_ever, NULL);
    atomic_store(&log_hangs, true);
    CU_ASSERT_EQUAL(tap_session_start(t), TAP_OK);
    while (!tap_session_poll(t, 100))
        ;
    int64_t began = time(NULL);
    CU_ASSERT_EQUAL(tap_session_finish(t), TAP_ERROR);
    CU_ASSERT(time(NULL) - began >= 9 && time(NULL) - began < 15);
    CU_ASSERT(err_has("left behind"));
    CU_ASSERT_EQUAL(balance(t, 1, NULL).written, 10000);
    tap_session_free(t); /* frees nothing: the thread is still in there */
}

static void flushes_also_when_idle(void)
{
    struct fake_sink sink = {0};
    enum tap_status status;
    begin_session(CALLS, &sink, 1);
    fake_config.session.duration = 2600000000;
    script = send_until_stopped;
    struct tap_session *t = run_session(&status); /* the duration ends it */
    CU_ASSERT_EQUAL(status, TAP_OK);
    CU_ASSERT(sink.flushes >= 3 && sink.flushes <= 6);
    balance(t, 0, NULL);
    end_session(t);
}

static void send_and_vanish(struct fake_transport *t)
{
    send_up(t);
    send_calls(t, 10, 100, 10, TAP_REASON_CREDIT);
    TAP_FAIL(t->host, TAP_ERROR, "n@h: the connection was closed");
    t->host->transport->node_state(t->host, t->node, TAP_NODE_FAILED, NULL);
    send_calls(t, 110, 5, 0, 0); /* after the end: not taken */
}
static void without_a_final_report_the_loss_is_open(void)
{
    struct fake_sink sink = {0};
    enum tap_status status;
    struct tap_node_stats node;
    begin_session(CALLS, &sink, 1);
    script = send_and_vanish;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT_EQUAL(balance(t, 0, &node).written, 100);
    CU_ASSERT(!node.final && node.state == TAP_NODE_FAILED && node.last_seq == 109 &&
              node.lost == 10);
    CU_ASSERT(err_has("lost >= 10, unknown after sequence 109"));
    CU_ASSERT_EQUAL(sink.control, 2);
    end_session(t);
}

static void send_and_forget(struct fake_transport *t)
{
    send_up(t);
    send_calls(t, 0, 10, 0, 0);
}
static void a_node_that_nobody_ends_is_ended(void)
{
    struct fake_sink sink = {0};
    enum tap_status status;
    begin_session(CALLS, &sink, 1);
    script = send_and_forget;
    transport_run_status = TAP_ERROR;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    balance(t, 0, NULL);
    CU_ASSERT(err_has("unknown after sequence 9") && err_has("did not say why"));
    end_session(t);
}

static void a_transport_that_cannot_start_ends_it(void)
{
    struct fake_sink sink = {0};
    enum tap_status status;
    begin_session(CALLS, &sink, 1);
    transport_start_status = TAP_ERROR;
    transport_start_ms = 1000; /* longer than a sink is left alone */
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT(sink.stops == 1 && transport_stops == 1);
    CU_ASSERT_EQUAL(sink.flushes, 0); /* or files that were there would be emptied */
    end_session(t);
}

static void *stop_soon(void *trace)
{
    nap(100);
    tap_session_stop(trace);
    tap_session_stop(trace);
    return NULL;
}
static void wait_for_stop(struct fake_transport *t)
{
    while (!t->host->transport->stopping(t->host))
        CU_ASSERT_EQUAL(t->host->transport->wait(t->host, NULL, 0, -1),
                        0); /* only a wake-up ends it */
    send_done(t, 0, 0);
}
static void stop_wakes_the_transport(void)
{
    struct fake_sink sink = {0};
    pthread_t other;
    begin_session(CALLS, &sink, 1);
    script = wait_for_stop;
    struct tap_session *t = tap_session_new(&fake_config, fake_err);
    CU_ASSERT_EQUAL(tap_session_start(t), TAP_OK);
    pthread_create(&other, NULL, stop_soon, t);
    while (!tap_session_poll(t, 1000))
        ;
    pthread_join(other, NULL);
    CU_ASSERT_EQUAL(tap_session_finish(t), TAP_OK);
    CU_ASSERT(sink.hurried);
    balance(t, 0, NULL);
    end_session(t);
}

/* The session ends it, and nobody waits: a sink may take the time that it has. */
static void a_run_that_is_over_hurries_no_sink(void)
{
    struct fake_sink sink = {0};
    enum tap_status status;
    begin_session(CALLS, &sink, 1);
    fake_config.session.duration = 10000000;
    script = wait_for_stop;
    struct tap_session *t = run_session(&status);
    CU_ASSERT(status == TAP_OK && sink.stops == 1 && !sink.hurried);
    balance(t, 0, NULL);
    end_session(t);
}

static void send_garbage(struct fake_transport *t)
{
    unsigned random = 1;
    uint64_t seq = 0;
    send_up(t);
    for (int round = 0; round < 20000; round++) {
        struct frame f;
        uint64_t before = seq;
        frame_begin(&f, 0, seq, 0, 0);
        for (uint32_t i = 0; i < 4; i++)
            frame_call(&f, i, i, (int64_t)seq++);
        frame_end(&f);
        if (before % 64) { /* every 16th is whole */
            size_t at = TAP_FRAME_HEADER + (size_t)rand_r(&random) % (f.buf.len - TAP_FRAME_HEADER);
            f.buf.data[at] = (uint8_t)rand_r(&random);
        }
        static const uint32_t first[] = {0};
        struct tap_arena *arena = t->host->transport->reserve(t->host, f.buf.len);
        memcpy(arena->data, f.buf.data, f.buf.len);
        t->host->transport->commit(t->host, arena, t->node, first, 1);
        tap_buf_free(&f.buf);
    }
    send_done(t, seq, 0);
}
/* ---- A transport that is left behind with events on their way */

static void crash_here(const struct tap_host *host)
{
    atomic_store(
        &((const struct tap_instance_host *)(const void *)host)->session->transport_crashed, true);
    for (;;)
        nap(1000);
}

/* They wait for their place in the order. */
static void send_and_crash(struct fake_transport *t)
{
    send_up(t);
    send_calls(t, 0, 100, 0, 0);
    crash_here(t->host);
}

static void what_waits_when_a_transport_crashes_is_written(void)
{
    static struct fake_sink sink;
    enum tap_status status;
    begin_session(CALLS, &sink, 1);
    fake_config.session.order = TAP_ORDER_TIME;
    fake_config.session.reorder = 3600 * INT64_C(1000000000);
    script = send_and_crash;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    CU_ASSERT(err_has("its thread crashed and was left behind: nodes may still be tracing"));
    struct tap_sink_stats stats = balance(t, 0, NULL);
    CU_ASSERT(stats.written == 100 && stats.lost == 0);
    tap_session_free(t);
}

static const struct tap_host *crasher;
static enum tap_status crashing_create(const struct tap_host *host, const void *settings,
                                       void **self)
{
    crasher = host;
    return filter_create(host, settings, self);
}
static void crashing_judge(void *self, const struct tap_batch *batch, uint8_t *keep)
{
    filter_judge(self, batch, keep);
    if (filter_run == 3) /* node_up, calls, calls */
        crash_here(crasher);
}
static const struct tap_filter_ops crashing_ops = {sizeof crashing_ops, crashing_create,
                                                   filter_plan, crashing_judge, filter_destroy};
static const struct tap_plugin crashing_plugin = {TAP_PLUGIN_HEADER, .kind = TAP_PLUGIN_FILTER,
                                                  .name = "fake", .ops = &crashing_ops};
static const struct tap_loaded crashing_loaded = {&crashing_plugin, "fake.so", NULL};

/* Nobody gets what the filter has in hand, and that is counted. */
static void what_a_filter_crashes_on_is_lost(void)
{
    static struct fake_sink sink;
    enum tap_status status;
    struct tap_node_stats node;
    begin_session(CALLS, &sink, 1);
    add_fake(TAP_PLUGIN_FILTER, "filter:crash", &crashing_loaded, NULL);
    script = send_plain;
    struct tap_session *t = run_session(&status);
    CU_ASSERT_EQUAL(status, TAP_ERROR);
    struct tap_sink_stats stats = balance(t, 0, &node);
    CU_ASSERT_EQUAL(node.received, 200);
    CU_ASSERT(stats.written > 0 && stats.filtered > 0 && stats.lost == 100);
    tap_session_free(t);
}

static void garbage_is_lost_and_counted(void)
{
    struct fake_sink sink = {0};
    enum tap_status status;
    struct tap_node_stats node;
    begin_session(CALLS, &sink, 1);
    script = send_garbage;
    struct tap_session *t = run_session(&status);
    balance(t, 0, &node);
    CU_ASSERT_EQUAL(node.produced, 80000);
    CU_ASSERT_EQUAL(node.lost, node.lost_by[TAP_REASON_UNREADABLE]);
    CU_ASSERT(node.lost > 1000 && node.received > 10000);
    end_session(t);
}

/* No descriptor is left for what wakes it: that is said. */
static void without_descriptors_it_is_said(void)
{
    struct rlimit was, none;
    struct fake_sink sink = {0};
    begin_session(CALLS, &sink, 1);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = was.rlim_max};
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct tap_session *s = tap_session_new(&fake_config, fake_err);
    setrlimit(RLIMIT_NOFILE, &was);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT(err_has("cannot make an eventfd: Too many open files"));
    tap_error_free(fake_err);
}

UNIT_TESTS("trace", UNIT_TEST(writes_everything), UNIT_TEST(losses_are_events_at_their_place),
           UNIT_TEST(filters_count), UNIT_TEST(a_full_queue_drops_the_newest),
           UNIT_TEST(a_full_queue_drops_the_oldest),
           UNIT_TEST(a_full_queue_that_blocks_loses_nothing),
           UNIT_TEST(block_withholds_credit_and_gives_it_again),
           UNIT_TEST(a_failing_sink_does_not_hurt_another),
           UNIT_TEST(nobody_writes_more_than_there_is), UNIT_TEST(without_a_sink_the_run_ends),
           UNIT_TEST(a_sink_that_cannot_start_is_detached),
           UNIT_TEST(no_tracing_when_no_sink_starts), UNIT_TEST(what_a_sink_forgets_is_lost),
           UNIT_TEST(a_hanging_sink_is_left_behind),
           UNIT_TEST(a_sink_whose_log_line_hangs_is_left_behind), UNIT_TEST(flushes_also_when_idle),
           UNIT_TEST(without_a_final_report_the_loss_is_open),
           UNIT_TEST(a_node_that_nobody_ends_is_ended),
           UNIT_TEST(a_transport_that_cannot_start_ends_it), UNIT_TEST(stop_wakes_the_transport),
           UNIT_TEST(a_run_that_is_over_hurries_no_sink), UNIT_TEST(garbage_is_lost_and_counted),
           UNIT_TEST(what_waits_when_a_transport_crashes_is_written),
           UNIT_TEST(what_a_filter_crashes_on_is_lost), UNIT_TEST(without_descriptors_it_is_said))
