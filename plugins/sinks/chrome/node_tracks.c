/* node_tracks.c: what belongs to a node as a whole: its name, the rate of its events, its losses.
 *
 * A loss is an instant over the whole node, a step of the counter "lost", and a new epoch: what was
 * open at that time on any of its tracks may have ended unseen (process_track.c). A gap, during
 * which tracing was off, is a slice on a track of the node's own besides. So is the end of tracing,
 * once the node is back.
 */
#include "beamtap/counters.h"
#include "sinks/chrome/timeline.h"

static void nodes_meta(struct tap_chrome *c, uint32_t index, uint32_t tid, const char *tail,
                       size_t tail_len, const char *key, const char *text)
{
    char *escaped = malloc(6 * strlen(text) + 1);
    if (!escaped) {
        c->no_memory = true;
        return;
    }
    tap_emit_open(c, 'M', index + 1, tid, 0, -1, tail, tail_len);
    tap_emit_text(c, key, escaped,
                  (size_t)(tap_emit_escape(escaped, text, strlen(text)) - escaped));
    tap_emit_close(c, 0);
    free(escaped);
}

/* What is known once the node has told: not when the core knows it, which is sooner, but at its
 * place among the events, which is the same however fast they come. */
static void nodes_describe(struct tap_chrome *c, struct tap_chrome_node *n,
                           const struct tap_node *node)
{
    n->print = (struct tap_print){.struct_size = sizeof(struct tap_print),
                                  .syntax = (enum tap_print_syntax)c->settings->syntax,
                                  .printable_unicode = node->printable_unicode,
                                  .has_maybe = tap_node_has_maybe(node),
                                  .node_name = node->name_id,
                                  .limit = (size_t)c->settings->limit,
                                  .json = true};
    if (!n->told || !node->release[0])
        return;
    char text[64] = "OTP ";
    strncat(text, node->release, sizeof text - strlen(text) - 1);
    nodes_meta(c, node->index, 1, TAP_TAIL("__metadata", "process_labels"), "labels", text);
}

/* Names of counters carry the pid: viewers join counters of one name. */
static void nodes_counter(struct tap_chrome *c, uint32_t index, const char *name,
                          const char *series, int64_t ts, uint64_t value)
{
    char tail[80], *p = tap_text_lit(tail, "\"cat\":\"counter\",\"name\":\"");
    p = tap_text_copy(p, name, strlen(name));
    p = tap_text_lit(p, " [");
    p = tap_text_u64(p, index + 1);
    p = tap_text_lit(p, "]\"");
    tap_emit_open(c, 'C', index + 1, 1, ts, -1, tail, (size_t)(p - tail));
    tap_emit_number(c, series, (int64_t)(value & INT64_MAX));
    tap_emit_close(c, 0);
}

/* What a file has to say of a node before its events. */
static void nodes_introduce(struct tap_chrome *c, struct tap_chrome_node *n,
                            const struct tap_node *node, int64_t ts)
{
    nodes_meta(c, node->index, 1, TAP_TAIL("__metadata", "process_name"), "name",
               node->name[0] ? node->name : "node");
    tap_emit_open(c, 'M', node->index + 1, 1, 0, -1, TAP_TAIL("__metadata", "process_sort_index"));
    tap_emit_number(c, "sort_index", node->index);
    tap_emit_close(c, 0);
    nodes_describe(c, n, node);
    nodes_counter(c, node->index, "lost", "events", ts, n->lost);
}

static bool nodes_know(struct tap_chrome *c, uint32_t index)
{
    const struct tap_node *node = c->host->node(c->host, index);
    struct tap_chrome_node *n = &c->nodes[index];
    if (!node)
        return false;
    *n = (struct tap_chrome_node){.known = true, .bucket = -1};
    n->own = (struct tap_track){.node = index, .last = -1, .life = -1};
    nodes_introduce(c, n, node, 0);
    return true;
}

void tap_nodes_again(struct tap_chrome *c, int64_t ts)
{
    for (uint32_t i = 0; i < c->node_count; i++) {
        struct tap_chrome_node *n = &c->nodes[i];
        if (!n->known)
            continue;
        n->own.tid = 0;
        nodes_introduce(c, n, c->host->node(c->host, i), ts);
    }
}

