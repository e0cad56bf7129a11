/* process_table.c: a table of sets; in a full set the one that was heard of first makes room. */
#include "sinks/common/process_table.h"

#include <stdlib.h>

enum { WAYS = 8, SETS = TAP_PROCESS_TABLE_MAX / WAYS };

struct entry {
    struct tap_pid pid;
    struct tap_process_facts facts;
};
struct set {
    struct entry at[WAYS];
    uint32_t used; /* how often one came; the next takes the place used % WAYS */
};
struct tap_process_table {
    struct set sets[SETS];
};

struct tap_process_table *tap_process_table_new(void)
{
    return calloc(1, sizeof(struct tap_process_table));
}

void tap_process_table_free(struct tap_process_table *t)
{
    for (uint32_t i = 0; t && i < TAP_PROCESS_TABLE_MAX; i++)
        tap_process_facts_free(&t->sets[i / WAYS].at[i % WAYS].facts);
    free(t);
}

const struct tap_process_facts *tap_process_table_find(const struct tap_process_table *t,
                                                       const struct tap_pid *pid)
{
    const struct set *s = &t->sets[tap_pid_hash(pid) % SETS];
    for (uint32_t i = 0; i < WAYS && i < s->used; i++)
        if (tap_pid_same(&s->at[i].pid, pid))
            return &s->at[i].facts;
    return NULL;
}

static struct tap_process_facts *get(struct tap_process_table *t, const struct tap_pid *pid)
{
    struct tap_process_facts *known =
        (struct tap_process_facts *)(uintptr_t)tap_process_table_find(t, pid);
    if (known)
        return known;
    struct set *s = &t->sets[tap_pid_hash(pid) % SETS];
    struct entry *e = &s->at[s->used % WAYS];
    s->used = s->used + 1 < 2 * WAYS ? s->used + 1 : WAYS;
    tap_process_facts_free(&e->facts);
    e->pid = *pid;
    return &e->facts;
}

void tap_process_table_learn(struct tap_process_table *t, const struct tap_host *host,
                             const struct tap_batch *batch, const struct tap_event *e,
                             const struct tap_print *print)
{
    switch (e->kind) {
    case TAP_PROCESS_START:
    case TAP_PROCESS_EXIT:
    case TAP_PROCESS_REGISTER:
    case TAP_PROCESS_UNREGISTER: tap_process_facts_event(get(t, &e->pid), host, batch, e); break;
    case TAP_PROCESS_SPAWN:
        if (tap_child(e))
            tap_process_facts_spawned(get(t, tap_child(e)), host, batch, e);
        break;
    case TAP_PROCESS_INFO: {
        struct tap_process_report_list list = tap_process_report_begin(batch, e);
        struct tap_process_report told;
        while (tap_process_report_next(host, &list, &told))
            tap_process_facts_report(get(t, &told.pid), host, &told, *print);
        break;
    }
    default: break;
    }
}
