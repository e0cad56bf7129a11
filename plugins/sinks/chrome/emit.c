/* emit.c: one event of the Trace Event Format as text, member by member, straight into the writer's
 * buffer.
 *
 * An event is opened with its fixed part, may get members of "args", and is closed; only then it
 * exists for the writer, so that a file never ends inside one. Each begins with the comma that
 * parts it from the one before: cut anywhere between events and closed by the footer, the file is
 * valid JSON.
 */
#include "sinks/chrome/timeline.h"
#include "sinks/common/stack_text.h"

void tap_emit_open(struct tap_chrome *c, char ph, uint32_t pid, uint32_t tid, int64_t ts,
                   int64_t dur, const char *tail, size_t tail_len)
{
    char *p = tap_writer_reserve(&c->w, 160 + tail_len);
    if (__builtin_expect(c->first, 0)) {
        c->first = false;
        p = tap_text_lit(p, "{\"ph\":\"");
    } else {
        p = tap_text_lit(p, ",\n{\"ph\":\"");
    }
    *p++ = ph;
    p = tap_text_lit(p, "\",\"pid\":");
    p = tap_text_u64(p, pid);
    p = tap_text_lit(p, ",\"tid\":");
    p = tap_text_u64(p, tid);
    p = tap_text_lit(p, ",\"ts\":");
    p = tap_text_us(p, ts);
    if (dur >= 0) {
        p = tap_text_lit(p, ",\"dur\":");
        p = tap_text_us(p, dur);
    }
    *p++ = ',';
    memcpy(p, tail, tail_len);
    c->w.p = p + tail_len;
    c->in_args = false;
}

/* The comma, or the begin of args, that a member needs in front. */
static char *emit_member(struct tap_chrome *c, const char *key, size_t more)
{
    size_t n = strlen(key);
    char *p = tap_writer_reserve(&c->w, n + more + 24);
    p = c->in_args ? tap_text_lit(p, ",") : tap_text_lit(p, ",\"args\":{");
    c->in_args = true;
    if (!n)
        return p;
    *p++ = '"';
    p = tap_text_copy(p, key, n);
    return tap_text_lit(p, "\":");
}

void tap_emit_key(struct tap_chrome *c, const char *key)
{
    char *p = emit_member(c, key, 1);
    *p++ = '"';
    c->w.p = p;
}

void tap_emit_quote(struct tap_chrome *c)
{
    char *p = tap_writer_reserve(&c->w, 1);
    *p++ = '"';
    c->w.p = p;
}

void tap_emit_number(struct tap_chrome *c, const char *key, int64_t value)
{
    c->w.p = tap_text_i64(emit_member(c, key, 20), value);
}

void tap_emit_text(struct tap_chrome *c, const char *key, const char *text, size_t len)
{
    tap_emit_key(c, key);
    tap_writer_put(&c->w, text, len);
    tap_emit_quote(c);
}

void tap_emit_members(struct tap_chrome *c, const char *text, size_t len)
{
    if (!len)
        return;
    c->w.p = emit_member(c, "", 0);
    tap_writer_put(&c->w, text, len);
}

void tap_emit_term(struct tap_chrome *c, const char *key, const struct tap_chrome_in *in,
                   struct tap_span span)
{
    const struct tap_event *ev = in->ev;
    bool cut = ev->flags & TAP_EVENT_TRUNCATED && ev->payload.len &&
               span.off == ev->payload.off; /* there is only a mark in its place */
    /* what tracing says of itself holds nothing of the node's */
    if (!span.len || !(c->settings->args || tap_kind_is_control(ev->kind)) || cut)
        return;
    tap_emit_key(c, key);
    tap_writer_term(&c->w, in->batch->arena + span.off, span.len, &c->nodes[in->ev->node].print);
    tap_emit_quote(c);
}

void tap_emit_peer(struct tap_chrome *c, const char *key, const struct tap_chrome_in *in)
{
    if (in->ev->peer_type == TAP_PEER_NONE)
        return;
    tap_emit_key(c, key);
    tap_writer_peer(&c->w, in->batch, in->ev, &c->nodes[in->ev->node].print);
    tap_emit_quote(c);
}

/* One text, a line for each frame: viewers show a list of texts as so many rows. */
static void emit_stack(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    uint64_t size;
    tap_emit_key(c, "stack");
    tap_stack_put(&c->w, in->batch, in->ev, "", "\\n", "", &c->nodes[in->ev->node].print, &size);
    tap_emit_quote(c);
    if (size)
        tap_emit_number(c, "stack_cut_in_node_bytes", (int64_t)size);
}

