/* host.c: the table of functions that plugins get (beamtap/plugin.h, sink.h,
 * filter.h and transport.h say what each does).
 *
 * Every instance has a table of its own, inside a struct that knows the session and the instance;
 * that is how a log line gets its name and a written event its sink.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/one_line.h"
#include "base/sized.h"
#include "session/internal.h"
#include "base/event_names.h"
#include "term/print.h"

static struct tap_instance_host *own(const struct tap_host *host)
{
    return (struct tap_instance_host *)(uintptr_t)host;
}

/* ---- For every plugin */

static void log_line(struct tap_session *session, enum tap_log_level level, const char *actor,
                     const char *format, va_list ap)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, ap);
    if (level == TAP_LOG_DEBUG && !getenv("BEAMTAP_DEBUG"))
        return;
    tap_one_line(text);
    if (session->log)
        session->log(session->log_arg, level, actor, text);
    else
        fprintf(stderr, "beamtap: [%s] %s\n", actor, text);
}

void tap_session_log(struct tap_session *session, enum tap_log_level level, const char *actor,
                     const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    log_line(session, level, actor, format, ap);
    va_end(ap);
}

static void host_log(const struct tap_host *host, enum tap_log_level level, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    log_line(own(host)->session, level, own(host)->instance->section, format, ap);
    va_end(ap);
}

static enum tap_status host_fail(const struct tap_host *host, enum tap_status status,
                                 const char *file, int line, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    tap_error_vadd(own(host)->err, status, own(host)->instance->section, file, line, format, ap);
    va_end(ap);
    return status;
}

static enum tap_status host_fail_at(const struct tap_host *host, const struct tap_text *where,
                                    size_t offset, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    enum tap_status status =
        tap_error_vadd_at(own(host)->err, own(host)->instance->section, where, offset, format, ap);
    va_end(ap);
    return status;
}

static uint32_t host_intern(const struct tap_host *host, const char *text, size_t len)
{
    return tap_intern_name(own(host)->session->intern, text, len);
}

/* What a plugin asked for as this core knows it, in `own` where that is not how it came. */
static const struct tap_print *print_of(const struct tap_print *asked, struct tap_print *own)
{
    static const struct tap_print plain = {.struct_size = sizeof plain};
    if (asked && asked->struct_size == sizeof *asked)
        return asked;
    return asked && TAP_SIZED_READ(own, asked, max_items) ? own : &plain;
}

static size_t host_term_print(const struct tap_host *host, char *dst, size_t cap,
                              const uint8_t *term, size_t len, const struct tap_print *how)
{
    struct tap_print own_print;
    return tap_term_print(host->names, dst, cap, term, len, print_of(how, &own_print));
}

static size_t host_arguments_print(const struct tap_host *host, char *dst, size_t cap,
                                   const uint8_t *list, size_t len, const char *separator,
                                   const struct tap_print *how)
{
    struct tap_print own_print;
    return tap_arguments_print(host->names, dst, cap, list, len, separator,
                               print_of(how, &own_print));
}

static size_t host_pid_print(const struct tap_host *host, char *dst, size_t cap,
                             const struct tap_pid *pid, const struct tap_print *how)
{
    struct tap_print own_print;
    return tap_pid_print(host->names, dst, cap, pid, print_of(how, &own_print));
}

static size_t host_peer_print(const struct tap_host *host, char *dst, size_t cap,
                              const struct tap_batch *batch, const struct tap_event *ev,
                              const struct tap_print *how)
{
    struct tap_print own_print;
    return tap_peer_print(host->names, dst, cap, batch, ev, print_of(how, &own_print));
}

static const struct tap_node *host_node(const struct tap_host *host, uint32_t index)
{
    struct tap_node_impl *node = tap_session_node(own(host)->session, index);
    return node ? &node->base : NULL;
}

static void host_count(const struct tap_host *host, const char *name, int64_t n)
{
    tap_counters_add(&own(host)->counters, name, n);
}

/* ---- For sinks */

