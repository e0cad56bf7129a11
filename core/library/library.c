/* library.c: a trace as beamtap.h has it: a session with the store as one of its sinks, and a
 * thread that takes the part of `beamtap run`: it starts, watches and finishes.
 *
 * The options become the same settings as --set gives, so that there is one place that checks them.
 */
#include "library/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "beamtap/transport.h"
#include "library/defaults.h"
#include "plugin/operation.h"

#include "base/sized.h"

#define POLL_MS 100
#define CALL_TIMEOUT (5 * TAP_SECOND)

/* ---- Options -> settings */

struct sets {
    char **at;
    size_t count, cap;
    bool oom;
};

static void add_set(struct sets *s, const char *key, const char *value)
{
    char *text = NULL;
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 16;
        char **more = realloc(s->at, cap * sizeof *more);
        if (!more) {
            s->oom = true;
            return;
        }
        s->at = more;
        s->cap = cap;
    }
    if (asprintf(&text, "%s%s%s", key, *key ? "=" : "", value) < 0)
        s->oom = true;
    else
        s->at[s->count++] = text;
}

static void add_list(struct sets *s, const char *key, const char *const *list)
{
    struct tap_buf b = {0};
    if (!list)
        return;
    for (size_t i = 0; list[i]; i++) {
        tap_buf_put(&b, ", ", i ? 2 : 0);
        tap_buf_put(&b, list[i], strlen(list[i]));
    }
    tap_write_u8(&b, 0);
    s->oom |= b.oom;
    if (!b.oom)
        add_set(s, key, (const char *)b.data);
    tap_buf_free(&b);
}

static void add_sets(struct sets *s, const struct tap_trace_options *o)
{
    char number[32];
    if (!o->file)
        add_set(s, "session.duration", "0");
    if (!o->file && o->call)
        add_set(s, "session.events",
                "function_call, function_return, function_exception, message_send, "
                "message_receive, process_spawn, process_start, process_exit, process_link, "
                "process_unlink, process_register, process_unregister");
    if (!o->file && o->call) {
        /* Whole, or it is of no use: a pause would leave a hole in it. It is bounded by its
         * timeout, max_events and max_memory. */
        add_set(s, "session.max_queue", "1M");
        add_set(s, "session.max_rate", "0");
    }
    add_list(s, "session.nodes", o->nodes);
    if (o->seed)
        add_set(s, "session.seed", o->seed);
    if (o->cookie_file)
        add_set(s, "session.cookie_file", o->cookie_file);
    add_list(s, "session.events", o->events);
    add_list(s, tap_defaults.modules, o->modules);
    add_list(s, tap_defaults.pids, o->pids);
    for (size_t i = 0; o->match_spec && o->match_spec[i]; i++)
        add_set(s, tap_defaults.match_spec, o->match_spec[i]);
    for (size_t i = 0; o->settings && o->settings[i]; i++)
        add_set(s, "", o->settings[i]);
    if (o->keep > 0) {
        snprintf(number, sizeof number, "%lld", (long long)o->keep);
        add_set(s, "sink:events.keep", number);
    }
    if (o->call) /* it has a timeout of its own */
        add_set(s, "session.duration", "0");
}

static enum tap_status read_options(struct tap_trace *t, const struct tap_trace_options *o)
{
    struct sets s = {0};
    add_sets(&s, o);
    enum tap_status status =
        s.oom ? TAP_ERR(t->err, TAP_ERROR, "core", "out of memory")
              : tap_config_embed(o->file, tap_defaults.transport, (const char *const *)s.at,
                                 s.count, &tap_store_plugin, &t->config, t->err);
    for (size_t i = 0; i < s.count; i++)
        free(s.at[i]);
    free(s.at);
    return status;
}

/* ---- The thread */

