/* defaults.c: the one place of the core that names plugins. */
#include "library/defaults.h"

#include "config/triggers.h"

const struct tap_defaults tap_defaults = {
    .transport = "transport:dist",
    .recording = "transport:file",
    .modules = "filter:modules.modules",
    .pids = "filter:pids.pids",
    .match_spec = "filter:match_spec.trace",
    .time = "filter:time",
    .nodes = "filter:nodes.nodes",
    .summary = "summary",
    .text = "stdout",
    .screen = "top",
};

const struct tap_trigger_judge tap_trigger_patterns = {"match_spec", "trace", "undecided", "drop"};
const struct tap_trigger_judge tap_trigger_processes = {"pids", "pids", NULL, NULL};
