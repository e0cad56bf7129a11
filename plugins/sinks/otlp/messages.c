/* messages.c: messages and spawns as spans.
 *
 * A call of a server is a span in the client (CLIENT), from its request to the reply that it takes,
 * and one in the server (SERVER), from when that takes the request until somebody replies: the
 * second is inside the first, on whatever nodes they are. The reference in both messages tells
 * which belong together. A cast is a point in the sender (PRODUCER), and a trace of its own in the
 * receiver (CONSUMER) with a link to that. So is any other message, where they are asked for.
 */
#include "sinks/otlp/otlp.h"

#include "beamtap/gen.h"

#define HEAD 64u              /* bytes of a message's first word, which is in a span's name */
#define SKEW INT64_C(1000000) /* ns by which the clocks of two nodes may differ at most */

/* ---- Calls of servers */

static void call_end(struct otlp *o, struct otlp_ref ref, int64_t ts, const char *why)
{
    const struct otlp_span *span = otlp_span_at(o, ref);
    if (!span || !otlp_end(o, ref, ts ? ts : span->start, false))
        return;
    otlp_why(o, why);
    otlp_close(o, ref);
}

/* Its place is given up. */
static void call_drop(struct otlp *o, struct otlp_call *c)
{
    if (!c->key)
        return;
    call_end(o, c->client, 0, "unanswered");
    call_end(o, c->server, 0, "unanswered");
    c->key = 0;
}

void otlp_calls_end(struct otlp *o)
{
    for (uint32_t i = 0; o->calls && i < OTLP_CALLS; i++)
        call_drop(o, &o->calls[i]);
}

/* NULL: it is not known. Where it is made the oldest of its set makes room. */
static struct otlp_call *call_get(struct otlp *o, uint64_t key, bool make)
{
    struct otlp_call *set = &o->calls[key % (OTLP_CALLS / OTLP_CALL_SET) * OTLP_CALL_SET];
    struct otlp_call *oldest = set;
    for (uint32_t i = 0; i < OTLP_CALL_SET; i++) {
        if (set[i].key == key)
            return &set[i];
        if (oldest->key && (!set[i].key || set[i].seen < oldest->seen))
            oldest = &set[i];
    }
    if (!make)
        return NULL;
    call_drop(o, oldest);
    *oldest = (struct otlp_call){.key = key, .seen = ++o->calls_seen};
    return oldest;
}

/* Nothing more of it will come. */
static void call_done(struct otlp *o, struct otlp_call *c)
{
    if (!otlp_span_at(o, c->client) && !otlp_span_at(o, c->server))
        c->key = 0;
}

/* ---- Parts of spans */

/* "call price" of {price, 1}, where the first word is an atom: there are not many of them. */
static void name_put(struct otlp *o, const char *what, const uint8_t *term, size_t len)
{
    struct tap_cursor at = tap_cursor(term, len);
    struct tap_print print = o->print;
    const char *text;
    uint32_t n;
    bool latin1;
    struct tap_pb name = otlp_name_begin(o);
    tap_writer_put(&o->w, what, strlen(what));
    if (tap_peek(&at) == TAP_EXT_SMALL_TUPLE && (!tap_read_tuple(&at, &n) || !n))
        len = 0;
    struct tap_cursor word = at;
    if (len && o->settings->args && tap_read_atom(&at, &text, &n, &latin1)) {
        print.limit = HEAD;
        tap_writer_put(&o->w, " ", 1);
        tap_writer_term(&o->w, word.p, (size_t)(at.p - word.p), &print);
    }
    otlp_name_end(o, name);
}

static void said(struct otlp *o, const char *key, const uint8_t *term, size_t len)
{
    if (len && o->settings->args)
        otlp_term(o, key, term, len);
}

static const uint8_t *payload(const struct otlp *o)
{
    return o->batch->arena + o->event->payload.off;
}

/* A span that the event begins, with what is in all of them. */
static void begin(struct otlp *o, enum otlp_kind kind, const struct otlp_ids *parent,
                  const char *what, const uint8_t *term, size_t len)
{
    otlp_begin(o, kind, parent);
    name_put(o, what, term, len);
    otlp_process_of(o);
    otlp_peer(o, o->event->kind == TAP_MESSAGE_SEND ? "beam.to" : "beam.from");
    said(o, "beam.message", term, len);
    otlp_extras(o);
}

