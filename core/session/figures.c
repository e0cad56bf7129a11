/* figures.c: the sum of a run. For each node produced = received + lost; for each sink what all
 * nodes produced is written + filtered + lost. What is summed is counted where it happens: by
 * decode/frame.c (a node's), bus/sink.c and the sinks themselves.
 */
#include <stdio.h>

#include "session/internal.h"

static uint64_t figure(const atomic_uint_fast64_t *f)
{
    return atomic_load_explicit(f, memory_order_relaxed);
}

size_t tap_session_sinks(const struct tap_session *session, struct tap_sink_stats *stats,
                         size_t cap)
{
    uint64_t before = 0, received = 0;
    bool cut_off = atomic_load(&session->cut_off);
    for (uint32_t i = 0; i < atomic_load(&session->node_count); i++) {
        const struct tap_figures *f = &tap_session_node(session, i)->bus.stream.figures;
        before += figure(&f->lost);
        received += figure(&f->received);
    }
    for (size_t s = 0; s < session->sink_count && s < cap; s++) {
        struct tap_sink *sink = &session->sinks[s];
        uint64_t written = figure(&sink->written), given = figure(&sink->given),
                 filtered = figure(&sink->filtered), own = figure(&sink->dropped);
        if (cut_off)
            given = received > filtered ? received - filtered : 0;
        if (cut_off || atomic_load(&sink->done) || atomic_load(&sink->abandoned) ||
            atomic_load(&sink->failed))
            own = given > written ? given - written : 0; /* whatever it did not say is written */
        stats[s] = (struct tap_sink_stats){.section = tap_session_instance(session, sink)->section,
                                           .written = written,
                                           .filtered = filtered,
                                           .lost = before + own,
                                           .bytes = figure(&sink->bytes),
                                           .failed = atomic_load(&sink->failed),
                                           .lost_before = before};
    }
    return session->sink_count;
}

size_t tap_session_nodes(const struct tap_session *session, struct tap_node_stats *stats,
                         size_t cap)
{
    uint32_t n = atomic_load(&session->node_count);
    for (uint32_t i = 0; i < n && i < cap; i++) {
        const struct tap_node_impl *node = tap_session_node(session, i);
        const struct tap_figures *f = &node->bus.stream.figures;
        uint64_t next = figure(&f->next);
        struct tap_node_stats *to = &stats[i];
        *to = (struct tap_node_stats){
            .name = __atomic_load_n(&node->base.name, __ATOMIC_ACQUIRE),
            .release = atomic_load(&node->told) ? node->release : "",
            .left_out = atomic_load(&node->left_out_told) ? node->left_out : "",
            .state = atomic_load(&node->state),
            .final = atomic_load(&node->final) && !atomic_load(&node->unknown),
            .clock_error = figure(&f->clock_error),
            .clock_skew = atomic_load(&f->clock_skew),
            .incarnations = atomic_load(&node->incarnations),
            .received = figure(&f->received),
            .lost = figure(&f->lost),
            .last_seq = next ? next - 1 : 0,
            .gap_ns = figure(&f->gap_ns),
            .traced = atomic_load(&node->traced)};
        to->produced = to->received + to->lost;
        for (unsigned r = 0; r < TAP_REASON_COUNT; r++)
            to->lost_by[r] = figure(&f->lost_by[r]), to->gap_by[r] = figure(&f->gap_by[r]);
    }
    return n;
}

bool tap_session_flows(const struct tap_session *session, struct tap_flow_stats *stats)
{
    return !session->abandoned && tap_bus_flows(session->bus, stats);
}

bool tap_session_gen(const struct tap_session *session, struct tap_gen_stats *stats)
{
    return !session->abandoned && tap_bus_gen(session->bus, stats);
}

bool tap_session_order(const struct tap_session *session, uint64_t *late,
                       struct tap_settle_stats *settled)
{
    return !session->abandoned && tap_bus_order(session->bus, late, settled);
}

bool tap_session_windowed(const struct tap_session *session, struct tap_window_stats *stats)
{
    return !session->abandoned && tap_bus_window(session->bus, stats);
}

bool tap_session_returns_off(const struct tap_session *session, size_t node, size_t i, char *name,
                             size_t cap)
{
    struct tap_event ev;
    const struct tap_name *m, *f;
    if (!tap_bus_returns_off(session->bus, (uint32_t)node, i, &ev))
        return false;
    m = tap_name_get(&session->hosts[0].table, ev.module);
    f = tap_name_get(&session->hosts[0].table, ev.function);
    snprintf(name, cap, "%s:%s/%d", m->atom, f->atom, (int)ev.arity);
    return true;
}

bool tap_session_counter(const struct tap_session *session, size_t i, const char **section,
                         const char **name, int64_t *value)
{
    for (size_t h = 0; h < session->host_count; h++) {
        struct tap_instance_host *host = &session->hosts[h];
        unsigned n = 0;
        while (tap_counters_get(&host->counters, n, name, value)) {
            if (i == 0) {
                *section = host->instance->section;
                return true;
            }
            n++, i--;
        }
    }
    return false;
}

int64_t tap_session_started(const struct tap_session *session)
{
    return session->run_info.started;
}

int64_t tap_session_elapsed(const struct tap_session *session)
{
    int64_t began = atomic_load(&session->began);
    return began ? tap_clock_steady() - began : 0;
}
