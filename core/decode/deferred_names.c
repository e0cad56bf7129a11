/* deferred_names.c: functions by name where there are tens of thousands: see
 * tap_decode_defer_names.
 *
 * A name's place in the table is fetched when its atom is come across, and looked at when all of
 * the frame was read: 256 places are a small part of the nearest cache, and none of them is waited
 * for.
 */
#include "decode/trace_message.h"

#define MANY_BUCKETS 8192u /* half a MiB */

bool tap_decode_defer_names(struct tap_atom_cache *atoms)
{
    return atoms->deferred = atoms->count > MANY_BUCKETS;
}

void tap_decode_deferred_names(struct tap_atom_cache *atoms, const uint8_t *arena,
                               uint32_t arena_len, struct tap_event *events, uint32_t n)
{
    atoms->deferred = false;
    for (uint32_t i = 0; i < n; i++) {
        struct tap_event *ev = &events[i];
        if (ev->function != TAP_NAME_DEFERRED)
            continue;
        uint64_t *at = tap_deferred_atom(ev);
        struct tap_cursor c = tap_cursor(arena + *at, arena_len - *at);
        ev->function = tap_intern_atom(atoms, &c);
        *at = 0;
    }
}