static void say(struct tap_trace *t, bool *what, enum tap_status status)
{
    pthread_mutex_lock(&t->lock);
    *what = true;
    t->status = status;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static void *trace_main(void *arg)
{
    struct tap_trace *t = arg;
    enum tap_status status = tap_session_start(t->session);
    say(t, &t->started, status);
    if (status == TAP_OK) {
        while (!tap_session_poll(t->session, POLL_MS))
            ;
        status = tap_session_finish(t->session);
    }
    tap_store_end(t->store);
    say(t, &t->ended, status);
    return NULL;
}

/* Its threads, and those that the session starts, leave the program's signals to the program. */
static bool start_thread(struct tap_trace *t)
{
    int failure = tap_operation_thread(&t->thread, trace_main, t);
    if (failure)
        TAP_ERR(t->err, TAP_ERROR, "core", "cannot start a thread: %s", strerror(failure));
    return !failure;
}

/* ---- Life */

char *tap_library_causes(const struct tap_error *err)
{
    char *text = NULL;
    size_t len = 0, n = tap_error_count(err);
    FILE *out = n ? open_memstream(&text, &len) : NULL;
    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        const struct tap_cause *c = tap_error_get(err, i);
        if (c->actor)
            fprintf(out, "[%s] ", c->actor);
        fprintf(out, "%s%s", c->message, i + 1 < n ? "\n" : "");
    }
    return fclose(out) == 0 ? text : (free(text), NULL);
}

enum tap_status tap_library_invalid(char **why, const char *text)
{
    if (why)
        *why = strdup(text);
    return TAP_INVALID;
}

static enum tap_status tell(const struct tap_error *err, enum tap_status status, char **why)
{
    if (why)
        *why = status != TAP_OK ? tap_library_causes(err) : NULL;
    return status;
}

static struct tap_trace *trace_new(const struct tap_trace_options *o)
{
    struct tap_trace *t = calloc(1, sizeof *t);
    pthread_condattr_t attr;
    if (!t)
        return NULL;
    t->err = tap_error_new();
    if (!t->err) {
        free(t);
        return NULL;
    }
    atomic_init(&t->log, o->log);
    t->log_arg = o->log_arg;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    return t;
}

/* What the caller asks for, in structs of our own length: of his there is no more than he says. */
struct asked {
    struct tap_trace_options options;
    struct tap_call call;
    bool whole;
};

static struct asked *read_asked(struct asked *a, const struct tap_trace_options *given)
{
    struct tap_trace_options *o = &a->options;
    *a = (struct asked){.whole = false};
    a->whole = TAP_SIZED_READ(o, given, log_arg);
    if (a->whole && o->call) {
        a->whole = TAP_SIZED_READ(&a->call, o->call, linger);
        o->call = &a->call;
    }
    return a;
}

/* Everything that needs no node. */
static bool prepare(struct tap_trace *t, const struct asked *asked)
{
    const struct tap_trace_options *o = &asked->options;
    if (!asked->whole)
        return TAP_ERR(t->err, TAP_INVALID, "core",
                       "the options or the call are too short: begin with TAP_TRACE_OPTIONS and "
                       "TAP_CALL"),
               false;
    if (read_options(t, o) != TAP_OK ||
        !(t->session = tap_session_new_logged(t->config, t->err, tap_library_log, t)))
        return false;
    t->store = tap_session_self_of(t->session, &tap_store_plugin);
    if (!o->call)
        return true;
    if (!tap_call_args_read(&t->call, o->call, t->err))
        return false;
    struct tap_plan_call plan_call = {.struct_size = sizeof plan_call,
                                      .module = t->call.module,
                                      .function = t->call.function,
                                      .args = t->call.arguments.data,
                                      .args_len = t->call.arguments.len,
                                      .timeout = o->call->timeout < 0    ? 0
                                                 : o->call->timeout == 0 ? CALL_TIMEOUT
                                                                         : o->call->timeout,
                                      .linger = o->call->linger > 0 ? o->call->linger : 0};
    return tap_session_set_call(t->session, &plan_call) == TAP_OK;
}

