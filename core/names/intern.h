/* intern.h: names (atoms) by id, with the forms sinks write. Append-only; entries never move. One
 * writer at a time (a mutex inside); readers need none once an id has reached them through a
 * queue. */
#ifndef TAP_NAMES_INTERN_H
#define TAP_NAMES_INTERN_H

#include "beamtap/plugin.h"
#include "beamtap/term.h"

struct tap_intern;
/* 0: the default, 1 Mi (as the VM's atom table). Their characters have 256 bytes each on the
 * average, with all forms of them. */
struct tap_intern *tap_intern_new(uint32_t max_names);
void tap_intern_free(struct tap_intern *);
const struct tap_names *tap_intern_names(const struct tap_intern *);
/* A name was turned away, for there was no room or no memory. Any thread. */
bool tap_intern_is_full(const struct tap_intern *);
/* Characters in UTF-8. The id; 0 for the empty name and when the table is full. Any thread. */
uint32_t tap_intern_name(struct tap_intern *, const char *text, size_t len);
/* The same of characters in latin1. */
uint32_t tap_intern_latin1(struct tap_intern *, const char *text, size_t len);
#endif
