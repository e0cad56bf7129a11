/* source.c: see source.h. A file may be torn or hostile: what is whole before that is played. */
#include "transports/file/source.h"

#include <poll.h>

static enum tap_status source_fail(const struct tap_source *s, const char *what)
{
    return TAP_FAIL(s->host, TAP_ERROR, "%s: %s at byte %llu", s->path, what,
                    (unsigned long long)s->reader.offset);
}

static const char *torn_within(const struct tap_source *s)
{
    return s->port            ? "the file ends within a message that begins"
           : s->reader.blocks ? "the file ends within a block that begins"
                              : "the file ends within a frame that begins";
}

enum tap_status tap_source_bad(struct tap_source *s)
{
    s->got = TAP_READER_BAD;
    return TAP_OK;
}

static enum tap_status source_fail_bad(const struct tap_source *s)
{
    return source_fail(
        s, s->port ? "what stands there is no message of a trace port: nothing is played from "
                     "there on,"
                   : "what stands there is no frame of a recording: nothing is played from there "
                     "on,");
}

/* ---- Opening */

/* For what is read before the run has begun, where the core's own wait is not there yet. */
static bool wait_in_steps(void *arg, int fd)
{
    const struct tap_host *host = arg;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready = 0;
    while (ready == 0 && !host->transport->stopping(host)) {
        ready = poll(&p, 1, 100);
        ready = ready < 0 && errno == EINTR ? 0 : ready;
    }
    return ready != 0;
}

static enum tap_status no_recording(const struct tap_source *s, enum tap_reader_got got)
{
    if (got == TAP_READER_ERROR)
        return TAP_FAIL(s->host, TAP_ERROR, "cannot read %s: %s", s->path, strerror(errno));
    if (got == TAP_READER_STOPPED)
        return TAP_FAIL(s->host, TAP_ERROR,
                        "%s: nobody wrote a recording to this pipe until the run was ended",
                        s->path);
    return TAP_FAIL(s->host, TAP_ERROR,
                    "%s is not a recording (of the sink record, or of a trace port: dbg, ttb)",
                    s->path);
}

/* Of several files: a piece of a wrapped set may hold nothing of a process. */
static enum tap_status hollow(struct tap_source *s, enum tap_reader_got got)
{
    const struct tap_port_frames *f = &s->port->frames;
    s->hollow = true;
    s->host->log(s->host, TAP_LOG_WARNING,
                 "%s holds no message of a process and is passed over: %llu messages of others, "
                 "%llu that the port dropped, %llu that cannot be read",
                 s->path, (unsigned long long)f->left_out, (unsigned long long)f->dropped,
                 (unsigned long long)f->seq);
    if (got == TAP_READER_TORN)
        source_fail(s, torn_within(s));
    return TAP_OK;
}

static enum tap_status open_port(struct tap_source *s, bool alone, struct tap_run_info *info)
{
    s->port = calloc(1, sizeof *s->port);
    if (!s->port)
        return TAP_FAIL(s->host, TAP_ERROR, "out of memory");
    enum tap_reader_got got = tap_port_file_open(s->port, &s->reader);
    if (!alone && (got == TAP_READER_END || got == TAP_READER_TORN))
        return hollow(s, got);
    if (got != TAP_READER_FRAME)
        return no_recording(s, got);
    s->time = s->started = s->port->started;
    info->config = "";
    if (s->port->frames.clock == TAP_PORT_NO_TIME)
        s->host->log(s->host, TAP_LOG_WARNING,
                     "%s has no times (it was traced without the flag timestamp): all that is in "
                     "it is told as of when the file was last written",
                     s->path);
    if (s->port->frames.clock == TAP_PORT_MONOTONIC)
        s->host->log(s->host, TAP_LOG_WARNING,
                     "%s has times of the node's own clock alone: they are counted from when the "
                     "file was last written",
                     s->path);
    return TAP_OK;
}

