/* port_file.c: see port_file.h. */
#include "transports/file/port_file.h"

#include "transports/file/told.h"

#include <poll.h>
#include <sys/stat.h>
#include <time.h>

#define CHUNK ((size_t)TAP_PORT_CHUNK) /* of frames that are made in one go */

bool tap_port_file_is(struct tap_reader *r)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    return tap_reader_ensure(r, TAP_PORT_HEADER + 3, &got) &&
           tap_port_begins(r->buf + r->at, r->len - r->at);
}

/* ---- Messages */

static void passed(struct tap_reader *r, size_t n)
{
    r->at += n;
    r->offset += n;
}

/* The next one into frames; FRAME: it is there. */
static enum tap_reader_got take_one(struct tap_port_file *p, struct tap_reader *r)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    if (!tap_reader_ensure(r, TAP_PORT_HEADER, &got))
        return got;
    uint8_t op = r->buf[r->at];
    uint32_t size = tap_get_u32(r->buf + r->at + 1);
    if (op == TAP_PORT_DROP) {
        tap_port_drop(&p->frames, size);
        passed(r, TAP_PORT_HEADER);
        return got;
    }
    if (op != TAP_PORT_MESSAGE || size > TAP_PORT_MESSAGE_MAX)
        return TAP_READER_BAD;
    if (!tap_reader_ensure(r, TAP_PORT_HEADER + (size_t)size, &got))
        return got == TAP_READER_END ? TAP_READER_TORN : got;
    bool knew = p->frames.known;
    if (tap_port_take(&p->frames, r->buf + r->at + TAP_PORT_HEADER, size))
        passed(r, TAP_PORT_HEADER + (size_t)size);
    else if (knew || !p->frames.known)
        return errno = ENOMEM, TAP_READER_ERROR;
    return got;
}

/* A file's time may be any. */
static int64_t written_at(const struct tap_reader *r)
{
    struct timespec t;
    struct stat st;
    int64_t ns;
    clock_gettime(CLOCK_REALTIME, &t);
    if (r->seekable && fstat(r->fd, &st) == 0)
        t = st.st_mtim;
    if (__builtin_mul_overflow((int64_t)t.tv_sec, 1000000000, &ns) ||
        __builtin_add_overflow(ns, t.tv_nsec, &ns))
        ns = t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return tap_told_started(ns);
}

enum tap_reader_got tap_port_file_open(struct tap_port_file *p, struct tap_reader *r)
{
    enum tap_reader_got got = TAP_READER_FRAME;
    while (!p->frames.known && got == TAP_READER_FRAME && p->frames.out.len <= 8 * CHUNK)
        got = take_one(p, r);
    if (!p->frames.known)
        return got == TAP_READER_FRAME ? TAP_READER_BAD : got;
    p->started = p->frames.clock == TAP_PORT_WALL ? p->frames.first : written_at(r);
    if (__builtin_sub_overflow(p->started, p->frames.first, &p->offset))
        p->offset = 0;
    return TAP_READER_FRAME;
}

void tap_port_file_like(struct tap_port_file *p, const struct tap_port_file *other)
{
    p->offset = other->offset;
    if (__builtin_add_overflow(p->frames.first, p->offset, &p->started))
        p->started = other->started;
}

/* ---- Frames */

static void put_report(void *arg, const struct tap_buf *term)
{
    struct tap_port_frames *f = arg;
    tap_port_report_begin(f, TAP_FRAME_CONTROL);
    tap_buf_put(&f->out, term->data, term->len);
    tap_port_report_end(f);
}

/* What a recording says before a node's events. */
static void begin(struct tap_port_file *p, const char *path)
{
    struct tap_port_frames *f = &p->frames;
    struct tap_port_passed passed;
    tap_port_front_begin(f, &passed);
    tap_port_report_begin(f, TAP_FRAME_CONTROL | TAP_FRAME_OWN);
    tap_write_tuple(&f->out, 2);
    tap_write_atom(&f->out, "node");
    tap_write_binary(&f->out, f->node, strlen(f->node));
    tap_port_report_end(f);
    tap_port_node_up(f, p->offset);
    tap_ttb_info(path, put_report, f);
    tap_port_front_end(f, &passed);
    p->begun = true;
}

/* {node_down, 0}: the port was closed in peace, or so it looks. */
static void finish(struct tap_port_file *p)
{
    tap_port_report_begin(&p->frames, TAP_FRAME_CONTROL | TAP_FRAME_OWN);
    tap_write_tuple(&p->frames.out, 2);
    tap_write_atom(&p->frames.out, "node_down");
    tap_write_i64(&p->frames.out, 0);
    tap_port_report_end(&p->frames);
}

/* Is the next message still on its way through a pipe? Then what is there is given first. */
static bool is_to_come(const struct tap_reader *r)
{
    size_t there = r->len - r->at;
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    if (r->seekable || r->ended ||
        (there >= TAP_PORT_HEADER && there - TAP_PORT_HEADER >= tap_get_u32(r->buf + r->at + 1)))
        return false;
    return poll(&p, 1, 0) == 0;
}

static enum tap_reader_got refill(struct tap_port_file *p, struct tap_reader *r)
{
    p->at = p->frames.out.len = 0;
    if (p->ended)
        return p->end;
    enum tap_reader_got got = TAP_READER_FRAME;
    while (p->frames.out.len < CHUNK && (p->frames.out.len == 0 || !is_to_come(r)) &&
           (got = take_one(p, r)) == TAP_READER_FRAME)
        ;
    tap_port_end(&p->frames);
    if (got != TAP_READER_FRAME) {
        p->ended = true;
        p->end = got;
    }
    if (got == TAP_READER_END)
        finish(p);
    return p->frames.out.oom ? (errno = ENOMEM, TAP_READER_ERROR) : TAP_READER_FRAME;
}

enum tap_reader_got tap_port_file_next(struct tap_port_file *p, struct tap_reader *r,
                                       const char *path, struct tap_frame *h, const uint8_t **frame)
{
    if (!p->begun)
        begin(p, path);
    while (p->at >= p->frames.out.len) {
        enum tap_reader_got got = refill(p, r);
        if (got != TAP_READER_FRAME)
            return got;
    }
    *frame = p->frames.out.data + p->at;
    if (!tap_frame_read(*frame, h))
        return TAP_READER_BAD;
    p->at += TAP_FRAME_HEADER + (size_t)h->length;
    return TAP_READER_FRAME;
}

void tap_port_file_close(struct tap_port_file *p)
{
    tap_buf_free(&p->frames.out);
}
