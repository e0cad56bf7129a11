/* trace_message.h: one trace message becomes one event.
 *
 * Envelope eager, payload lazy: the kind, time, pid, module, function, arity and peer are read and
 * interned; arguments, messages and values are only skipped, and stay where they are in the arena
 * as spans. Any bytes may come: what is not a whole trace message is said to be bad, and nothing
 * else happens.
 */
#ifndef TAP_DECODE_TRACE_MESSAGE_H
#define TAP_DECODE_TRACE_MESSAGE_H

#include "beamtap/term.h"
#include "decode/node_clock.h"
#include "names/atom_cache.h"

/* In an event's flags, until correlate/tails.h has seen it: its caller was told (none: nothing of
 * the process's stack is beneath it), and, nobody asked for that. */
#define TAP_DECODE_CALLER (1u << 30)
#define TAP_DECODE_TAIL (1u << 31)

enum tap_decoded {
    TAP_DECODED,
    /* a trace message of a kind that is no event (return_to, gc_max_heap_size) */
    TAP_DECODE_IGNORED,
    TAP_DECODE_BAD
};

/* Reads the external term at arena[off .. off + len) (with version byte) into *ev, which must be
 * zeroed but for arity -1; on anything but TAP_DECODED its content means nothing. Sets ev->ts only
 * where the message has a time. Transport thread (interns). */
enum tap_decoded tap_decode_message(struct tap_atom_cache *, struct tap_node_clock *,
                                    const uint8_t *arena, uint32_t off, uint32_t len,
                                    struct tap_event *ev);

/* The same without version byte, in a list of them: reads at arena[*off .. end), and leaves *off
 * behind it unless it is bad. `numbered`: of such a frame, where a time is 8 bytes. */
enum tap_decoded tap_decode_item(struct tap_atom_cache *, struct tap_node_clock *,
                                 const uint8_t *arena, uint32_t *off, uint32_t end,
                                 struct tap_event *ev, bool numbered);

/* Where there are so many names that the table of them is in no cache, looking one up waits for
 * memory. From tap_decode_defer_names on until tap_decode_deferred_names, the functions of events
 * are only asked for; the latter gives them to these, all that were read meanwhile and lie in this
 * arena. False: there are few, and each is looked up at once. */
/* such a function: see tap_deferred_atom */
#define TAP_NAME_DEFERRED UINT32_MAX
/* Where the atom of such a function is in the arena, until its name is known. It takes the place of
 * the flow, which nobody gives out before an event is decoded: an event is two lines, and has no
 * room for what no sink ever sees. */
static inline uint64_t *tap_deferred_atom(struct tap_event *ev)
{
    return &ev->flow;
}
bool tap_decode_defer_names(struct tap_atom_cache *);
void tap_decode_deferred_names(struct tap_atom_cache *, const uint8_t *arena, uint32_t arena_len,
                               struct tap_event *events, uint32_t n);

/* The span of the term at the cursor, which is skipped; false when it is not whole. */
static inline bool tap_decode_span(struct tap_cursor *c, const uint8_t *arena,
                                   struct tap_span *span)
{
    const uint8_t *from = c->p;
    if (!tap_skip(c))
        return false;
    span->off = (uint32_t)(from - arena);
    span->len = (uint32_t)(c->p - from);
    return true;
}

#endif
