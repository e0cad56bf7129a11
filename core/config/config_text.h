/* config_text.h: a configuration's text: the file's, and the effective one. */
#ifndef TAP_CONFIG_CONFIG_TEXT_H
#define TAP_CONFIG_CONFIG_TEXT_H

#include "config/config.h"

/* Fills config->text; false: out of memory. A setting of the command line that no file can say
 * stands in it as a comment. */
bool tap_config_text(struct tap_config *);

/* The whole file, to be freed; NULL and errno. EFBIG: it is larger than any configuration. */
char *tap_config_read(const char *path, size_t *len);

#endif
