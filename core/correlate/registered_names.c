/* registered_names.c: a table addressed by node and name. Of two that share a place the later one
 * stays: a hint is lost, no more. */
#include "correlate/registered_names.h"

#include <stdlib.h>

#define NAMES 8192u

struct names_entry {
    uint32_t node, name;
    struct tap_pid pid;
};
struct tap_flow_names {
    struct names_entry entries[NAMES];
};

struct tap_flow_names *tap_flow_names_new(void)
{
    return calloc(1, sizeof(struct tap_flow_names));
}

void tap_flow_names_free(struct tap_flow_names *t)
{
    free(t);
}

static uint32_t names_place(uint32_t node, uint32_t name)
{
    return (name * 2654435761u ^ node * 40503u) >> 7 & (NAMES - 1);
}

static void names_put(struct tap_flow_names *t, const struct tap_pid *pid, uint32_t name)
{
    if (name && pid->node)
        t->entries[names_place(pid->node, name)] = (struct names_entry){pid->node, name, *pid};
}

const struct tap_pid *tap_flow_names_get(const struct tap_flow_names *t, uint32_t node,
                                         uint32_t name)
{
    const struct names_entry *e = &t->entries[names_place(node, name)];
    return name && e->name == name && e->node == node ? &e->pid : NULL;
}

static uint32_t names_atom(struct tap_atom_cache *atoms, struct tap_cursor *c)
{
    uint32_t id = tap_intern_atom(atoms, c);
    return c->bad ? 0 : id;
}

/* [{name, Name}, {initial_call, _}, ...] of one process. */
static void names_keys(struct tap_flow_names *t, struct tap_atom_cache *atoms, struct tap_cursor *c,
                       const struct tap_pid *pid)
{
    uint32_t keys, two;
    if (tap_peek(c) == TAP_EXT_NIL) {
        tap_skip(c);
        return;
    }
    if (!tap_read_list(c, &keys))
        return;
    for (uint32_t k = 0; k < keys && !c->bad; k++) {
        if (!tap_read_tuple(c, &two) || two != 2) {
            tap_cursor_fail(c);
        } else if (tap_match_atom(c, "name")) {
            names_put(t, pid, names_atom(atoms, c));
        } else {
            tap_skip(c);
            tap_skip(c);
        }
    }
    tap_skip(c); /* the list's tail */
}

/* [{Pid, Keys}] */
static void names_report(struct tap_flow_names *t, struct tap_atom_cache *atoms,
                         struct tap_cursor c)
{
    uint32_t n, two;
    if (!tap_read_list(&c, &n))
        return;
    for (uint32_t i = 0; i < n && tap_read_tuple(&c, &two) && two == 2; i++) {
        const char *node;
        uint32_t len;
        struct tap_pid pid;
        struct tap_cursor atom = c;
        if (tap_left(&c) < 1 || !tap_read_pid(&c, &node, &len, &pid))
            return;
        atom.p++; /* the pid's tag: then its node */
        pid.node = names_atom(atoms, &atom);
        names_keys(t, atoms, &c, &pid);
    }
}

void tap_flow_names_event(struct tap_flow_names *t, struct tap_atom_cache *atoms,
                          const struct tap_event *ev, const uint8_t *arena)
{
    struct tap_cursor c = tap_cursor(arena + ev->payload.off, ev->payload.len);
    if (!ev->payload.len)
        return;
    if (ev->kind == TAP_PROCESS_INFO) {
        names_report(t, atoms, c);
    } else if (ev->kind == TAP_PROCESS_REGISTER) {
        names_put(t, &ev->pid, names_atom(atoms, &c));
    } else if (ev->kind == TAP_PROCESS_UNREGISTER) {
        uint32_t name = names_atom(atoms, &c);
        struct names_entry *e = &t->entries[names_place(ev->pid.node, name)];
        if (e->name == name && e->node == ev->pid.node)
            *e = (struct names_entry){0};
    }
}
