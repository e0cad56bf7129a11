/* Writes a line at each flush, fails without a word, and does not notice that nothing was opened.
 * told: flush makes its file longer though nothing came
 * told: its output is in a folder that is not there, and it says so only when the run has begun
 * told: fails and does not say why (TAP_FAIL)
 */
#include "right.h"

static enum tap_status start(void *self)
{
    right_start(self);
    return TAP_OK;
}

static enum tap_status consume(void *self, const struct tap_batch *batch, const uint32_t *select,
                               size_t n)
{
    struct self *s = self;
    return s->fd < 0 ? TAP_ERROR : right_consume(self, batch, select, n);
}

static enum tap_status flush(void *self)
{
    struct self *s = self;
    begin(s);
    return write(s->fd, "alive\n", 6) == 6 ? TAP_OK : fails(s);
}

SINK(.start = start, .consume = consume, .flush = flush)
