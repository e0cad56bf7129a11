/* Believes what a node sends: that a message is a tuple of two, and its first part an atom.
 * told: it crashed in consume (SIG
 */
#include "right.h"

static enum tap_status consume(void *self, const struct tap_batch *batch, const uint32_t *select,
                               size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        const uint8_t *term = batch->arena + e->payload.off;
        char name[256];
        if (e->kind != TAP_MESSAGE_RECEIVE || !e->payload.len)
            continue;
        if (term[0] != 'h' || term[1] != 2 || term[2] != 'w')
            abort();
        memcpy(name, term + 4, term[3]);
    }
    return right_consume(self, batch, select, n);
}

SINK(.consume = consume)
