/* port_frames.c: see port_frames.h. Nothing that comes from outside is believed: what cannot be
 * read goes on as it is, and the decoder counts it as unreadable. */
#include "transports/common/port_frames.h"

#define SECOND INT64_C(1000000000)
#define RECORDED TAP_FRAME_RECORDED /* numbers that are left out are no loss */
#define MESSAGE_MORE 32u /* bytes of a message in a frame beside its own: its length, its time */

bool tap_port_begins(const uint8_t *p, size_t len)
{
    if (len < TAP_PORT_HEADER + 3)
        return false;
    uint32_t size = tap_get_u32(p + 1);
    if (p[0] == TAP_PORT_DROP) /* and what follows it */
        return p[5] <= TAP_PORT_DROP && p[6] <= TAP_PORT_MESSAGE_MAX >> 24;
    return p[0] == TAP_PORT_MESSAGE && size > 3 && size <= TAP_PORT_MESSAGE_MAX &&
           p[5] == TAP_EXT_VERSION && p[6] == TAP_EXT_SMALL_TUPLE && p[7] >= 2;
}

/* ---- Frames */

static void put_header(struct tap_port_frames *f, struct tap_frame header)
{
    uint8_t bytes[TAP_FRAME_HEADER];
    header.flags |= RECORDED;
    tap_frame_write(bytes, &header);
    tap_buf_put(&f->out, bytes, sizeof bytes);
}

void tap_port_end(struct tap_port_frames *f)
{
    if (f->count == 0 || f->out.oom)
        return;
    struct tap_frame header = {.flags = RECORDED,
                               .count = f->count,
                               .seq = f->seq - f->count,
                               .length = (uint32_t)(f->out.len - f->begun) - TAP_FRAME_HEADER};
    tap_frame_write(f->out.data + f->begun, &header);
    f->count = 0;
}

/* So many numbers are not there; `why` says whether they were lost or only left out. Before the
 * first message of a process they are only added up: nobody takes frames then. */
static void skip(struct tap_port_frames *f, uint64_t n, uint32_t why)
{
    if (!f->known)
        return;
    tap_port_end(f);
    f->seq += n;
    if (n)
        put_header(f, (struct tap_frame){.seq = f->seq,
                                         .why = why,
                                         .lost = n < TAP_FRAME_LOST_ALL ? (uint32_t)n
                                                                        : TAP_FRAME_LOST_ALL});
}

void tap_port_drop(struct tap_port_frames *f, uint64_t n)
{
    f->dropped += n;
    skip(f, n, TAP_REASON_QUEUE);
}

void tap_port_over(struct tap_port_frames *f, uint64_t n)
{
    f->dropped += n;
    skip(f, n, TAP_REASON_LIMIT);
}

static void left_out(struct tap_port_frames *f)
{
    f->left_out++;
    skip(f, 1, TAP_REASON_NONE);
}

/* What was passed before the first message of a process. */
static void tell_passed(struct tap_port_frames *f)
{
    skip(f, f->left_out, TAP_REASON_NONE);
    skip(f, f->dropped, TAP_REASON_QUEUE);
}

void tap_port_report_begin(struct tap_port_frames *f, unsigned flags)
{
    tap_port_end(f);
    f->begun = f->out.len;
    put_header(f, (struct tap_frame){.flags = (uint8_t)flags, .count = 1, .seq = f->seq});
    tap_write_u32(&f->out, 0);
    tap_write_version(&f->out);
}

void tap_port_report_end(struct tap_port_frames *f)
{
    if (f->out.oom)
        return;
    uint8_t *p = f->out.data + f->begun;
    uint32_t length = (uint32_t)(f->out.len - f->begun) - TAP_FRAME_HEADER;
    tap_put_u32(p + 36, length);
    tap_put_u32(p + TAP_FRAME_HEADER, length - 4);
}

void tap_port_front_begin(struct tap_port_frames *f, struct tap_port_passed *passed)
{
    tap_port_end(f);
    *passed = (struct tap_port_passed){f->out, f->seq};
    f->out = (struct tap_buf){0};
    f->seq = 0;
}

void tap_port_front_end(struct tap_port_frames *f, struct tap_port_passed *passed)
{
    tap_buf_put(&f->out, passed->frames.data, passed->frames.len);
    f->out.oom |= passed->frames.oom;
    f->seq = passed->seq;
    tap_buf_free(&passed->frames);
}

void tap_port_node_up(struct tap_port_frames *f, int64_t offset)
{
    struct tap_buf *b = &f->out;
    tap_port_report_begin(f, TAP_FRAME_CONTROL);
    tap_write_tuple(b, 2);
    tap_write_atom(b, "node_up");
    tap_write_map(b, 3);
    tap_write_atom(b, "name");
    tap_write_binary(b, f->node, strlen(f->node));
    tap_write_atom(b, "offset");
    tap_write_i64(b, offset);
    tap_write_atom(b, "monotonic");
    tap_write_i64(b, f->first);
    tap_port_report_end(f);
}

/* ---- Messages */

struct message {
    const char *node;
    uint32_t node_len;
    bool latin1; /* so is the node's name */
    enum tap_port_clock clock;
    int64_t ns;       /* its time */
    size_t before_at; /* bytes before that */
};

enum sort { UNREADABLE, OF_PROCESS, OF_OTHERS, DROPPED };

