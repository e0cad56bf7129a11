/* descriptor.h: may a descriptor be used? */
#ifndef TAP_PLUGIN_DESCRIPTOR_H
#define TAP_PLUGIN_DESCRIPTOR_H

#include "beamtap/filter.h"
#include "beamtap/sink.h"
#include "beamtap/transport.h"

/* Judges a descriptor, field by field in the order in which fields may be trusted. False, and one
 * clause in `why` that follows the file's name ("is built for ..."), when it cannot be used as this
 * kind and name. */
bool tap_plugin_validate(const struct tap_plugin *, enum tap_plugin_kind, const char *name,
                         char *why, size_t cap);

#endif