static void host_written(const struct tap_host *host, uint64_t events, uint64_t bytes)
{
    struct tap_sink *sink = own(host)->sink;
    if (!sink)
        return;
    bool before = sink->wrote_beyond;
    if (!tap_sink_written(sink, events, bytes) && !before)
        TAP_FAIL(host, TAP_ERROR,
                 "it says that it wrote more events than it was given, so its figures cannot be "
                 "believed: it is stopped");
}

static void host_hold(const struct tap_host *host, const struct tap_batch *batch)
{
    (void)host;
    tap_batch_hold((struct tap_batch_impl *)(uintptr_t)batch, 1);
}

static void host_release(const struct tap_host *host, const struct tap_batch *batch)
{
    (void)host;
    tap_batch_release((struct tap_batch_impl *)(uintptr_t)batch);
}

/* ns that a sink has for what is left where a run ends by itself, and then no longer: who waits for
 * somebody else (a database's reader, a collector that is slow) may wait for ever. */
#define OWN_END INT64_C(30000000000)

static bool should_end(const struct tap_session *session)
{
    int64_t asked = atomic_load(&session->stop_asked);
    if (atomic_load(&session->stop_wanted))
        return true;
    if (atomic_load(&session->stopping) == 0)
        return false;
    return !atomic_load(&session->began) || (asked && tap_clock_steady() - asked > OWN_END);
}

/* What is exported when the trace is over is no part of the run. */
static bool host_ending(const struct tap_host *host)
{
    const struct tap_session *session = own(host)->session;
    bool of_run = false;
    if (own(host)->sink)
        tap_sink_waits(own(host)->sink);
    for (size_t s = 0; s < session->sink_count; s++)
        of_run |= own(host)->sink == &session->sinks[s];
    return of_run && should_end(session);
}

/* ---- For transports: nodes */

static uint32_t host_node_add(const struct tap_host *host, const char *given)
{
    struct tap_session *session = own(host)->session;
    char *name = tap_session_node_text(given);
    if (!name)
        return TAP_FAIL(host, TAP_ERROR, "out of memory"), UINT32_MAX;
    pthread_mutex_lock(&session->lock);
    uint32_t n = atomic_load(&session->node_count), index = 0;
    while (index < n && strcmp(atomic_load(&session->nodes[index])->base.name, name) != 0)
        index++;
    struct tap_node_impl *node =
        index == n && n < TAP_NODES_MAX ? tap_mempool_alloc(session->memory, sizeof *node) : NULL;
    char *copy = node ? tap_mempool_strdup(session->memory, name, strlen(name)) : NULL;
    if (copy) {
        node->base =
            (struct tap_node){.struct_size = sizeof node->base,
                              .index = index,
                              .name_id = tap_intern_name(session->intern, name, strlen(name)),
                              .name = copy,
                              .release = ""};
        node->bus.stream.node = index;
        /* where memory is short, nobody is asked */
        if (session->plan.names || session->plan.mailbox > 0)
            node->bus.unnamed = tap_unnamed_new(session->plan.mailbox > 0);
        atomic_store(&session->nodes[index], node);
        atomic_store_explicit(&session->node_count, n + 1, memory_order_release);
    } else if (index == n) {
        index = UINT32_MAX;
    }
    pthread_mutex_unlock(&session->lock);
    if (index == UINT32_MAX)
        TAP_FAIL(host, TAP_ERROR, "%s is one node too many (at most %u)", name, TAP_NODES_MAX);
    free(name);
    return index;
}

static bool host_node_rename(const struct tap_host *host, uint32_t index, const char *name)
{
    return tap_session_node_rename(own(host)->session, index, name);
}

static void unknown_rest(struct tap_session *session, const struct tap_node_impl *node)
{
    uint64_t next = node->bus.stream.next, lost = atomic_load(&node->bus.stream.figures.lost);
    if (next)
        TAP_ERR(session->err, TAP_ERROR, session->transport->instance->section,
                "%s: the final report never came: lost >= %llu, unknown after sequence %llu",
                node->base.name, (unsigned long long)lost, (unsigned long long)next - 1);
    else
        TAP_ERR(session->err, TAP_ERROR, session->transport->instance->section,
                "%s: the final report never came, nor any event", node->base.name);
}

