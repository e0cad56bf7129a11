/* relations.c: see relations.h. */
#include "correlate/relations.h"

#define MESSAGES (TAP_KIND_BIT(TAP_MESSAGE_SEND) | TAP_KIND_BIT(TAP_MESSAGE_RECEIVE))
#define BIRTHS (TAP_KIND_BIT(TAP_PROCESS_SPAWN) | TAP_KIND_BIT(TAP_PROCESS_START))

bool tap_relations_pairs(uint32_t events)
{
    return (events & MESSAGES) == MESSAGES || (events & BIRTHS) == BIRTHS;
}

bool tap_relations_init(struct tap_relations *r, uint32_t events, struct tap_atom_cache *atoms)
{
    *r = (struct tap_relations){0};
    if (tap_relations_pairs(events) &&
        (!(r->flow = tap_flow_new(TAP_FLOWS_OPEN, atoms)) || !(r->settle = tap_settle_new())))
        return false;
    if (events & MESSAGES && !(r->gen = tap_gen_calls_new()))
        return false;
    return !(events & TAP_KIND_BIT(TAP_FUNCTION_CALL)) || (r->tails = tap_tails_new());
}

void tap_relations_free(struct tap_relations *r)
{
    tap_flow_free(r->flow);
    tap_gen_calls_free(r->gen);
    tap_tails_free(r->tails);
    tap_settle_free(r->settle);
}

void tap_relations_event(struct tap_relations *r, struct tap_event *ev, const uint8_t *arena)
{
    bool message = ev->kind == TAP_MESSAGE_SEND || ev->kind == TAP_MESSAGE_RECEIVE;
    if (tap_relations_has_end(ev)) {
        ev->flow = 0; /* whatever was found before its place was known */
        if (r->flow)
            tap_flow_event(r->flow, ev, arena);
    }
    if (r->settle)
        tap_settle_event(r->settle, ev);
    if (r->gen && message) {
        ev->gen = TAP_GEN_NONE;
        ev->took = 0;
        tap_gen_calls_event(r->gen, ev, arena);
    }
    if (r->tails && !message)
        tap_tails_event(r->tails, ev);
}
