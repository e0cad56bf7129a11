/* event_text.c: see event_text.h. */
#include "sinks/common/event_text.h"

#include "sinks/common/stack_text.h"

static void put_text(struct tap_writer *w, const char *text)
{
    tap_writer_put(w, text, strlen(text));
}

static void put_number(struct tap_writer *w, uint64_t v)
{
    w->p = tap_text_u64(tap_writer_reserve(w, 24), v);
}

static void put_loss(struct tap_writer *w, const struct tap_event *e)
{
    put_text(w, "{");
    put_number(w, e->kind == TAP_LOST ? e->lost : e->gap);
    put_text(w, ",");
    put_text(w, w->host->reason_name(e->reason));
    put_text(w, "}");
}

static void put_node(struct tap_writer *w, const struct tap_event *e)
{
    const struct tap_node *node = w->host->node(w->host, e->node);
    if (e->kind == TAP_NODE_UP && node && *node->release) {
        put_text(w, "OTP ");
        put_text(w, node->release);
    } else if (e->reason) {
        put_text(w, w->host->reason_name(e->reason));
    }
}

void tap_event_report_put(struct tap_writer *w, const struct tap_event *e)
{
    if (e->kind == TAP_LOST || e->kind == TAP_GAP)
        put_loss(w, e);
    else if (e->kind == TAP_NODE_UP || e->kind == TAP_NODE_DOWN)
        put_node(w, e);
}

void tap_event_message_put(struct tap_writer *w, const struct tap_batch *batch,
                           const struct tap_event *e, const struct tap_print *print)
{
    const uint8_t *term = batch->arena + e->payload.off;
    if (!tap_event_has_term(e)) {
        tap_event_report_put(w, e);
    } else if (e->kind == TAP_FUNCTION_CALL) {
        put_text(w, "[");
        tap_writer_arguments(w, term, e->payload.len, ",", print);
        put_text(w, "]");
    } else {
        tap_writer_term(w, term, e->payload.len, print);
    }
}

void tap_event_stack_put(struct tap_writer *w, const struct tap_batch *batch,
                         const struct tap_event *e, bool behind, const struct tap_print *print)
{
    uint64_t size;
    tap_stack_put(w, batch, e, behind ? " stack=" : "stack=", " < ", "", print, &size);
    if (size) {
        put_text(w, behind ? " stack_truncated=" : "stack_truncated=");
        put_number(w, size);
    }
}

void tap_event_metadata_put(struct tap_writer *w, const struct tap_batch *batch,
                            const struct tap_event *e, const struct tap_print *print)
{
    char flags[TAP_EVENT_FLAGS_MAX], *end = tap_event_flags_put(flags, e), *from = flags;
    if (e->metadata.len)
        tap_writer_term(w, batch->arena + e->metadata.off, e->metadata.len, print);
    else if (end > from)
        from++; /* no space before the first */
    tap_writer_put(w, from, (size_t)(end - from));
    if (e->flags & TAP_EVENT_STACK)
        tap_event_stack_put(w, batch, e, e->metadata.len || end > from, print);
}
