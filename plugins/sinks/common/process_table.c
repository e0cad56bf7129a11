/* called_table.c: a table of sets; in a full set the one that was heard of first makes room. */
#include "sinks/common/process_table.h"

#include <stdlib.h>

enum { WAYS = 8, SETS = TAP_CALLED_TABLE / WAYS };

struct entry {
    struct tap_pid pid;
    struct tap_known known;
};
struct set {
    struct entry at[WAYS];
    uint32_t used; /* how often one came; the next takes the place used % WAYS */
};
struct tap_called_table {
    struct set sets[SETS];
};

struct tap_called_table *tap_called_table_new(void)
{
    return calloc(1, sizeof(struct tap_called_table));
}

void tap_called_table_free(struct tap_called_table *t)
{
    for (uint32_t i = 0; t && i < TAP_CALLED_TABLE; i++)
        tap_known_free(&t->sets[i / WAYS].at[i % WAYS].known);
    free(t);
}

const struct tap_known *tap_called_table_find(const struct tap_called_table *t, const struct tap_pid *pid)
{
    const struct set *s = &t->sets[tap_pid_hash(pid) % SETS];
    for (uint32_t i = 0; i < WAYS && i < s->used; i++)
        if (tap_pid_same(&s->at[i].pid, pid))
            return &s->at[i].known;
    return NULL;
}

static struct tap_known *get(struct tap_called_table *t, const struct tap_pid *pid)
{
    struct tap_known *known = (struct tap_known *)(uintptr_t)tap_called_table_find(t, pid);
    if (known)
        return known;
    struct set *s = &t->sets[tap_pid_hash(pid) % SETS];
    struct entry *e = &s->at[s->used % WAYS];
    s->used = s->used + 1 < 2 * WAYS ? s->used + 1 : WAYS;
    tap_known_free(&e->known);
    e->pid = *pid;
    return &e->known;
}

void tap_called_table_learn(struct tap_called_table *t, const struct tap_host *host,
                            const struct tap_batch *batch, const struct tap_event *e,
                            const struct tap_print *print)
{
    switch (e->kind) {
    case TAP_PROCESS_START:
    case TAP_PROCESS_EXIT:
    case TAP_PROCESS_REGISTER: tap_known_event(get(t, &e->pid), host, batch, e); break;
    case TAP_PROCESS_SPAWN:
        if (tap_child(e))
            tap_known_spawned(get(t, tap_child(e)), host, batch, e);
        break;
    case TAP_PROCESS_INFO: {
        struct tap_called_list list = tap_called_begin(batch, e);
        struct tap_called told;
        while (tap_called_next(host, &list, &told))
            tap_known_told(get(t, &told.pid), host, &told, *print);
        break;
    }
    default: break;
    }
}
