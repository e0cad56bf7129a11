/* names.h: atoms and local processes in the external term format, as they were encoded last.
 *
 * Both are words that stand for the same thing as long as the node lives, and the interface for
 * NIFs reads neither of them without a call that allocates. So each thread keeps what it has met
 * lately. One thread at a time.
 *
 * With numbers for names (beamtap/frame.h, TAP_FRAME_NUMBERED) what a number stands for is written
 * in front of the event that needs it first: where that event is lost, so is what it defined.
 */
#ifndef TAP_NATIVE_NAMES_H
#define TAP_NATIVE_NAMES_H

#include <erl_nif.h>
#include <stdbool.h>
#include <stdint.h>

#define TAP_NAMES_SLOTS 1024 /* a power of two */
#define TAP_NAME_BYTES 118   /* a longer one is encoded each time */

struct tap_name_slot {
    ERL_NIF_TERM term; /* 0: empty, which no term is */
    uint16_t len;
    uint8_t bytes[TAP_NAME_BYTES];
};
struct tap_native_names {
    struct tap_name_slot slots[TAP_NAMES_SLOTS];
};

#define TAP_NUMBERS 1024 /* of each kind, of a thread: a power of two */
struct tap_native_function {
    ERL_NIF_TERM module, function;
};
struct tap_native_numbers {
    uint32_t first; /* of this thread's numbers */
    ERL_NIF_TERM processes[TAP_NUMBERS];
    struct tap_native_function functions[TAP_NUMBERS];
    /* What the event defined that is being made; or NULL. */
    ERL_NIF_TERM *process;
    struct tap_native_function *function;
};
/* The event is lost. */
static inline void tap_numbers_forget(struct tap_native_numbers *n)
{
    if (n->process)
        *n->process = 0;
    if (n->function)
        n->function->module = 0;
}

/* The slot with the bytes of an atom or a local pid (no other term), without version byte. NULL: it
 * does not fit, or there is no memory. */
const struct tap_name_slot *tap_names_fill(struct tap_native_names *, ErlNifEnv *, ERL_NIF_TERM,
                                           struct tap_name_slot *);
static inline const struct tap_name_slot *tap_names_find(struct tap_native_names *names,
                                                         ErlNifEnv *env, ERL_NIF_TERM term)
{
    uint64_t hash = (uint64_t)term * UINT64_C(0x9e3779b97f4a7c15);
    struct tap_name_slot *slot = &names->slots[hash >> 54];
    return slot->term == term ? slot : tap_names_fill(names, env, term, slot);
}

#endif
