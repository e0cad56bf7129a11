/* run.c: a session at work: start, wait, stop, the end, and its figures.
 *
 * The end comes from the transport (every node is done), from the session (stop, the duration), or
 * from the last sink failing. It goes in two steps: asked politely (stopping 1), then, past a
 * deadline, at once (stopping 2); what does not come back even then is left behind, and said.
 */
#include "session/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "names/intern.h"
#include "session/internal.h"

/* the nodes count the duration themselves: this is for those that do not */
#define DURATION_GRACE (TAP_SECOND / 2)

static const struct tap_transport_ops *transport_ops(const struct tap_session *session)
{
    return session->transport->instance->loaded->plugin->ops;
}

/* What this instance said last of why it failed; where it said nothing, that is said. */
static const char *blame(struct tap_session *session, const struct tap_instance *instance,
                         const char *what)
{
    const struct tap_cause *cause;
    for (size_t i = tap_error_count(session->err); i-- > 0;)
        if ((cause = tap_error_get(session->err, i)) && cause->actor &&
            strcmp(cause->actor, instance->section) == 0)
            return cause->message;
    TAP_ERR(session->err, TAP_ERROR, instance->section, "%s and did not say why", what);
    return "it did not say why";
}

/* ---- Sinks */

/* A sink is at its end, by itself, because it failed, or because its reader went. On its thread. */
void tap_session_sink_ended(void *arg, struct tap_sink *sink, enum tap_sink_end end)
{
    struct tap_session *session = arg;
    if (end == TAP_SINK_DONE)
        return;
    const struct tap_instance *instance = tap_session_instance(session, sink);
    /* told now: the run may go on for hours */
    const char *why = end == TAP_SINK_FAILED ? blame(session, instance, "failed") : NULL;
    bool last = atomic_fetch_sub(&session->sinks_alive, 1) == 1;
    if (why)
        tap_session_log(session, TAP_LOG_WARNING, instance->section,
                        last ? "has failed, no sink is left, the run ends: %s"
                             : "has failed and is detached, the run goes on without it: %s",
                        why);
    else
        tap_session_log(session, TAP_LOG_INFO, instance->section,
                        "nobody reads its output any more: %s",
                        last ? "no sink is left, the run ends" : "the run goes on without it");
    if (last)
        tap_session_end(session);
    tap_session_wake(session); /* credit may have waited for it */
}

static void tell_crash(struct tap_session *session, const struct tap_sink *sink)
{
    session->abandoned = true;
    TAP_ERR(session->err, TAP_ERROR, sink->section,
            "%s crashed in %s, or called exit, and was left behind: its output is not complete",
            sink->file, sink->operation);
}

static bool start_sink(struct tap_session *session, struct tap_sink *sink)
{
    const struct tap_instance *instance = tap_session_instance(session, sink);
    switch (tap_sink_start(sink)) {
    case TAP_SINK_STARTED: return true;
    case TAP_SINK_REFUSED: blame(session, instance, "could not start"); break;
    case TAP_SINK_LATE:
        session->abandoned = true;
        TAP_ERR(session->err, TAP_ERROR, sink->section,
                "%s did not come back from start within %lld s and was left behind", sink->file,
                (long long)(TAP_OPERATION_DEADLINE / TAP_SECOND));
        break;
    case TAP_SINK_CRASHED: /* its thread ends the process in the end: no node is touched */
        tell_crash(session, sink);
        tap_session_end(session);
        break;
    case TAP_SINK_THREAD:
        TAP_ERR(session->err, TAP_ERROR, sink->section, "cannot start a thread: %s",
                strerror(errno));
        break;
    }
    return false;
}

/* Opens every output. How many work. */
static size_t start_sinks(struct tap_session *session)
{
    size_t started = 0;
    atomic_store(&session->sinks_alive, session->sink_count);
    for (size_t s = 0; s < session->sink_count; s++) {
        bool good = start_sink(session, &session->sinks[s]);
        started += good;
        if (!good)
            atomic_fetch_sub(&session->sinks_alive, 1);
    }
    return started;
}

/* A sink whose thread crashed cannot say so. The run ends, for its memory is everybody's. */
static void see_crashes(struct tap_session *session)
{
    for (size_t s = 0; s < session->sink_count; s++) {
        struct tap_sink *sink = &session->sinks[s];
        if (!tap_sink_crashed(sink))
            continue;
        tell_crash(session, sink);
        atomic_fetch_sub(&session->sinks_alive, 1);
        tap_session_end(session);
    }
}

static void finish_sinks(struct tap_session *session)
{
    for (size_t s = 0; s < session->sink_count; s++)
        tap_queue_close(&session->sinks[s].queue);
    for (size_t s = 0; s < session->sink_count; s++) {
        if (tap_sink_join(&session->sinks[s]))
            continue;
        if (atomic_load(&session->sinks[s].crashed)) {
            tell_crash(session, &session->sinks[s]);
            continue;
        }
        session->abandoned = true;
        TAP_ERR(session->err, TAP_ERROR, tap_session_instance(session, &session->sinks[s])->section,
                "did not finish within %lld s and was left behind: its output is not complete",
                (long long)(TAP_SINK_DEADLINE / TAP_SECOND));
    }
}

