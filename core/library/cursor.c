/* cursor.c: a cursor over the store: one event after the other, as text.
 *
 * The cursor holds the piece it reads, so what falls out of the store under it stays valid until it
 * moves on; and it prints into a buffer of its own, so a reader that is slow or fast costs nobody
 * else anything.
 */
#include "library/library.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/event_names.h"
#include "base/sized.h"
#include "term/print.h"

enum { NODE, PID, MODULE, FUNCTION, PEER, MESSAGE, METADATA, MFA, TEXTS };

struct tap_events {
    struct tap_trace *trace;
    struct tap_chunk *piece; /* held; NULL: before the first */
    uint32_t at;             /* of the next event in it */
    uint64_t missed;
    enum tap_print_syntax syntax;
    struct tap_buf text;
    size_t off[TEXTS];
};

struct tap_events *tap_trace_events(struct tap_trace *t, enum tap_print_syntax syntax)
{
    struct tap_events *c = t ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    c->trace = t;
    c->syntax = syntax;
    return c;
}

uint64_t tap_events_missed(const struct tap_events *c)
{
    return c ? c->missed : 0;
}

void tap_events_close(struct tap_events *c)
{
    if (!c)
        return;
    tap_store_release(c->piece);
    tap_buf_free(&c->text);
    free(c);
}

/* ---- Text */

static const struct tap_names *names(const struct tap_events *c)
{
    return tap_session_names(c->trace->session);
}

static void put_term(struct tap_events *c, const uint8_t *term, size_t len,
                     const struct tap_print *how)
{
    struct tap_buf *b = &c->text;
    if (!tap_buf_reserve(b, 256))
        return;
    size_t need =
        tap_term_print(names(c), (char *)b->data + b->len, b->cap - b->len, term, len, how);
    if (need > b->cap - b->len) {
        if (!tap_buf_reserve(b, need))
            return;
        tap_term_print(names(c), (char *)b->data + b->len, b->cap - b->len, term, len, how);
    }
    b->len += need;
}

/* [1,2]: arguments are a list and never a string, even where their bytes are packed like one. */
static void put_arguments(struct tap_events *c, const uint8_t *list, size_t len,
                          const struct tap_print *how)
{
    const char *comma = how->syntax == TAP_PRINT_ELIXIR ? ", " : ",";
    struct tap_cursor r = tap_cursor(list, len);
    const uint8_t *bytes;
    uint32_t n;
    size_t from = c->text.len;
    tap_write_u8(&c->text, '[');
    if (tap_peek(&r) == TAP_EXT_STRING && tap_read_string(&r, &bytes, &n)) {
        for (uint32_t i = 0; i < n; i++) {
            char number[8];
            int digits = snprintf(number, sizeof number, "%s%u", i ? comma : "", bytes[i]);
            tap_buf_put(&c->text, number, (size_t)digits);
        }
    } else if (tap_read_list(&r, &n)) {
        for (uint32_t i = 0; i < n && !r.bad; i++) {
            const uint8_t *term = r.p;
            if (!tap_skip(&r))
                break;
            tap_buf_put(&c->text, comma, i ? strlen(comma) : 0);
            put_term(c, term, (size_t)(r.p - term), how);
        }
        if (n && !tap_read_nil(&r))
            r.bad = true;
    }
    tap_write_u8(&c->text, ']');
    if (r.bad) { /* it is no proper list after all */
        c->text.len = from;
        put_term(c, list, len, how);
    }
}

static const struct tap_name *name_of(const struct tap_events *c, uint32_t id)
{
    return &names(c)->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
}

static void put_name(struct tap_events *c, uint32_t id)
{
    const struct tap_name *name = name_of(c, id);
    if (id)
        tap_buf_put(&c->text, name->text, name->len);
}

static void put_process(struct tap_events *c, const struct tap_pid *pid,
                        const struct tap_print *how)
{
    if (!pid->node && !pid->id && !pid->serial)
        return;
    size_t need = tap_pid_print(names(c), NULL, 0, pid, how);
    if (tap_buf_reserve(&c->text, need))
        c->text.len += tap_pid_print(names(c), (char *)c->text.data + c->text.len, need, pid, how);
}

static void put_peer(struct tap_events *c, const struct tap_event *e, const struct tap_print *how)
{
    const struct tap_batch *batch = &c->piece->base;
    if (e->peer_type == TAP_PEER_NONE)
        return;
    size_t need = tap_peer_print(names(c), NULL, 0, batch, e, how);
    if (tap_buf_reserve(&c->text, need))
        c->text.len +=
            tap_peer_print(names(c), (char *)c->text.data + c->text.len, need, batch, e, how);
}

static void put_pieces(struct tap_events *c, const struct tap_name_piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tap_buf_put(&c->text, pieces[i].text, pieces[i].len);
}

