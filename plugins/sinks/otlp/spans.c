/* spans.c: spans: their numbers, and those that are open.
 *
 * The numbers are made of the run's id, the node's name, and the number and time of the event that
 * a span begins with. The run's id is random, so those of two runs never meet; and since it is in a
 * recording, whoever exports that again, or sends a request again whose answer was lost, sends the
 * same spans and not others.
 */
#include "sinks/otlp/otlp.h"

/* Fields of Span; the others are in fields.c. */
enum { TRACE_ID = 1, SPAN_ID = 2, PARENT = 4, KIND = 6, START = 7, END = 8 };

/* ---- Numbers */

static uint64_t mixed(uint64_t h, uint64_t more)
{
    h = (h ^ more) + 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

static void number_put(uint8_t to[8], const struct otlp *o, uint64_t salt)
{
    const struct tap_event *e = o->event;
    const struct otlp_node *node = &o->nodes[e->node];
    uint64_t h = mixed(mixed(o->run, node->hash), e->seq);
    h = mixed(mixed(h, (uint64_t)e->ts), salt << 16 | (uint64_t)e->kind << 8 | e->reason);
    tap_put_u64(to, h ? h : 1);
}

/* ---- A span's beginning */

void otlp_begin(struct otlp *o, enum otlp_kind kind, const struct otlp_ids *parent)
{
    struct tap_writer *w = &o->w;
    struct otlp_ids ids;
    tap_writer_drop(w);
    number_put(ids.span, o, 1);
    if (parent) {
        memcpy(ids.trace, parent->trace, sizeof ids.trace);
    } else {
        number_put(ids.trace, o, 2);
        number_put(ids.trace + 8, o, 3);
    }
    o->begins = ids;
    o->begins_in = 0;
    if (parent)
        memcpy(&o->begins_in, parent->span, sizeof o->begins_in);
    tap_pb_bytes(w, TRACE_ID, ids.trace, sizeof ids.trace);
    tap_pb_bytes(w, SPAN_ID, ids.span, sizeof ids.span);
    if (parent)
        tap_pb_bytes(w, PARENT, parent->span, sizeof parent->span);
    tap_pb_uint(w, KIND, kind);
}

static uint32_t place(struct otlp *o)
{
    uint32_t at = o->span_free;
    if (at) {
        o->span_free = (uint32_t)o->spans[at - 1].len;
        return at;
    }
    if (!tap_grow(&o->spans, o->span_count, sizeof *o->spans))
        return 0;
    return ++o->span_count;
}

static size_t cost(size_t len)
{
    return len + sizeof(struct otlp_span) + 16; /* as malloc has it */
}

struct otlp_ref otlp_open(struct otlp *o)
{
    const struct otlp_ref none = {0, 0};
    bool counts = o->counted;
    size_t len = tap_writer_here(&o->w);
    o->counted = false; /* the span's, or lost with it */
    if (o->w.failed)
        return none;
    if (o->open_bytes + cost(len) > OTLP_OPEN) {
        if (!o->unopened++)
            o->host->log(o->host, TAP_LOG_WARNING,
                         "spans that are open take %u MiB: until some end more are lost",
                         (unsigned)(OTLP_OPEN >> 20));
        return none;
    }
    char *fields = malloc(len);
    uint32_t at = fields ? place(o) : 0;
    if (!at) {
        free(fields);
        return none;
    }
    memcpy(fields, tap_writer_begun(&o->w), len);
    tap_writer_drop(&o->w);
    o->open_bytes += cost(len);
    o->spans[at - 1] = (struct otlp_span){.ids = o->begins,
                                          .number = ++o->begun,
                                          .start = o->event->ts,
                                          .parent = o->begins_in,
                                          .node = o->event->node,
                                          .events = counts,
                                          .fields = fields,
                                          .len = len};
    return (struct otlp_ref){at, o->begun};
}

void otlp_open_point(struct otlp *o)
{
    struct otlp_ref ref = otlp_open(o);
    if (otlp_end(o, ref, o->event->ts, false))
        otlp_close(o, ref);
}

struct otlp_span *otlp_span_at(struct otlp *o, struct otlp_ref ref)
{
    struct otlp_span *span = ref.at ? &o->spans[ref.at - 1] : NULL;
    return span && span->number == ref.number ? span : NULL;
}

/* ---- Its end */

void otlp_forget(struct otlp *o, struct otlp_ref ref)
{
    struct otlp_span *span = otlp_span_at(o, ref);
    if (!span)
        return;
    o->open_bytes -= cost(span->len);
    free(span->fields);
    *span = (struct otlp_span){.len = o->span_free};
    o->span_free = ref.at;
}

bool otlp_end(struct otlp *o, struct otlp_ref ref, int64_t ts, bool takes)
{
    struct otlp_span *span = otlp_span_at(o, ref);
    if (!span)
        return false;
    if (takes) {
        span->events += o->counted;
        o->counted = false;
    }
    tap_writer_drop(&o->w);
    o->ends = tap_pb_begin(&o->w, 2, 2); /* of ScopeSpans */
    tap_writer_put(&o->w, span->fields, span->len);
    tap_pb_fixed64(&o->w, START, (uint64_t)span->start); /* which may have been put off */
    tap_pb_fixed64(&o->w, END, (uint64_t)(ts > span->start ? ts : span->start));
    return true;
}

void otlp_close(struct otlp *o, struct otlp_ref ref)
{
    struct otlp_span *span = otlp_span_at(o, ref);
    tap_pb_end(&o->w, o->ends);
    otlp_gather(o, span->node, span->events);
    otlp_forget(o, ref);
}
