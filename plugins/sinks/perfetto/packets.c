/* packets.c: packets, their sequences and clocks, and the names that they tell once.
 *
 * The numbers of fields are those of protos/perfetto/trace (TracePacket, TrackEvent, ...).
 */
#include "sinks/common/stack_text.h"
#include "sinks/perfetto/perfetto.h"

/* Clocks: the trace's own, which counts from the Unix epoch here; wall time; and the sequence's,
 * whose times are told as the difference to the one before. */
enum { BOOTTIME = 6, REALTIME = 1, OWN_CLOCK = 64 };
enum { CLEARED = 1, NEEDED = 2 }; /* TracePacket.sequence_flags */

static struct tap_writer *out(struct pf *p)
{
    return &p->sink.w;
}

static const char *const categories[] = {
    [PF_CAT_CALL] = "call",       [PF_CAT_MESSAGE] = "message",
    [PF_CAT_PROCESS] = "process", [PF_CAT_SCHEDULE] = "schedule",
    [PF_CAT_GC] = "gc",           [PF_CAT_LOST] = "lost",
    [PF_CAT_TRACING] = "tracing", [PF_CAT_COUNTERS] = "counters"};
static const char *const titles[] = {[PF_TITLE_SEND] = "send",
                                     [PF_TITLE_SEND_NOBODY] = "send to nobody",
                                     [PF_TITLE_RECEIVE] = "receive",
                                     [PF_TITLE_RECEIVE_TIMEOUT] = "receive timeout",
                                     [PF_TITLE_SPAWN] = "spawn",
                                     [PF_TITLE_START] = "start",
                                     [PF_TITLE_EXIT] = "exit",
                                     [PF_TITLE_LINK] = "link",
                                     [PF_TITLE_LINKED] = "linked by",
                                     [PF_TITLE_UNLINK] = "unlink",
                                     [PF_TITLE_UNLINKED] = "unlinked by",
                                     [PF_TITLE_REGISTER] = "register",
                                     [PF_TITLE_UNREGISTER] = "unregister",
                                     [PF_TITLE_RETURN] = "return",
                                     [PF_TITLE_EXCEPTION] = "exception",
                                     [PF_TITLE_IN] = "scheduled in",
                                     [PF_TITLE_OUT] = "scheduled out",
                                     [PF_TITLE_WAITING] = "waiting",
                                     [PF_TITLE_MINOR_GC] = "minor gc",
                                     [PF_TITLE_MAJOR_GC] = "major gc",
                                     [PF_TITLE_GC_END] = "gc end",
                                     [PF_TITLE_EVENTS_LOST] = "events lost",
                                     [PF_TITLE_OFF] = "tracing off",
                                     [PF_TITLE_LEFT_OUT] = "left out from here",
                                     [PF_TITLE_LEFT_OUT_END] = "left out until here",
                                     [PF_TITLE_RETURNS_OFF] = "returns off",
                                     [PF_TITLE_MARK] = "mark",
                                     [PF_TITLE_END] = "end of tracing",
                                     [PF_TITLE_COUNTED] = "counted"};
