/* plugin.c: the otlp sink: calls, calls of servers, casts and spawns as spans, to an OpenTelemetry
 * collector. README.md beside it says what is in them.
 */
#include "sinks/otlp/otlp.h"

#define SETTLE 100 /* ms that a flush waits at most for what was sent; events wait meanwhile */

static enum tap_status otlp_create(const struct tap_host *host, const void *settings, void **self)
{
    struct otlp *o = calloc(1, sizeof *o);
    if (!o)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    o->host = host;
    o->settings = settings;
    o->w.fd = -1;
    enum tap_status status = otlp_sender_new(host, o->settings, &o->sender);
    if (status != TAP_OK)
        free(o);
    else
        *self = o;
    return status;
}

/* What cannot be had for memory has failed with the next event. */
static enum tap_status no_memory(struct otlp *o)
{
    return o->w.failed ? TAP_ERROR : TAP_FAIL(o->host, TAP_ERROR, "out of memory");
}

static enum tap_status otlp_start(void *self)
{
    struct otlp *o = self;
    /* a writer that nothing leaves: it only makes bytes */
    if (tap_writer_adopt(&o->w, o->host, -1, "spans", 0) != TAP_OK)
        return TAP_ERROR;
    const char *run = o->host->run_info->run;
    o->run = tap_map_bytes(run, strlen(run));
    o->callbacks[TAP_GEN_NONE] = o->host->intern(o->host, "handle_info", 11);
    o->callbacks[TAP_GEN_CALL] = o->host->intern(o->host, "handle_call", 11);
    o->callbacks[TAP_GEN_CAST] = o->host->intern(o->host, "handle_cast", 11);
    o->stacks = tap_call_stacks_new(o->host, otlp_call_ended, o);
    o->names = tap_process_table_new();
    o->flow_ids = calloc(TAP_FLOW_TIMES, sizeof *o->flow_ids);
    o->calls = calloc(OTLP_CALLS, sizeof *o->calls);
    if (!tap_flow_times_init(&o->flows) || !o->stacks || !o->names || !o->flow_ids || !o->calls)
        return no_memory(o);
    return otlp_sender_start(o->sender);
}

static enum tap_status report(struct otlp *o)
{
    if (o->left_out)
        o->host->sink->written(o->host, o->left_out, 0);
    o->left_out = 0;
    return otlp_sender_report(o->sender);
}

static enum tap_status otlp_consume(void *self, const struct tap_batch *batch,
                                    const uint32_t *select, size_t n)
{
    struct otlp *o = self;
    o->batch = batch;
    for (size_t i = 0; i < n; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        if (e->kind == TAP_NODE_UP)
            tap_sink_nodes_learn(&o->labels, o->host, e->node);
        o->event = e;
        o->print = tap_sink_print(tap_sink_nodes_get(&o->labels, o->host, e->node),
                                  (enum tap_print_syntax)o->settings->syntax);
        o->print.limit = (size_t)o->settings->limit;
        if (!otlp_event(o))
            return no_memory(o);
    }
    o->event = NULL;
    return report(o);
}

/* Behind a slow collector what is gathered goes with more, when the request before it is taken or
 * it fills one: requests grow with what one takes, and do not shrink to what comes in between. */
static enum tap_status otlp_flush(void *self)
{
    struct otlp *o = self;
    if (otlp_sender_busy(o->sender))
        return report(o);
    if (!otlp_send(o))
        return no_memory(o);
    otlp_sender_settle(o->sender, SETTLE);
    return report(o);
}

static void tell_lost(const struct otlp *o)
{
    if (o->unopened || o->too_deep)
        o->host->log(
            o->host, TAP_LOG_WARNING,
            "%llu spans are missing: %llu began while open ones took %u MiB, %llu were calls "
            "inside %u others",
            (unsigned long long)(o->unopened + o->too_deep), (unsigned long long)o->unopened,
            (unsigned)(OTLP_OPEN >> 20), (unsigned long long)o->too_deep, TAP_STACKS_DEPTH);
}

/* What is open ends here, nobody knows how. */
static enum tap_status otlp_stop(void *self)
{
    struct otlp *o = self;
    bool good = o->w.buf && !o->w.failed;
    otlp_sender_hurry(o->sender);
    if (good && o->begun) {
        good = tap_call_stacks_finish(o->stacks);
        otlp_processes_forget(o, true, 0);
        otlp_calls_end(o);
        good = otlp_send(o) && good;
    }
    tell_lost(o);
    enum tap_status status = otlp_sender_stop(o->sender);
    return good ? status : TAP_ERROR;
}

