/* stack_sums.h: stacks of calls added up over a whole run, as flame graphs need them: how often
 * each was there, and what its innermost function took of its own. Of a profile, in which there are
 * no stacks, each function stands by itself.
 */
#ifndef TAP_SINKS_COMMON_STACK_SUMS_H
#define TAP_SINKS_COMMON_STACK_SUMS_H

#include "beamtap/sink.h"

struct tap_stack_sums;
struct tap_writer;

struct tap_stack_sums *tap_stack_sums_new(const struct tap_host *); /* NULL: out of memory */
/* How many bytes different stacks may take, from now on; 32 MiB before. Calls of what is beyond are
 * added up as "(other stacks)", and the user is told. */
void tap_stack_sums_limit(struct tap_stack_sums *, uint64_t most);
void tap_stack_sums_free(struct tap_stack_sums *);
/* Every event, of any kind. False: out of memory. */
bool tap_stack_sums_take(struct tap_stack_sums *, const struct tap_batch *,
                         const struct tap_event *);
/* The run is over: writes a line for each stack, shop_cart:add/2;shop_cart:price/2 1234, with its
 * microseconds or its calls; with calls too where all that there is is a profile without time.
 * Stacks of 0 are left out; where calls were traced and none took any, the user is told why.
 * False: out of memory. */
bool tap_stack_sums_put(struct tap_stack_sums *, struct tap_writer *, bool calls);

#endif