struct tap_chrome_node *tap_nodes_get(struct tap_chrome *c, uint32_t index)
{
    if (__builtin_expect(index < c->node_count && c->nodes[index].known, 1))
        return &c->nodes[index];
    if (index >= c->node_count) {
        if (!c->host->node(c->host, index))
            return NULL;
        struct tap_chrome_node *more = realloc(c->nodes, ((size_t)index + 1) * sizeof *more);
        if (!more) {
            c->no_memory = true;
            return NULL;
        }
        memset(more + c->node_count, 0, ((size_t)index + 1 - c->node_count) * sizeof *more);
        c->nodes = more;
        c->node_count = index + 1;
    }
    return nodes_know(c, index) ? &c->nodes[index] : NULL;
}

/* An instant over the whole node, on its own track; left open for args. */
static void nodes_instant(struct tap_chrome *c, uint32_t index, int64_t ts, const char *tail,
                          size_t tail_len)
{
    struct tap_track *t = &c->nodes[index].own;
    if (!t->tid) {
        t->tid = 1;
        nodes_meta(c, index, 1, TAP_TAIL("__metadata", "thread_name"), "name", "tracing");
    }
    tap_emit_open(c, 'i', index + 1, 1, tap_track_time(t, ts), -1, tail, tail_len);
    char *p = tap_writer_reserve(&c->w, 16);
    c->w.p = tap_text_lit(p, ",\"s\":\"p\"");
}

static void nodes_reason(struct tap_chrome *c, const struct tap_event *ev)
{
    const char *reason = c->host->reason_name(ev->reason);
    if (ev->reason && reason)
        tap_emit_text(c, "reason", reason, strlen(reason));
}

/* See tap_event_breaks_stacks. */
static void nodes_break(struct tap_chrome_node *n, int64_t ts)
{
    n->epoch++;
    n->loss_at = ts;
}

/* ---- Events */

void tap_nodes_up(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    tap_returns_off_learn(&c->returns_off, in->ev);
    struct tap_chrome_node *n = &c->nodes[in->ev->node];
    if (n->ended)
        nodes_break(n, n->ended_at);
    n->ended = false;
    n->told = true;
    nodes_describe(c, n, c->host->node(c->host, in->ev->node));
}

void tap_nodes_returns_off(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    const struct tap_label *label = tap_label_get(c, ev->module, ev->function, ev->arity);
    if (!label || !tap_returns_off_learn(&c->returns_off, ev)) {
        c->no_memory = true;
        return;
    }
    nodes_instant(c, ev->node, in->ts, TAP_TAIL("tracing", "returns off"));
    tap_emit_text(c, "function", label->tail + label->name_off, label->name_len);
    tap_emit_term(c, "why", in, ev->payload);
    tap_emit_close(c, 0);
}

void tap_nodes_mark(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    nodes_instant(c, in->ev->node, in->ts, TAP_TAIL("tracing", "mark"));
    tap_emit_term(c, "what", in, in->ev->payload);
    tap_emit_close(c, 0);
}

void tap_nodes_down(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_chrome_node *n = &c->nodes[in->ev->node];
    n->ended = true;
    n->ended_at = in->ts;
    nodes_instant(c, in->ev->node, in->ts, TAP_TAIL("tracing", "end of tracing"));
    tap_emit_close(c, 0);
}

void tap_nodes_lost(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_chrome_node *n = &c->nodes[in->ev->node];
    nodes_break(n, in->ts);
    n->lost += in->ev->lost;
    nodes_instant(c, in->ev->node, in->ts, TAP_TAIL("lost", "events lost"));
    tap_emit_number(c, "events", (int64_t)(in->ev->lost & INT64_MAX));
    nodes_reason(c, in->ev);
    tap_emit_close(c, 0);
    nodes_counter(c, in->ev->node, "lost", "events", n->own.last, n->lost);
}

/* Whose it is, where it is one process's alone. */
static void nodes_process(struct tap_chrome *c, const struct tap_event *ev)
{
    struct tap_print print = {.struct_size = sizeof print, .limit = 64, .json = true};
    char pid[80];
    if (!ev->pid.node)
        return;
    size_t len = c->host->pid_print(c->host, pid, sizeof pid, &ev->pid, &print);
    tap_emit_text(c, "process", pid, len < sizeof pid ? len : sizeof pid);
}

/* A row of a profile is no moment of its process: it stands with the node. */
void tap_nodes_counted(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    struct tap_counted row;
    if (!tap_counted_read(in->batch->arena + ev->payload.off, ev->payload.len, &row))
        row = (struct tap_counted){0, -1, -1};
    nodes_instant(c, ev->node, in->ts, TAP_TAIL("counters", "counted"));
    const struct tap_label *l = tap_label_get(c, ev->module, ev->function, ev->arity);
    if (l)
        tap_emit_text(c, "function", l->tail + l->name_off, l->name_len);
    nodes_process(c, ev);
    tap_emit_number(c, "calls", row.calls);
    if (row.ns >= 0)
        tap_emit_number(c, "time_ns", row.ns);
    if (row.bytes >= 0)
        tap_emit_number(c, "bytes", row.bytes);
    tap_emit_close(c, 1);
}

