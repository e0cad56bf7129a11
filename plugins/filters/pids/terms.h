/* terms.h: names of processes, as the node's reports have them. */
#ifndef TAP_FILTERS_PIDS_TERMS_H
#define TAP_FILTERS_PIDS_TERMS_H

#include "filters/common/name.h"

/* An atom as UTF-8 with a NUL; false: it is none. Old nodes send latin1. */
bool tap_pids_read_atom(struct tap_cursor *, char name[TAP_FILTER_NAME_MAX + 1]);
/* A selector of the plan's report: a name or a root's pid as a binary, {tree, Binary} of who lives
 * below that, or as terms {name, Atom}, {tree, {name, Atom}}; the others need no resolution. Gives
 * the name it speaks of, or "". The report may hold what other filters asked for, so only the name
 * counts: our own selectors say what it means here. */
bool tap_pids_read_selector(struct tap_cursor *, char name[TAP_FILTER_NAME_MAX + 1], bool *below);

#endif
