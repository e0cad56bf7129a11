/* gen_spans.c: calls of gen_server and its like as slices: at the client from its call to the reply
 * that it takes, at the server from its receive of the call to its send of the reply.
 *
 * Such a slice is written when it ends, and only if it nests with everything else on its track: if
 * the frame that was on top of the stack when it began is on top again, and no other such slice
 * that is written began before and ended inside. What does not nest (requests sent before the reply
 * to another came, a reply that another process sends) is drawn apart, as an asynchronous event
 * beside the tracks. A server whose mailbox holds several calls takes one after the other: the
 * handling of those that came meanwhile begins when it is done with the one before.
 */
#include "beamtap/gen.h"

#include "sinks/chrome/gen_table.h"

/* calls under way that may still become slices of one track; more are drawn apart */
#define TAP_GEN_TRACK 64u
#define TAP_GEN_NESTED 3u /* such slices on top of each other; Perfetto counts them to its 512 */
#define TAP_GEN_TEXT 512u /* bytes of a request that are kept until the reply */
#define TAP_GEN_HEAD 64u  /* of a request's first word, which names the slice */

static int64_t gen_top(const struct tap_track *t)
{
    const struct tap_open *top = tap_stack_top(t);
    return top ? top->start : -1;
}

/* ---- A call */

/* The first word of a request: pay of {pay, Cart}. */
static void gen_head(struct tap_chrome *c, const struct tap_gen_parts *parts,
                     const struct tap_print *print)
{
    struct tap_cursor at = tap_cursor(parts->body, parts->body_len);
    const char *text;
    uint32_t n;
    bool latin1;
    if (tap_peek(&at) == TAP_EXT_SMALL_TUPLE && (!tap_read_tuple(&at, &n) || !n))
        return;
    struct tap_cursor word = at;
    if (!tap_read_atom(&at, &text, &n, &latin1))
        return;
    tap_writer_put(&c->w, " ", 1);
    tap_writer_term(&c->w, word.p, (size_t)(at.p - word.p), print);
}

static void gen_member(struct tap_chrome *c, const char *key, const uint8_t *term, size_t len,
                       const struct tap_print *print)
{
    tap_emit_key(c, key);
    tap_writer_term(&c->w, term, len, print);
    tap_emit_quote(c);
}

/* Keeps what the slice will tell, made at the writer and taken from there. */
static void gen_describe(struct tap_chrome *c, struct tap_gen_open *o,
                         const struct tap_chrome_in *in, const struct tap_gen_parts *parts)
{
    struct tap_print print = c->nodes[in->ev->node].print, head = print;
    print.limit = print.limit && print.limit < TAP_GEN_TEXT ? print.limit : TAP_GEN_TEXT;
    head.limit = TAP_GEN_HEAD;
    o->server = in->ev->peer_type == TAP_PEER_PID ? in->ev->peer : (struct tap_pid){0};
    if (in->ev->kind == TAP_MESSAGE_SEND)
        tap_writer_peer(&c->w, in->batch, in->ev, &print);
    o->server_len = (uint32_t)tap_writer_here(&c->w);
    if (c->settings->args)
        gen_head(c, parts, &head);
    o->name_len = (uint32_t)tap_writer_here(&c->w);
    gen_member(c, "from", parts->from, parts->from_len, &print);
    if (c->settings->args)
        gen_member(c, "request", parts->body, parts->body_len, &print);
    o->text_len = (uint32_t)tap_writer_here(&c->w);
    o->text = malloc(o->text_len + 1);
    if (o->text && !c->w.failed)
        memcpy(o->text, tap_writer_begun(&c->w), o->text_len);
    else
        c->no_memory = true;
    tap_writer_drop(&c->w);
    c->in_args = false;
}

static bool gen_parts_of(const struct tap_chrome_in *in, struct tap_gen_parts *parts)
{
    const struct tap_span *payload = &in->ev->payload;
    return payload->len && tap_gen_read(in->batch->arena + payload->off, payload->len, parts) &&
           parts->tag;
}

static uint64_t gen_side(const struct tap_gen_parts *parts, bool server)
{
    uint64_t key = tap_gen_key(parts) & ~TAP_GEN_SERVER;
    return server ? key | TAP_GEN_SERVER : key ? key : 1;
}

void tap_gen_request(struct tap_chrome *c, const struct tap_chrome_in *in, struct tap_track *t,
                     int64_t ts)
{
    struct tap_gen_parts parts;
    bool server = in->ev->kind == TAP_MESSAGE_RECEIVE;
    if (!gen_parts_of(in, &parts) || (!server && !tap_gen_is_callers(&parts, in->ev)))
        return;
    uint64_t key = gen_side(&parts, server);
    struct tap_gen_open *o = tap_gen_place(c, key);
    int64_t start = tap_track_time(t, ts);
    bool apart = t->call_count >= TAP_GEN_TRACK;
    *o = (struct tap_gen_open){.key = key,
                               .seen = ++c->gen->seen,
                               .pid = t->pid,
                               .start = start,
                               .came = start,
                               .top = gen_top(t)};
    if (!apart) {
        o->track = t;
        o->next = t->calls;
        t->calls = o;
        t->call_count++;
    }
    gen_describe(c, o, in, &parts);
}

