/* mask.h: the cluster's cookie is taken out of what nodes send, before anything of it is kept.
 *
 * Whoever traces messages sees the handshakes of other nodes, which ask for the cookie as an atom.
 * Whole atoms, strings and binaries that are the cookie are overwritten with as many stars, so that
 * every sink and every recording has only those. What merely holds it is left as it is. A cookie of
 * fewer than TAP_MASK_MIN bytes is not masked, nor one that the plan names (a module, a function, a
 * registered process): such a word stands for innocent things too.
 */
#ifndef TAP_TRANSPORTS_BEAM_NET_MASK_H
#define TAP_TRANSPORTS_BEAM_NET_MASK_H

#include "beamtap/transport.h"

#define TAP_MASK_MIN 8u
#define TAP_MASK_MAX 255u /* bytes of an atom */

struct tap_mask {
    size_t len; /* 0: nothing is masked */
    char text[TAP_MASK_MAX + 1];
};

/* `plan` may be NULL. */
void tap_mask_set(struct tap_mask *, const char *cookie, const struct tap_plan *plan);
/* Masks it in these bytes; how often. Costs about a tenth of a nanosecond a byte where it is not
 * there. */
size_t tap_mask_bytes(const struct tap_mask *, uint8_t *bytes, size_t n);

#endif
