/* export_kept.c: what the store holds through any installed sink.
 *
 * The sink is created as for a run, with a host table of its own and a list of mistakes of its own;
 * what it needs to know of names and nodes is the trace's. It runs on the caller's thread.
 */
#include "beamtap/sink.h"
#include "library/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "library/defaults.h"
#include "plugin/operation.h"

struct export
{
    struct tap_trace *trace;
    struct tap_error *err;
    struct tap_config *config;
    const struct tap_host *host;
    const struct tap_sink_ops *ops;
    void *self;
    bool created;
    int64_t start_by; /* when its start gives up, by tap_clock_steady; 0: it is not in it */
    bool stopped;     /* the trace was, before */
    struct tap_fallen_list fallen; /* as of the last time that something had */
    /* By node: counted events that it was given, or that it was told are missing; and the last of
     * them. */
    struct tap_fallen *passed;
    uint32_t passed_count;
};

/* The sink's section alone, checked by the code that checks every configuration. */
static enum tap_status read_sink(struct export *x, const char *sink, const char *const *options)
{
    const char *path = x->trace->config->session.plugin_path;
    char *text = NULL;
    size_t n = 0;
    while (options && options[n])
        n++;
    char **sets = calloc(n + 1, sizeof *sets), *search = NULL;
    const char **all = calloc(n + 2, sizeof *all);
    bool ok = sets && all && asprintf(&text, "[session]\nnodes = none@none\n[sink:%s]\n", sink) > 0;
    for (size_t i = 0; ok && i < n; i++) {
        ok = asprintf(&sets[i], "sink:%s.%s", sink, options[i]) > 0;
        all[i] = sets[i];
    }
    if (ok && path && (ok = asprintf(&search, "session.plugin_path=%s", path) > 0))
        all[n] = search;
    enum tap_status status =
        ok ? tap_config_parse("export", text, strlen(text), tap_defaults.transport, all,
                              n + (path != NULL), &x->config, x->err)
           : TAP_ERR(x->err, TAP_ERROR, "core", "out of memory");
    for (size_t i = 0; sets && i < n; i++)
        free(sets[i]);
    free(sets);
    free(all);
    free(search);
    free(text);
    return status;
}

/* All that it is given are chunks. */
static struct tap_chunk *chunk_of(const struct tap_batch *batch)
{
    return (struct tap_chunk *)(uintptr_t)batch;
}

static void hold(const struct tap_batch *batch)
{
    tap_store_hold(chunk_of(batch));
}

static void release(const struct tap_batch *batch)
{
    tap_store_release(chunk_of(batch));
}

/* Its start may wait for somebody, who may never come; and who waits for the export may have
 * enough. */
static bool ending(void *arg)
{
    const struct export *x = arg;
    return (x->start_by && tap_clock_steady() >= x->start_by) ||
           (!x->stopped && tap_session_stop_wanted(x->trace->session));
}

static enum tap_status create(struct export *x)
{
    const struct tap_driven_sink how = {
        .hold = hold, .release = release, .ending = ending, .arg = x};
    const struct tap_instance *in = x->config->instances;
    while (in->kind != TAP_PLUGIN_SINK)
        in++;
    x->host = tap_session_host_new(x->trace->session, in, x->err, &how);
    if (!x->host)
        return tap_error_status(x->err);
    x->ops = in->loaded->plugin->ops;
    enum tap_status status = x->ops->create(x->host, in->settings, &x->self);
    x->created = status == TAP_OK;
    return status;
}

static enum tap_status give(struct export *x, const struct tap_chunk *piece)
{
    uint32_t n = piece->base.count, *all = malloc((n + 1u) * sizeof *all);
    if (!all)
        return TAP_ERR(x->err, TAP_ERROR, "core", "out of memory");
    for (uint32_t i = 0; i < n; i++)
        all[i] = i;
    enum tap_status status = x->ops->consume(x->self, &piece->base, all, n);
    free(all);
    return status;
}

/* The node's place in `passed`; NULL: out of memory. */
static struct tap_fallen *passed_of(struct export *x, uint32_t node)
{
    if (node >= x->passed_count) {
        struct tap_fallen *more = realloc(x->passed, (node + 1) * sizeof *more);
        if (!more)
            return NULL;
        memset(more + x->passed_count, 0, (node + 1 - x->passed_count) * sizeof *more);
        x->passed = more;
        x->passed_count = node + 1;
    }
    return &x->passed[node];
}

