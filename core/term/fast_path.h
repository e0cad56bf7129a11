/* fast_path.h: the quick way to print what is simple. Inside of the printers only. */
#ifndef TAP_TERM_FAST_PATH_H
#define TAP_TERM_FAST_PATH_H

#include <string.h>

#include "term/print.h"

struct tap_plain {
    const char *end; /* output may go as far */
    const struct tap_name *home;
    bool json;
};
/* All but `end`. The syntax must be Erlang's. */
struct tap_plain tap_plain_of(const struct tap_names *, const struct tap_print *);
/* Prints the term at the cursor and goes past it; where it ended. NULL: it is not so simple, or may
 * not fit; nothing is promised of the cursor and of the bytes at p then. */
char *tap_plain_term(char *p, struct tap_cursor *, const struct tap_plain *, unsigned depth);

/* term_atom.c: does it stand without quotes in Erlang, all ASCII? */
bool tap_atom_is_bare(const char *text, size_t n);

#endif
