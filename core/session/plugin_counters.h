/* plugin_counters.h: figures by name, as plugins add them (host->count). */
#ifndef TAP_SESSION_PLUGIN_COUNTERS_H
#define TAP_SESSION_PLUGIN_COUNTERS_H

#include <pthread.h>

#include "beamtap/plugin.h"

#define TAP_COUNTERS 32 /* names an instance; more are left out */

struct tap_counters {
    pthread_mutex_t lock;
    unsigned count;
    struct {
        const char *name; /* the plugin's string constant */
        int64_t value;
    } items[TAP_COUNTERS];
};

void tap_counters_init(struct tap_counters *);
void tap_counters_destroy(struct tap_counters *);
/* Any thread. */
void tap_counters_add(struct tap_counters *, const char *name, int64_t n);
/* The i-th, in order of first use; false beyond the last. Any thread. */
bool tap_counters_get(struct tap_counters *, unsigned i, const char **name, int64_t *value);

#endif
