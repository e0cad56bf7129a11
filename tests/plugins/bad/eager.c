/* Opens its file in create: `beamtap check` would, too.
 * told: after create, which is for no input or output, it leaves 1 more descriptors open
 * told: create makes a file; that is for start
 */
#include "right.h"

static enum tap_status create(const struct tap_host *host, const void *settings, void **self)
{
    enum tap_status status = right_create(host, settings, self);
    return status == TAP_OK ? right_start(*self) : status;
}

static enum tap_status start(void *self)
{
    (void)self;
    return TAP_OK;
}

static void destroy(void *self)
{
    right_stop(self);
    free(self);
}

SINK(.create = create, .start = start, .destroy = destroy)
