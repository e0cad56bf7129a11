/* bus_new.c: what a trace needs of the bus, by the kinds of its events and the filters of its
 * sinks; and what the bus counted. */
#include <stdlib.h>
#include <string.h>

#include "bus/bus_impl.h"

#define CALL_ENDS (TAP_KIND_BIT(TAP_FUNCTION_RETURN) | TAP_KIND_BIT(TAP_FUNCTION_EXCEPTION))

/* Sinks with the same filters share a selection: finds the row, or makes it. */
static uint32_t find_set(struct tap_bus *bus, const bool *row)
{
    size_t n = bus->filter_count;
    for (uint32_t s = 0; s < bus->set_count; s++)
        if (memcmp(bus->set_uses + s * n, row, n * sizeof *row) == 0)
            return s;
    if (n)
        memcpy(bus->set_uses + bus->set_count * n, row, n * sizeof *row);
    return bus->set_count++;
}

static bool take_filters(struct tap_bus *bus, const struct tap_bus_options *o)
{
    size_t n = bus->filter_count = o->filter_count;
    bus->filters = calloc(n + 1, sizeof *bus->filters);
    bus->keep = calloc(n + 1, sizeof *bus->keep);
    bus->set_uses = calloc(o->sink_count * n + 1, sizeof *bus->set_uses);
    if (!bus->filters || !bus->keep || !bus->set_uses)
        return false;
    if (n)
        memcpy(bus->filters, o->filters, n * sizeof *bus->filters);
    bus->sinks = o->sinks;
    bus->sink_count = o->sink_count;
    for (size_t s = 0; s < o->sink_count; s++)
        bus->sinks[s]->set = find_set(bus, o->uses + s * n);
    return true;
}

static bool take_window(struct tap_bus *bus, const struct tap_bus_options *o)
{
    struct tap_window_options w = o->window;
    w.sinks = bus->sinks;
    w.sink_count = bus->sink_count;
    w.sets = bus->set_count;
    w.relate = tap_bus_relate;
    w.relate_arg = bus;
    return (!w.trigger_count && !w.follow) || (bus->window = tap_window_new(&w, &bus->pool));
}

static bool take_correlations(struct tap_bus *bus, const struct tap_bus_options *o)
{
    uint32_t events = o->events;
    bool returns = events & TAP_KIND_BIT(TAP_FUNCTION_CALL) && events & CALL_ENDS;
    bool follows = o->window.follow;
    if (!tap_relations_init(&bus->relations, events, bus->frames.atoms))
        return false;
    if (tap_relations_pairs(events) && (o->in_order || follows) &&
        !(bus->flow = tap_flow_new(TAP_FLOWS_OPEN, bus->frames.atoms)))
        return false;
    if (follows && !(bus->gen = tap_gen_calls_new()))
        return false;
    if (o->guarded && returns && !(bus->stack_guard = tap_stack_guard_new()))
        return false;
    return !o->in_order || (bus->merge = tap_merge_new(o->reorder));
}

/* All that is there before the pool. */
static void free_rest(struct tap_bus *bus)
{
    for (size_t f = 0; bus->keep && f < bus->filter_count; f++)
        free(bus->keep[f]);
    free(bus->keep);
    free(bus->filters);
    free(bus->set_uses);
    tap_atom_cache_free(bus->frames.atoms);
    pthread_mutex_destroy(&bus->lock);
    free(bus);
}

struct tap_bus *tap_bus_new(const struct tap_bus_options *o)
{
    struct tap_bus *bus = calloc(1, sizeof *bus);
    if (!bus)
        return NULL;
    if (pthread_mutex_init(&bus->lock, NULL)) {
        free(bus);
        return NULL;
    }
    bus->frames = o->frames;
    bus->frames.atoms = tap_atom_cache_new(o->intern);
    bus->events = o->events;
    bus->several = o->several;
    bus->raw = o->raw;
    bus->reorder = o->reorder;
    bus->recorded = o->recorded;
    bus->told = INT64_MIN;
    if (!bus->frames.atoms || !take_filters(bus, o) ||
        tap_batch_pool_init(&bus->pool, bus->set_count, o->memory) != TAP_OK) {
        free_rest(bus);
        return NULL;
    }
    if (take_correlations(bus, o) && take_window(bus, o))
        return bus;
    tap_bus_free(bus);
    return NULL;
}

void tap_bus_free(struct tap_bus *bus)
{
    if (!bus)
        return;
    for (uint32_t i = 0; i < bus->order_count; i++)
        tap_node_order_free(bus->orders[i].order);
    free(bus->orders);
    tap_window_free(bus->window);
    tap_merge_free(bus->merge); /* batches wait in it, which go back to the pool */
    tap_batch_pool_destroy(&bus->pool);
    tap_flow_free(bus->flow);
    tap_gen_calls_free(bus->gen);
    tap_relations_free(&bus->relations);
    tap_stack_guard_free(bus->stack_guard);
    free_rest(bus);
}

struct tap_batch_pool *tap_bus_pool(struct tap_bus *bus)
{
    return &bus->pool;
}

/* ---- Figures */

bool tap_bus_flows(const struct tap_bus *bus, struct tap_flow_stats *stats)
{
    if (bus->relations.flow)
        tap_flow_read_stats(bus->relations.flow, stats);
    return bus->relations.flow;
}

bool tap_bus_gen(const struct tap_bus *bus, struct tap_gen_stats *stats)
{
    if (bus->relations.gen)
        tap_gen_calls_stats(bus->relations.gen, stats);
    return bus->relations.gen;
}

bool tap_bus_window(const struct tap_bus *bus, struct tap_window_stats *stats)
{
    if (bus->window)
        tap_window_read_stats(bus->window, stats);
    return bus->window;
}

bool tap_bus_order(const struct tap_bus *bus, uint64_t *late, struct tap_settle_stats *settled)
{
    *settled = (struct tap_settle_stats){0};
    if (!bus->merge)
        return false;
    *late = bus->late + tap_merge_late(bus->merge);
    for (uint32_t i = 0; i < bus->order_count; i++)
        if (bus->orders[i].order)
            *late += tap_node_order_late(bus->orders[i].order);
    if (bus->relations.settle)
        tap_settle_read_stats(bus->relations.settle, settled);
    return bus->several || *late;
}

bool tap_bus_recorded(struct tap_bus *bus, uint32_t events, bool in_order)
{
    tap_relations_free(&bus->relations);
    bus->keeps = in_order;
    return tap_relations_init(&bus->relations, events, bus->frames.atoms);
}

bool tap_bus_returns_off(const struct tap_bus *bus, uint32_t node, size_t i, struct tap_event *ev)
{
    return bus->stack_guard && tap_stack_guard_done(bus->stack_guard, node, i, ev);
}