static void otlp_destroy(void *self)
{
    struct otlp *o = self;
    otlp_sender_free(o->sender);
    tap_call_stacks_free(o->stacks);
    tap_process_table_free(o->names);
    tap_flow_times_free(&o->flows);
    free(o->flow_ids);
    free(o->calls);
    for (uint32_t i = 0; i < o->span_count; i++)
        free(o->spans[i].fields);
    free(o->spans);
    for (uint32_t i = 0; i < o->node_count; i++) {
        free(o->nodes[i].resource);
        tap_buf_free(&o->nodes[i].spans);
    }
    free(o->nodes);
    tap_map_free(&o->process_at);
    for (uint32_t i = 0; i < o->process_count; i++)
        otlp_process_free(&o->processes[i]);
    free(o->processes);
    tap_sink_nodes_free(&o->labels);
    tap_writer_free(&o->w);
    free(o);
}

static const char *const which_messages[] = {"casts", "all", NULL};
static const char *const compressions[] = {"none", "gzip", NULL};

#define FIELD(name) .offset = offsetof(struct otlp_settings, name)
static const struct tap_option otlp_options[] = {
    {.name = "endpoint",
     .type = TAP_OPT_STRING,
     FIELD(endpoint),
     .help = "the collector's address, to which /v1/traces is added; without it the environment's "
             "OTEL_EXPORTER_OTLP_ENDPOINT, and without that http://localhost:4318"},
    {.name = "headers_file",
     .type = TAP_OPT_PATH,
     FIELD(headers_file),
     .help = "a file with headers to send, 'Name: value' a line, which nobody else may read; the "
             "environment's OTEL_EXPORTER_OTLP_HEADERS is sent, too"},
    {.name = "ca_file",
     .type = TAP_OPT_PATH,
     FIELD(ca_file),
     .help = "certificates to judge an https endpoint by, in the place of the system's"},
    {.name = "service",
     .type = TAP_OPT_STRING,
     FIELD(service),
     .help = "service.name of all nodes; without it each node's name up to the @"},
    {.name = "messages",
     .type = TAP_OPT_CHOICE,
     .def = "casts",
     .choices = which_messages,
     FIELD(messages),
     .help = "casts: calls of servers and casts alone; all: a span for other messages, too"},
    {.name = "args",
     .type = TAP_OPT_BOOL,
     .def = "true",
     FIELD(args),
     .help = "print arguments, results, messages and reasons"},
    {.name = "limit",
     .type = TAP_OPT_SIZE,
     .def = "1k",
     .min = 16,
     .max = 65536,
     .flags = TAP_OPT_BYTES,
     FIELD(limit),
     .help = "cut printed terms after about so many bytes"},
    {.name = "syntax",
     .type = TAP_OPT_CHOICE,
     .def = "erlang",
     .choices = tap_print_syntaxes,
     FIELD(syntax),
     .help = "how terms are printed"},
    {.name = "batch",
     .type = TAP_OPT_SIZE,
     .def = "2000",
     .min = 100,
     .max = 100000,
     FIELD(batch),
     .help = "spans of a request; one with a megabyte, or a second old, is sent with fewer"},
    {.name = "buffer",
     .type = TAP_OPT_SIZE,
     .def = "16M",
     .min = 1 << 20,
     .max = INT64_C(4) << 30,
     .flags = TAP_OPT_BYTES,
     FIELD(buffer),
     .help = "bytes of requests that wait while the collector takes none; beyond it they are "
             "dropped, and count as lost"},
    {.name = "timeout",
     .type = TAP_OPT_DURATION,
     .def = "5s",
     .min = 1000000000,
     .max = 8000000000,
     FIELD(timeout),
     .help = "how long one request may take; how long a full buffer waits for a collector that "
             "takes nothing; and how long, when the run ends, what is left"},
    {.name = "compression",
     .type = TAP_OPT_CHOICE,
     .def = "none",
     .choices = compressions,
     FIELD(compression),
     .help = "gzip: a quarter of the bytes, for some of a core"},
};

static const struct tap_sink_ops otlp_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = otlp_create,
    .start = otlp_start,
    .consume = otlp_consume,
    .flush = otlp_flush,
    .stop = otlp_stop,
    .destroy = otlp_destroy,
};

static const struct tap_plugin otlp_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "otlp",
    .version = TAP_VERSION,
    .summary = "spans to an OpenTelemetry collector: calls, calls of servers, casts and spawns",
    .license = "Apache-2.0",
    .options = otlp_options,
    .option_count = sizeof otlp_options / sizeof *otlp_options,
    .settings_size = sizeof(struct otlp_settings),
    .ops = &otlp_ops,
    .flags = TAP_PLUGIN_NO_RAW,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &otlp_plugin;
}