void tap_session_node_end(struct tap_session *session, struct tap_node_impl *node,
                          enum tap_node_state state, const struct tap_node_final *final)
{
    pthread_mutex_lock(&session->lock);
    bool first = !node->ended;
    node->ended = true;
    pthread_mutex_unlock(&session->lock);
    if (!first)
        return;
    if (final)
        atomic_store(&node->final, true);
    tap_bus_node_down(session->bus, &node->bus, final ? final->produced : 0,
                      state == TAP_NODE_FAILED);
    if (!final && atomic_load(&node->state) == TAP_NODE_TRACING)
        unknown_rest(session, node);
    atomic_store(&node->state, (int)state);
}

/* One that had ended is back. */
static void node_again(struct tap_session *session, struct tap_node_impl *node)
{
    pthread_mutex_lock(&session->lock);
    bool again = node->ended;
    node->ended = false;
    pthread_mutex_unlock(&session->lock);
    if (!again)
        return;
    if (atomic_load(&node->traced) && !atomic_exchange(&node->final, false))
        atomic_store(&node->unknown, true);
    tap_bus_node_again(session->bus, &node->bus);
}

static void host_node_state(const struct tap_host *host, uint32_t index, enum tap_node_state state,
                            const struct tap_node_final *final)
{
    struct tap_node_impl *node = tap_session_node(own(host)->session, index);
    if (!node)
        return;
    if (state == TAP_NODE_SAME)
        tap_session_node_same(own(host)->session, node);
    if (state == TAP_NODE_CONNECTING)
        node_again(own(host)->session, node);
    if (state == TAP_NODE_DONE || state == TAP_NODE_FAILED) {
        bool whole = final && TAP_HAS(final, lost);
        tap_session_node_end(own(host)->session, node, state, whole ? final : NULL);
        return;
    }
    if (state == TAP_NODE_TRACING) {
        atomic_store(&node->traced, true);
        atomic_fetch_add(&node->incarnations, 1);
    }
    atomic_store(&node->state, (int)state);
}

/* ---- For transports: receiving */

static struct tap_arena *host_reserve(const struct tap_host *host, size_t min)
{
    return tap_arena_get(tap_bus_pool(own(host)->session->bus), min);
}

static void host_discard(const struct tap_host *host, struct tap_arena *arena)
{
    tap_arena_put(tap_bus_pool(own(host)->session->bus), arena);
}

static void host_commit(const struct tap_host *host, struct tap_arena *arena, uint32_t index,
                        const uint32_t *frames, size_t n)
{
    struct tap_session *session = own(host)->session;
    struct tap_node_impl *node = tap_session_node(session, index);
    if (!node || node->ended) /* what comes after the final report was counted as lost with it */
        tap_arena_put(tap_bus_pool(session->bus), arena);
    else
        tap_bus_commit(session->bus, &node->bus, arena, frames, n);
}

static size_t host_unnamed(const struct tap_host *host, uint32_t index, struct tap_pid *pids,
                           size_t max)
{
    struct tap_session *session = own(host)->session;
    struct tap_node_impl *node = tap_session_node(session, index);
    return node ? tap_bus_unnamed(session->bus, &node->bus, pids, max) : 0;
}

static bool host_may_grant(const struct tap_host *host)
{
    struct tap_session *session = own(host)->session;
    for (size_t i = 0; i < session->sink_count; i++)
        if (!tap_queue_may_grant(&session->sinks[i].queue))
            return false;
    return true;
}

static bool host_deep_stack(const struct tap_host *host, uint32_t node,
                            struct tap_deep_stack *stack)
{
    struct tap_deep_stack found;
    if (!TAP_HAS(stack, open) || !tap_bus_deep_stack(own(host)->session->bus, node, &found))
        return false;
    TAP_SIZED_FILL(stack, &found);
    return true;
}

