/* own_name.h: the name that a collector takes in the cluster when the user gave none.
 *
 * A node keeps the name of whoever connects as an atom, and atoms are for ever: a name of its own
 * for each run would fill the node's atom table. So there are few, and they are used again:
 * beamtap_1 for the first collector on a machine, beamtap_2 for one beside it.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_OWN_NAME_H
#define TAP_TRANSPORTS_BEAM_NET_OWN_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the first name that no other process of this machine has, and returns the descriptor that
 * holds it until it is closed; -1: all are taken, and the name may be in use. */
int tap_own_name(char *name, size_t cap);
/* The next name to try where a node says that this one is in use: a collector on another machine of
 * the same name has it, or one that is gone and that the node still waits for. False: no more. Only
 * for names as tap_own_name gives them; others are left as they are. */
bool tap_own_name_next(char *name, size_t cap);

#endif