/* ---- The transport */

static void *transport_main(void *arg)
{
    struct tap_session *session = arg;
    char stack[TAP_OPERATION_STACK];
    tap_operation_stack(stack);
    struct tap_operation run = tap_session_operation(session->transport, "run");
    run.crashed = &session->transport_crashed;
    struct tap_operation before = tap_operation_begin(run);
    enum tap_status status = transport_ops(session)->run(session->transport->self);
    tap_operation_end(before);
    if (status != TAP_OK)
        blame(session, session->transport->instance, "failed");
    pthread_mutex_lock(&session->lock);
    session->transport_done = true;
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->lock);
    return NULL;
}

/* What is said of the session; a recording knows better. */
static enum tap_status ask_facts(struct tap_session *session)
{
    const struct tap_transport_ops *ops = transport_ops(session);
    session->run_info.started = tap_clock_now();
    if (!TAP_HAS(ops, facts) || !ops->facts)
        return TAP_OK;
    struct tap_operation before =
        tap_operation_begin(tap_session_operation(session->transport, "facts"));
    enum tap_status status = ops->facts(session->transport->self, &session->run_info);
    tap_operation_end(before);
    if (status != TAP_OK)
        blame(session, session->transport->instance, "could not say what it plays");
    else if (!tap_bus_recorded(session->bus, session->run_info.events,
                               session->config->session.keep_order && session->run_info.in_order))
        status = TAP_ERR(session->err, TAP_ERROR, "core", "out of memory");
    return status;
}

static bool any_traced(const struct tap_session *session)
{
    bool any = false;
    for (uint32_t i = 0; i < atomic_load(&session->node_count); i++)
        any |= atomic_load(&tap_session_node(session, i)->traced);
    return any;
}

enum tap_status tap_session_start(struct tap_session *session)
{
    enum tap_status status = ask_facts(session);
    if (status != TAP_OK) {
        session->finished = true; /* nothing was started */
        return status;
    }
    if (start_sinks(session) == 0) {
        tap_session_finish(session);
        return TAP_ERROR;
    }
    if (atomic_load(&session->stopping)) /* a sink waited for its reader, and somebody had enough */
        return tap_session_finish(session);
    session->transport_started = true;
    struct tap_operation before =
        tap_operation_begin(tap_session_operation(session->transport, "start"));
    status = transport_ops(session)->start(session->transport->self);
    tap_operation_end(before);
    if (status != TAP_OK)
        blame(session, session->transport->instance, "could not start");
    atomic_store(&session->began, tap_clock_steady());
    int failure =
        status == TAP_OK ? pthread_create(&session->thread, NULL, transport_main, session) : 0;
    if (failure)
        status = TAP_ERR(session->err, TAP_ERROR, "core", "cannot start a thread: %s",
                         strerror(failure));
    if (status != TAP_OK) {
        tap_session_finish(session);
        return status;
    }
    session->threaded = true;
    if (atomic_load(&session->stopping) && !any_traced(session)) {
        tap_session_log(session, TAP_LOG_INFO, "core",
                        "stopped before any node was traced: no output was touched");
        return TAP_OK;
    }
    for (size_t s = 0; s < session->sink_count; s++)
        tap_sink_begin(&session->sinks[s]);
    return TAP_OK;
}

void tap_session_end(struct tap_session *session)
{
    int64_t never = 0;
    int go_on = 0;
    atomic_compare_exchange_strong(&session->stop_asked, &never, tap_clock_steady());
    if (atomic_compare_exchange_strong(&session->stopping, &go_on, 1))
        tap_session_wake(session);
}

void tap_session_stop(struct tap_session *session)
{
    atomic_store(&session->stop_wanted, true);
    tap_session_end(session);
}

static void tell_late(struct tap_session *session, int64_t asked, int64_t now)
{
    bool comes = now - session->stop_heard < TAP_SECOND;
    if (!comes || session->stop_told || now - asked <= TAP_STOP_LATE)
        return;
    session->stop_told = true;
    tap_session_log(session, TAP_LOG_INFO, "core",
                    "what waited in the nodes when the run was stopped still comes: it is waited "
                    "for, for %d s at the most",
                    (int)(TAP_STOP_LONGEST / TAP_SECOND));
}

/* When the nodes were last heard of, of what waited in them when the run was stopped. */
static int64_t still_heard(struct tap_session *session, int64_t asked, int64_t now)
{
    uint64_t received = 0;
    for (uint32_t i = 0; i < atomic_load(&session->node_count); i++)
        received += atomic_load_explicit(&tap_session_node(session, i)->bus.stream.figures.received,
                                         memory_order_relaxed);
    if (received != session->stop_received)
        session->stop_heard = session->stop_heard ? now : asked;
    session->stop_received = received;
    tell_late(session, asked, now);
    int64_t heard = session->stop_heard > asked ? session->stop_heard : asked,
            last = asked + TAP_STOP_LONGEST - TAP_STOP_DEADLINE - session->plan.lease;
    return heard < last ? heard : last > asked ? last : asked;
}