/* When it is sent, and by what: its receive asks. */
static void remember_send(struct otlp *o, const struct otlp_ids *ids)
{
    const struct tap_event *e = o->event;
    if (!e->flow)
        return;
    struct tap_flow_time *at = tap_flow_times_put(&o->flows, e->flow, e->ts);
    at->from = (uint32_t)(at - o->flows.at);
    at->pair = e->node;
    o->flow_ids[at->from] = ids ? *ids : (struct otlp_ids){{0}, {0}};
}

/* When the message that it fetches was sent, at the earliest; 0: unknown. */
static int64_t recall_send(struct otlp *o)
{
    struct tap_flow_time sent;
    bool known = tap_flow_times_take(&o->flows, o->event->flow, &sent);
    o->sent_by = known ? o->flow_ids[sent.from] : (struct otlp_ids){{0}, {0}};
    return known ? sent.sent - (sent.pair == o->event->node ? 0 : SKEW) : 0;
}

/* The point that a receive will have a link to. */
static bool produce(struct otlp *o, const char *what, const uint8_t *term, size_t len)
{
    begin(o, OTLP_PRODUCER, otlp_inside(o), what, term, len);
    remember_send(o, &o->begins);
    otlp_open_point(o);
    return true;
}

static void link_to_sender(struct otlp *o)
{
    static const struct otlp_ids none;
    if (memcmp(&o->sent_by, &none, sizeof none) != 0)
        otlp_link(o, &o->sent_by, "message");
}

/* ---- What is sent */

static bool request_sent(struct otlp *o, const struct tap_gen_parts *parts, uint64_t key)
{
    const struct tap_event *e = o->event;
    if (!tap_gen_is_callers(parts, e)) /* a server passes it on */
        return true;
    struct otlp_call *c = call_get(o, key, true);
    struct otlp_process *p = otlp_process_make(o, &e->pid, e->node);
    if (!p)
        return false;
    call_end(o, c->client, e->ts, "unanswered"); /* the same request, sent again */
    begin(o, OTLP_CLIENT, otlp_inside(o), "call", parts->body, parts->body_len);
    c->ids = o->begins;
    c->from = e->pid;
    c->sent = true;
    c->client = p->call = otlp_open(o);
    p->waits = true;
    return true;
}

static bool reply_sent(struct otlp *o, const struct tap_gen_parts *parts, uint64_t key)
{
    struct otlp_call *c = call_get(o, key, false);
    if (!c || !otlp_end(o, c->server, o->event->ts, true))
        return true;
    struct otlp_ref server = c->server;
    said(o, "beam.reply", parts->body, parts->body_len);
    otlp_close(o, server);
    otlp_process_replied(o, server);
    call_done(o, c);
    return true;
}

/* ---- What is taken */

/* What the process does from here on may be its handling of this message. */
static bool handle(struct otlp *o, enum tap_gen gen, const uint8_t *term, size_t len,
                   struct otlp_ref span)
{
    struct otlp_process *p = otlp_process_make(o, &o->event->pid, o->event->node);
    return p && otlp_process_takes(o, p, gen, tap_map_bytes(term, len), span);
}

static bool request_taken(struct otlp *o, const struct tap_gen_parts *parts, uint64_t key)
{
    struct otlp_call *c = call_get(o, key, true);
    call_end(o, c->server, o->event->ts, "passed on");
    begin(o, OTLP_SERVER, c->sent ? &c->ids : NULL, "handle", parts->body, parts->body_len);
    c->server = otlp_open(o);
    return handle(o, TAP_GEN_CALL, parts->body, parts->body_len, c->server);
}

static bool consume(struct otlp *o, enum tap_gen gen, const char *what, const uint8_t *term,
                    size_t len)
{
    begin(o, OTLP_CONSUMER, NULL, what, term, len);
    link_to_sender(o);
    return handle(o, gen, term, len, otlp_open(o));
}

static bool reply_taken(struct otlp *o, const struct tap_gen_parts *parts, uint64_t key)
{
    struct otlp_call *c = call_get(o, key, false);
    if (!c || !tap_pid_same(&c->from, &o->event->pid))
        return true;
    otlp_process_lasts(o, c->client, o->event->ts);
    if (!otlp_end(o, c->client, o->event->ts, true))
        return true;
    said(o, "beam.reply", parts->body, parts->body_len);
    otlp_close(o, c->client);
    call_done(o, c);
    return true;
}

