/* relate.c: what belongs together: for the order of what comes, and for the sinks of what they are
 * given. */
#include <string.h>

#include "bus/bus_impl.h"

/* What the order of nodes and a chain of messages have to know of events before their place is
 * known, of all that come. What sinks are told is found anew, see tap_bus_relate. */
void tap_bus_pair(struct tap_bus *bus, struct tap_batch_impl *batch)
{
    if (!bus->gen && (!bus->several || bus->keeps))
        return;
    for (uint32_t i = 0; (bus->flow || bus->gen) && i < batch->base.count; i++) {
        struct tap_event *ev = &batch->events[i];
        if (bus->flow && tap_relations_has_end(ev)) {
            const struct tap_pid peer = ev->peer;
            uint8_t type = ev->peer_type;
            tap_flow_event(bus->flow, ev, batch->base.arena);
            ev->peer = peer;
            ev->peer_type = type;
        }
        if (bus->gen && (ev->kind == TAP_MESSAGE_SEND || ev->kind == TAP_MESSAGE_RECEIVE))
            tap_gen_calls_event(bus->gen, ev, batch->base.arena);
    }
}

/* As the sinks will see it, but for what none of them is given. */
void tap_bus_relate(void *arg, struct tap_batch_impl *batch)
{
    struct tap_bus *bus = arg;
    const struct tap_selection *sel = batch->selections;
    const uint8_t *arena = batch->base.arena;
    if (bus->set_count == 1) {
        for (uint32_t i = 0; i < sel->count; i++)
            tap_relations_event(&bus->relations, &batch->events[sel->index[i]], arena);
        return;
    }
    uint32_t at[bus->set_count + 1];
    memset(at, 0, sizeof at);
    for (uint32_t i = 0; i < batch->base.count; i++) {
        bool shown = false;
        for (uint32_t s = 0; s < bus->set_count; s++) {
            bool is = at[s] < sel[s].count && sel[s].index[at[s]] == i;
            at[s] += is;
            shown |= is;
        }
        if (shown)
            tap_relations_event(&bus->relations, &batch->events[i], arena);
    }
}
