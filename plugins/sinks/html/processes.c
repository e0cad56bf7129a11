/* processes.c: processes, by their pid: what they are called, when they began and ended and why,
 * who is linked with whom, and how long their mailboxes were.
 *
 * A pid that lives again is the same line under its last name.
 */
#include "sinks/html/html.h"

bool html_room(struct html *h, void *array, uint32_t count, size_t size)
{
    bool there = tap_grow(array, count, size);
    h->no_memory |= !there;
    return there;
}

struct tap_print html_print(struct html *h, uint32_t node_index)
{
    return tap_sink_print(tap_sink_nodes_get(&h->names, h->host, node_index),
                          (enum tap_print_syntax)h->settings->syntax);
}

uint32_t html_process_get(struct html *h, const struct tap_pid *pid, uint32_t node)
{
    uint32_t *at = tap_map_get(&h->process_at, tap_map_pid(pid), h->process_count < HTML_PROCESSES);
    if (!at)
        return 0;
    if (!*at) {
        if (!html_room(h, &h->processes, h->process_count, sizeof *h->processes))
            return 0;
        h->processes[h->process_count] = (struct html_process){.pid = *pid, .node = node};
        *at = h->process_count++;
    }
    return *at;
}

void html_processes_free(struct html *h)
{
    for (uint32_t i = 0; i < h->process_count; i++) {
        free(h->processes[i].stack.frames);
        tap_process_facts_free(&h->processes[i].facts);
    }
    free(h->processes);
    free(h->links);
    free(h->mailboxes);
    tap_map_free(&h->process_at);
    tap_map_free(&h->mailbox_at);
    tap_map_free(&h->link_at);
}

/* ---- Life */

static void linked(struct html *h, uint32_t process, const struct tap_event *e)
{
    uint32_t other = e->peer_type == TAP_PEER_PID ? html_process_get(h, &e->peer, e->node) : 0;
    uint64_t low = process < other ? process : other, high = process < other ? other : process;
    if (!process || !other)
        return;
    /* Both may tell it. */
    uint32_t *at =
        tap_map_get(&h->link_at, tap_map_mix(low << 32 | high, 7), h->link_count < HTML_LINKS);
    if (at && *at)
        return;
    if (!at || !html_room(h, &h->links, h->link_count, sizeof *h->links)) {
        h->no_memory |= h->link_count < HTML_LINKS;
        h->left_out.links++;
        return;
    }
    h->links[h->link_count] = (struct html_link){process, other};
    *at = ++h->link_count;
    h->processes[process].links++;
    h->processes[other].links++;
}

/* The child of a spawn, or the parent of a start. */
static uint32_t relative(struct html *h, const struct tap_event *e)
{
    return e->peer_type == TAP_PEER_PID ? html_process_get(h, &e->peer, e->node) : 0;
}

static void spawned(struct html *h, uint32_t process, const struct tap_batch *batch,
                    const struct tap_event *e)
{
    uint32_t child = tap_child(e) ? relative(h, e) : 0;
    if (!child)
        return;
    struct html_process *c = &h->processes[child];
    tap_process_facts_spawned(&c->facts, h->host, batch, e);
    c->parent = process;
    if (!c->born || c->died) { /* its own start says it better */
        c->born = e->ts;
        c->died = 0;
    }
}

void html_process_event(struct html *h, uint32_t process, const struct tap_batch *batch,
                        const struct tap_event *e)
{
    uint32_t parent = e->kind == TAP_PROCESS_START ? relative(h, e) : 0;
    struct html_process *p = &h->processes[process];
    if (process) /* the first stands for many */
        tap_process_facts_event(&p->facts, h->host, batch, e);
    switch (e->kind) {
    case TAP_PROCESS_SPAWN: spawned(h, process, batch, e); break;
    case TAP_PROCESS_LINK: linked(h, process, e); break;
    case TAP_PROCESS_START:
        p->parent = parent ? parent : p->parent;
        p->born = e->ts;
        p->died = 0;
        break;
    case TAP_PROCESS_EXIT:
        p->died = e->ts;
        p->reason = tap_reasons_add(&h->exits, h->host, batch, e, process, html_print(h, e->node));
        h->no_memory |= p->reason == UINT32_MAX;
        break;
    default: break;
    }
}

void html_processes_learn(struct html *h, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_process_report_list list = tap_process_report_begin(batch, e);
    struct tap_process_report told;
    while (tap_process_report_next(h->host, &list, &told)) {
        uint32_t index = html_process_get(h, &told.pid, e->node);
        if (index)
            tap_process_facts_report(&h->processes[index].facts, h->host, &told,
                                     html_print(h, e->node));
    }
}

/* ---- Mailboxes */

/* Half as many points: of two the higher one. */
static void thin_out(struct html_mailbox *m)
{
    for (uint32_t i = 0; i + 1 < m->count; i += 2)
        m->at[i / 2] = m->at[i].length >= m->at[i + 1].length ? m->at[i] : m->at[i + 1];
    m->count /= 2;
}

/* The place of a process's mailbox; NULL: it is not among the longest, or there is no memory. */
static struct html_mailbox *mailbox_get(struct html *h, uint32_t process, uint64_t length)
{
    uint32_t *at = tap_map_get(&h->mailbox_at, process, false), place = h->mailbox_count;
    if (at)
        return &h->mailboxes[*at];
    if (place == HTML_MAILBOXES) {
        h->left_out.mailboxes++;
        for (uint32_t i = place = 0; i < HTML_MAILBOXES; i++)
            place = h->mailboxes[i].longest < h->mailboxes[place].longest ? i : place;
        if (h->mailboxes[place].longest >= length)
            return NULL;
        tap_map_remove(&h->mailbox_at, h->mailboxes[place].process);
    } else if (!html_room(h, &h->mailboxes, place, sizeof *h->mailboxes)) {
        return NULL;
    }
    at = tap_map_get(&h->mailbox_at, process, true);
    h->no_memory |= !at;
    if (!at)
        return NULL;
    *at = place;
    h->mailbox_count += place == h->mailbox_count;
    h->mailboxes[place].process = process;
    h->mailboxes[place].count = 0;
    h->mailboxes[place].longest = 0;
    return &h->mailboxes[place];
}

static void mailbox_was(struct html *h, uint32_t process, int64_t ts, uint64_t length)
{
    struct html_process *p = &h->processes[process];
    if (length > p->mailbox) {
        p->mailbox = length;
        p->mailbox_at = ts;
    }
    if (!length && !tap_map_get(&h->mailbox_at, process, false))
        return; /* it has been empty ever since */
    struct html_mailbox *m = mailbox_get(h, process, length);
    if (!m)
        return;
    if (m->count == HTML_MAILBOX_POINTS)
        thin_out(m);
    m->at[m->count++] = (struct html_point){ts, length};
    m->longest = length > m->longest ? length : m->longest;
}

void html_processes_mailboxes(struct html *h, const struct tap_batch *batch,
                              const struct tap_event *e)
{
    struct tap_process_report_list list = tap_process_report_begin(batch, e);
    struct tap_pid pid;
    int64_t length;
    h->mailboxes_told = true;
    while (tap_process_mailbox_next(h->host, &list, &pid, &length)) {
        uint32_t process = html_process_get(h, &pid, e->node);
        if (process)
            mailbox_was(h, process, e->ts, length > 0 ? (uint64_t)length : 0);
    }
}
