/* fields.c: the fields of what is being made: names, attributes, links, events, statuses. */
#include "sinks/common/stack_text.h"
#include "sinks/otlp/otlp.h"

enum { NAME = 5, EVENTS = 11, LINKS = 13, STATUS = 15 }; /* of Span */
enum { LINK_TRACE_ID = 1, LINK_SPAN_ID = 2, LINK_ATTRIBUTES = 4 };
enum { EVENT_TIME = 1, EVENT_NAME = 2, EVENT_ATTRIBUTES = 3 };
enum { STATUS_MESSAGE = 2, STATUS_CODE = 3, STATUS_ERROR = 2 };
enum { STRING = 1, INT = 3 }; /* of AnyValue */

/* ---- Attributes */

struct text {
    struct tap_pb pair, value, text;
};

static struct text text_begin(struct otlp *o, unsigned field, const char *key)
{
    struct text t = {.pair = tap_pb_begin(&o->w, field, 1)};
    tap_pb_bytes(&o->w, 1, key, strlen(key));
    t.value = tap_pb_begin(&o->w, 2, 1);
    t.text = tap_pb_begin(&o->w, STRING, 1);
    return t;
}

static void text_end(struct otlp *o, struct text t)
{
    tap_pb_end(&o->w, t.text);
    tap_pb_end(&o->w, t.value);
    tap_pb_end(&o->w, t.pair);
}

void otlp_text(struct otlp *o, unsigned field, const char *key, const char *text, size_t len)
{
    struct text t = text_begin(o, field, key);
    tap_writer_put(&o->w, text, len);
    text_end(o, t);
}

void otlp_number(struct otlp *o, const char *key, int64_t number)
{
    struct tap_pb pair = tap_pb_begin(&o->w, OTLP_ATTRIBUTES, 1);
    tap_pb_bytes(&o->w, 1, key, strlen(key));
    struct tap_pb value = tap_pb_begin(&o->w, 2, 1);
    tap_pb_int(&o->w, INT, number);
    tap_pb_end(&o->w, value);
    tap_pb_end(&o->w, pair);
}

void otlp_term(struct otlp *o, const char *key, const uint8_t *term, size_t len)
{
    struct text t = text_begin(o, OTLP_ATTRIBUTES, key);
    tap_writer_term(&o->w, term, len, &o->print);
    text_end(o, t);
}

/* Of what was cut in the node there is only a mark. */
static bool told(const struct otlp *o, struct tap_span span)
{
    const struct tap_event *e = o->event;
    bool cut = e->flags & TAP_EVENT_TRUNCATED && span.off == e->payload.off;
    return span.len && o->settings->args && !cut;
}

void otlp_span_term(struct otlp *o, const char *key, struct tap_span span)
{
    if (told(o, span))
        otlp_term(o, key, o->batch->arena + span.off, span.len);
}

void otlp_peer(struct otlp *o, const char *key)
{
    if (o->event->peer_type == TAP_PEER_NONE)
        return;
    struct text t = text_begin(o, OTLP_ATTRIBUTES, key);
    tap_writer_peer(&o->w, o->batch, o->event, &o->print);
    text_end(o, t);
}

void otlp_arguments(struct otlp *o)
{
    const struct tap_event *e = o->event;
    if (!told(o, e->payload) || e->flags & TAP_EVENT_ARITY_ONLY)
        return;
    struct text t = text_begin(o, OTLP_ATTRIBUTES, "beam.arguments");
    tap_writer_put(&o->w, "[", 1);
    tap_writer_arguments(&o->w, o->batch->arena + e->payload.off, e->payload.len, ",", &o->print);
    tap_writer_put(&o->w, "]", 1);
    text_end(o, t);
}

void otlp_process_of(struct otlp *o)
{
    const struct tap_process_facts *facts = tap_process_table_find(o->names, &o->event->pid);
    struct text t = text_begin(o, OTLP_ATTRIBUTES, "beam.pid");
    tap_writer_pid(&o->w, &o->event->pid, &o->print);
    text_end(o, t);
    if (!facts)
        return;
    size_t before = tap_writer_here(&o->w);
    t = text_begin(o, OTLP_ATTRIBUTES, "beam.process");
    bool named = tap_process_facts_put(facts, &o->w);
    text_end(o, t);
    if (!named)
        o->w.p = tap_writer_begun(&o->w) + before;
}