void tap_emit_extras(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    const struct tap_event *ev = in->ev;
    if (ev->flags & TAP_EVENT_TRUNCATED)
        tap_emit_number(c, "cut_in_node_bytes",
                        ev->true_size > INT64_MAX ? INT64_MAX : (int64_t)ev->true_size);
    if (ev->gen == TAP_GEN_CALL)
        tap_emit_text(c, "gen", "call", 4);
    if (ev->gen == TAP_GEN_CAST)
        tap_emit_text(c, "gen", "cast", 4);
    if (ev->gen == TAP_GEN_REPLY) {
        tap_emit_text(c, "gen", "reply", 5);
        tap_emit_number(c, "took_ns", ev->took);
    }
    if (ev->flags & TAP_EVENT_MOVED)
        tap_emit_text(c, "moved", "right after its cause: the clocks do not say which was first",
                      60);
    if (ev->peer_type == TAP_PEER_MFA)
        tap_emit_peer(c, "caller", in);
    if (ev->flags & TAP_EVENT_STACK)
        emit_stack(c, in);
    if (ev->metadata.len)
        tap_emit_term(c, "metadata", in, ev->metadata);
}

void tap_emit_arguments(struct tap_chrome *c, const struct tap_chrome_in *in)
{
    struct tap_span span = in->ev->payload;
    if (c->settings->args && span.len &&
        !(in->ev->flags & (TAP_EVENT_ARITY_ONLY | TAP_EVENT_TRUNCATED))) {
        char *p = tap_writer_reserve(&c->w, 32);
        c->w.p = c->in_args ? tap_text_lit(p, ",\"args\":\"[")
                            : tap_text_lit(p, ",\"args\":{\"args\":\"[");
        c->in_args = true;
        tap_writer_arguments(&c->w, in->batch->arena + span.off, span.len, ",",
                             &c->nodes[in->ev->node].print);
        p = tap_writer_reserve(&c->w, 2);
        *p++ = ']';
        *p++ = '"';
        c->w.p = p;
    }
    if (in->ev->metadata.len || in->ev->peer_type || in->ev->flags)
        tap_emit_extras(c, in);
}

void tap_emit_id(struct tap_chrome *c, uint64_t id)
{
    static const char hex[] = "0123456789abcdef";
    char *p = tap_text_lit(tap_writer_reserve(&c->w, 32), ",\"id\":\"0x");
    int shift = 60;
    while (shift > 0 && !(id >> shift & 15))
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *p++ = hex[id >> shift & 15];
    *p++ = '"';
    c->w.p = p;
}

void tap_emit_close(struct tap_chrome *c, uint64_t events)
{
    char *p = tap_writer_reserve(&c->w, 2);
    *p++ = '}';
    if (c->in_args)
        *p++ = '}';
    c->in_args = false;
    c->w.p = p;
    tap_writer_end_many(&c->w, events); /* a loop that ran for months, in one slice */
}

void tap_emit_instant(struct tap_chrome *c, struct tap_track *t, int64_t ts, const char *tail,
                      size_t tail_len)
{
    tap_emit_open(c, 'i', t->node + 1, t->tid, tap_track_time(t, ts), -1, tail, tail_len);
    char *p = tap_writer_reserve(&c->w, 16);
    c->w.p = tap_text_lit(p, ",\"s\":\"t\"");
}

int64_t tap_emit_point(struct tap_chrome *c, struct tap_track *t, int64_t ts, const char *tail,
                       size_t tail_len)
{
    int64_t start = tap_track_time(t, ts);
    tap_emit_open(c, 'X', t->node + 1, t->tid, start, 1, tail, tail_len);
    t->last = start + 1;
    c->count.slices++;
    return start;
}

/* The length of the UTF-8 sequence here, 0 when it is none: overlong, a surrogate, cut. */
static size_t emit_utf8(const char *text, size_t left)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
               (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90);
    return bad ? 0 : n;
}

char *tap_emit_escape(char *dst, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < len;) {
        unsigned char ch = (unsigned char)text[i];
        if (ch == '"' || ch == '\\') {
            *dst++ = '\\';
            *dst++ = (char)ch;
        } else if (ch < 0x20) {
            dst = tap_text_lit(dst, "\\u00");
            *dst++ = hex[ch >> 4];
            *dst++ = hex[ch & 15];
        } else {
            size_t n = ch < 0x80 ? 1 : emit_utf8(text + i, len - i);
            dst = n ? tap_text_copy(dst, text + i, n) : tap_text_lit(dst, "\xef\xbf\xbd");
            i += n ? n : 1;
            continue;
        }
        i++;
    }
    return dst;
}

void tap_emit_empty(struct tap_chrome *c)
{
    if (!c->first)
        return;
    tap_emit_open(c, 'M', 1, 1, 0, -1, TAP_TAIL("__metadata", "process_name"));
    tap_emit_text(c, "name", "beamtap: no events", strlen("beamtap: no events"));
    tap_emit_close(c, 0);
}