/* What has no name any more is told once, when it begins. */
static void tell_full_names(struct tap_session *session)
{
    if (session->names_told || !session->intern || !tap_intern_is_full(session->intern))
        return;
    session->names_told = true;
    tap_session_log(session, TAP_LOG_WARNING, "core",
                    "there are too many names, or too long ones, to know them all: modules, "
                    "functions and nodes that are new are without names from here on");
}

/* The clock's part in the end. False: the transport is to be left behind. */
static bool watch(struct tap_session *session)
{
    see_crashes(session);
    tell_full_names(session);
    if (atomic_load(&session->transport_crashed))
        return false;
    int64_t now = tap_clock_steady(), asked = atomic_load(&session->stop_asked),
            began = atomic_load(&session->began);
    int64_t duration = session->plan.duration, patience = TAP_STOP_DEADLINE + session->plan.lease;
    if (!asked && began && duration && now - began > duration + DURATION_GRACE)
        tap_session_end(session);
    if (!asked)
        return true;
    int64_t since = still_heard(session, asked, now);
    if (now - since < patience)
        return true;
    if (atomic_exchange(&session->stopping, 2) != 2)
        tap_session_wake(session);
    return now - since < patience + TAP_STOP_DEADLINE;
}

bool tap_session_poll(struct tap_session *session, int timeout)
{
    int64_t until = tap_clock_steady() + (int64_t)(timeout < 0 ? 0 : timeout) * 1000000;
    struct timespec deadline = {until / TAP_SECOND, until % TAP_SECOND};
    bool more = watch(session);
    pthread_mutex_lock(&session->lock);
    while (more && !session->transport_done &&
           pthread_cond_timedwait(&session->changed, &session->lock, &deadline) == 0)
        ;
    bool done = session->transport_done || !session->threaded;
    pthread_mutex_unlock(&session->lock);
    if (!done && !more) {
        session->transport_abandoned = true;
        return true;
    }
    return done;
}

static void stop_transport(struct tap_session *session)
{
    struct tap_operation before =
        tap_operation_begin(tap_session_operation(session->transport, "stop"));
    enum tap_status status = transport_ops(session)->stop(session->transport->self);
    tap_operation_end(before);
    if (status != TAP_OK)
        blame(session, session->transport->instance, "could not stop");
}

static void finish_transport(struct tap_session *session)
{
    if (session->transport_abandoned) {
        pthread_detach(session->thread);
        session->abandoned = true;
        TAP_ERR(session->err, TAP_ERROR, session->transport->instance->section,
                "%s and was left behind: %s",
                atomic_load(&session->transport_crashed) ? "its thread crashed" : "did not finish",
                tap_config_replays(session->config)
                    ? "what it had not played yet is missing"
                    : "nodes may still be tracing until their lease ends");
    } else if (session->threaded) {
        pthread_join(session->thread, NULL);
    }
    session->threaded = false;
    if (session->transport_started && !session->transport_abandoned)
        stop_transport(session);
    for (uint32_t i = 0; !session->transport_abandoned && i < atomic_load(&session->node_count);
         i++) {
        struct tap_node_impl *node = tap_session_node(session, i);
        if (!node->ended)
            tap_session_node_end(session, node, TAP_NODE_FAILED, NULL);
    }
}

enum tap_status tap_session_finish(struct tap_session *session)
{
    if (!session->finished) {
        session->finished = true;
        finish_transport(session);
        if (session->bus && session->transport_abandoned)
            tap_bus_abandon(session->bus);
        else if (session->bus)
            tap_bus_flush(session->bus);
        tell_full_names(session);
        finish_sinks(session);
        atomic_store(&session->cut_off, session->transport_abandoned);
    }
    return tap_error_status(session->err);
}

bool tap_session_call_result(const struct tap_session *session, const char **kind,
                             const uint8_t **term, size_t *len)
{
    *kind = session->call_kind;
    *term = session->call_term;
    *len = session->call_len;
    return session->call_kind != NULL;
}

/* ---- Without a trace */

enum tap_status tap_session_service(struct tap_session *session, const char *verb,
                                    const uint8_t *args, size_t len, struct tap_buf *result)
{
    const struct tap_transport_ops *ops = transport_ops(session);
    if (!TAP_HAS(ops, service) || !ops->service)
        return TAP_ERR(session->err, TAP_INVALID, session->transport->instance->section,
                       "this transport traces and can do nothing else: it cannot be asked for '%s'",
                       verb);
    struct tap_operation before =
        tap_operation_begin(tap_session_operation(session->transport, "service"));
    enum tap_status status = ops->service(session->transport->self, verb, args, len, result);
    tap_operation_end(before);
    if (status != TAP_OK)
        blame(session, session->transport->instance, "failed");
    session->finished = true; /* nothing was started */
    return status;
}
