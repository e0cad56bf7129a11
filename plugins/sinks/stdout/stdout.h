/* stdout.h: the stdout sink's parts: plugin.c (options and life), text.c and text_body.c (lines for
 * people), depth.c (how deep in calls a process is).
 */
#ifndef TAP_SINKS_STDOUT_STDOUT_H
#define TAP_SINKS_STDOUT_STDOUT_H

#include "sinks/common/process_table.h"
#include "sinks/common/node_labels.h"
#include "beamtap/returns_off.h"
#include "sinks/common/call_rules.h"
#include "sinks/common/json_event.h"
#include "sinks/common/writer.h"

enum out_format { OUT_TEXT, OUT_JSON };
enum out_time { OUT_RELATIVE, OUT_ABSOLUTE };

struct out_settings {
    const char *path;
    int format; /* enum out_format */
    int syntax; /* enum tap_print_syntax */
    int time;   /* enum out_time */
    bool indent, names;
    int64_t max_message;
    int64_t max_depth, max_items;
};

struct out_depths;

struct out {
    const struct tap_host *host;
    const struct out_settings *settings;
    struct tap_writer w;
    struct tap_sink_nodes nodes;
    struct out_depths *depths; /* NULL: no indentation */
    struct tap_returns_off returns_off;
    struct tap_returns_known returns_known;
    struct tap_process_table *called; /* NULL: pids alone */
    bool colour;
    uint32_t node_width; /* the longest node name so far */
    int64_t second;      /* second_text stands for it; absolute times only */
    char second_text[40];
    uint8_t second_len;
    struct tap_json json;
};

/* Writes one event that has a row (tap_kind_has_row) as one line, '\n' included; the caller ends
 * it. */
void out_text_event(struct out *, const struct tap_batch *, const struct tap_event *);

/* Call depths of the last few thousand processes that called something. NULL: out of memory. */
struct out_depths *out_depths_new(void);
void out_depths_free(struct out_depths *);
/* The depth at which this event stands; a call goes one deeper, unless it has no return, and a
 * return back to its call's. */
unsigned out_depths_step(struct out_depths *, const struct tap_event *, bool returns);
/* Events of the node are missing: what was open may have ended unseen. */
void out_depths_lost(struct out_depths *, uint32_t node);

static inline struct tap_print out_print(const struct out *self, const struct tap_sink_node *node)
{
    struct tap_print print = tap_sink_print(node, (enum tap_print_syntax)self->settings->syntax);
    print.limit = (size_t)self->settings->max_message;
    print.max_depth = (uint32_t)self->settings->max_depth;
    print.max_items = (uint32_t)self->settings->max_items;
    return print;
}

#endif
