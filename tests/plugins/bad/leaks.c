/* Forgets to give back what it took.
 * told: after destroy it leaves 1 more descriptors open
 * told: each life leaves about
 */
#include "right.h"

static enum tap_status stop(void *self)
{
    struct self *s = self;
    if (s->fd >= 0 && !s->begun && s->made)
        unlink(s->settings->path);
    return TAP_OK;
}

static void destroy(void *self)
{
    (void)self;
}

SINK(.stop = stop, .destroy = destroy)
