/* sized.h: structs that come from the other side of the border, and may be of another version.
 *
 * Each begins with its size (beamtap/plugin.h). What it lacks is zero here, what it has beyond ours
 * is left out.
 */
#ifndef TAP_BASE_SIZED_H
#define TAP_BASE_SIZED_H

#include <string.h>

#include "beamtap/plugin.h"

/* Copies a struct of `from_size` bytes into one of `size` bytes, which both begin with their
 * sizes. */
static inline void tap_sized_copy(void *to, uint32_t size, const void *from, uint32_t from_size)
{
    uint32_t n = from_size < size ? from_size : size;
    memcpy(to, from, n);
    memset((char *)to + n, 0, size - n);
    memcpy(to, &size, sizeof size);
}

/* Makes *to of *from, whose last field in 1.0 is `last`. False, and nothing is done: it is shorter
 * than that. */
#define TAP_SIZED_READ(to, from, last) \
    (TAP_HAS(from, last) && (tap_sized_copy(to, sizeof *(to), from, (from)->struct_size), true))

/* Fills *to, whose struct_size says how much there is room for, from our own *from. */
#define TAP_SIZED_FILL(to, from)                                                                   \
    do {                                                                                           \
        uint32_t room_ = (to)->struct_size;                                                        \
        tap_sized_copy(to, room_ < sizeof *(from) ? room_ : sizeof *(from), from, sizeof *(from)); \
        (to)->struct_size = room_;                                                                 \
    } while (0)

#endif
