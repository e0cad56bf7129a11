/* fatal.c: a sink that is right until the operation WHERE, in which it does HOW: CRASH, ABORT, EXIT
 * or HANG.
 */
#include "../bad/right.h"

#define CRASH (*(volatile int *)0 = 1)
#define ABORT abort()
#define EXIT exit(0)
#define HANG              \
    while (getppid() > 0) \
    pause()

static void fatal(const char *operation)
{
    if (strcmp(operation, WHERE) == 0)
        HOW;
}

static enum tap_status create(const struct tap_host *host, const void *settings, void **self)
{
    fatal("create");
    return right_create(host, settings, self);
}

static enum tap_status start(void *self)
{
    fatal("start");
    return right_start(self);
}

static enum tap_status consume(void *self, const struct tap_batch *batch, const uint32_t *select,
                               size_t n)
{
    fatal("consume");
    return right_consume(self, batch, select, n);
}

static enum tap_status flush(void *self)
{
    fatal("flush");
    return right_flush(self);
}

static enum tap_status stop(void *self)
{
    fatal("stop");
    return right_stop(self);
}

static void destroy(void *self)
{
    fatal("destroy");
    right_destroy(self);
}

SINK(.create = create, .start = start, .consume = consume, .flush = flush, .stop = stop,
     .destroy = destroy)
