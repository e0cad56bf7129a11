/* filter.h: a filter that filters here, not in the nodes. */
#ifndef TAP_BUS_FILTER_H
#define TAP_BUS_FILTER_H

#include <string.h>

#include "beamtap/filter.h"
#include "plugin/operation.h"

struct tap_bus_filter {
    const struct tap_filter_ops *ops;
    void *self;
    const char *section, *file; /* whose it is, for people */
    atomic_bool *crashed;       /* as in a tap_operation */
};

/* Its verdict on each event of a batch. */
static inline void tap_bus_filter_run(const struct tap_bus_filter *filter,
                                      const struct tap_batch *batch, uint8_t *keep)
{
    memset(keep, 1, batch->count);
    struct tap_operation before = tap_operation_begin(
        (struct tap_operation){"filter", filter->section, filter->file, filter->crashed});
    filter->ops->filter(filter->self, batch, keep);
    tap_operation_end(before);
}

#endif
