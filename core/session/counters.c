/* counters.c: see stats.h. */
#include "session/counters.h"

#include <string.h>

#include "config/session_options.h"

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

const char *tap_kind_name(unsigned kind)
{
    static const char *const names[] = {"lost",         "gap",  "node_up", "node_down",  "clock",
                                        "process_info", "plan", "mailbox", "returns_off"};
    _Static_assert(sizeof names / sizeof names[0] == TAP_KIND_COUNT - TAP_LOST,
                   "a name for each kind");
    if (kind < TAP_LOST)
        return tap_config_event_name(kind);
    return kind < TAP_KIND_COUNT ? names[kind - TAP_LOST] : "?";
}

const char *tap_reason_name(unsigned reason)
{
    static const char *const names[] = {
        [TAP_REASON_NONE] = "none",
        [TAP_REASON_CREDIT] = "credit",
        [TAP_REASON_QUEUE] = "queue",
        [TAP_REASON_RATE] = "rate",
        [TAP_REASON_MEMORY] = "memory",
        [TAP_REASON_TERM] = "term",
        [TAP_REASON_LIMIT] = "limit",
        [TAP_REASON_SINK_QUEUE] = "sink_queue",
        [TAP_REASON_SINK_FAILED] = "sink_failed",
        [TAP_REASON_CONNECTION] = "connection",
        [TAP_REASON_UNREADABLE] = "unreadable",
        [TAP_REASON_SEQUENCE] = "sequence",
    };
    _Static_assert(sizeof names / sizeof names[0] == TAP_REASON_COUNT, "a name for each reason");
    return reason < TAP_REASON_COUNT ? names[reason] : "?";
}
