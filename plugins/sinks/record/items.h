/* items.h: the native tracer's items as they are written: with numbers of their frame's own, so
 * that each frame of the file can be read without any other (beamtap/frame.h). */
#ifndef TAP_SINKS_RECORD_ITEMS_H
#define TAP_SINKS_RECORD_ITEMS_H

#include "beamtap/event.h"
#include "beamtap/frame.h"
#include "sinks/common/writer.h"

#define TAP_ITEMS_SEEN 256u

/* What was defined lately, each at a place of its own; what is not there any more is defined
 * again, as the next number. */
struct tap_items {
    uint32_t frame;                /* places of others count for nothing */
    uint32_t processes, functions; /* defined in it */
    struct {
        struct tap_pid pid;
        uint32_t frame, number;
    } process[TAP_ITEMS_SEEN];
    struct {
        uint32_t module, function, frame, number;
    } function[TAP_ITEMS_SEEN];
};

/* Is this an item, and no trace message? */
static inline bool tap_items_is(const struct tap_batch *b, const struct tap_event *e)
{
    unsigned item = e->raw.len > 9 ? b->arena[e->raw.off] : 0;
    return (item & 15) >= TAP_ITEM_MESSAGE && tap_item_known(item);
}
/* A frame begins: nothing is defined. */
void tap_items_begin(struct tap_items *);
/* The item of an event, which is one, and before it what it names and the frame has not defined:
 * one process and one function at the most. */
void tap_items_put(struct tap_items *, struct tap_writer *, const struct tap_batch *,
                   const struct tap_event *);

#endif
