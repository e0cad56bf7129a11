/* torn_file.c: the loop over a file's records, whatever their format, and the account of what is
 * damaged. */
#include "cli/torn_file.h"

#include <stdlib.h>
#include <string.h>

enum tap_torn_format tap_torn_guess(const char *head, size_t len)
{
    struct tap_torn_file table = {0};
    size_t header = strlen(tap_torn_timeline_header);
    if (len >= header && memcmp(head, tap_torn_timeline_header, header) == 0)
        return TAP_TORN_TIMELINE;
    if (tap_torn_begins_array(head, len))
        return TAP_TORN_ARRAY;
    if (tap_torn_begins_recording(head, len))
        return TAP_TORN_RECORDING;
    if (tap_torn_begins_lines(head, len))
        return TAP_TORN_LINES;
    return tap_torn_columns(&table, head, len) ? TAP_TORN_CSV : TAP_TORN_UNKNOWN;
}

/* ---- Reading */

static enum tap_torn_verdict read_record(struct tap_torn_file *m, bool last, size_t *len)
{
    switch (m->format) {
    case TAP_TORN_CSV: return tap_torn_row(m, last, len);
    case TAP_TORN_RECORDING: return tap_torn_frame(m, last, len);
    default: return tap_torn_line(m, last, len);
    }
}

/* `goes_on`: with the damage before it this is one, which came in several pieces. */
static uint64_t count_lines(const struct tap_torn_file *m, const char *text, size_t len,
                            bool goes_on)
{
    uint64_t n = 0;
    if (m->format == TAP_TORN_RECORDING)
        return !goes_on;
    for (const char *p = text; (p = memchr(p, '\n', len - (size_t)(p - text))); p++)
        n++;
    return n;
}

/* Where the damage that begins the buffer ends: behind its line, or at the buffer's end. False:
 * that is not there yet. */
static bool find_end(const struct tap_torn_file *m, bool last, size_t *len)
{
    const char *end = memchr(m->buf, '\n', m->len);
    if (!end && !last && m->len < TAP_TORN_RECORD)
        return false;
    *len = end ? (size_t)(end - m->buf) + 1 : m->len;
    return true;
}

static void read_records(struct tap_torn_file *m, bool last)
{
    /* What is taken goes from the buffer all at once, for it is many records. */
    char *buf = m->buf;
    size_t all = m->len, at = 0;
    while (at < all && !m->failed) {
        size_t len = 0;
        m->buf = buf + at;
        m->len = all - at;
        enum tap_torn_verdict verdict = read_record(m, last, &len);
        if (verdict == TAP_TORN_MORE && (last || m->len >= TAP_TORN_RECORD))
            verdict = TAP_TORN_BAD;
        if (verdict == TAP_TORN_MORE ||
            (verdict == TAP_TORN_BAD && len == 0 && !find_end(m, last, &len)))
            break;
        bool goes_on = m->hurt && verdict == TAP_TORN_BAD;
        if (verdict == TAP_TORN_BAD)
            tap_torn_hurt(m, 0);
        m->line += count_lines(m, m->buf, len, goes_on);
        m->offset += len;
        m->seen = m->wanted = 0;
        at += len;
    }
    m->buf = buf;
    m->len = all - at;
    memmove(buf, buf + at, m->len);
}

void tap_torn_read(struct tap_torn_file *m, const char *text, size_t len)
{
    if (m->len + len > m->cap) {
        size_t cap = m->cap ? m->cap : (size_t)1 << 20;
        while (cap < m->len + len)
            cap *= 2;
        char *more = realloc(m->buf, cap);
        if (!more) {
            m->failed = true;
            return;
        }
        m->buf = more;
        m->cap = cap;
    }
    if (m->offset == 0 && m->line == 0)
        m->line = 1;
    memcpy(m->buf + m->len, text, len);
    m->len += len;
    read_records(m, false);
}

void tap_torn_break(struct tap_torn_file *m)
{
    if (m->len)
        read_records(m, true);
    tap_torn_hurt(m, 0);
    m->open = false;
}

/* What stands behind the last event: whole timelines have it, with what was counted. */
static void put_end(struct tap_torn_file *m)
{
    if (m->format == TAP_TORN_TIMELINE && m->events == 0)
        tap_torn_put(m, tap_torn_timeline_header, strlen(tap_torn_timeline_header));
    if (m->format == TAP_TORN_ARRAY && m->events == 0)
        tap_torn_put(m, "[", 1);
    if (m->format == TAP_TORN_RECORDING)
        tap_torn_put_index(m);
    if (m->format != TAP_TORN_TIMELINE && m->format != TAP_TORN_ARRAY)
        return;
    const char *tail = m->tail ? m->tail : m->format == TAP_TORN_ARRAY ? "]" : "]}";
    tap_torn_put(m, "\n", 1);
    tap_torn_put(m, tail, strlen(tail));
    tap_torn_put(m, "\n", 1);
}

void tap_torn_end(struct tap_torn_file *m)
{
    if (m->buf && m->len)
        read_records(m, true);
    if (m->hurt)
        m->cut = m->offset - m->hurt_offset;
    put_end(m);
}

bool tap_torn_is_whole(const struct tap_torn_file *m)
{
    bool closes = m->format == TAP_TORN_TIMELINE || m->format == TAP_TORN_ARRAY;
    return !m->hurt && !m->damaged && !m->untidy && !m->open && m->blocks == m->indexed &&
           (!closes || (m->tail && !m->comma));
}

bool tap_torn_is_ours(const struct tap_torn_file *m)
{
    if (m->headless) /* nobody could play the rest */
        return false;
    return m->events ? m->foreign <= m->events : tap_torn_is_whole(m);
}

void tap_torn_free(struct tap_torn_file *m)
{
    free(m->buf);
    free(m->tail);
    tap_buf_free(&m->index);
    m->buf = m->tail = NULL;
}
