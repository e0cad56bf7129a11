/* limits.c: when the events are turned off for a while, and on again.
 *
 * The gap that a pause leaves stands behind every event from before it: it begins with the last of
 * them, when no thread is in a callback any more that saw the events on. It ends when the agent
 * turns them on again: until then nothing more is taken, so that the gap stands before every later
 * event.
 * Whoever pauses at the limit and goes on just below it flaps: so where the next pause follows
 * soon, each rests twice as long as the last (as agent/pause.hrl does it).
 */
#include <stdio.h>
#include <string.h>

#include "beamtap/term_write.h"
#include "transports/beam/native/drain.h"

#define MS INT64_C(1000000)
#define WINDOW (1000 * MS) /* of max_rate */
#define REST_LEAST (20 * MS)
#define REST_MOST (2000 * MS)
#define CALM (1000 * MS) /* of tracing after which a pause is a new one */
#define HALF_FULL 128

static int64_t pause_rest(const struct tap_native_pause *p, uint32_t why, int64_t now)
{
    int64_t ran = now - p->resumed;
    if (why == TAP_WHY_RATE)
        return p->rest;
    if (!p->resumed || (ran >= CALM && ran >= 10 * p->rest))
        return 0;
    return p->rest < REST_LEAST / 2  ? REST_LEAST
           : p->rest < REST_MOST / 2 ? 2 * p->rest
                                     : REST_MOST;
}

static void pause_begin(struct tap_drain *d, uint32_t why, const char *text)
{
    struct tap_native_pause *p = &d->pause;
    unsigned open = TAP_GATE_OPEN;
    if (!atomic_compare_exchange_strong(&d->run->gate, &open, TAP_GATE_PAUSED))
        return;
    tap_threads_pass();
    int64_t now = tap_now();
    p->from = tap_rings_last(d);
    p->asked = false;
    p->why = why;
    snprintf(p->text, sizeof p->text, "%s", text);
    p->rest = pause_rest(p, why, now);
    p->until = now + p->rest;
}

/* {gap, From, To, Reason, Text} */
static void say_gap(struct tap_drain *d, int64_t to)
{
    struct tap_buf b = {0};
    tap_write_version(&b);
    tap_write_tuple(&b, 5);
    tap_write_atom(&b, "gap");
    tap_write_i64(&b, tap_drain_time(d, d->pause.from));
    tap_write_i64(&b, tap_drain_time(d, to));
    tap_write_i64(&b, d->pause.why);
    tap_write_binary(&b, d->pause.text, strlen(d->pause.text));
    if (!b.oom)
        tap_frames_report(&d->out, b.data, b.len);
    tap_buf_free(&b);
}

static void pause_over(struct tap_drain *d, int64_t to)
{
    say_gap(d, to > d->pause.from ? to : d->pause.from);
    d->pause.why = 0;
    d->pause.asked = false;
    d->pause.resumed = d->window = tap_now();
    d->window_seq = d->out.seq;
}

/* Where the agent was asked to turn them on and the run ended before that was seen, what is in the
 * rings has to be read all the same. */
bool tap_pause_waits(struct tap_drain *d)
{
    if (!d->pause.asked)
        return false;
    if (atomic_load(&d->run->gate) == TAP_GATE_PAUSED && !d->ended)
        return true;
    int64_t resumed = atomic_load(&d->run->resumed_at);
    d->pause.asked = false;
    if (d->pause.why && resumed > d->pause.from)
        pause_over(d, resumed);
    return false;
}

void tap_pause_end(struct tap_drain *d)
{
    if (d->pause.why)
        pause_over(d, d->run->finished_at);
}

static void pause_look(struct tap_drain *d, int64_t now)
{
    if (d->pause.asked || d->starved || !tap_rings_are_empty(d) || now < d->pause.until ||
        tap_frames_waiting(&d->out) > TAP_FRAMES_OUT / 4 ||
        (d->pause.why == TAP_WHY_RATE && now - d->window < WINDOW))
        return;
    d->pause.asked = true;
    tap_drain_tell(d, "resume", NULL);
}

static void rate_look(struct tap_drain *d, int64_t now)
{
    char text[80];
    uint64_t most = d->run->options.max_rate;
    if (!most)
        return;
    if (now - d->window >= WINDOW) {
        d->window = now;
        d->window_seq = d->out.seq;
    } else if (d->out.seq - d->window_seq >= most) {
        snprintf(text, sizeof text, "max_rate (%llu a second) was reached",
                 (unsigned long long)most);
        pause_begin(d, TAP_WHY_RATE, text);
    }
}

void tap_limits_look(struct tap_drain *d)
{
    static const char credit[] = "the collector did not read",
                      memory[] = "the native tracer's rings (max_memory) were half full";
    int64_t now = tap_now();
    if (d->ended)
        return;
    if (d->pause.why) {
        pause_look(d, now);
        return;
    }
    if (tap_rings_fill(d) > HALF_FULL) {
        switch (d->run->options.overload) {
        case TAP_NATIVE_PAUSE:
            pause_begin(d, d->starved ? TAP_WHY_CREDIT : TAP_WHY_MEMORY,
                        d->starved ? credit : memory);
            return;
        case TAP_NATIVE_STOP:
            tap_drain_ended(d, TAP_WHY_MEMORY, "overload", d->starved ? credit : memory);
            return;
        default: break;
        }
    }
    rate_look(d, now);
}