enum tap_status tap_source_open(struct tap_source *s, const struct tap_host *host, const char *path,
                                bool alone, struct tap_run_info *info)
{
    struct tap_frame header;
    const uint8_t *frame;
    struct tap_cursor c;
    s->host = host;
    s->path = path;
    s->nodes = calloc(TAP_SOURCE_NODES, sizeof *s->nodes);
    if (!s->nodes)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    if (!tap_reader_open(&s->reader, path))
        return TAP_FAIL(host, TAP_ERROR, "cannot open %s: %s", path, strerror(errno));
    s->reader.wait = wait_in_steps;
    s->reader.wait_arg = (void *)(uintptr_t)host;
    if (tap_port_file_is(&s->reader))
        return open_port(s, alone, info);
    enum tap_reader_got got = tap_reader_next(&s->reader, &header, &frame);
    if (got != TAP_READER_FRAME || !tap_told_term(&header, frame, 2, "session", &c) ||
        !tap_told_session(host, &c, info, &s->told))
        return no_recording(s, got);
    s->time = s->started = info->started;
    return TAP_OK;
}

void tap_source_close(struct tap_source *s)
{
    for (size_t i = 0; s->nodes && i < TAP_SOURCE_NODES; i++)
        free(s->nodes[i].name);
    tap_reader_close(&s->reader);
    tap_cut_free(&s->cut);
    if (s->expand)
        tap_buf_free(&s->expand->out);
    free(s->expand);
    if (s->port)
        tap_port_file_close(s->port);
    free(s->port);
    free(s->nodes);
    tap_told_free(&s->told);
    *s = (struct tap_source){.reader.fd = -1};
}

enum tap_status tap_source_expand(struct tap_source *s)
{
    s->expand = calloc(1, sizeof *s->expand);
    return s->expand ? TAP_OK : TAP_FAIL(s->host, TAP_ERROR, "out of memory");
}

/* ---- Damage */

static void note_damage(struct tap_source *s)
{
    const struct tap_reader *r = &s->reader;
    const struct tap_block *b = r->damaged;
    for (size_t i = 0; i < TAP_SOURCE_NODES; i++) {
        uint64_t lost = !b ? UINT64_MAX : b->nodes >> i % 64 & 1 ? b->events : 0;
        if (__builtin_add_overflow(s->nodes[i].damaged, lost, &s->nodes[i].damaged))
            s->nodes[i].damaged = UINT64_MAX;
    }
    if (s->damages++ < 10)
        s->host->log(s->host, TAP_LOG_WARNING, "%s: %llu bytes from byte %llu on are damaged",
                     s->path, (unsigned long long)(r->offset - r->damage_from),
                     (unsigned long long)r->damage_from);
}

static void note_unread(struct tap_source *s)
{
    for (size_t i = 0; s->reader.any_unread && i < TAP_SOURCE_NODES; i++) {
        struct tap_unread *from = &s->reader.unread[i], *to = &s->nodes[i].unread;
        if (from->events)
            *to = (struct tap_unread){to->events + from->events, from->last};
        from->events = 0;
    }
    s->reader.any_unread = false;
}

/* The next frame that holds. */
static enum tap_reader_got next_frame(struct tap_source *s)
{
    enum tap_reader_got got;
    if (s->port)
        return tap_port_file_next(s->port, &s->reader, s->path, &s->header, &s->frame);
    while ((got = tap_reader_next(&s->reader, &s->header, &s->frame)) == TAP_READER_DAMAGED) {
        note_damage(s);
        if (s->host->transport->stopping(s->host))
            return TAP_READER_STOPPED;
    }
    for (size_t i = 0; s->reader.skipped && i < TAP_SOURCE_NODES; i++)
        s->nodes[i].left_out = true;
    s->reader.skipped = false;
    note_unread(s);
    if (got != TAP_READER_FRAME)
        return got;
    if (s->header.flags & TAP_FRAME_PASSED) /* no file holds what a replay says itself */
        return TAP_READER_BAD;
    bool items = (s->header.flags & (TAP_FRAME_NUMBERED | TAP_FRAME_CONTROL)) == TAP_FRAME_NUMBERED;
    if (s->expand && items && !tap_expand_frame(s->expand, &s->header, &s->frame))
        return errno = ENOMEM, TAP_READER_ERROR;
    return got;
}

/* ---- When it was */

/* A report tells the node's clock, as {clock, Ref, Monotonic, Offset}, {align, Monotonic, Offset,
 * ...} or {node_up, #{offset := Offset}}. */
