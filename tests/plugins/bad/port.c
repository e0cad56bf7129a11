/* Writes where only one value of an option has somebody who takes it; --set says which.
 * told: (that was with size=1)
 * told: (its log said: nobody takes anything at 1)
 */
#include "right.h"

static enum tap_status consume(void *self, const struct tap_batch *batch, const uint32_t *select,
                               size_t n)
{
    struct self *s = self;
    if (s->settings->size == 4000) /* 4k */
        return right_consume(self, batch, select, n);
    s->host->log(s->host, TAP_LOG_WARNING, "nobody takes anything at %d", (int)s->settings->size);
    return TAP_OK;
}

SINK(.consume = consume)