/* Does it wait for just this? Then it is no message that it handles. */
static bool is_answer(struct otlp *o, uint64_t key)
{
    const struct otlp_call *c = call_get(o, key, false);
    return c && c->sent && tap_pid_same(&c->from, &o->event->pid);
}

/* ---- All of them */

static bool gen_message(struct otlp *o, const struct tap_gen_parts *parts, uint64_t key)
{
    bool sent = o->event->kind == TAP_MESSAGE_SEND;
    switch (parts->gen) {
    case TAP_GEN_CALL: return sent ? request_sent(o, parts, key) : request_taken(o, parts, key);
    case TAP_GEN_REPLY: return sent ? reply_sent(o, parts, key) : reply_taken(o, parts, key);
    default:
        return sent ? produce(o, "cast", parts->body, parts->body_len)
                    : consume(o, TAP_GEN_CAST, "handle", parts->body, parts->body_len);
    }
}

/* What is taken within a call is a point in that. */
static bool receive(struct otlp *o, size_t len)
{
    const struct otlp_ids *inside = otlp_in_call(o);
    if (!inside)
        return consume(o, TAP_GEN_NONE, "receive", payload(o), len);
    begin(o, OTLP_CONSUMER, inside, "receive", payload(o), len);
    link_to_sender(o);
    otlp_open_point(o);
    return true;
}

/* Any other: with a span where they are asked for. */
static bool plain_message(struct otlp *o)
{
    const struct otlp_ref none = {0, 0};
    const struct tap_event *e = o->event;
    size_t len = e->flags & TAP_EVENT_TRUNCATED ? 0 : e->payload.len;
    if (e->flags & TAP_EVENT_TIMEOUT)
        return true;
    if (o->settings->messages && e->kind == TAP_MESSAGE_SEND)
        return produce(o, "send", payload(o), len);
    if (o->settings->messages)
        return receive(o, len);
    if (e->kind == TAP_MESSAGE_SEND)
        remember_send(o, NULL);
    else if (otlp_process(o, &e->pid)) /* else it is in nobody's way */
        return handle(o, TAP_GEN_NONE, payload(o), len, none);
    return true;
}

bool otlp_message(struct otlp *o)
{
    const struct tap_event *e = o->event;
    struct tap_gen_parts parts;
    bool gen = e->gen && !(e->flags & (TAP_EVENT_TRUNCATED | TAP_EVENT_TIMEOUT)) &&
               tap_gen_read(payload(o), e->payload.len, &parts);
    uint64_t key = gen && parts.tag ? tap_gen_key(&parts) : 0;
    gen = gen && (key || parts.gen == TAP_GEN_CAST);
    struct otlp_process *p = e->kind == TAP_MESSAGE_RECEIVE ? otlp_process(o, &e->pid) : NULL;
    bool answer = gen && p && parts.gen == TAP_GEN_REPLY && is_answer(o, key);
    int64_t sent = 0;
    if (e->kind == TAP_MESSAGE_RECEIVE)
        sent = recall_send(o);
    else if (gen && parts.gen != TAP_GEN_CAST)
        remember_send(o, NULL);
    if (answer)
        p->waits = false;
    else if (p && !(e->flags & TAP_EVENT_TIMEOUT))
        otlp_process_fetches(o, p, sent);
    return gen ? gen_message(o, &parts, key) : plain_message(o);
}

bool otlp_spawn(struct otlp *o)
{
    const struct tap_event *e = o->event;
    struct tap_initial_call first = tap_initial_call_of(o->host, o->batch, e);
    otlp_begin(o, OTLP_INTERNAL, otlp_inside(o));
    struct tap_pb name = otlp_name_begin(o);
    tap_writer_put(&o->w, "spawn", 5);
    if (first.function) {
        tap_writer_put(&o->w, " ", 1);
        tap_function_put(&o->w, first.module, first.function, first.arity);
    }
    otlp_name_end(o, name);
    otlp_process_of(o);
    otlp_peer(o, "beam.child");
    otlp_span_term(o, "beam.function", e->payload);
    otlp_open_point(o);
    if (e->peer_type != TAP_PEER_PID)
        return true;
    struct otlp_process *child = otlp_process_make(o, &e->peer, e->node);
    if (!child)
        return false;
    child->cause = o->begins;
    child->caused = true;
    return true;
}
