/* file_sink.c: the life of a sink that writes a file, once for all of them. */
#include "sinks/common/file_sink.h"

static enum tap_status status_of(struct tap_file_sink *s)
{
    if (s->no_memory && !s->w.failed)
        return tap_writer_fail(&s->w, "cannot write", "out of memory");
    return tap_writer_status(&s->w);
}

enum tap_status tap_file_sink_create(const struct tap_file_sink_ops *ops,
                                     const struct tap_host *host, const void *settings, void **self)
{
    struct tap_file_sink *s = calloc(1, ops->size);
    if (!s)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    s->host = host;
    s->settings = settings;
    s->ops = ops;
    const char *const *path =
        (const char *const *)(const void *)((const char *)settings + ops->path);
    enum tap_status status = tap_writer_claim(&s->w, host, *path);
    if (status == TAP_OK && ops->check && (status = ops->check(s)) != TAP_OK)
        tap_writer_free(&s->w);
    if (status == TAP_OK)
        *self = s;
    else
        free(s);
    return status;
}

enum tap_status tap_file_sink_start(void *self)
{
    struct tap_file_sink *s = self;
    if (tap_writer_open(&s->w) != TAP_OK)
        return tap_writer_status(&s->w);
    s->no_memory = s->ops->begin && !s->ops->begin(s);
    if (!s->no_memory)
        tap_writer_end(&s->w, 0);
    return status_of(s);
}

enum tap_status tap_file_sink_consume(void *self, const struct tap_batch *batch,
                                      const uint32_t *select, size_t n)
{
    struct tap_file_sink *s = self;
    for (size_t i = 0; i < n && !s->no_memory && !s->w.failed; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        bool counted = !tap_kind_is_control(e->kind);
        if (e->kind == TAP_NODE_UP)
            tap_sink_nodes_learn(&s->nodes, s->host, e->node);
        s->no_memory = !s->ops->event(s, batch, e);
        if (s->no_memory || s->w.failed)
            tap_writer_drop(&s->w);
        else if (s->ops->at_end)
            s->waiting += counted;
        else
            tap_writer_end(&s->w, counted);
    }
    return status_of(s);
}

enum tap_status tap_file_sink_flush(void *self)
{
    return tap_writer_flush(&((struct tap_file_sink *)self)->w);
}

/* All events that were summed up are in the file with what `end` has written. */
static void end(struct tap_file_sink *s)
{
    s->no_memory = s->ops->end && !s->ops->end(s);
    if (s->no_memory || s->w.failed) {
        tap_writer_drop(&s->w);
        status_of(s);
        return;
    }
    tap_writer_end_many(&s->w, s->waiting);
}

enum tap_status tap_file_sink_stop(void *self)
{
    struct tap_file_sink *s = self;
    bool whole = s->w.buf && s->w.marks && !s->w.failed && !s->no_memory;
    if (whole && (s->waiting || !tap_writer_unused(&s->w)))
        end(s);
    return tap_writer_close(&s->w);
}

void tap_file_sink_destroy(void *self)
{
    struct tap_file_sink *s = self;
    if (s->ops->free)
        s->ops->free(s);
    tap_sink_nodes_free(&s->nodes);
    tap_writer_free(&s->w);
    free(s);
}

void tap_file_sink_put_payload(struct tap_file_sink *s, const struct tap_batch *batch,
                               const struct tap_event *e, size_t limit)
{
    struct tap_print print = tap_file_sink_print(s, e, limit);
    const uint8_t *term = batch->arena + e->payload.off;
    if (e->payload.len && e->kind == TAP_FUNCTION_CALL)
        tap_writer_arguments(&s->w, term, e->payload.len, ",", &print);
    else if (e->payload.len)
        tap_writer_term(&s->w, term, e->payload.len, &print);
}
