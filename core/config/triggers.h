/* triggers.h: the lines of start_on and stop_on. */
#ifndef TAP_CONFIG_TRIGGERS_H
#define TAP_CONFIG_TRIGGERS_H

#include "config/config.h"

/* Reads them into config->triggers; mistakes go to `err`. False: out of memory. */
bool tap_config_triggers(struct tap_config *, struct tap_error *err);
/* What a line waits for, in events of which kind, and what is behind its word. */
enum tap_trigger_what tap_trigger_read(const char *line, unsigned *kind, const char **rest);
/* The filters that judge: their plugins' names, the key that takes the pattern or the process, and
 * for patterns what leaves out an event that cannot be judged. Which they are library/defaults.c
 * says, where plugins are named. */
struct tap_trigger_judge {
    const char *plugin, *key, *undecided, *drop;
};
extern const struct tap_trigger_judge tap_trigger_patterns, tap_trigger_processes;
/* The one of this trigger; NULL: none is needed. */
const struct tap_trigger_judge *tap_trigger_judge(const struct tap_trigger *);
/* The trigger's name for people: "start_on: crash shop_door". */
void tap_trigger_name(const struct tap_trigger *, char *dst, size_t cap);

#endif
