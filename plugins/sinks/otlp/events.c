/* events.c: what each event is.
 *
 * A call is a span from its begin to its end, as the kit's stack tells it, inside the call around
 * it or the message that its process handles. One whose returns are not traced has no length. What
 * no span tells of on purpose (scheduling, garbage collection, links, names, other messages) counts
 * as written.
 */
#include "sinks/otlp/otlp.h"

/* ---- Calls. A call's tag is its span's place. */

/* A callback's first argument is the message; where arguments are not there its name has to do. */
static bool is_callback(struct otlp *o, struct otlp_process *p)
{
    static const int arity[] = {[TAP_GEN_NONE] = 2, [TAP_GEN_CALL] = 3, [TAP_GEN_CAST] = 2};
    const struct tap_event *e = o->event;
    enum tap_gen gen = TAP_GEN_NONE;
    uint64_t hash = 0;
    uint32_t n;
    while (gen <= TAP_GEN_CAST && o->callbacks[gen] != e->function)
        gen++;
    if (!p || !p->first || gen > TAP_GEN_CAST || e->arity != arity[gen])
        return false;
    struct tap_cursor at = tap_cursor(o->batch->arena + e->payload.off, e->payload.len);
    if (!(e->flags & (TAP_EVENT_ARITY_ONLY | TAP_EVENT_TRUNCATED)) && tap_read_list(&at, &n) && n) {
        const uint8_t *first = at.p;
        if (tap_skip(&at))
            hash = tap_map_bytes(first, (size_t)(at.p - first));
    }
    return otlp_process_calls_back(o, p, gen, hash);
}

static bool call(struct otlp *o)
{
    const struct tap_event *e = o->event;
    struct otlp_process *p = otlp_process(o, &e->pid);
    bool callback = is_callback(o, p);
    const struct otlp_ids *inside = otlp_inside(o);
    otlp_begin(o, OTLP_INTERNAL, inside);
    struct tap_pb name = otlp_name_begin(o);
    tap_function_put(&o->w, e->module, e->function, e->arity);
    otlp_name_end(o, name);
    otlp_process_of(o);
    otlp_arguments(o);
    otlp_extras(o);
    if (!inside && p && p->caused)
        otlp_link(o, &p->cause, "spawn");
    bool counts = o->counted;
    struct otlp_ref span = otlp_open(o);
    if (callback)
        otlp_process_called_back(p, span.number);
    o->point = false;
    if (!tap_call_stacks_take_as(o->stacks, e, span.at))
        return false;
    bool kept = tap_call_stacks_inside(o->stacks, &e->pid) == span.at;
    if (!span.at || kept || o->point)
        return true;
    otlp_forget(o, span);
    o->counted = counts;
    if (!(e->flags & TAP_EVENT_TAIL) && !o->too_deep++) /* else a turn of a loop */
        o->host->log(o->host, TAP_LOG_WARNING,
                     "a process is inside %u calls: deeper ones are in no span", TAP_STACKS_DEPTH);
    return true;
}

static void tell_end(struct otlp *o, const struct tap_call *c)
{
    static const char unwound[] = "left by an exception";
    switch (c->end) {
    case TAP_CALL_RETURNED: otlp_span_term(o, "beam.result", o->event->payload); break;
    case TAP_CALL_THREW: otlp_exception(o); break;
    case TAP_CALL_UNWOUND:
        otlp_why(o, "unwound");
        otlp_failed(o, unwound, sizeof unwound - 1);
        break;
    case TAP_CALL_EXITED: otlp_why(o, "process exit"); break;
    case TAP_CALL_POINT: otlp_why(o, "not traced"); break;
    default: otlp_why(o, "unknown");
    }
}

bool otlp_call_ended(void *self, const struct tap_call *c)
{
    struct otlp *o = self;
    uint32_t at = (uint32_t)c->tag;
    int64_t ts = c->start + c->total;
    o->point |= c->end == TAP_CALL_POINT;
    if (!at) { /* there was no room for it */
        o->counted &= c->end > TAP_CALL_THREW;
        return true;
    }
    struct otlp_ref ref = {at, o->spans[at - 1].number};
    if (c->end == TAP_CALL_THREW || c->end == TAP_CALL_UNWOUND || c->end == TAP_CALL_EXITED)
        otlp_process_unwound(o, &c->pid, ref.number, ts);
    if (c->end != TAP_CALL_POINT) /* it goes on, and nobody will see its end */
        otlp_process_call_ended(o, &c->pid, ref.number, ts);
    otlp_process_lasts(o, ref, ts);
    if (otlp_end(o, ref, ts, c->end <= TAP_CALL_THREW)) {
        tell_end(o, c);
        if (c->end <= TAP_CALL_THREW)
            otlp_span_term(o, "beam.metadata", o->event->metadata);
        otlp_close(o, ref);
    }
    return true;
}

/* ---- Of a node as a whole */

static void reason(struct otlp *o)
{
    const char *text = o->host->reason_name(o->event->reason);
    if (o->event->reason && text)
        otlp_text(o, OTLP_ATTRIBUTES, "beam.reason", text, strlen(text));
}

/* What is missing is a point of its own. */
static void missing(struct otlp *o)
{
    const struct tap_event *e = o->event;
    bool lost = e->kind == TAP_LOST;
    const char *title = lost                       ? "events lost"
                        : tap_event_is_part_gap(e) ? "events left out"
                                                   : "tracing off";
    otlp_begin(o, OTLP_INTERNAL, NULL);
    struct tap_pb name = otlp_name_begin(o);
    tap_writer_put(&o->w, title, strlen(title));
    otlp_name_end(o, name);
    otlp_number(o, lost ? "beam.events" : "beam.ns",
                (int64_t)((lost ? e->lost : e->gap) & INT64_MAX));
    reason(o);
    if (!lost && e->payload.len)
        otlp_term(o, "beam.what", o->batch->arena + e->payload.off, e->payload.len);
    otlp_open_point(o);
}

static bool of_node(struct otlp *o)
{
    const struct tap_event *e = o->event;
    if (e->kind == TAP_NODE_UP && !otlp_node(o, e->node, true))
        return false;
    if (!tap_call_stacks_take(o->stacks, e))
        return false;
    if (tap_event_breaks_stacks(e))
        otlp_processes_forget(o, false, e->node);
    if (e->kind == TAP_LOST || e->kind == TAP_GAP)
        missing(o);
    return true;
}

/* ---- Of a process */

static bool of_process(struct otlp *o)
{
    const struct tap_event *e = o->event;
    otlp_process_seen(o);
    switch (e->kind) {
    case TAP_FUNCTION_CALL: return call(o);
    case TAP_MESSAGE_SEND:
    case TAP_MESSAGE_RECEIVE: return otlp_message(o);
    case TAP_PROCESS_SPAWN: return otlp_spawn(o);
    default: break;
    }
    if (!tap_call_stacks_take(o->stacks, e))
        return false;
    if (e->kind == TAP_PROCESS_EXIT)
        otlp_process_exit(o);
    return true;
}

bool otlp_event(struct otlp *o)
{
    const struct tap_event *e = o->event;
    o->counted = !tap_kind_is_control(e->kind);
    bool known = e->node < o->node_count && o->nodes[e->node].known;
    if (!known && !o->host->node(o->host, e->node)) {
        o->left_out += o->counted;
        return true;
    }
    if (!otlp_node(o, e->node, false))
        return false;
    tap_process_table_learn(o->names, o->host, o->batch, e, &o->print);
    bool good = e->kind <= TAP_GC_END ? of_process(o) : of_node(o);
    o->left_out += o->counted;
    return good && !o->w.failed;
}
