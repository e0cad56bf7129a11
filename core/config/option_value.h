/* option_value.h: single values, for the schema code in options.c and for what prints settings. */
#ifndef TAP_CONFIG_OPTION_VALUE_H
#define TAP_CONFIG_OPTION_VALUE_H

#include "config/options.h"

/* False when the text is no such value (tap_parse_size and _duration: options.h). Any thread. */
bool tap_parse_int(const char *text, int64_t *value);
bool tap_parse_bool(const char *text, bool *value);
/* An INT, SIZE or DURATION as the file would have it ("64k", "30s"). snprintf-like. */
size_t tap_option_number_print(const struct tap_option *, int64_t value, char *dst, size_t cap);
/* "name = value" lines for the option's field in a settings struct, in the syntax of the file;
 * nothing for what is not set. */
void tap_option_value_print(const struct tap_option *, const void *settings, FILE *);

#endif