static void learn_offset(const struct tap_frame *h, const uint8_t *frame, struct tap_source_node *n)
{
    int64_t *offset = &n->offset;
    struct tap_cursor c;
    int64_t monotonic;
    uint32_t pairs;
    if (tap_told_term(h, frame, 4, "clock", &c)) {
        if (!n->aligned && tap_skip(&c) && tap_skip(&c))
            tap_read_i64(&c, offset);
    } else if (tap_told_term(h, frame, 5, "align", &c)) {
        n->aligned = tap_read_i64(&c, &monotonic) && tap_read_i64(&c, offset);
    } else if (tap_told_term(h, frame, 2, "node_up", &c) && tap_read_map(&c, &pairs)) {
        n->aligned = false;
        for (uint32_t i = 0; i < pairs && !c.bad; i++)
            if (!tap_match_atom(&c, "offset") || !tap_read_i64(&c, offset))
                tap_skip(&c), tap_skip(&c);
    }
}

static int64_t time_of(const struct tap_source *s, int64_t ns)
{
    const struct tap_source_node *n = &s->nodes[s->header.node % TAP_SOURCE_NODES];
    return __builtin_add_overflow(ns, n->offset, &ns) ? s->time : ns;
}

/* The next piece of a frame of events, which is as early as its first. */
static bool next_piece(struct tap_source *s)
{
    if (!tap_cut_next(&s->cut, &s->header, &s->frame))
        return false;
    if (s->cut.timed) {
        s->time = time_of(s, s->cut.first);
        s->passed = time_of(s, s->cut.last);
    }
    return true;
}

void tap_source_next(struct tap_source *s, bool timed)
{
    s->ready = true;
    if (timed && next_piece(s))
        return;
    s->got = next_frame(s);
    s->error = errno; /* said at the end of all files */
    if (!timed || s->got != TAP_READER_FRAME)
        return;
    /* a report stands behind all that came before it */
    s->time = s->passed > s->time ? s->passed : s->time;
    if (s->header.flags & TAP_FRAME_CONTROL) {
        learn_offset(&s->header, s->frame, &s->nodes[s->header.node % TAP_SOURCE_NODES]);
    } else if (s->header.count > 0) {
        tap_cut_begin(&s->cut, &s->header, s->frame);
        if (!next_piece(s)) {
            s->got = TAP_READER_ERROR;
            s->error = ENOMEM;
        }
    }
}

/* ---- The end of the file, however it came */

static void tell_left_out(const struct tap_source *s)
{
    if (s->port && s->port->frames.left_out)
        s->host->log(s->host, TAP_LOG_WARNING,
                     "%s: %llu messages that are not of processes (of ports, of seq_trace) are "
                     "left out",
                     s->path, (unsigned long long)s->port->frames.left_out);
}

/* Did the node live on, as it says itself or another file of its run? */
static bool is_cut_short(struct tap_source_node *own)
{
    const struct tap_source_node *n = tap_node_first(own);
    return own->known && ((n->alive && !n->told) || own->lives < n->ended + n->told);
}

enum tap_status tap_source_ended(struct tap_source *s)
{
    enum tap_status status = TAP_OK;
    tell_left_out(s);
    if (s->got == TAP_READER_ERROR)
        status = TAP_FAIL(s->host, TAP_ERROR, "cannot read %s: %s", s->path, strerror(s->error));
    else if (s->got == TAP_READER_BAD)
        status = source_fail_bad(s);
    else if (s->got == TAP_READER_TORN)
        status = source_fail(s, torn_within(s));
    else if (s->got == TAP_READER_REPORTS)
        status = source_fail(s, "what the recording says of its nodes is damaged before this: "
                                "nothing is played from there on,");
    if (s->damages)
        status = TAP_FAIL(s->host, TAP_ERROR,
                          "%s is damaged in %llu places: what was in them is counted as lost",
                          s->path, (unsigned long long)s->damages);
    for (size_t i = 0; i < TAP_SOURCE_NODES; i++) {
        struct tap_source_node *n = &s->nodes[i];
        if (s->got == TAP_READER_END && is_cut_short(n))
            status = TAP_FAIL(s->host, TAP_ERROR,
                              "%s ends before the run of %s did: it was not recorded to its end",
                              s->path, s->host->node(s->host, tap_node_first(n)->index)->name);
    }
    return status;
}