/* Nothing ended unseen: what is left out begins, or ends, with an instant. */
static void nodes_part_gap(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    if (ev->gap)
        nodes_instant(c, ev->node, in->ts, TAP_TAIL("lost", "left out until here"));
    else
        nodes_instant(c, ev->node, in->ts, TAP_TAIL("lost", "left out from here"));
    nodes_process(c, ev);
    tap_emit_term(c, "what", in, ev->payload);
    if (ev->gap)
        tap_emit_number(c, "ns", (int64_t)(ev->gap & INT64_MAX));
    tap_emit_close(c, 0);
}

void tap_nodes_gap(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    if (tap_event_is_part_gap(in->ev)) {
        nodes_part_gap(c, in);
        return;
    }
    struct tap_chrome_node *n = &c->nodes[in->ev->node];
    uint64_t ns = in->ev->gap & INT64_MAX;
    nodes_break(n, in->ts);
    n->gaps++;
    n->gap_ns += ns;
    nodes_instant(c, in->ev->node, in->ts, TAP_TAIL("lost", "tracing off"));
    nodes_reason(c, in->ev);
    tap_emit_close(c, 0);
    int64_t start = tap_track_time(&n->own, in->ts),
            end = tap_track_time(&n->own, in->ts + (int64_t)ns);
    tap_emit_open(c, 'X', in->ev->node + 1, 1, start, end - start, TAP_TAIL("lost", "tracing off"));
    nodes_reason(c, in->ev);
    tap_emit_close(c, 0);
    c->count.slices++;
}

/* {align, Monotonic, Offset, Error, TimeOffset}; another one has no error bound. */
void tap_nodes_clock(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_chrome_node *n = &c->nodes[in->ev->node];
    struct tap_cursor cur = tap_cursor(in->batch->arena + in->ev->payload.off, in->ev->payload.len);
    int64_t skip, own;
    uint32_t arity;
    if (!in->ev->clock_error || !tap_read_tuple(&cur, &arity) || arity != 5 || !tap_skip(&cur) ||
        !tap_read_i64(&cur, &skip) || !tap_read_i64(&cur, &skip) || !tap_read_i64(&cur, &skip) ||
        !tap_read_i64(&cur, &own))
        return;
    if (in->ev->clock_error > n->clock_error)
        n->clock_error = in->ev->clock_error;
    n->clock_skew = (int64_t)((uint64_t)own - (uint64_t)in->ev->clock_offset);
}

/* ---- The rate */

static void nodes_rate(struct tap_chrome *c, struct tap_chrome_node *n, uint32_t index)
{
    const uint64_t a_second = 1000000000ull / TAP_CHROME_RATE;
    nodes_counter(c, index, "events/s", "events", n->bucket, n->bucket_events * a_second);
}

static void nodes_point(struct tap_chrome *c, struct tap_chrome_node *n, uint32_t index,
                        int64_t next)
{
    nodes_rate(c, n, index);
    if (next > n->bucket + TAP_CHROME_RATE)
        nodes_counter(c, index, "events/s", "events", n->bucket + TAP_CHROME_RATE, 0);
    n->bucket = next;
    n->bucket_events = 0;
}

void tap_nodes_tick(struct tap_chrome *c, struct tap_chrome_node *n, uint32_t index, int64_t ts)
{
    if (__builtin_expect(n->bucket < 0, 0))
        n->bucket = ts - ts % TAP_CHROME_RATE;
    else if (__builtin_expect(ts >= n->bucket + TAP_CHROME_RATE, 0))
        nodes_point(c, n, index, ts - ts % TAP_CHROME_RATE);
    if (ts > n->latest)
        n->latest = ts;
    n->bucket_events++;
}

void tap_nodes_finish(struct tap_chrome *c)
{
    for (uint32_t i = 0; i < c->node_count; i++) {
        struct tap_chrome_node *n = &c->nodes[i];
        if (!n->known || n->bucket < 0)
            continue;
        /* and it ends where the events end: a short trace is not drawn out by it */
        nodes_rate(c, n, i);
        nodes_counter(c, i, "events/s", "events", n->latest + 1, 0);
    }
}
