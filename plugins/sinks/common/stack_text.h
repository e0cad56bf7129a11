/* stack_text.h: the stack of a call as text: shop_cart:add/2 (src/shop_cart.erl:12). */
#ifndef TAP_SINKS_COMMON_STACK_TEXT_H
#define TAP_SINKS_COMMON_STACK_TEXT_H

#include "beamtap/stack.h"
#include "sinks/common/writer.h"

/* Writes the frames, whoever called first, each with `before` in front and `after` behind it, but
 * `first` in front of the first. How many; *size is set where the stack was cut in the node. */
unsigned tap_stack_put(struct tap_writer *, const struct tap_batch *, const struct tap_event *,
                       const char *first, const char *before, const char *after,
                       const struct tap_print *, uint64_t *size);

#endif
