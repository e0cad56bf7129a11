/* json_event.h: an event as one JSON object, a line of its own. Which keys it has: json_event.c. */
#ifndef TAP_SINKS_COMMON_JSON_EVENT_H
#define TAP_SINKS_COMMON_JSON_EVENT_H

#include "sinks/common/node_labels.h"
#include "sinks/common/writer.h"

struct tap_json {
    const struct tap_host *host;
    struct tap_writer *w;
    struct tap_sink_nodes *nodes;
    struct tap_print print; /* syntax and limits of terms */
};

/* Writes the line, which the caller ends. Only of kinds that have a row (tap_kind_has_row). */
void tap_json_event(struct tap_json *, const struct tap_batch *, const struct tap_event *);

#endif