void tap_session_wake(struct tap_session *session)
{
    uint64_t one = 1;
    if (write(session->wake, &one, sizeof one) < 0)
        return; /* it is full, and so awake already */
}

/* A poll during which merged events go on in time. */
static int poll_and_tick(struct tap_session *session, struct pollfd *fds, nfds_t n, int timeout)
{
    while (tap_bus_tick(session->bus) && (timeout < 0 || timeout > TAP_BUS_PATIENCE)) {
        int ready = poll(fds, n, TAP_BUS_PATIENCE);
        if (ready)
            return ready;
        timeout -= timeout < 0 ? 0 : TAP_BUS_PATIENCE;
    }
    return poll(fds, n, timeout);
}

static int host_wait(const struct tap_host *host, struct pollfd *fds, size_t n, int timeout)
{
    struct tap_session *session = own(host)->session;
    struct pollfd few[65], *all = n < 65 ? few : malloc((n + 1) * sizeof *all);
    if (!all)
        return -1;
    if (n)
        memcpy(all, fds, n * sizeof *fds);
    all[n] = (struct pollfd){.fd = session->wake, .events = POLLIN};
    int ready = poll_and_tick(session, all, n + 1, timeout);
    if (ready > 0 && all[n].revents) {
        uint64_t count;
        if (read(session->wake, &count, sizeof count) == (ssize_t)sizeof count)
            ready--;
        else
            ready = 0;
    }
    for (size_t i = 0; i < n; i++)
        fds[i].revents = ready > 0 ? all[i].revents : 0;
    if (all != few)
        free(all);
    return ready;
}

static int host_stopping(const struct tap_host *host)
{
    return atomic_load(&own(host)->session->stopping);
}

static const struct tap_sink_host sink_table = {.struct_size = sizeof sink_table,
                                                .written = host_written,
                                                .hold = host_hold,
                                                .release = host_release,
                                                .ending = host_ending};
static const struct tap_filter_host filter_table = {.struct_size = sizeof filter_table,
                                                    .claim_function = tap_claim_function,
                                                    .claim_process = tap_claim_process,
                                                    .claim_send = tap_claim_send,
                                                    .claim_receive = tap_claim_receive};
static const struct tap_transport_host transport_table = {.struct_size = sizeof transport_table,
                                                          .node_add = host_node_add,
                                                          .node_state = host_node_state,
                                                          .reserve = host_reserve,
                                                          .commit = host_commit,
                                                          .discard = host_discard,
                                                          .may_grant = host_may_grant,
                                                          .wait = host_wait,
                                                          .stopping = host_stopping,
                                                          .unnamed = host_unnamed,
                                                          .deep_stack = host_deep_stack,
                                                          .node_rename = host_node_rename};

void tap_host_init(struct tap_session *session, struct tap_instance_host *h,
                   const struct tap_instance *instance)
{
    h->session = session;
    h->instance = instance;
    h->err = session->err;
    tap_counters_init(&h->counters);
    h->table = (struct tap_host){.struct_size = sizeof h->table,
                                 .abi_minor = TAP_ABI_MINOR,
                                 .names = tap_intern_names(session->intern),
                                 .run_info = &session->run_info,
                                 .plan = &session->plan,
                                 .log = host_log,
                                 .fail = host_fail,
                                 .fail_at = host_fail_at,
                                 .intern = host_intern,
                                 .term_print = host_term_print,
                                 .arguments_print = host_arguments_print,
                                 .pid_print = host_pid_print,
                                 .peer_print = host_peer_print,
                                 .kind_name = tap_kind_name,
                                 .reason_name = tap_reason_name,
                                 .reason_key = tap_reason_key,
                                 .node = host_node,
                                 .count = host_count};
    switch (instance->kind) {
    case TAP_PLUGIN_SINK: h->table.sink = &sink_table; break;
    case TAP_PLUGIN_FILTER: h->table.filter = &filter_table; break;
    case TAP_PLUGIN_TRANSPORT: h->table.transport = &transport_table; break;
    }
}