/* ---- Its reply */

/* What the server is called: its name, where it has one. */
static void gen_server_name(struct tap_chrome *c, const struct tap_gen_open *o)
{
    struct tap_track *t = o->server.node ? tap_tracks_find(&c->tracks, &o->server) : NULL;
    if (t && t->name) {
        const struct tap_name *name = tap_name_get(c->host, t->name);
        size_t longest = name->atom_len > name->elixir_len ? name->atom_len : name->elixir_len;
        c->w.p = tap_label_name(tap_writer_reserve(&c->w, 6 * longest + 8), name);
    } else if (t) {
        tap_process_title(c, t);
    } else {
        tap_writer_put(&c->w, o->text, o->server_len);
    }
}

/* Opens the slice, or the begin or end of an event apart, with what is known of the call but at an
 * end. */
static void gen_emit(struct tap_chrome *c, const struct tap_gen_open *o, const struct tap_track *t,
                     char ph, int64_t ts, int64_t dur)
{
    static const char call[] = "\"cat\":\"gen\",\"name\":\"call ",
                      handle[] = "\"cat\":\"gen\",\"name\":\"handle";
    bool client = !(o->key & TAP_GEN_SERVER);
    tap_emit_open(c, ph, t->node + 1, t->tid, ts, dur, client ? call : handle,
                  client ? sizeof call - 1 : sizeof handle - 1);
    if (client) {
        gen_server_name(c, o);
        tap_writer_put(&c->w, ":", o->name_len > o->server_len);
    }
    tap_writer_put(&c->w, o->text + o->server_len, o->name_len - o->server_len);
    tap_emit_quote(c);
    if (ph != 'X')
        tap_emit_id(c, c->next_flow);
    if (ph == 'e')
        return;
    tap_writer_put(&c->w, o->text + o->name_len, o->text_len - o->name_len);
    c->in_args = true;
    if (client) {
        tap_emit_key(c, "server");
        gen_server_name(c, o);
        tap_emit_quote(c);
    }
}

/* What the reply tells. */
static void gen_answer(struct tap_chrome *c, const struct tap_gen_open *o,
                       const struct tap_chrome_in *in, const struct tap_gen_parts *parts)
{
    if (c->settings->args)
        gen_member(c, "reply", parts->body, parts->body_len, &c->nodes[in->ev->node].print);
    tap_emit_number(c, "took_ns", in->ev->took);
    if (o->key & TAP_GEN_SERVER && o->start > o->came)
        tap_emit_number(c, "in_mailbox_ns", o->start - o->came);
}

/* A slice was written: what began inside of it cannot be one from there. */
static void gen_settle(const struct tap_gen_open *done, int64_t end)
{
    struct tap_track *t = done->track;
    int64_t after = -1;
    for (struct tap_gen_open *o = t->calls, *next; o; o = next) {
        next = o->next;
        if (o == done)
            continue;
        if (o->start < done->start) {
            o->inner = o->inner > done->inner ? o->inner : done->inner + 1;
        } else if (o->key & TAP_GEN_SERVER) {
            o->start = after = after < 0 ? tap_track_time(t, end) : after;
            o->top = gen_top(t);
            o->inner = 0;
        } else {
            tap_gen_unlink(o);
        }
    }
}

static void gen_draw_apart(struct tap_chrome *c, struct tap_gen_open *o, const struct tap_track *t,
                           const struct tap_chrome_in *in, const struct tap_gen_parts *parts)
{
    o->start = o->came;
    c->next_flow++;
    gen_emit(c, o, t, 'b', o->came, -1);
    gen_answer(c, o, in, parts);
    tap_emit_close(c, 0);
    gen_emit(c, o, t, 'e', in->ts > o->came ? in->ts : o->came + 1, -1);
    tap_emit_close(c, 0);
    c->count.gen_apart++;
}

void tap_gen_replied(struct tap_chrome *c, const struct tap_chrome_in *in,
                     const struct tap_track *by)
{
    struct tap_gen_parts parts;
    if (!gen_parts_of(in, &parts))
        return;
    bool server = in->ev->kind == TAP_MESSAGE_SEND;
    struct tap_gen_open *o = tap_gen_find(c, gen_side(&parts, server));
    struct tap_track *t = o ? tap_tracks_find(&c->tracks, &o->pid) : NULL;
    if (!t || (!server && t != by) || !tap_process_get(c, &t->pid, t->node, in->ts, true))
        return;
    if (o->track != by || o->top != gen_top(t) || o->inner >= TAP_GEN_NESTED) {
        gen_draw_apart(c, o, t, in, &parts);
    } else {
        int64_t end = tap_track_time(t, in->ts);
        gen_emit(c, o, t, 'X', o->start, end - o->start);
        gen_answer(c, o, in, &parts);
        tap_emit_close(c, 0);
        c->count.gen++;
        c->count.slices++;
        gen_settle(o, end);
    }
    tap_gen_drop(o);
}
