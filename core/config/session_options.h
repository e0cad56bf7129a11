/* session_options.h: what config.c needs of the [session] section. */
#ifndef TAP_CONFIG_SESSION_OPTIONS_H
#define TAP_CONFIG_SESSION_OPTIONS_H

#include "config/config.h"

/* Judges filled session settings: node names and events; fills settings->events, and splits the
 * nodes' texts into names and ports, which live in the pool. Mistakes go to `err`. */
void tap_config_session(struct tap_session_settings *, struct tap_mempool *, struct tap_error *err);
/* The same of counters and interval, after the events: a profile takes none. */
void tap_config_counters(struct tap_session_settings *, struct tap_error *err);

#endif