static void put_mfa(struct tap_events *c, const struct tap_event *e)
{
    char arity[16];
    int n = snprintf(arity, sizeof arity, "/%d", (int)e->arity);
    const struct tap_function_text text =
        tap_function_text(name_of(c, e->module), name_of(c, e->function), c->syntax);
    put_pieces(c, text.before, sizeof text.before / sizeof *text.before);
    tap_buf_put(&c->text, arity, (size_t)n);
    put_pieces(c, text.behind, sizeof text.behind / sizeof *text.behind);
}

static void begin(struct tap_events *c, unsigned which)
{
    if (which)
        tap_write_u8(&c->text, 0);
    c->off[which] = c->text.len;
}

static void print(struct tap_events *c, const struct tap_event *e)
{
    const struct tap_node *node = tap_session_node_facts(c->trace->session, e->node);
    struct tap_print how = {.syntax = c->syntax,
                            .printable_unicode = node && node->printable_unicode,
                            .has_maybe = node && tap_node_has_maybe(node),
                            .node_name = node ? node->name_id : 0};
    const uint8_t *arena = c->piece->base.arena;
    c->text.len = 0;
    begin(c, NODE);
    put_name(c, how.node_name);
    begin(c, PID);
    put_process(c, &e->pid, &how);
    begin(c, MODULE);
    put_name(c, e->module);
    begin(c, FUNCTION);
    put_name(c, e->function);
    begin(c, PEER);
    put_peer(c, e, &how);
    begin(c, MESSAGE);
    if (e->payload.len && e->kind == TAP_FUNCTION_CALL)
        put_arguments(c, arena + e->payload.off, e->payload.len, &how);
    else if (e->payload.len)
        put_term(c, arena + e->payload.off, e->payload.len, &how);
    begin(c, METADATA);
    if (e->metadata.len)
        put_term(c, arena + e->metadata.off, e->metadata.len, &how);
    begin(c, MFA);
    if (e->module && e->function)
        put_mfa(c, e);
    tap_write_u8(&c->text, 0);
}

static void fill(struct tap_events *c, const struct tap_event *e, struct tap_trace_event *to)
{
    static const char *const gens[] = {"", "call", "cast", "reply"};
    bool has = e->payload.len > 0;
    print(c, e);
    const char *text[TEXTS];
    for (unsigned i = 0; i < TEXTS; i++) /* without memory for all of it, none of it */
        text[i] = c->text.oom ? "" : (const char *)c->text.data + c->off[i];
    c->text.oom = false;
    struct tap_trace_event all = {.ts = e->ts,
                                  .seq = e->seq,
                                  .kind = e->kind,
                                  .arity = e->arity,
                                  .event = tap_kind_name(e->kind),
                                  .node = text[NODE],
                                  .pid = text[PID],
                                  .module = text[MODULE],
                                  .function = text[FUNCTION],
                                  .peer = text[PEER],
                                  .message = text[MESSAGE],
                                  .metadata = text[METADATA],
                                  .reason = e->reason ? tap_reason_name(e->reason) : "",
                                  .lost = e->kind == TAP_LOST ? e->lost : 0,
                                  .gap = e->kind == TAP_GAP ? (int64_t)e->gap : 0,
                                  .flow = e->flow,
                                  .term = has ? c->piece->base.arena + e->payload.off : NULL,
                                  .term_len = e->payload.len,
                                  .gen = gens[e->gen & 3],
                                  .mfa = text[MFA],
                                  .took = e->gen == TAP_GEN_REPLY ? e->took : 0};
    TAP_SIZED_FILL(to, &all);
}

/* ---- Moving */

/* What is there for sinks alone is passed over. */
static bool is_for_users(unsigned kind)
{
    return tap_kind_has_row(kind);
}

enum tap_next tap_events_next(struct tap_events *c, struct tap_trace_event *event, int timeout)
{
    if (!c || !event)
        return TAP_NEXT_END;
    struct tap_store *store = c->trace->store;
    if (tap_library_in_log(c->trace)) /* who is there may be who brings the next one */
        timeout = 0;
    int64_t deadline = timeout < 0 ? INT64_MAX : tap_clock_steady() + (int64_t)timeout * 1000000;
    for (;;) {
        while (c->piece && c->at < c->piece->base.count) {
            const struct tap_event *e = &c->piece->events[c->at++];
            if (is_for_users(e->kind)) {
                fill(c, e, event);
                return TAP_NEXT_EVENT;
            }
        }
        uint64_t missed;
        struct tap_chunk *next = tap_store_next(store, c->piece, &missed);
        if (next) {
            c->piece = next;
            c->at = 0;
            c->missed += missed;
        } else if (!tap_store_wait(store, c->piece, deadline)) {
            return TAP_NEXT_END;
        } else if (tap_clock_steady() >= deadline) {
            return TAP_NEXT_NONE;
        }
    }
}
