/* torn_recording.c: recordings (sink record): frames one behind the other, each with a mark and its
 * length. Where one does not end at the next one's mark, that mark is looked for. */
#include <string.h>

#include "beamtap/frame.h"
#include "cli/torn_file.h"

#define MARK 4u

/* The first frame says what the run was. */
bool tap_torn_begins_recording(const char *head, size_t len)
{
    struct tap_frame f;
    return len > TAP_FRAME_HEADER + 16 && tap_frame_read((const uint8_t *)head, &f) &&
           f.flags == (TAP_FRAME_CONTROL | TAP_FRAME_OWN | TAP_FRAME_RECORDED) && f.number == 0 &&
           memmem(head + TAP_FRAME_HEADER, 20, "session", 7);
}

static bool is_frame(const char *at, size_t len, struct tap_frame *f)
{
    return len >= TAP_FRAME_HEADER && tap_frame_read((const uint8_t *)at, f) &&
           f->flags & TAP_FRAME_RECORDED;
}

/* Where the next frame may begin, from 1 on; the buffer's length: nowhere. */
static size_t find_next(const struct tap_torn_file *m)
{
    struct tap_frame f;
    const char *p = m->buf + 1, *end = m->buf + m->len;
    for (; (p = memmem(p, (size_t)(end - p), TAP_FRAME_MAGIC, MARK)); p++)
        if ((size_t)(end - p) < TAP_FRAME_HEADER || is_frame(p, (size_t)(end - p), &f))
            return (size_t)(p - m->buf);
    return m->len;
}

enum tap_torn_verdict tap_torn_frame(struct tap_torn_file *m, bool last, size_t *len)
{
    struct tap_frame f;
    if (m->len < TAP_FRAME_HEADER && !last)
        return TAP_TORN_MORE;
    bool good = is_frame(m->buf, m->len, &f);
    size_t size = TAP_FRAME_HEADER + (size_t)(good ? f.length : 0);
    if (good && m->len < size + MARK && !last)
        return TAP_TORN_MORE;
    size_t behind = m->len > size ? m->len - size : 0;
    good = good && m->len >= size &&
           memcmp(m->buf + size, TAP_FRAME_MAGIC, behind < MARK ? behind : MARK) == 0;
    if (good) {
        *len = size;
        tap_torn_healed(m, 0);
        tap_torn_keep(m, m->buf, size);
        m->events += f.flags & TAP_FRAME_CONTROL ? 0 : f.count;
        return TAP_TORN_TAKE;
    }
    size_t next = find_next(m);
    if (next == m->len && !last && m->len > MARK)
        next -= MARK - 1; /* the mark may be cut in two */
    *len = next;
    return TAP_TORN_BAD;
}
