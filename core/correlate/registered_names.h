/* registered_names.h: which process has which registered name, as far as the stream tells: by
 * reports of the agent, and by register and unregister events where they are traced. Names change
 * owners unseen, so this is a hint and no proof. */
#ifndef TAP_CORRELATE_REGISTERED_NAMES_H
#define TAP_CORRELATE_REGISTERED_NAMES_H

#include "names/atom_cache.h"

struct tap_flow_names;

struct tap_flow_names *tap_flow_names_new(void);
void tap_flow_names_free(struct tap_flow_names *);
/* A process_register, process_unregister or process_info event; others say nothing. */
void tap_flow_names_event(struct tap_flow_names *, struct tap_atom_cache *,
                          const struct tap_event *, const uint8_t *arena);
/* The process that a name (a name id) stands for on a node (a name id); NULL: not known. */
const struct tap_pid *tap_flow_names_get(const struct tap_flow_names *, uint32_t node,
                                         uint32_t name);

#endif