/* {MegaSecs, Secs, MicroSecs} */
static bool read_wall(struct tap_cursor *c, int64_t *ns)
{
    int64_t mega, seconds, micros, all;
    uint32_t n;
    return tap_read_tuple(c, &n) && tap_read_i64(c, &mega) && tap_read_i64(c, &seconds) &&
           tap_read_i64(c, &micros) && !__builtin_mul_overflow(mega, 1000000, &all) &&
           !__builtin_add_overflow(all, seconds, &all) &&
           !__builtin_mul_overflow(all, SECOND, ns) &&
           !__builtin_mul_overflow(micros, 1000, &micros) &&
           !__builtin_add_overflow(*ns, micros, ns);
}

static bool read_time(struct tap_cursor *c, struct message *m)
{
    struct tap_cursor t = *c;
    uint32_t n = 0;
    if (tap_peek(c) == TAP_EXT_SMALL_TUPLE && tap_read_tuple(&t, &n) && n == 3) {
        m->clock = TAP_PORT_WALL;
        return read_wall(c, &m->ns);
    }
    m->clock = TAP_PORT_MONOTONIC; /* or {Nanoseconds, Unique} */
    if (n == 2)
        return tap_read_i64(&t, &m->ns) && tap_skip(&t);
    return tap_read_i64(c, &m->ns);
}

/* Whose it is: a process's node. */
static bool read_whose(struct tap_cursor *c, struct message *m)
{
    struct tap_cursor t = *c;
    int tag = tap_peek(c);
    if (tag != TAP_EXT_NEW_PID && tag != TAP_EXT_PID)
        return false;
    t.p++;
    return tap_read_atom(&t, &m->node, &m->node_len, &m->latin1) && tap_skip(c);
}

static enum sort read_message(const uint8_t *p, size_t len, struct message *m, uint64_t *dropped)
{
    struct tap_cursor c = tap_cursor(p, len);
    uint32_t n;
    int64_t count;
    *m = (struct message){.clock = TAP_PORT_NO_TIME};
    tap_read_version(&c);
    if (!tap_read_tuple(&c, &n))
        return UNREADABLE;
    bool timed = tap_match_atom(&c, "trace_ts");
    if (!timed && n == 2 && tap_match_atom(&c, "drop") && tap_read_i64(&c, &count) && count >= 0 &&
        count <= UINT32_MAX) {
        *dropped = (uint64_t)count; /* as ttb writes it */
        return DROPPED;
    }
    if (!timed && !tap_match_atom(&c, "trace"))
        return tap_match_atom(&c, "seq_trace") ? OF_OTHERS : UNREADABLE;
    if (n < 4u + timed)
        return UNREADABLE;
    if (!read_whose(&c, m))
        return tap_skip(&c) ? OF_OTHERS : UNREADABLE;
    for (uint32_t i = 2; i < n - timed; i++)
        if (!tap_skip(&c))
            return UNREADABLE;
    m->before_at = (size_t)(c.p - p);
    if (timed && !read_time(&c, m))
        return UNREADABLE;
    return OF_PROCESS;
}

/* The name in UTF-8; what a terminal would not like is no name. */
static bool learn_node(struct tap_port_frames *f, const struct message *m)
{
    size_t n = 0;
    for (uint32_t i = 0; i < m->node_len; i++) {
        uint8_t byte = (uint8_t)m->node[i];
        if (byte < ' ' || byte == 127 || n + 3 > sizeof f->node)
            return false;
        if (m->latin1 && byte >= 0x80) {
            f->node[n++] = (char)(0xC0 | byte >> 6);
            byte = 0x80 | (byte & 0x3F);
        }
        f->node[n++] = (char)byte;
    }
    f->node[n] = 0;
    f->clock = m->clock;
    f->first = m->ns;
    return n > 0;
}

static void put_message(struct tap_port_frames *f, const uint8_t *p, size_t len,
                        const struct message *m, bool wall)
{
    size_t open = f->out.len - f->begun;
    if (f->count && (open >= TAP_PORT_CHUNK || open + len + MESSAGE_MORE > TAP_FRAME_MAX))
        tap_port_end(f);
    if (f->count == 0) {
        f->begun = f->out.len;
        put_header(f, (struct tap_frame){0});
    }
    size_t at = f->out.len;
    tap_write_u32(&f->out, (uint32_t)len);
    tap_buf_put(&f->out, p, wall ? m->before_at : len);
    if (wall)
        tap_write_i64(&f->out, m->ns);
    if (!f->out.oom)
        tap_put_u32(f->out.data + at, (uint32_t)(f->out.len - at) - 4);
    f->count++;
    f->seq++;
}

bool tap_port_take(struct tap_port_frames *f, const uint8_t *p, size_t len)
{
    struct message m;
    uint64_t dropped = 0;
    enum sort sort = read_message(p, len, &m, &dropped);
    if (sort == OF_PROCESS && !f->known) {
        f->known = learn_node(f, &m);
        if (f->known)
            return tell_passed(f), false;
        sort = UNREADABLE;
    }
    if (sort == DROPPED)
        tap_port_drop(f, dropped);
    else if (sort == OF_OTHERS)
        left_out(f);
    else
        put_message(f, p, len, &m, sort == OF_PROCESS && m.clock == TAP_PORT_WALL);
    return !f->out.oom;
}