static const char *const notes[] = {[PF_NOTE_ARGS] = "args",
                                    [PF_NOTE_RESULT] = "result",
                                    [PF_NOTE_EXCEPTION] = "exception",
                                    [PF_NOTE_ENDED] = "end",
                                    [PF_NOTE_TO] = "to",
                                    [PF_NOTE_FROM] = "from",
                                    [PF_NOTE_MESSAGE] = "message",
                                    [PF_NOTE_CHILD] = "child",
                                    [PF_NOTE_PARENT] = "parent",
                                    [PF_NOTE_FUNCTION] = "function",
                                    [PF_NOTE_PEER] = "peer",
                                    [PF_NOTE_NAME] = "name",
                                    [PF_NOTE_EXIT] = "exit",
                                    [PF_NOTE_BEFORE] = "before",
                                    [PF_NOTE_AFTER] = "after",
                                    [PF_NOTE_AT] = "at",
                                    [PF_NOTE_SCHEDULER] = "scheduler",
                                    [PF_NOTE_EVENTS] = "events",
                                    [PF_NOTE_REASON] = "reason",
                                    [PF_NOTE_NS] = "ns",
                                    [PF_NOTE_PROCESS] = "process",
                                    [PF_NOTE_WHAT] = "what",
                                    [PF_NOTE_WHY] = "why",
                                    [PF_NOTE_GEN] = "gen",
                                    [PF_NOTE_TOOK] = "took_ns",
                                    [PF_NOTE_MOVED] = "moved",
                                    [PF_NOTE_CALLER] = "caller",
                                    [PF_NOTE_STACK] = "stack",
                                    [PF_NOTE_STACK_CUT] = "stack_cut_in_node_bytes",
                                    [PF_NOTE_CUT] = "cut_in_node_bytes",
                                    [PF_NOTE_METADATA] = "metadata",
                                    [PF_NOTE_CALLS] = "calls",
                                    [PF_NOTE_TIME] = "time_ns",
                                    [PF_NOTE_BYTES] = "bytes"};

static void interned(struct tap_writer *w, uint32_t field, const char *const *names, size_t end)
{
    for (size_t i = 1; i < end; i++) {
        struct tap_pb name = tap_pb_begin(w, field, 1);
        tap_pb_uint(w, 1, i);
        tap_pb_bytes(w, 2, names[i], strlen(names[i]));
        tap_pb_end(w, name);
    }
}

static void clock_at(struct tap_writer *w, unsigned id, int64_t ts)
{
    struct tap_pb clock = tap_pb_begin(w, 1, 1);
    tap_pb_uint(w, 1, id);
    tap_pb_uint(w, 2, (uint64_t)ts);
    if (id == OWN_CLOCK)
        tap_pb_uint(w, 3, 1);
    tap_pb_end(w, clock);
}

/* The first packet of a sequence, and of one that forgets its names. The clocks are compared at the
 * same time everywhere: the trace's must not go back. */
static void sequence_begin(struct pf *p, uint32_t index)
{
    struct tap_writer *w = out(p);
    struct pf_node *n = &p->nodes[index];
    n->last = p->sink.host->run_info->started;
    struct tap_pb packet = tap_pb_begin(w, PF_PACKET, 2);
    tap_pb_uint(w, PF_SEQUENCE, index + 1);
    tap_pb_uint(w, PF_FLAGS, CLEARED);
    struct tap_pb part = tap_pb_begin(w, PF_CLOCK_SNAPSHOT, 1);
    clock_at(w, BOOTTIME, n->last);
    clock_at(w, REALTIME, n->last);
    clock_at(w, OWN_CLOCK, n->last);
    tap_pb_uint(w, 2, BOOTTIME);
    tap_pb_end(w, part);
    part = tap_pb_begin(w, PF_DEFAULTS, 1);
    tap_pb_uint(w, PF_CLOCK_ID, OWN_CLOCK);
    tap_pb_end(w, part);
    part = tap_pb_begin(w, PF_INTERNED, 2);
    interned(w, 1, categories, PF_CAT_COUNT);
    interned(w, 2, titles, PF_TITLE_COUNT);
    interned(w, 3, notes, PF_NOTE_COUNT);
    tap_pb_end(w, part);
    tap_pb_end(w, packet);
}

void pf_node_describe(struct pf *p, uint32_t index, bool told)
{
    struct tap_writer *w = out(p);
    const struct tap_node *node = p->sink.host->node(p->sink.host, index);
    const char *name = node && node->name[0] ? node->name : "node";
    struct tap_pb packet = tap_pb_begin(w, PF_PACKET, 1);
    tap_pb_uint(w, PF_SEQUENCE, index + 1);
    struct tap_pb track = tap_pb_begin(w, PF_DESCRIPTOR, 1);
    tap_pb_uint(w, 1, PF_NODE + index);
    struct tap_pb process = tap_pb_begin(w, 3, 1);
    tap_pb_uint(w, 1, index + 1);
    tap_pb_bytes(w, 6, name, strlen(name));
    if (told && node && node->release[0]) {
        struct tap_pb label = tap_pb_begin(w, 8, 1);
        tap_writer_put(w, "OTP ", 4);
        tap_writer_put(w, node->release, strlen(node->release));
        tap_pb_end(w, label);
    }
    tap_pb_end(w, process);
    tap_pb_end(w, track);
    tap_pb_end(w, packet);
}

