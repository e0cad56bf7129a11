/* report.c: finds the final report and clock reports in a control frame. The bytes come from a
 * node: bounds first. */
#include "transports/beam/node/report.h"

#include <stdio.h>

static void report_text(struct tap_cursor *c, char *dst, size_t cap)
{
    const uint8_t *bytes;
    uint32_t len;
    if (tap_read_binary(c, &bytes, &len))
        snprintf(dst, cap, "%.*s", (int)len, (const char *)bytes);
}

static void report_reason(struct tap_cursor *c, char *dst, size_t cap)
{
    const char *text;
    uint32_t len;
    bool latin1;
    if (tap_read_atom(c, &text, &len, &latin1))
        snprintf(dst, cap, "%.*s", (int)len, text);
}

/* {final, #{produced, lost, reason, text, ...}} */
static bool report_read(struct tap_cursor c, struct tap_report_final *final)
{
    uint32_t arity, pairs;
    bool produced = false, lost = false;
    int64_t n = 0;
    tap_read_version(&c);
    if (!tap_read_tuple(&c, &arity) || arity != 2 || !tap_match_atom(&c, "final") ||
        !tap_read_map(&c, &pairs))
        return false;
    *final = (struct tap_report_final){.figures = {.struct_size = sizeof final->figures}};
    for (uint32_t i = 0; i < pairs && !c.bad; i++) {
        if (tap_match_atom(&c, "produced")) {
            produced = tap_read_i64(&c, &n) && n >= 0;
            final->figures.produced = (uint64_t)n;
        } else if (tap_match_atom(&c, "lost")) {
            lost = tap_read_i64(&c, &n) && n >= 0;
            final->figures.lost = (uint64_t)n;
        } else if (tap_match_atom(&c, "peak_queue")) {
            tap_read_i64(&c, &final->peak_queue);
        } else if (tap_match_atom(&c, "reason")) {
            report_reason(&c, final->reason, sizeof final->reason);
        } else if (tap_match_atom(&c, "text")) {
            report_text(&c, final->text, sizeof final->text);
        } else {
            tap_skip(&c);
            tap_skip(&c);
        }
    }
    return produced && lost && !c.bad;
}

/* {clock, Ref | undefined, Monotonic, Offset} */
static bool clock_read(struct tap_cursor c, void *out)
{
    struct tap_report_clock *clock = out;
    uint32_t arity;
    tap_read_version(&c);
    if (!tap_read_tuple(&c, &arity) || arity != 4 || !tap_match_atom(&c, "clock"))
        return false;
    *clock = (struct tap_report_clock){0};
    clock->answer = !tap_match_atom(&c, "undefined");
    return (!clock->answer || tap_read_i64(&c, &clock->ref)) &&
           tap_read_i64(&c, &clock->monotonic) && tap_read_i64(&c, &clock->offset);
}

/* {process_info, List, Ref} */
static bool named_read(struct tap_cursor c, void *out)
{
    uint32_t arity;
    tap_read_version(&c);
    return tap_read_tuple(&c, &arity) && arity == 3 && tap_match_atom(&c, "process_info") &&
           tap_skip(&c) && tap_read_i64(&c, out);
}

static bool final_read(struct tap_cursor c, void *out)
{
    return report_read(c, out);
}

/* The first term of a control frame that `read` takes. */
static bool report_find(const struct tap_frame *header, const uint8_t *frame,
                        bool (*read)(struct tap_cursor, void *), void *out)
{
    if (!(header->flags & TAP_FRAME_CONTROL))
        return false;
    struct tap_cursor body = tap_cursor(frame + TAP_FRAME_HEADER, header->length);
    for (uint32_t i = 0; i < header->count && tap_left(&body) >= 4; i++) {
        uint32_t len = tap_get_u32(body.p);
        body.p += 4;
        if (len > tap_left(&body))
            return false;
        if (read(tap_cursor(body.p, len), out))
            return true;
        body.p += len;
    }
    return false;
}

bool tap_report_clock(const struct tap_frame *header, const uint8_t *frame,
                      struct tap_report_clock *clock)
{
    return report_find(header, frame, clock_read, clock);
}

bool tap_report_named(const struct tap_frame *header, const uint8_t *frame, int64_t *ref)
{
    return report_find(header, frame, named_read, ref);
}

bool tap_report_final(const struct tap_frame *header, const uint8_t *frame,
                      struct tap_report_final *final)
{
    return report_find(header, frame, final_read, final);
}