static void trace_free(struct tap_trace *t)
{
    bool left = t->session ? tap_session_abandoned(t->session) : t->config && t->config->in_use;
    if (left) { /* a thread that was left behind may still use any of it */
        tap_library_silence(t);
        return;
    }
    tap_session_free(t->session);
    tap_config_free(t->config);
    tap_error_free(t->err);
    tap_call_args_free(&t->call);
    free(t->result);
    free(t->stack);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* Until it has started, or could not; asked to end, it ends sooner. */
static enum tap_status wait_for_start(struct tap_trace *t, const struct tap_trace_options *o)
{
    pthread_mutex_lock(&t->lock);
    while (!t->started) {
        int64_t until = tap_clock_steady() + POLL_MS * INT64_C(1000000);
        struct timespec deadline = {until / TAP_SECOND, until % TAP_SECOND};
        if (!o->to_end)
            pthread_cond_wait(&t->changed, &t->lock);
        else if (pthread_cond_timedwait(&t->changed, &t->lock, &deadline) && !t->started &&
                 o->to_end(o->to_end_arg))
            tap_session_stop(t->session);
    }
    enum tap_status status = t->status;
    pthread_mutex_unlock(&t->lock);
    return status;
}

enum tap_status tap_trace_start(const struct tap_trace_options *options, struct tap_trace **trace,
                                char **why)
{
    struct asked asked;
    if (why)
        *why = NULL;
    if (trace)
        *trace = NULL;
    if (!options || !trace)
        return tap_library_invalid(why, "a trace needs options, and a place where it is put");
    struct tap_trace *t = trace_new(&read_asked(&asked, options)->options);
    if (!t)
        return TAP_ERROR;
    if (!prepare(t, &asked) || !start_thread(t)) {
        enum tap_status status = tell(t->err, tap_error_status(t->err), why);
        trace_free(t);
        return status == TAP_OK ? TAP_ERROR : status;
    }
    enum tap_status status = wait_for_start(t, &asked.options);
    if (status == TAP_OK) {
        *trace = t;
        return TAP_OK;
    }
    pthread_join(t->thread, NULL);
    tell(t->err, status, why);
    trace_free(t);
    return status;
}

const char *tap_trace_id(const struct tap_trace *t)
{
    return t ? tap_session_id(t->session) : "";
}

/* The thread that is in the trace's log function is one that the trace waits for: it never waits
 * for the trace. */
bool tap_trace_wait(struct tap_trace *t, int timeout)
{
    if (!t)
        return true;
    if (tap_library_in_log(t))
        timeout = 0;
    int64_t until = tap_clock_steady() + (int64_t)timeout * 1000000;
    struct timespec deadline = {until / TAP_SECOND, until % TAP_SECOND};
    pthread_mutex_lock(&t->lock);
    while (!t->ended) {
        if (timeout < 0)
            pthread_cond_wait(&t->changed, &t->lock);
        else if (pthread_cond_timedwait(&t->changed, &t->lock, &deadline))
            break;
    }
    bool ended = t->ended;
    pthread_mutex_unlock(&t->lock);
    return ended;
}

enum tap_status tap_trace_stop(struct tap_trace *t, char **why)
{
    if (!t)
        return tap_library_invalid(why, "there is no trace to stop");
    tap_session_stop(t->session);
    bool ended = tap_trace_wait(t, -1);
    pthread_mutex_lock(&t->lock);
    enum tap_status status = ended ? t->status : TAP_OK;
    pthread_mutex_unlock(&t->lock);
    return tell(t->err, status, why);
}

void tap_trace_free(struct tap_trace *t)
{
    if (!t)
        return;
    tap_trace_stop(t, NULL);
    if (tap_library_in_log(t)) /* it is needed still */
        return;
    pthread_join(t->thread, NULL);
    trace_free(t);
}

void tap_trace_figures(const struct tap_trace *t, struct tap_trace_figures *figures)
{
    struct tap_trace_figures all = {.exact = true}, *f = &all;
    if (!t || !figures)
        return;
    size_t n = tap_session_nodes(t->session, NULL, 0),
           sink_count = tap_session_sinks(t->session, NULL, 0);
    struct tap_node_stats *nodes = calloc(n + 1, sizeof *nodes);
    struct tap_sink_stats *sinks = calloc(sink_count + 1, sizeof *sinks);
    if (nodes && sinks) {
        size_t now = tap_session_nodes(t->session, nodes, n); /* more may have joined meanwhile */
        n = now < n ? now : n;
        tap_session_sinks(t->session, sinks, sink_count);
        for (size_t i = 0; i < n; i++) {
            f->produced += nodes[i].produced;
            f->nodes += nodes[i].state != TAP_NODE_SAME;
            f->nodes_failed += nodes[i].state == TAP_NODE_FAILED;
            f->exact &= nodes[i].final || !nodes[i].traced;
        }
        for (size_t s = 0; s < sink_count; s++) {
            if (strcmp(sinks[s].section, TAP_CONFIG_BUILT_IN) != 0)
                continue;
            f->kept = sinks[s].written;
            f->filtered = sinks[s].filtered;
            f->lost = sinks[s].lost;
        }
        pthread_mutex_lock(&t->store->lock);
        f->evicted = t->store->evicted;
        pthread_mutex_unlock(&t->store->lock);
    } else {
        f->exact = false;
    }
    free(nodes);
    free(sinks);
    TAP_SIZED_FILL(figures, &all);
}
