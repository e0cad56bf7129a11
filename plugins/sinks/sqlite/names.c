/* names.c: nodes, functions and processes: each is a row, and others have its id.
 *
 * Their ids are remembered; when there are too many to remember all are forgotten, and found again
 * in the database as they come.
 */
#include "sinks/sqlite/sqlite.h"

#define DB_REMEMBERED 262144u /* ids of a table */

/* Where the id of this key is kept, 0 where it is not known; NULL: no memory. */
static uint32_t *remembered(struct tap_map *map, uint64_t key)
{
    if (map->count >= DB_REMEMBERED)
        tap_map_free(map);
    return tap_map_get(map, key, true);
}

static uint32_t no_memory(struct db *d)
{
    tap_writer_fail(&d->claim.w, "cannot write", "out of memory");
    return 0;
}

/* ---- Nodes */

static bool put_node(struct db *d, uint32_t index)
{
    const struct tap_node *node = d->host->node(d->host, index);
    const char *name = node ? node->name : "", *release = node ? node->release : "";
    db_number(d, DB_NODE, 1, index);
    db_bytes(d, DB_NODE, 2, name, strlen(name));
    db_bytes(d, DB_NODE, 3, release, strlen(release));
    return db_run(d, DB_NODE);
}

bool db_node(struct db *d, uint32_t index)
{
    uint32_t *known = remembered(&d->node_at, tap_map_mix(index, 1));
    if (!known)
        return no_memory(d);
    if (*known)
        return true;
    *known = 1;
    return put_node(d, index);
}

/* ---- Functions */

uint32_t db_function(struct db *d, uint32_t module, uint32_t function, int32_t arity)
{
    uint32_t *known = remembered(&d->function_at,
                                 tap_map_mix((uint64_t)module << 32 | function, (uint32_t)arity));
    if (!known)
        return no_memory(d);
    if (*known)
        return *known;
    const struct tap_name *m = tap_name_get(d->host, module), *f = tap_name_get(d->host, function);
    db_bytes(d, DB_FUNCTION_FIND, 1, m->text, m->len);
    db_bytes(d, DB_FUNCTION_FIND, 2, f->text, f->len);
    db_number(d, DB_FUNCTION_FIND, 3, arity);
    int64_t id = db_find(d, DB_FUNCTION_FIND);
    if (!id) {
        size_t at = db_text_begin(d);
        tap_function_put(&d->claim.w, module, function, arity);
        db_bytes(d, DB_FUNCTION, 1, m->text, m->len);
        db_bytes(d, DB_FUNCTION, 2, f->text, f->len);
        db_number(d, DB_FUNCTION, 3, arity);
        db_text(d, DB_FUNCTION, 4, db_text_end(d, at));
        if (!db_run(d, DB_FUNCTION))
            return 0;
        id = sqlite3_last_insert_rowid(d->sqlite);
        db_text_drop(d, at);
    }
    return *known = (uint32_t)id;
}

/* ---- Processes */

uint32_t db_process(struct db *d, const struct tap_pid *pid, uint32_t node, bool again)
{
    uint32_t *known = remembered(&d->process_at, tap_map_pid(pid));
    if (!known)
        return no_memory(d);
    if (*known && !again)
        return *known;
    struct tap_print print = db_print(d, node, 0);
    size_t at = db_text_begin(d);
    tap_writer_pid(&d->claim.w, pid, &print);
    struct db_text text = db_text_end(d, at);
    db_number(d, DB_PROCESS_FIND, 1, node);
    db_text(d, DB_PROCESS_FIND, 2, text);
    int64_t id = db_find(d, DB_PROCESS_FIND);
    if (id == 0 || (id < 0 && again)) {
        db_number(d, DB_PROCESS, 1, node);
        db_text(d, DB_PROCESS, 2, text);
        id = db_run(d, DB_PROCESS) ? sqlite3_last_insert_rowid(d->sqlite) : 0;
    }
    db_text_drop(d, at);
    return *known = (uint32_t)(id < 0 ? -id : id);
}

/* ---- What events tell of them */

static bool named(struct db *d, const struct tap_pid *pid, uint32_t node)
{
    const struct tap_process_facts *facts = tap_process_table_find(d->names, pid);
    size_t at = db_text_begin(d);
    bool good = true;
    if (facts && tap_process_facts_put(facts, &d->claim.w)) {
        struct db_text text = db_text_end(d, at);
        uint32_t id = db_process(d, pid, node, false);
        db_number(d, DB_PROCESS_NAME, 1, id);
        db_text(d, DB_PROCESS_NAME, 2, text);
        good = id && db_run(d, DB_PROCESS_NAME);
    }
    db_text_drop(d, at);
    return good;
}

static bool parent_is(struct db *d, uint32_t child, uint32_t parent)
{
    db_number(d, DB_PROCESS_PARENT, 1, child);
    db_number(d, DB_PROCESS_PARENT, 2, parent);
    return child && parent && db_run(d, DB_PROCESS_PARENT);
}

static bool spawned(struct db *d, const struct tap_event *e)
{
    const struct tap_pid *child = tap_child(e);
    return !child || (parent_is(d, db_process(d, child, e->node, true),
                                db_process(d, &e->pid, e->node, false)) &&
                      named(d, child, e->node));
}

static bool started(struct db *d, const struct tap_event *e)
{
    uint32_t id = db_process(d, &e->pid, e->node, true);
    db_number(d, DB_PROCESS_STARTED, 1, id);
    db_number(d, DB_PROCESS_STARTED, 2, e->ts);
    if (!id || !db_run(d, DB_PROCESS_STARTED) || !named(d, &e->pid, e->node))
        return false;
    return !tap_child(e) || parent_is(d, id, db_process(d, &e->peer, e->node, false));
}

static bool ended(struct db *d, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_print print = db_print(d, e->node, (size_t)d->settings->max_message);
    uint32_t id = db_process(d, &e->pid, e->node, false);
    size_t at = db_text_begin(d);
    if (e->payload.len)
        tap_writer_term(&d->claim.w, batch->arena + e->payload.off, e->payload.len, &print);
    db_number(d, DB_PROCESS_ENDED, 1, id);
    db_number(d, DB_PROCESS_ENDED, 2, e->ts);
    db_text(d, DB_PROCESS_ENDED, 3, db_text_end(d, at));
    bool good = id && db_run(d, DB_PROCESS_ENDED);
    db_text_drop(d, at);
    return good;
}

static bool reported(struct db *d, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_process_report_list list = tap_process_report_begin(batch, e);
    struct tap_process_report report;
    while (tap_process_report_next(d->host, &list, &report))
        if (!named(d, &report.pid, e->node))
            return false;
    return true;
}

bool db_learn(struct db *d, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_print print = db_print(d, e->node, 0);
    if (e->kind == TAP_NODE_UP)
        tap_sink_nodes_learn(&d->nodes, d->host, e->node);
    if (!db_node(d, e->node))
        return false;
    if (e->kind != TAP_PROCESS_UNREGISTER) /* its row is of the whole trace, in which it had it */
        tap_process_table_learn(d->names, d->host, batch, e, &print);
    switch (e->kind) {
    case TAP_NODE_UP: return put_node(d, e->node);
    case TAP_PROCESS_SPAWN: return spawned(d, e);
    case TAP_PROCESS_START: return started(d, e);
    case TAP_PROCESS_EXIT: return ended(d, batch, e);
    case TAP_PROCESS_REGISTER: return named(d, &e->pid, e->node);
    case TAP_PROCESS_INFO: return reported(d, batch, e);
    default: return true;
    }
}
