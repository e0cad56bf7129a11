/* summary_window.c: the part of a run's summary about start_on and stop_on. */
#include <cjson/cJSON.h>
#include <inttypes.h>

#include "bus/window.h"
#include "cli/run.h"
#include "syntax/number.h"

static struct tap_number_text seconds(const struct tap_session *session, int64_t ts)
{
    return tap_number_print(ts - tap_session_started(session), 1000000000, 6);
}

static const char *s_of(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void print_stop(const struct tap_session *session, const struct tap_window_stats *w,
                       FILE *out)
{
    if (!w->stopped)
        return;
    fprintf(out, "stop_on: %s, at %s s", w->stopped->text, seconds(session, w->stopped_at).text);
    if (w->behind)
        fprintf(out, "; %" PRIu64 " event%s behind it not written", w->behind, s_of(w->behind));
    fputc('\n', out);
}

static void print_chain(const struct tap_window_stats *w, FILE *out)
{
    if (!w->follows)
        return;
    fprintf(out,
            "follow: %" PRIu64 " message%s, by which processes came into the chain %" PRIu64
            " time%s; %" PRIu64 " event%s not of the chain",
            w->chain.messages, s_of(w->chain.messages), w->chain.processes,
            s_of(w->chain.processes), w->astray, s_of(w->astray));
    if (w->chain.forgotten)
        fprintf(out, "; no room for %" PRIu64 " more on its way", w->chain.forgotten);
    fputc('\n', out);
}

void tap_summary_window(const struct tap_session *session, FILE *out)
{
    struct tap_window_stats w;
    if (!tap_session_windowed(session, &w))
        return;
    if (w.waits && !w.started) {
        fprintf(out, "what was waited for never came: %" PRIu64 " event%s not written\n", w.before,
                s_of(w.before));
        return;
    }
    if (w.started && !w.started->stop)
        fprintf(out, "start_on: %s, at %s s", w.started->text, seconds(session, w.started_at).text);
    else if (w.started)
        fputs("keep", out);
    if (w.started) {
        fprintf(out, ": %" PRIu64 " event%s from before %s kept, %" PRIu64 " not", w.kept,
                s_of(w.kept), w.kept == 1 ? "was" : "were", w.before);
        if (w.lost)
            fprintf(out, ", %" PRIu64 " lost (a higher limit lets more through: keep_memory)",
                    w.lost);
        fputc('\n', out);
    }
    print_chain(&w, out);
    print_stop(session, &w, out);
}

static cJSON *trigger_json(const struct tap_session *session, const struct tap_trigger *t,
                           int64_t ts)
{
    if (!t)
        return cJSON_CreateNull();
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "on", t->text);
    cJSON_AddNumberToObject(o, "at_ns", (double)(ts - tap_session_started(session)));
    return o;
}

void tap_summary_window_json(const struct tap_session *session, struct cJSON *to)
{
    struct tap_window_stats w;
    if (!tap_session_windowed(session, &w))
        return;
    cJSON *o = cJSON_AddObjectToObject(to, "window");
    cJSON_AddItemToObject(
        o, "started",
        trigger_json(session, w.started && !w.started->stop ? w.started : NULL, w.started_at));
    cJSON_AddItemToObject(o, "stopped", trigger_json(session, w.stopped, w.stopped_at));
    cJSON_AddNumberToObject(o, "kept", (double)w.kept);
    cJSON_AddNumberToObject(o, "before", (double)w.before);
    cJSON_AddNumberToObject(o, "behind", (double)w.behind);
    cJSON_AddNumberToObject(o, "lost", (double)w.lost);
    if (!w.follows)
        return;
    cJSON_AddNumberToObject(o, "astray", (double)w.astray);
    cJSON_AddNumberToObject(o, "chain_messages", (double)w.chain.messages);
    cJSON_AddNumberToObject(o, "chain_processes", (double)w.chain.processes);
    cJSON_AddNumberToObject(o, "chain_forgotten", (double)w.chain.forgotten);
}