struct pf_node *pf_node(struct pf *p, uint32_t index)
{
    if (index >= p->node_count) {
        uint32_t count = index + 16;
        struct pf_node *nodes = realloc(p->nodes, count * sizeof *nodes);
        if (!nodes)
            return NULL;
        memset(nodes + p->node_count, 0, (count - p->node_count) * sizeof *nodes);
        p->nodes = nodes;
        p->node_count = count;
    }
    struct pf_node *n = &p->nodes[index];
    if (!n->known) {
        n->known = true;
        sequence_begin(p, index);
        pf_node_describe(p, index, false);
    }
    return n;
}

/* ---- Events */

void pf_open(struct pf *p, uint32_t node, enum pf_type type, uint64_t track, int64_t ts)
{
    struct tap_writer *w = out(p);
    struct pf_node *n = &p->nodes[node];
    p->packet = tap_pb_begin(w, PF_PACKET, 1);
    if (ts >= n->last) {
        tap_pb_uint(w, PF_TIMESTAMP, (uint64_t)(ts - n->last));
        n->last = ts;
    } else { /* its own clock goes on only */
        tap_pb_uint(w, PF_TIMESTAMP, (uint64_t)ts);
        tap_pb_uint(w, PF_CLOCK_ID, BOOTTIME);
    }
    tap_pb_uint(w, PF_SEQUENCE, node + 1);
    tap_pb_uint(w, PF_FLAGS, NEEDED);
    p->body = tap_pb_begin(w, PF_TRACK_EVENT, 1);
    tap_pb_uint(w, 9, type);
    tap_pb_uint(w, 11, track);
}

void pf_named(struct pf *p, enum pf_category category, uint32_t title)
{
    tap_pb_uint(out(p), 3, category);
    tap_pb_uint(out(p), 10, title);
}

void pf_flow(struct pf *p, enum pf_flow how, uint64_t id)
{
    if (how)
        tap_pb_fixed64(out(p), how, id);
}

void pf_close(struct pf *p)
{
    struct tap_writer *w = out(p);
    tap_pb_end(w, p->body);
    if (p->fresh) {
        struct tap_pb all = tap_pb_begin(w, PF_INTERNED, 1), one = tap_pb_begin(w, 2, 1);
        tap_pb_uint(w, 1, p->fresh);
        struct tap_pb name = tap_pb_begin(w, 2, 1);
        tap_function_put(w, p->fresh_name.module, p->fresh_name.function, p->fresh_name.arity);
        tap_pb_end(w, name);
        tap_pb_end(w, one);
        tap_pb_end(w, all);
        p->fresh = 0;
    }
    tap_pb_end(w, p->packet);
}

uint32_t pf_function(struct pf *p, uint32_t node, const struct tap_mfa *f)
{
    struct pf_node *n = &p->nodes[node];
    uint64_t key = tap_map_mix((uint64_t)f->module << 32 | f->function, (uint32_t)f->arity);
    uint32_t *known = tap_map_get(&n->names, key, false);
    if (known)
        return *known;
    if (n->names.count >= PF_NAMES) {
        tap_map_free(&n->names);
        sequence_begin(p, node);
    }
    known = tap_map_get(&n->names, key, true);
    if (!known)
        return 0;
    p->fresh_name = *f;
    return p->fresh = *known = PF_TITLE_COUNT - 1 + n->names.count;
}

/* ---- What an event says besides */

struct note {
    struct tap_pb note, text;
};

static struct note note_begin(struct pf *p, enum pf_note name)
{
    struct note n = {.note = tap_pb_begin(out(p), 4, 1)};
    tap_pb_uint(out(p), 1, name);
    n.text = tap_pb_begin(out(p), 6, 1);
    return n;
}

