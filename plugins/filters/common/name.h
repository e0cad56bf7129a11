/* name.h: how people write the names of modules and processes, shared by the filters.
 *
 * A name is an Erlang atom, bare or in quotes, or an Elixir alias: whatever begins with a capital
 * letter means the atom with `Elixir.` in front (Shop.Cart is 'Elixir.Shop.Cart'). All inline: each
 * filter is a shared object of its own.
 */
#ifndef TAP_FILTERS_COMMON_NAME_H
#define TAP_FILTERS_COMMON_NAME_H

#include <stdio.h>

#include "beamtap/filter.h"
#include "syntax/chars.h"

#define TAP_FILTER_ELIXIR "Elixir."
#define TAP_FILTER_NAME_MAX 1020 /* bytes of the longest atom: 255 characters of four bytes */

static inline bool tap_name_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}
static inline bool tap_name_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || tap_name_is_upper(c) || (c >= '0' && c <= '9') || c == '_' ||
           c == '@' || (unsigned char)c >= 0x80;
}

/* Reads the name that `text` begins with, up to NUL, into dst (at least TAP_FILTER_NAME_MAX + 1
 * bytes) as the node writes it: no quotes, aliases spelled out. With `glob`, * and ? may stand in a
 * bare name; in quotes they are taken as wildcards too, since atoms with such characters are rare
 * and a pattern has no other way to name them. Returns NULL, or what is wrong with it, with *at its
 * offset. */
static inline const char *tap_name_read(const char *text, bool glob, char *dst, size_t *at)
{
    size_t n = 0, i, taken, characters = 0;
    uint32_t c;
    bool quoted = text[0] == '\'';
    if (!quoted && tap_name_is_upper(text[0]) && strncmp(text, TAP_FILTER_ELIXIR, 7) != 0) {
        memcpy(dst, TAP_FILTER_ELIXIR, 7);
        n = characters = 7;
    }
    for (i = quoted; text[i] && !(quoted && text[i] == '\''); i += taken) {
        bool wild = glob && (text[i] == '*' || text[i] == '?');
        bool dot = text[i] == '.' && i > 0;
        if (quoted && text[i] == '\\' && text[i + 1])
            i++;
        *at = i;
        if (!quoted && !wild && !dot && !tap_name_is_word(text[i]))
            return "this character cannot stand in a name without single quotes";
        if (++characters > 255)
            return "a name has at most 255 characters";
        if (!(taken = tap_syn_char_decode(text + i, &c)))
            return "this byte is not UTF-8";
        memcpy(dst + n, text + i, taken);
        n += taken;
    }
    dst[n] = 0;
    *at = i;
    if (quoted && !text[i])
        return "the closing single quote is missing";
    if (quoted && text[i + 1])
        return *at = i + 1, "nothing may follow the closing single quote";
    if (n == 0)
        return *at = 0, "the name is empty";
    *at = 0;
    if (!quoted && ((text[0] >= '0' && text[0] <= '9') || text[0] == '@'))
        return "a name that begins like this needs single quotes";
    return NULL;
}

#endif
