/* Waits for each event.
 * told: us an event, so it takes
 */
#include "right.h"

static enum tap_status consume(void *self, const struct tap_batch *batch, const uint32_t *select,
                               size_t n)
{
    if (n == 2000) /* else this test would be as slow */
        for (size_t i = 0; i < n; i++)
            usleep(60);
    return right_consume(self, batch, select, n);
}

SINK(.consume = consume)
