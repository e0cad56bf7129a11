/* processes.c: the processes of a summary, and what they are called, which is what the timeline calls them. A pid that lives
 * again is the same line of the table under its last name.
 */
#include "atom.h"
#include "summary.h"

uint64_t sum_pid_key(const struct tap_pid *p)
{
    return sum_mix((uint64_t)p->id << 32 | p->serial, (uint64_t)p->creation << 32 | p->node);
}

uint32_t sum_process_get(struct sum *s, const struct tap_pid *pid, uint32_t node)
{
    uint32_t *at = sum_map_get(&s->process_at, sum_pid_key(pid), s->process_count < SUMMARY_PROCESSES);
    if (!at)
        return 0;
    if (!*at) {
        if (!sum_room(s, &s->processes, s->process_count, sizeof *s->processes))
            return 0;
        s->processes[s->process_count] = (struct sum_process){.pid = *pid, .node = node};
        *at = s->process_count++;
    }
    return *at;
}

void sum_processes_free(struct sum *s)
{
    for (uint32_t i = 0; i < s->process_count; i++) {
        free(s->processes[i].frames);
        free(s->processes[i].label);
    }
    free(s->processes);
}

/* The registered name, from a registration's payload or peer. */
static uint32_t registered(struct sum *s, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_cursor cur = tap_cursor(batch->arena + e->payload.off, e->payload.len);
    uint32_t name = e->payload.len ? tap_sink_atom(s->host, &cur) : 0;
    return name ? name : e->peer_type == TAP_PEER_NAME ? e->peer_name : 0;
}

/* Its pid was another process's before. */
static void forget(struct sum_process *p)
{
    free(p->label);
    p->label = NULL;
    p->name = 0;
    p->initial = (struct tap_initial){0};
    p->ended = false;
}

static void spawned(struct sum *s, const struct tap_batch *batch, const struct tap_event *e)
{
    uint32_t child = e->peer_type == TAP_PEER_PID && e->peer.node == e->pid.node
                         ? sum_process_get(s, &e->peer, e->node)
                         : 0;
    struct sum_process *p = &s->processes[child];
    if (!child)
        return;
    if (p->ended)
        forget(p);
    if (!p->initial.function)
        p->initial = tap_initial_of(s->host, batch, e);
}

void sum_process_event(struct sum *s, uint32_t process, const struct tap_batch *batch,
                       const struct tap_event *e)
{
    struct sum_process *p = &s->processes[process];
    if (!process) /* which stands for many, but its children do not */
        return;
    switch (e->kind) {
    case TAP_PROCESS_SPAWN: spawned(s, batch, e); break;
    case TAP_PROCESS_START:
        if (p->ended)
            forget(p);
        if (!p->initial.function)
            p->initial = tap_initial_of(s->host, batch, e);
        break;
    case TAP_PROCESS_EXIT: p->ended = true; break;
    default: p->name = registered(s, batch, e); break;
    }
}

static void learn_label(struct sum *s, struct sum_process *p, const struct tap_called *told)
{
    char text[TAP_CALLED_LABEL + 64];
    const struct tap_sink_node *node = tap_sink_nodes_get(&s->names, s->host, p->node);
    struct tap_print print = {.syntax = (enum tap_print_syntax)s->settings->syntax,
                              .node_name = s->host->session->several_nodes ? 0 : node->name_id,
                              .printable_unicode = node->printable_unicode,
                              .limit = TAP_CALLED_LABEL};
    size_t n = s->host->term_print(s->host, text, sizeof text, told->label, told->label_len, &print);
    char *label = n && n <= sizeof text ? strndup(text, n) : NULL;
    if (label) {
        free(p->label);
        p->label = label;
    }
}

void sum_processes_learn(struct sum *s, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_called_list list = tap_called_begin(batch, e);
    struct tap_called told;
    while (tap_called_next(s->host, &list, &told)) {
        uint32_t index = sum_process_get(s, &told.pid, e->node);
        struct sum_process *p = &s->processes[index];
        if (!index)
            return;
        if (told.name)
            p->name = told.name;
        if (!p->initial.function)
            p->initial = told.initial;
        if (told.label)
            learn_label(s, p, &told);
    }
}
