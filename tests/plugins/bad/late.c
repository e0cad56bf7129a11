/* Writes in flush what it was lent in consume.
 * told: it crashed in flush (SIGSEGV: it uses a batch that it did not hold after consume has
 */
#include "right.h"

static const struct tap_batch *last;

static enum tap_status consume(void *self, const struct tap_batch *batch, const uint32_t *select,
                               size_t n)
{
    last = batch;
    return right_consume(self, batch, select, n);
}

static enum tap_status flush(void *self)
{
    begin(self);
    return last && last->count > 1000000000 ? TAP_ERROR : TAP_OK;
}

SINK(.consume = consume, .flush = flush)