void otlp_extras(struct otlp *o)
{
    const struct tap_event *e = o->event;
    if (e->flags & TAP_EVENT_TRUNCATED)
        otlp_number(o, "beam.cut_in_node_bytes", (int64_t)(e->true_size & INT64_MAX));
    if (e->peer_type == TAP_PEER_MFA)
        otlp_peer(o, "beam.caller");
    if (e->flags & TAP_EVENT_STACK) {
        uint64_t size = 0;
        struct text t = text_begin(o, OTLP_ATTRIBUTES, "code.stacktrace");
        tap_stack_put(&o->w, o->batch, e, "", "\n", "", &o->print, &size);
        text_end(o, t);
    }
    otlp_span_term(o, "beam.metadata", e->metadata);
}

/* Why its end is no return, or not known. */
void otlp_why(struct otlp *o, const char *end)
{
    otlp_text(o, OTLP_ATTRIBUTES, "beam.end", end, strlen(end));
}

void otlp_failed(struct otlp *o, const char *why, size_t len)
{
    struct tap_pb status = tap_pb_begin(&o->w, STATUS, 1);
    tap_pb_bytes(&o->w, STATUS_MESSAGE, why, len);
    tap_pb_uint(&o->w, STATUS_CODE, STATUS_ERROR);
    tap_pb_end(&o->w, status);
}

/* A damaged recording may have anything there. */
static bool is_class(const char *text, uint32_t n)
{
    static const char *const classes[] = {"error", "exit", "throw"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strlen(classes[i]) == n && memcmp(classes[i], text, n) == 0)
            return true;
    return false;
}

/* {Class, Reason}, of which the class is told in any case. */
void otlp_exception(struct otlp *o)
{
    const struct tap_event *e = o->event;
    struct tap_cursor at = tap_cursor(o->batch->arena + e->payload.off, e->payload.len);
    const char *class = "", *message = "an exception";
    uint32_t n = 0;
    bool latin1, cut = e->flags & TAP_EVENT_TRUNCATED;
    struct tap_pb thrown = tap_pb_begin(&o->w, EVENTS, 1);
    tap_pb_fixed64(&o->w, EVENT_TIME, (uint64_t)e->ts);
    tap_pb_bytes(&o->w, EVENT_NAME, "exception", 9);
    bool pair = !cut && tap_read_tuple(&at, &n) && n == 2 &&
                tap_read_atom(&at, &class, &n, &latin1) && is_class(class, n);
    if (pair)
        otlp_text(o, EVENT_ATTRIBUTES, "exception.type", class, n);
    if (pair && o->settings->args) {
        struct text t = text_begin(o, EVENT_ATTRIBUTES, "exception.message");
        tap_writer_term(&o->w, at.p, tap_left(&at), &o->print);
        text_end(o, t);
    }
    tap_pb_end(&o->w, thrown);
    otlp_failed(o, pair ? class : message, pair ? n : strlen(message));
}

/* ---- What is in a span besides */

struct tap_pb otlp_name_begin(struct otlp *o)
{
    return tap_pb_begin(&o->w, NAME, 1);
}

void otlp_name_end(struct otlp *o, struct tap_pb name)
{
    tap_pb_end(&o->w, name);
}

void otlp_link(struct otlp *o, const struct otlp_ids *to, const char *why)
{
    struct tap_pb link = tap_pb_begin(&o->w, LINKS, 1);
    tap_pb_bytes(&o->w, LINK_TRACE_ID, to->trace, sizeof to->trace);
    tap_pb_bytes(&o->w, LINK_SPAN_ID, to->span, sizeof to->span);
    otlp_text(o, LINK_ATTRIBUTES, "beam.link", why, strlen(why));
    tap_pb_end(&o->w, link);
}
