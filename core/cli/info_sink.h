/* info_sink.h: the sink behind `beamtap info`: it counts what a recording holds, and writes
 * nothing. */
#ifndef TAP_CLI_INFO_SINK_H
#define TAP_CLI_INFO_SINK_H

#include "plugin/registry.h"

struct tap_info {
    const struct tap_host *host;
    int64_t first, last;             /* ns since the epoch, of counted events; first 0: none */
    uint64_t events[TAP_KIND_COUNT]; /* also of the kinds that are control */
    uint64_t bytes[TAP_KIND_COUNT];  /* of what they were made of, as it was recorded */
};

/* As the registry would give it. Its `self` is a struct tap_info. */
extern const struct tap_loaded tap_info_plugin;

#endif
