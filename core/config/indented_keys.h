/* indented_keys.h: an indented key continues the value above it; that is seldom meant when it is a
 * key of this section. */
#ifndef TAP_CONFIG_INDENTED_KEYS_H
#define TAP_CONFIG_INDENTED_KEYS_H

#include "config/ini_file.h"

/* Tells of each that is an option of one of `n` tables. */
void tap_indented_keys(const struct tap_ini_section *, const struct tap_option *const *tables,
                       const size_t *counts, size_t n, struct tap_error *);

#endif
