/* rows.c: an event as rows: one of `events`, and what it tells of a call, a message, a call of
 * gen_server, or a loss. */
#include "sinks/common/event_text.h"
#include "sinks/sqlite/sqlite.h"

/* ---- Calls */

static const char *const ends[] = {
    [TAP_CALL_RETURNED] = "returned", [TAP_CALL_THREW] = "threw",
    [TAP_CALL_UNWOUND] = "unwound",   [TAP_CALL_EXITED] = "exited",
    [TAP_CALL_POINT] = "untraced",    [TAP_CALL_UNKNOWN] = "unknown"};

/* The process's row is known: the call itself has it in `events`. */
static bool call_ended(void *self, const struct tap_call *call)
{
    struct db *d = self;
    const struct tap_mfa *f = &call->stack[call->depth - 1];
    bool timed = call->end < TAP_CALL_POINT;
    bool here = call->end == TAP_CALL_RETURNED || call->end == TAP_CALL_THREW;
    uint32_t function = db_function(d, f->module, f->function, f->arity);
    uint32_t process = d->event && d->process && tap_pid_same(&call->pid, &d->event->pid)
                           ? d->process
                           : db_process(d, &call->pid, call->node, false);
    if (!function || !process)
        return false;
    db_number(d, DB_CALL, 1, (int64_t)call->tag);
    db_number(d, DB_CALL, 2, process);
    db_number(d, DB_CALL, 3, function);
    db_id(d, DB_CALL, 4, (int64_t)call->outer);
    db_number(d, DB_CALL, 5, call->depth);
    db_number(d, DB_CALL, 6, call->start);
    db_number(d, DB_CALL, 7, call->total);
    db_number(d, DB_CALL, 8, call->own);
    if (!timed) {
        sqlite3_bind_null(d->statements[DB_CALL], 7);
        sqlite3_bind_null(d->statements[DB_CALL], 8);
    }
    db_bytes(d, DB_CALL, 9, ends[call->end], strlen(ends[call->end]));
    db_id(d, DB_CALL, 10, here ? d->next_event : 0);
    return db_run(d, DB_CALL);
}

/* ---- Messages */

/* Those whose other end is not told have numbers below 0. */
static bool message(struct db *d, const struct tap_event *e)
{
    enum db_statement s = e->kind == TAP_MESSAGE_SEND ? DB_SEND : DB_RECEIVE;
    if (e->flags & TAP_EVENT_TIMEOUT)
        return true;
    db_number(d, s, 1, e->flow ? (int64_t)(e->flow & INT64_MAX) : --d->next_alone);
    db_number(d, s, 2, d->process);
    db_number(d, s, 3, e->ts);
    db_number(d, s, 4, d->next_event);
    return db_run(d, s);
}

static void known_time(struct db *d, int at, int64_t ns)
{
    if (ns < 0)
        sqlite3_bind_null(d->statements[DB_GEN_CALL], at);
    else
        db_number(d, DB_GEN_CALL, at, ns);
}

static void gen_call(void *self, const struct tap_server_call *c)
{
    struct db *d = self;
    db_id(d, DB_GEN_CALL, 1, c->from);
    db_id(d, DB_GEN_CALL, 2, c->server);
    db_bytes(d, DB_GEN_CALL, 3, c->request, c->request_len);
    db_number(d, DB_GEN_CALL, 4, c->sent);
    db_id(d, DB_GEN_CALL, 5, c->taken);
    db_id(d, DB_GEN_CALL, 6, c->replied);
    db_id(d, DB_GEN_CALL, 7, c->done);
    known_time(d, 8, c->done ? tap_server_call_total(c) : -1);
    known_time(d, 9, tap_server_call_waiting(c));
    known_time(d, 10, tap_server_call_handling(c));
    db_run(d, DB_GEN_CALL);
}

/* ---- Losses */

