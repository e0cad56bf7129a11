/* marks.c: see marks.h. */
#include "sinks/common/marks.h"

#include <string.h>

#include "beamtap/term.h"
#include "sinks/common/event_text.h"

size_t tap_mark_text(char dst[TAP_MARK_TEXT], const struct tap_batch *batch,
                     const struct tap_event *e)
{
    struct tap_cursor c = tap_cursor(batch->arena + e->payload.off, e->payload.len);
    const uint8_t *text;
    uint32_t len;
    if (!e->payload.len || !tap_read_binary(&c, &text, &len))
        return 0;
    bool cut = len > TAP_MARK_TEXT;
    len = cut ? TAP_MARK_TEXT - 3 : len;
    while (cut && len && (text[len] & 0xc0) == 0x80) /* in the middle of a character */
        len--;
    for (uint32_t i = 0; i < len; i++) { /* a recording may hold anything */
        bool c1 = i && text[i - 1] == 0xc2 && text[i] < 0xa0;
        dst[i] = text[i] < ' ' || text[i] == 127 ? '?' : (char)text[i];
        if (c1)
            dst[i - 1] = dst[i] = '?';
    }
    if (cut)
        memcpy(dst + len, "...", 3);
    return len + (cut ? 3 : 0);
}

void tap_marks_add(struct tap_marks *marks, const struct tap_batch *batch,
                   const struct tap_event *e, uint32_t process)
{
    if (marks->count == TAP_MARKS) {
        marks->left_out++;
        return;
    }
    struct tap_mark *m = &marks->at[marks->count++];
    *m = (struct tap_mark){
        .ts = e->ts, .node = e->node, .process = process, .of_process = tap_event_has_pid(e)};
    m->len = (uint16_t)tap_mark_text(m->text, batch, e);
}
