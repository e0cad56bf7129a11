/* plugin_counters.c: see plugin_counters.h. */
#include "session/plugin_counters.h"

#include <string.h>

void tap_counters_init(struct tap_counters *c)
{
    memset(c, 0, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
}

void tap_counters_destroy(struct tap_counters *c)
{
    pthread_mutex_destroy(&c->lock);
}

void tap_counters_add(struct tap_counters *c, const char *name, int64_t n)
{
    pthread_mutex_lock(&c->lock);
    unsigned i = 0;
    while (i < c->count && c->items[i].name != name && strcmp(c->items[i].name, name) != 0)
        i++;
    if (i == c->count && i < TAP_COUNTERS) {
        c->items[i].name = name;
        c->items[i].value = 0;
        c->count++;
    }
    if (i < TAP_COUNTERS)
        c->items[i].value += n;
    pthread_mutex_unlock(&c->lock);
}

bool tap_counters_get(struct tap_counters *c, unsigned i, const char **name, int64_t *value)
{
    pthread_mutex_lock(&c->lock);
    bool there = i < c->count;
    if (there) {
        *name = c->items[i].name;
        *value = c->items[i].value;
    }
    pthread_mutex_unlock(&c->lock);
    return there;
}