static void note_end(struct pf *p, struct note n)
{
    tap_pb_end(out(p), n.text);
    tap_pb_end(out(p), n.note);
}

void pf_text(struct pf *p, enum pf_note name, const char *text)
{
    struct note n = note_begin(p, name);
    tap_writer_put(out(p), text, strlen(text));
    note_end(p, n);
}

void pf_number(struct pf *p, enum pf_note name, int64_t value)
{
    struct tap_pb note = tap_pb_begin(out(p), 4, 1);
    tap_pb_uint(out(p), 1, name);
    tap_pb_int(out(p), 4, value);
    tap_pb_end(out(p), note);
}

static bool told(const struct pf *p, struct tap_span span)
{
    const struct pf_settings *settings = p->sink.settings;
    const struct tap_event *e = p->event;
    bool cut = e->flags & TAP_EVENT_TRUNCATED && span.off == e->payload.off;
    /* what tracing says of itself holds nothing of the node's; of what was cut there is only a
     * mark */
    return span.len && (settings->args || tap_kind_is_control(e->kind)) && !cut;
}

void pf_term(struct pf *p, enum pf_note name, struct tap_span span)
{
    if (!told(p, span))
        return;
    struct note n = note_begin(p, name);
    tap_writer_term(out(p), p->batch->arena + span.off, span.len, &p->print);
    note_end(p, n);
}

void pf_peer(struct pf *p, enum pf_note name)
{
    if (p->event->peer_type == TAP_PEER_NONE)
        return;
    struct note n = note_begin(p, name);
    tap_writer_peer(out(p), p->batch, p->event, &p->print);
    note_end(p, n);
}

void pf_mfa(struct pf *p, enum pf_note name)
{
    if (!p->event->function)
        return;
    struct note n = note_begin(p, name);
    tap_function_put(out(p), p->event->module, p->event->function, p->event->arity);
    note_end(p, n);
}

void pf_pid(struct pf *p, enum pf_note name)
{
    if (!p->event->pid.node)
        return;
    struct note n = note_begin(p, name);
    tap_writer_pid(out(p), &p->event->pid, &p->print);
    note_end(p, n);
}

void pf_arguments(struct pf *p)
{
    const struct tap_event *e = p->event;
    if (told(p, e->payload) && !(e->flags & TAP_EVENT_ARITY_ONLY)) {
        struct note n = note_begin(p, PF_NOTE_ARGS);
        tap_writer_put(out(p), "[", 1);
        tap_writer_arguments(out(p), p->batch->arena + e->payload.off, e->payload.len, ",",
                             &p->print);
        tap_writer_put(out(p), "]", 1);
        note_end(p, n);
    }
    pf_extras(p);
}

void pf_extras(struct pf *p)
{
    static const char *const gens[] = {NULL, "call", "cast", "reply"};
    const struct tap_event *e = p->event;
    if (e->flags & TAP_EVENT_TRUNCATED)
        pf_number(p, PF_NOTE_CUT, (int64_t)(e->true_size & INT64_MAX));
    if (gens[e->gen & 3])
        pf_text(p, PF_NOTE_GEN, gens[e->gen & 3]);
    if (e->gen == TAP_GEN_REPLY)
        pf_number(p, PF_NOTE_TOOK, e->took);
    if (e->flags & TAP_EVENT_MOVED)
        pf_text(p, PF_NOTE_MOVED, "right after its cause: the clocks do not say which was first");
    if (e->peer_type == TAP_PEER_MFA)
        pf_peer(p, PF_NOTE_CALLER);
    if (e->flags & TAP_EVENT_STACK) {
        uint64_t size = 0;
        struct note n = note_begin(p, PF_NOTE_STACK);
        tap_stack_put(out(p), p->batch, e, "", "\n", "", &p->print, &size);
        note_end(p, n);
        if (size)
            pf_number(p, PF_NOTE_STACK_CUT, (int64_t)(size & INT64_MAX));
    }
    pf_term(p, PF_NOTE_METADATA, e->metadata);
}
