/* names.c: what is not known yet is asked of the VM, by the call that tells it in every release. */
#include "transports/beam/native/names.h"

#include <string.h>

_Static_assert(TAP_NAMES_SLOTS == 1 << 10, "tap_names_find takes the upper 10 bits of the hash");

/* Before OTP 26 an atom of latin1 characters comes as ATOM_EXT; where it is ASCII too, it is the
 * shorter SMALL_ATOM_UTF8_EXT without a change of its characters. */
static void shorten_atom(struct tap_name_slot *slot)
{
    size_t len = slot->len < 3 || slot->bytes[0] != 100 || slot->bytes[1] != 0 ? 0 : slot->bytes[2];
    if (len == 0 || len + 3 != slot->len)
        return;
    for (size_t i = 0; i < len; i++)
        if (slot->bytes[3 + i] & 0x80)
            return;
    slot->bytes[0] = 119;
    memmove(slot->bytes + 1, slot->bytes + 2, len + 1);
    slot->len--;
}

const struct tap_name_slot *tap_names_fill(struct tap_native_names *names, ErlNifEnv *env,
                                           ERL_NIF_TERM term, struct tap_name_slot *slot)
{
    ErlNifBinary bin;
    (void)names;
    if (!enif_term_to_binary(env, term, &bin))
        return NULL;
    bool fits = bin.size > 1 && bin.size - 1 <= sizeof slot->bytes;
    if (fits) {
        slot->term = term;
        slot->len = (uint16_t)(bin.size - 1);
        memcpy(slot->bytes, bin.data + 1, slot->len);
        shorten_atom(slot);
    }
    enif_release_binary(&bin);
    return fits ? slot : NULL;
}
