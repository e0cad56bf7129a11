/* numbered.h: items of a frame with TAP_FRAME_NUMBERED (beamtap/frame.h) become events.
 *
 * What a number stands for is kept as it is wanted here, so that an event takes no look at a name.
 * Any bytes may come: a number that was not defined makes its item bad, and what follows an item
 * that is bad cannot be read.
 */
#ifndef TAP_DECODE_NUMBERED_H
#define TAP_DECODE_NUMBERED_H

#include "decode/trace_message.h"

/* Of one node, as long as its stream goes on; of recorded frames those of one. */
struct tap_numbers;
struct tap_numbers *tap_numbers_new(void);
void tap_numbers_free(struct tap_numbers *);
/* A frame begins. `recorded`: it has numbers of its own. */
void tap_numbers_begin(struct tap_numbers *, bool recorded);
/* Those that are there, or new ones. NULL: out of memory. */
static inline struct tap_numbers *tap_numbers_once(struct tap_numbers **n, bool wanted)
{
    return !wanted ? NULL : *n ? *n : (*n = tap_numbers_new());
}

/* Reads what is at arena[*off .. end) up to the end of the next event, into *ev as tap_decode_item
 * does, and leaves *off behind it unless it is bad. */
enum tap_decoded tap_decode_numbered(struct tap_numbers *, struct tap_atom_cache *,
                                     struct tap_node_clock *, const uint8_t *arena, uint32_t *off,
                                     uint32_t end, struct tap_event *ev);

#endif
