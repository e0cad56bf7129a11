/* config_text.h: the effective configuration as INI text. */
#ifndef TAP_CONFIG_CONFIG_TEXT_H
#define TAP_CONFIG_CONFIG_TEXT_H

#include "config/config.h"

/* Fills config->text; false: out of memory. */
bool tap_config_text(struct tap_config *);

#endif
