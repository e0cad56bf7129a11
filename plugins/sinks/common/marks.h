/* marks.h: where what [session] start_on, stop_on and follow wait for came true, for outputs that
 * tell of a trace as a whole. A run has a few; of a recording that has more the first are kept.
 */
#ifndef TAP_SINKS_COMMON_MARKS_H
#define TAP_SINKS_COMMON_MARKS_H

#include "beamtap/sink.h"

#define TAP_MARKS 64u
#define TAP_MARK_TEXT 256u /* bytes */

struct tap_mark {
    int64_t ts;
    uint32_t node, process; /* process: the sink's own number of it */
    bool of_process;
    uint16_t len;
    char text[TAP_MARK_TEXT];
};
struct tap_marks {
    uint32_t count;
    uint64_t left_out;
    struct tap_mark at[TAP_MARKS];
};

/* What a TAP_MARK says, on one line: start_on: shop_cart:add(_, 0). Its length, 0: nothing. */
size_t tap_mark_text(char dst[TAP_MARK_TEXT], const struct tap_batch *, const struct tap_event *);
void tap_marks_add(struct tap_marks *, const struct tap_batch *, const struct tap_event *,
                   uint32_t process);

#endif
