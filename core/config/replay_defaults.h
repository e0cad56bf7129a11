/* replay_defaults.h: what a configuration means where its transport plays a recording (plugin.h,
 * TAP_PLUGIN_REPLAYS). */
#ifndef TAP_CONFIG_REPLAY_DEFAULTS_H
#define TAP_CONFIG_REPLAY_DEFAULTS_H

#include "config/config.h"
#include "config/ini_file.h"

/* Other defaults, for what the file does not say; without such a transport, that the file names
 * nodes. The instances have been made. False only when out of memory. */
bool tap_config_replay(struct tap_config *, const struct tap_ini *, struct tap_error *err);

#endif
