/* plugin.c: the sink "html": one page that shows the whole of a trace, written at its end. */
#include "sinks/html/html.h"

static enum tap_status html_create(const struct tap_host *host, const void *settings, void **out)
{
    struct html *h = calloc(1, sizeof *h);
    if (!h)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    h->host = host;
    h->settings = settings;
    enum tap_status status = tap_writer_claim(&h->w, host, h->settings->path);
    if (status == TAP_OK)
        *out = h;
    else
        free(h);
    return status;
}

static enum tap_status html_start(void *self)
{
    struct html *h = self;
    h->head = malloc(HTML_HEAD * sizeof *h->head);
    h->tail = malloc(HTML_TAIL * sizeof *h->tail);
    if (!h->head || !h->tail || !html_stacks_init(h) || !html_servers_init(h) ||
        !tap_flow_times_init(&h->flows) || !html_room(h, &h->processes, 0, sizeof *h->processes))
        return TAP_FAIL(h->host, TAP_ERROR, "out of memory");
    h->processes[h->process_count++] = (struct html_process){0};
    return tap_writer_open(&h->w);
}

static enum tap_status html_consume(void *self, const struct tap_batch *batch,
                                    const uint32_t *select, size_t n)
{
    struct html *h = self;
    for (size_t i = 0; i < n && !h->no_memory; i++)
        html_collect(h, batch, tap_batch_event(batch, select[i]));
    return h->no_memory ? TAP_FAIL(h->host, TAP_ERROR, "out of memory") : tap_writer_status(&h->w);
}

static enum tap_status html_flush(void *self)
{
    return tap_writer_flush(&((struct html *)self)->w);
}

/* The page is whole or not there at all: one event of the writer's, which counts for all. */
static enum tap_status html_stop(void *self)
{
    struct html *h = self;
    if (!h->w.buf || !h->w.marks || h->no_memory)
        return tap_writer_close(&h->w);
    tap_server_calls_end(&h->servers);
    html_stacks_end(h);
    html_page(h);
    if (h->no_memory) {
        tap_writer_drop(&h->w);
        TAP_FAIL(h->host, TAP_ERROR, "out of memory");
        tap_writer_close(&h->w);
        return TAP_ERROR;
    }
    tap_writer_end_many(&h->w, h->events);
    return tap_writer_close(&h->w);
}

static void html_destroy(void *self)
{
    struct html *h = self;
    html_messages_free(h);
    html_servers_free(h);
    tap_call_times_free(&h->times);
    tap_counted_sums_free(&h->counted);
    html_processes_free(h);
    tap_reasons_free(&h->exits);
    tap_reasons_free(&h->exceptions);
    tap_map_free(&h->stack_at);
    free(h->stacks);
    free(h->spans);
    free(h->gaps);
    free(h->nodes);
    tap_sink_nodes_free(&h->names);
    tap_writer_free(&h->w);
    free(h);
}

static const struct tap_option html_options[] = {
    {.name = "path",
     .type = TAP_OPT_PATH,
     .flags = TAP_OPT_REQUIRED,
     .offset = offsetof(struct html_settings, path),
     .help = "file to write, - for standard output; made with mode 0600, for traces hold secrets, "
             "and emptied when it exists"},
    {.name = "syntax",
     .type = TAP_OPT_CHOICE,
     .def = "erlang",
     .choices = tap_print_syntaxes,
     .offset = offsetof(struct html_settings, syntax),
     .help = "how messages and reasons are written"},
};

static const struct tap_sink_ops html_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = html_create,
    .start = html_start,
    .consume = html_consume,
    .flush = html_flush,
    .stop = html_stop,
    .destroy = html_destroy,
};

static const char *const endings[] = {"html", NULL};

static const struct tap_plugin html_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "html",
    .version = TAP_VERSION,
    .summary =
        "one page to look at: functions, flame graph, messages, gen_server calls, processes; "
        "a few MB however long the trace, written at the end",
    .license = "Apache-2.0",
    .options = html_options,
    .option_count = sizeof html_options / sizeof *html_options,
    .settings_size = sizeof(struct html_settings),
    .ops = &html_ops,
    .flags = TAP_PLUGIN_NO_RAW,
    .endings = endings,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &html_plugin;
}
