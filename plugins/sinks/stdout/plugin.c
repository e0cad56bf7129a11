/* plugin.c: the stdout sink: events as lines for people (text) or for programs (json), on standard
 * output or in a file. On a terminal each batch is shown at once; elsewhere lines gather until 256
 * KiB or the next second.
 */
#include "sinks/stdout/stdout.h"

static enum tap_status out_create(const struct tap_host *host, const void *settings, void **result)
{
    struct out *self = calloc(1, sizeof *self);
    if (!self)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    self->host = host;
    self->settings = settings;
    enum tap_status status = tap_writer_claim(&self->w, host, self->settings->path);
    if (status != TAP_OK) {
        free(self);
        return status;
    }
    *result = self;
    return TAP_OK;
}

/* https://no-color.org: set and not empty means no. */
static bool wants_colour(const struct out *self)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return self->settings->format == OUT_TEXT && self->w.terminal && !(no && *no) && term &&
           strcmp(term, "dumb") != 0;
}

static enum tap_status out_start(void *s)
{
    struct out *self = s;
    enum tap_status status = tap_writer_open(&self->w);
    if (status != TAP_OK)
        return status;
    self->colour = wants_colour(self);
    self->json = (struct tap_json){self->host, &self->w, &self->nodes,
                                   out_print(self, &(struct tap_sink_node){0})};
    if (self->settings->indent && self->settings->format == OUT_TEXT) {
        self->depths = out_depths_new();
        if (!self->depths)
            return TAP_FAIL(self->host, TAP_ERROR, "out of memory");
    }
    if (self->settings->names && self->settings->format == OUT_TEXT &&
        !(self->called = tap_process_table_new()))
        return TAP_FAIL(self->host, TAP_ERROR, "out of memory");
    return TAP_OK;
}

static void put_event(struct out *self, const struct tap_batch *batch, const struct tap_event *e)
{
    if (self->settings->format == OUT_JSON)
        tap_json_event(&self->json, batch, e);
    else
        out_text_event(self, batch, e);
    tap_writer_end_event(&self->w, e);
}

static void learn_process(struct out *self, const struct tap_batch *batch,
                          const struct tap_event *e)
{
    struct tap_print print = out_print(self, tap_sink_nodes_get(&self->nodes, self->host, e->node));
    tap_process_table_learn(self->called, self->host, batch, e, &print);
}

static enum tap_status out_consume(void *s, const struct tap_batch *batch, const uint32_t *select,
                                   size_t n)
{
    struct out *self = s;
    for (size_t i = 0; i < n; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        if (self->called)
            learn_process(self, batch, e);
        if (e->kind == TAP_NODE_UP)
            tap_sink_nodes_learn(&self->nodes, self->host, e->node);
        if (tap_kind_has_row(e->kind))
            put_event(self, batch, e);
        if (!tap_returns_off_learn(&self->returns_off, e))
            return TAP_FAIL(self->host, TAP_ERROR, "out of memory");
    }
    return self->w.terminal ? tap_writer_flush(&self->w) : tap_writer_status(&self->w);
}

static enum tap_status out_flush(void *s)
{
    return tap_writer_flush(&((struct out *)s)->w);
}

static enum tap_status out_stop(void *s)
{
    return tap_writer_close(&((struct out *)s)->w);
}

static void out_destroy(void *s)
{
    struct out *self = s;
    tap_writer_free(&self->w);
    tap_sink_nodes_free(&self->nodes);
    tap_returns_off_free(&self->returns_off);
    out_depths_free(self->depths);
    tap_process_table_free(self->called);
    free(self);
}

static const char *const formats[] = {"text", "json", NULL};
static const char *const times[] = {"relative", "absolute", NULL};

#define FIELD(name) .offset = offsetof(struct out_settings, name)
static const struct tap_option out_options[] = {
    {.name = "path",
     .type = TAP_OPT_PATH,
     .def = "-",
     FIELD(path),
     .help = "- for standard output, or a file, made with mode 0600, for traces hold secrets, and "
             "emptied when it exists"},
    {.name = "format",
     .type = TAP_OPT_CHOICE,
     .def = "text",
     .choices = formats,
     FIELD(format),
     .help = "text: lines for people; json: one object a line"},
    {.name = "syntax",
     .type = TAP_OPT_CHOICE,
     .def = "erlang",
     .choices = tap_print_syntaxes,
     FIELD(syntax),
     .help = "how terms are written"},
    {.name = "time",
     .type = TAP_OPT_CHOICE,
     .def = "relative",
     .choices = times,
     FIELD(time),
     .help = "text only: seconds since the run began, or date and time in UTC"},
    {.name = "indent",
     .type = TAP_OPT_BOOL,
     .def = "false",
     FIELD(indent),
     .help = "text only: indent by depth of calls; needs function_return in events"},
    {.name = "names",
     .type = TAP_OPT_BOOL,
     .def = "false",
     FIELD(names),
     .help = "text only: what the process is called, as far as that is known, behind its pid"},
    {.name = "max_message",
     .type = TAP_OPT_SIZE,
     .def = "64k",
     .flags = TAP_OPT_BYTES,
     FIELD(max_message),
     .help = "arguments, values and messages are cut with ... after about so many bytes; 0: never"},
    {.name = "max_depth",
     .type = TAP_OPT_INT,
     .def = "0",
     .min = 0,
     .max = 1000000,
     FIELD(max_depth),
     .help = "lists, tuples and maps that are deeper than so many others are written as ...; 0: no "
             "bound"},
    {.name = "max_items",
     .type = TAP_OPT_INT,
     .def = "0",
     .min = 0,
     .max = 1000000,
     FIELD(max_items),
     .help = "of a list, tuple or map so many items are written, then ...; 0: no bound"},
};

static const struct tap_sink_ops out_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = out_create,
    .start = out_start,
    .consume = out_consume,
    .flush = out_flush,
    .stop = out_stop,
    .destroy = out_destroy,
};

static const char *const endings[] = {"txt", "jsonl format=json", NULL};

static const struct tap_plugin out_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "stdout",
    .version = TAP_VERSION,
    .summary = "one line an event, for people (text) or programs (json)",
    .license = "Apache-2.0",
    .options = out_options,
    .option_count = sizeof out_options / sizeof *out_options,
    .settings_size = sizeof(struct out_settings),
    .ops = &out_ops,
    .flags = TAP_PLUGIN_NO_RAW,
    .endings = endings,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &out_plugin;
}
