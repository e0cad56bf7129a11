/* plugin.c: the perfetto sink: a timeline in Perfetto's own format, a stream of packets. README.md
 * beside it says what is in it.
 */
#include "sinks/perfetto/perfetto.h"

static const struct tap_option options[] = {
    TAP_FILE_SINK_PATH(struct pf_settings),
    {"args", TAP_OPT_BOOL, "true", 0, 0, NULL, "print arguments, results, messages and reasons",
     offsetof(struct pf_settings, args), 0},
    {"limit", TAP_OPT_SIZE, "4k", 0, 1 << 20, NULL,
     "cut printed terms after about so many bytes; 0: never", offsetof(struct pf_settings, limit),
     TAP_OPT_BYTES},
    {"syntax", TAP_OPT_CHOICE, "erlang", 0, 0, tap_print_syntaxes, "how terms are printed",
     offsetof(struct pf_settings, syntax), 0}};

static bool begin(void *self)
{
    struct pf *p = self;
    p->first = PF_FIRST;
    p->stacks = tap_call_stacks_new(p->sink.host, pf_call_ended, p);
    p->processes = tap_process_table_new();
    return tap_flow_times_init(&p->flows) && p->stacks && p->processes;
}

static bool event(void *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct pf *p = self;
    const struct pf_settings *settings = p->sink.settings;
    p->batch = batch;
    p->event = e;
    p->print = tap_sink_print(tap_sink_nodes_get(&p->sink.nodes, p->sink.host, e->node),
                              (enum tap_print_syntax)settings->syntax);
    p->print.limit = (size_t)settings->limit;
    return pf_event(p);
}

static void release(void *self)
{
    struct pf *p = self;
    tap_call_stacks_free(p->stacks);
    tap_process_table_free(p->processes);
    tap_flow_times_free(&p->flows);
    for (uint32_t i = 0; i < p->node_count; i++) {
        tap_map_free(&p->nodes[i].names);
        free(p->nodes[i].listed);
    }
    free(p->nodes);
    tap_map_free(&p->track_at);
    free(p->tracks);
}

static const struct tap_file_sink_ops ops = {sizeof(struct pf), offsetof(struct pf_settings, path),
                                             .begin = begin, .event = event, .free = release};
static const char *const endings[] = {"pftrace", "perfetto-trace", NULL};

TAP_FILE_SINK(ops, struct pf_settings, options, .name = "perfetto", .version = TAP_VERSION,
              .summary = "a timeline for Perfetto, in its own format, a fraction of the size of "
                         "chrome's",
              .license = "Apache-2.0", .flags = TAP_PLUGIN_NO_RAW, .endings = endings)
