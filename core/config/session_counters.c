/* session_counters.c: the keys of a profile, which takes no events. */
#include <string.h>

#include "base/event_names.h"
#include "beamtap/counters.h"
#include "config/session_options.h"
#include "syntax/suggest.h"

#define INTERVAL_MIN INT64_C(100000000)

static void counter(struct tap_session_settings *s, const struct tap_text *name,
                    struct tap_error *err)
{
    const char *names[] = {tap_counter_name(0), tap_counter_name(1), tap_counter_name(2)};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(name->text, names[i]) == 0) {
            s->counters |= 1u << i;
            return;
        }
    const char *nearest = tap_suggest(name->text, names, 3);
    tap_error_add_at(err, "session", name, "unknown counter '%s' (%s%s%s)", name->text,
                     nearest ? "did you mean '" : "there are calls, time, memory",
                     nearest ? nearest : "", nearest ? "'?" : "");
}

void tap_config_counters(struct tap_session_settings *s, struct tap_error *err)
{
    for (size_t i = 0; i < s->counter_names.count; i++)
        counter(s, &s->counter_names.items[i], err);
    const struct tap_text *events = s->event_names.count ? &s->event_names.items[0] : NULL;
    if (s->interval && (s->interval < INTERVAL_MIN || !s->counters))
        TAP_ERR(err, TAP_INVALID, "session",
                s->counters ? "interval is 0 or at least 100ms"
                            : "interval says how often `counters` are read, and there are none");
    if (s->counters && events && events->file) {
        tap_error_add_at(err, "session", events,
                         "events and counters do not go together: what the VM counts is no event");
    } else if (s->counters) {
        s->events = TAP_KIND_BIT(TAP_FUNCTION_COUNTERS);
    } else if (events && events->file && s->events & TAP_KIND_BIT(TAP_FUNCTION_COUNTERS)) {
        tap_error_add_at(err, "session", events, "function_counters are had with counters = calls");
    }
}
