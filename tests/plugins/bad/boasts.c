/* Takes every event of a batch for its own.
 * told: it says that it wrote more events than it was given
 */
#include "right.h"

static enum tap_status consume(void *self, const struct tap_batch *batch, const uint32_t *select,
                               size_t n)
{
    struct self *s = self;
    enum tap_status status = right_consume(self, batch, select, n);
    s->host->sink->written(s->host, batch->count - n, 0);
    return status;
}

SINK(.consume = consume)
