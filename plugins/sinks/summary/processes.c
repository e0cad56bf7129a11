/* processes.c: the processes of a summary, and what they are called, which is what the timeline
 * calls them. A pid that lives again is the same line of the table under its last name.
 */
#include "sinks/summary/summary.h"

bool sum_room(struct sum *s, void *array, uint32_t count, size_t size)
{
    bool there = tap_grow(array, count, size);
    s->no_memory |= !there;
    return there;
}

struct tap_print sum_print(struct sum *s, uint32_t node_index)
{
    return tap_sink_print(tap_sink_nodes_get(&s->names, s->host, node_index),
                          (enum tap_print_syntax)s->settings->syntax);
}

uint32_t sum_process_get(struct sum *s, const struct tap_pid *pid, uint32_t node)
{
    uint32_t *at =
        tap_map_get(&s->process_at, tap_map_pid(pid), s->process_count < SUMMARY_PROCESSES);
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
        free(s->processes[i].stack.frames);
        tap_process_facts_free(&s->processes[i].facts);
    }
    free(s->processes);
}

void sum_process_event(struct sum *s, uint32_t process, const struct tap_batch *batch,
                       const struct tap_event *e)
{
    if (process) /* the first stands for many */
        tap_process_facts_event(&s->processes[process].facts, s->host, batch, e);
    const struct tap_pid *child = e->kind == TAP_PROCESS_SPAWN ? tap_child(e) : NULL;
    uint32_t index = child ? sum_process_get(s, child, e->node) : 0;
    if (index)
        tap_process_facts_spawned(&s->processes[index].facts, s->host, batch, e);
}

void sum_processes_learn(struct sum *s, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_print print = sum_print(s, e->node);
    struct tap_process_report_list list = tap_process_report_begin(batch, e);
    struct tap_process_report told;
    while (tap_process_report_next(s->host, &list, &told)) {
        uint32_t index = sum_process_get(s, &told.pid, e->node);
        if (index)
            tap_process_facts_report(&s->processes[index].facts, s->host, &told, print);
    }
}

void sum_processes_mailboxes(struct sum *s, const struct tap_batch *batch,
                             const struct tap_event *e)
{
    struct tap_process_report_list list = tap_process_report_begin(batch, e);
    struct tap_pid pid;
    int64_t length;
    while (tap_process_mailbox_next(s->host, &list, &pid, &length)) {
        uint32_t index = sum_process_get(s, &pid, e->node);
        struct sum_process *p = &s->processes[index];
        if (index && length > 0 && (uint64_t)length > p->mailbox) {
            p->mailbox = (uint64_t)length;
            p->mailbox_at = e->ts;
        }
    }
}