static bool loss(struct db *d, const struct tap_event *e)
{
    const char *kind = d->host->kind_name(e->kind), *reason = d->host->reason_name(e->reason);
    db_number(d, DB_LOSS, 1, d->next_event);
    db_number(d, DB_LOSS, 2, e->node);
    db_bytes(d, DB_LOSS, 3, kind, strlen(kind));
    db_id(d, DB_LOSS, 4, e->kind == TAP_LOST ? (int64_t)(e->lost & INT64_MAX) : 0);
    db_id(d, DB_LOSS, 5, e->kind == TAP_GAP ? (int64_t)(e->gap & INT64_MAX) : 0);
    db_bytes(d, DB_LOSS, 6, reason, strlen(reason));
    return db_run(d, DB_LOSS);
}

/* ---- The event itself */

static struct db_text text_of(struct db *d, size_t at)
{
    struct db_text text = db_text_end(d, at);
    text.none = text.len == 0;
    return text;
}

static bool put_event(struct db *d, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_writer *w = &d->claim.w;
    struct tap_print print = db_print(d, e->node, 0);
    uint32_t function = 0;
    if (e->function && !(function = db_function(d, e->module, e->function, e->arity)))
        return false;
    size_t at = db_text_begin(d);
    tap_writer_peer(w, batch, e, &print);
    struct db_text peer = text_of(d, at);
    at = db_text_begin(d);
    print.limit = (size_t)d->settings->max_message;
    tap_event_message_put(w, batch, e, &print);
    struct db_text message = text_of(d, at);
    at = db_text_begin(d);
    print.limit = 0;
    tap_event_metadata_put(w, batch, e, &print);
    struct db_text metadata = text_of(d, at);
    if (w->failed)
        return false;
    db_number(d, DB_EVENT, 1, d->next_event);
    db_number(d, DB_EVENT, 2, e->ts);
    db_number(d, DB_EVENT, 3, e->node);
    db_number(d, DB_EVENT, 4, e->kind);
    db_id(d, DB_EVENT, 5, d->process);
    db_id(d, DB_EVENT, 6, function);
    db_text(d, DB_EVENT, 7, peer);
    db_text(d, DB_EVENT, 8, message);
    db_text(d, DB_EVENT, 9, metadata);
    db_id(d, DB_EVENT, 10, (int64_t)(e->flow & INT64_MAX));
    bool good = db_run(d, DB_EVENT);
    tap_writer_drop(w);
    return good;
}

static bool put_rest(struct db *d, const struct tap_batch *batch, const struct tap_event *e)
{
    bool sent = e->kind == TAP_MESSAGE_SEND || e->kind == TAP_MESSAGE_RECEIVE;
    if (sent && !message(d, e))
        return false;
    if (sent && e->gen)
        tap_server_calls_message(&d->gen, d->process, batch, e);
    if ((e->kind == TAP_LOST || e->kind == TAP_GAP) && !loss(d, e))
        return false;
    return tap_call_stacks_take_as(d->stacks, e, (uint64_t)d->next_event);
}

bool db_event(struct db *d, const struct tap_batch *batch, const struct tap_event *e)
{
    bool has_pid = tap_event_has_pid(e);
    if (!db_begin(d) || !db_open_transaction(d) || !db_learn(d, batch, e))
        return false;
    d->event = e;
    d->process = 0;
    if (!tap_kind_has_row(e->kind))
        return tap_call_stacks_take(d->stacks, e);
    if (has_pid && !(d->process = db_process(d, &e->pid, e->node, false)))
        return false;
    d->next_event++;
    bool good = put_event(d, batch, e) && put_rest(d, batch, e) && !d->claim.w.failed;
    d->event = NULL;
    d->waiting += good && !tap_kind_is_control(e->kind);
    return good;
}

bool db_rows_start(struct db *d)
{
    d->stacks = tap_call_stacks_new(d->host, call_ended, d);
    d->names = tap_process_table_new();
    d->gen.host = d->host;
    d->gen.nodes = &d->nodes;
    d->gen.syntax = TAP_PRINT_ERLANG;
    d->gen.context = d;
    d->gen.whole = d->gen.given_up = gen_call;
    return d->stacks && d->names && tap_server_calls_init(&d->gen);
}

bool db_rows_end(struct db *d)
{
    d->event = NULL;
    if (!d->sqlite || !db_open_transaction(d))
        return !d->claim.w.failed;
    tap_server_calls_end(&d->gen);
    return tap_call_stacks_finish(d->stacks) && !d->claim.w.failed;
}
