/* native_term.h: the native tracer travels inside the plugin, as its agent does, and with the plan
 * into the node. */
#ifndef TAP_TRANSPORTS_BEAM_NODE_NATIVE_TERM_H
#define TAP_TRANSPORTS_BEAM_NODE_NATIVE_TERM_H

#include "beamtap/transport.h"

/* Writes the key `native` and its map (protocol.h); with_stream: but for its last pair, `stream`,
 * which the caller writes behind it. */
void tap_native_term_write(struct tap_buf *, const struct tap_plan *, bool with_stream);

#endif