static enum tap_status give_counted(struct export *x, const struct tap_chunk *piece)
{
    for (uint32_t i = 0; i < piece->base.count; i++) {
        const struct tap_event *e = &piece->events[i];
        struct tap_fallen *p = passed_of(x, e->node);
        if (!p)
            return TAP_ERR(x->err, TAP_ERROR, "core", "out of memory");
        if (!tap_kind_is_control(e->kind))
            *p = (struct tap_fallen){p->events + 1, e->seq, e->ts};
    }
    return give(x, piece);
}

static enum tap_status give_loss(struct export *x, uint32_t node, const struct tap_fallen *at,
                                 uint64_t missed)
{
    const struct tap_event lost = {.ts = at->ts,
                                   .seq = at->seq,
                                   .node = node,
                                   .arity = -1,
                                   .lost = missed,
                                   .kind = TAP_LOST,
                                   .reason = TAP_REASON_SINK_QUEUE};
    const struct tap_batch batch = {
        .struct_size = sizeof batch, .event_size = sizeof lost, .count = 1, .events = &lost};
    struct tap_chunk *row = tap_store_copy(&batch, &(const uint32_t){0}, 1);
    if (!row)
        return TAP_ERR(x->err, TAP_ERROR, "core", "out of memory");
    enum tap_status status = give(x, row);
    tap_store_release(row);
    return status;
}

/* What fell out before this piece: a row for each node that something is missing of. It stands
 * before the piece, and says where it began. */
static enum tap_status give_losses(struct export *x)
{
    enum tap_status status = TAP_OK;
    if (!x->fallen.nodes)
        return TAP_ERR(x->err, TAP_ERROR, "core", "out of memory");
    for (uint32_t n = 0; status == TAP_OK && n < x->fallen.count; n++) {
        struct tap_fallen *p = passed_of(x, n), at = x->fallen.nodes[n];
        if (!p)
            return TAP_ERR(x->err, TAP_ERROR, "core", "out of memory");
        if (at.events <= p->events)
            continue;
        if (p->events) /* behind what it has */
            at.seq = p->seq + 1, at.ts = p->ts;
        uint64_t missed = at.events - p->events;
        *p = (struct tap_fallen){at.events, at.seq + missed - 1, at.ts};
        status = give_loss(x, n, &at, missed);
    }
    return status;
}

static enum tap_status give_all(struct export *x)
{
    struct tap_store *store = x->trace->store;
    struct tap_chunk *piece = NULL, *next;
    enum tap_status status = TAP_OK;
    uint64_t missed;
    while (status == TAP_OK && (next = tap_store_header(store, piece))) {
        piece = next;
        status = give(x, piece);
    }
    tap_store_release(piece);
    piece = NULL;
    while (status == TAP_OK && (next = tap_store_next_fallen(store, piece, &missed, &x->fallen))) {
        piece = next;
        if (missed)
            status = give_losses(x);
        if (status == TAP_OK)
            status = give_counted(x, piece);
    }
    tap_store_release(piece);
    return status == TAP_OK ? x->ops->flush(x->self) : status;
}

/* The sink from its start to its stop. */
static enum tap_status run(struct export *x)
{
    x->start_by = tap_clock_steady() + TAP_OPERATION_DEADLINE;
    enum tap_status status = x->ops->start(x->self);
    x->start_by = 0;
    if (status == TAP_OK)
        status = give_all(x);
    enum tap_status stopped = x->ops->stop(x->self);
    if (status == TAP_OK || status == TAP_ENDED) /* its reader had enough */
        status = stopped == TAP_ENDED ? TAP_OK : stopped;
    return status;
}

enum tap_status tap_trace_export(struct tap_trace *t, const char *sink, const char *const *options,
                                 char **why)
{
    if (!t || !sink)
        return tap_library_invalid(why, "an export needs a trace and the name of a sink");
    struct export x = {
        .trace = t, .err = tap_error_new(), .stopped = tap_session_stop_wanted(t->session)};
    enum tap_status status = x.err ? read_sink(&x, sink, options) : TAP_ERROR;
    if (status == TAP_OK)
        status = create(&x);
    if (status == TAP_OK)
        status = run(&x);
    if (status != TAP_OK && x.err && tap_error_count(x.err) == 0)
        TAP_ERR(x.err, status, sink, "it failed and did not say why");
    if (x.created)
        x.ops->destroy(x.self);
    tap_session_host_free(x.host);
    free(x.fallen.nodes);
    free(x.passed);
    if (why)
        *why = status != TAP_OK && x.err ? tap_library_causes(x.err) : NULL;
    tap_config_free(x.config);
    if (x.err)
        tap_error_free(x.err);
    return status;
}
