/* override.h: one --set argument into the sections of a configuration. */
#ifndef TAP_CONFIG_OVERRIDE_H
#define TAP_CONFIG_OVERRIDE_H

#include "config/ini_file.h"

/* The first --set of a key takes the place of what the file says; further ones of the same key are
 * added, so that keys that may repeat can be given several times (for others the last one holds). A
 * section that is not there is made. A malformed argument becomes a cause. `origin` says where it
 * came from, in front of its key: "--set". False only when out of memory. */
bool tap_config_set(struct tap_ini *, const char *set, const char *origin, struct tap_mempool *,
                    struct tap_error *);

#endif
