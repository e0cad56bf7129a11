/* pace.c: see pace.h. */
#include "transports/file/pace.h"

#include <time.h>

#define MS INT64_C(1000000)

static int64_t steady(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

/* Its last element. */
bool tap_message_time(struct tap_cursor *c, int64_t *ns)
{
    uint32_t n, two;
    if (!tap_read_tuple(c, &n) || n < 4 || !tap_match_atom(c, "trace_ts"))
        return false;
    for (uint32_t i = 2; i < n; i++)
        if (!tap_skip(c))
            return false;
    if (tap_peek(c) == TAP_EXT_SMALL_TUPLE && (!tap_read_tuple(c, &two) || two != 2))
        return false;
    return tap_read_i64(c, ns);
}

/* Of the first message of a frame. */
static bool first_time(const struct tap_frame *h, const uint8_t *frame, int64_t *ns)
{
    struct tap_cursor c = tap_cursor(frame + TAP_FRAME_HEADER, h->length);
    uint32_t n;
    if (!(h->flags & TAP_FRAME_ONE_LIST) && tap_left(&c) > 4)
        c.p += 4;
    tap_read_version(&c);
    if (h->flags & TAP_FRAME_ONE_LIST && (!tap_read_list(&c, &n) || n == 0))
        return false;
    return tap_message_time(&c, ns);
}

int64_t tap_pace_until(struct tap_pace *p, int64_t then)
{
    int64_t now = steady();
    if (!p->known)
        *p = (struct tap_pace){true, then, now};
    /* a clock that says anything is no reason to wait for ever: a day is the most */
    __int128 wait = (__int128)then - p->there - (now - p->here);
    const __int128 day = (__int128)86400 * 1000 * MS;
    return wait <= 0 ? 0 : (int64_t)((wait < day ? wait : day) + MS - 1) / MS;
}

int64_t tap_pace_due(struct tap_pace *p, const struct tap_frame *h, const uint8_t *frame)
{
    int64_t then;
    return first_time(h, frame, &then) ? tap_pace_until(p, then) : 0;
}
