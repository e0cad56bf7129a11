/* descriptor.h: may a descriptor be used? */
#ifndef TAP_PLUGIN_DESCRIPTOR_H
#define TAP_PLUGIN_DESCRIPTOR_H

#include "beamtap/plugin.h"

/* Judges a descriptor, field by field in the order in which fields may be trusted. False, and one
 * clause in `why` that follows the file's name ("is built for ..."), when it cannot be used as this
 * kind and name. */
bool tap_plugin_validate(const struct tap_plugin *, enum tap_plugin_kind, const char *name,
                         char *why, size_t cap);

/* The i-th row of a plugin's option table; of another version its rows may be longer than ours. */
const struct tap_option *tap_plugin_option(const struct tap_plugin *, size_t i);

#endif
