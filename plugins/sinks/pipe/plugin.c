/* plugin.c: the pipe sink: events as lines into a command of the user's. That is also how a sink in
 * another language runs, and one that is not trusted: in a process of its own. README.md beside it
 * says how the command is started and ended.
 */
#include "sinks/common/csv_rows.h"
#include "sinks/common/json_event.h"
#include "sinks/pipe/pipe.h"

enum pipe_format { PIPE_JSON, PIPE_CSV };

struct pipe_settings {
    const char *command;
    int format; /* enum pipe_format */
    int syntax; /* enum tap_print_syntax */
    int64_t max_message, timeout;
};

struct pipe {
    const struct tap_host *host;
    const struct pipe_settings *settings;
    struct child child;
    struct tap_csv rows; /* its writer is that of both formats */
    struct tap_json json;
    bool headed; /* CSV: the line of names is written */
    bool failed; /* it was told */
};

static enum tap_status pipe_create(const struct tap_host *host, const void *settings, void **self)
{
    struct pipe *p = calloc(1, sizeof *p);
    if (!p)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    p->host = host;
    p->settings = settings;
    p->rows.w.fd = -1;
    p->child = (struct child){.host = host, .command = p->settings->command};
    tap_csv_begin(&p->rows, host, p->settings->max_message,
                  (enum tap_print_syntax)p->settings->syntax);
    p->json = (struct tap_json){host, &p->rows.w, &p->rows.nodes, TAP_SIZED(struct tap_print)};
    p->json.print.syntax = (enum tap_print_syntax)p->settings->syntax;
    p->json.print.limit = (size_t)p->settings->max_message;
    if (!*p->settings->command) {
        free(p);
        return TAP_FAIL(host, TAP_INVALID, "command is empty");
    }
    *self = p;
    return TAP_OK;
}

static int milliseconds(const struct pipe *p)
{
    return (int)(p->settings->timeout / 1000000);
}

static enum tap_status pipe_start(void *self)
{
    struct pipe *p = self;
    int fd;
    if (child_start(&p->child, &fd) != TAP_OK)
        return TAP_ERROR;
    return tap_writer_adopt(&p->rows.w, p->host, fd, p->settings->command, milliseconds(p));
}

/* Whoever reads no more may have had enough, or may have failed: how it ends tells. */
static enum tap_status settle(struct pipe *p, enum tap_status status)
{
    if (status == TAP_ENDED && child_ended(&p->child, milliseconds(p)))
        status = child_judge(&p->child) == TAP_OK ? TAP_ENDED : TAP_ERROR;
    p->failed |= status == TAP_ERROR;
    return status;
}

static void put_lines(struct pipe *p, const struct tap_batch *batch, const uint32_t *select,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        if (e->kind == TAP_NODE_UP)
            tap_sink_nodes_learn(&p->rows.nodes, p->host, e->node);
        if (!tap_kind_has_row(e->kind))
            continue;
        tap_json_event(&p->json, batch, e);
        tap_writer_end_event(&p->rows.w, e);
    }
}

/* The line of names is for a run that has begun. */
static void begin(struct pipe *p)
{
    if (p->settings->format == PIPE_CSV && !p->headed) {
        p->headed = true;
        tap_csv_head(&p->rows);
    }
}

static enum tap_status pipe_consume(void *self, const struct tap_batch *batch,
                                    const uint32_t *select, size_t n)
{
    struct pipe *p = self;
    begin(p);
    if (p->settings->format == PIPE_CSV)
        tap_csv_consume(&p->rows, batch, select, n);
    else
        put_lines(p, batch, select, n);
    return settle(p, tap_writer_status(&p->rows.w));
}

static enum tap_status pipe_flush(void *self)
{
    struct pipe *p = self;
    begin(p);
    enum tap_status status = tap_writer_flush(&p->rows.w);
    if (status == TAP_OK && child_ended(&p->child, 0)) /* it is gone, and nothing was written */
        status = TAP_ENDED;
    return settle(p, status);
}

static enum tap_status pipe_stop(void *self)
{
    struct pipe *p = self;
    enum tap_status status = TAP_ERROR;
    if (p->rows.w.buf) {
        tap_writer_hurry(&p->rows.w);
        status = tap_writer_close(&p->rows.w);
    }
    tap_writer_free(&p->rows.w); /* its end of input, in any case */
    enum tap_status end = child_finish(&p->child, milliseconds(p));
    return end != TAP_OK || p->failed ? TAP_ERROR : status;
}

static void pipe_destroy(void *self)
{
    struct pipe *p = self;
    tap_writer_free(&p->rows.w);
    child_kill(&p->child);
    tap_csv_free(&p->rows);
    free(p);
}

static const char *const formats[] = {"json", "csv", NULL};

#define FIELD(name) .offset = offsetof(struct pipe_settings, name)
static const struct tap_option pipe_options[] = {
    {.name = "command",
     .type = TAP_OPT_STRING,
     .flags = TAP_OPT_REQUIRED,
     FIELD(command),
     .help = "what reads the events at its standard input, a line each; run by sh -c, as the user "
             "that beamtap runs as"},
    {.name = "format",
     .type = TAP_OPT_CHOICE,
     .def = "json",
     .choices = formats,
     FIELD(format),
     .help = "json: one object a line, as of sink:stdout; csv: rows, as of sink:csv"},
    {.name = "syntax",
     .type = TAP_OPT_CHOICE,
     .def = "erlang",
     .choices = tap_print_syntaxes,
     FIELD(syntax),
     .help = "how terms and pids are written"},
    {.name = "max_message",
     .type = TAP_OPT_SIZE,
     .def = "64k",
     .flags = TAP_OPT_BYTES,
     FIELD(max_message),
     .help = "arguments, values and messages are cut with ... after about so many bytes; 0: never"},
    {.name = "timeout",
     .type = TAP_OPT_DURATION,
     .def = "4s",
     .min = 100000000,
     .max = 4000000000,
     FIELD(timeout),
     .help = "how long it may take nothing while there is something, and how long it may take to "
             "end when its input has ended; then it is stopped"},
};

static const struct tap_sink_ops pipe_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = pipe_create,
    .start = pipe_start,
    .consume = pipe_consume,
    .flush = pipe_flush,
    .stop = pipe_stop,
    .destroy = pipe_destroy,
};

static const struct tap_plugin pipe_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "pipe",
    .version = TAP_VERSION,
    .summary = "lines (JSON or CSV) into a command, which may be a sink in any language",
    .license = "Apache-2.0",
    .options = pipe_options,
    .option_count = sizeof pipe_options / sizeof *pipe_options,
    .settings_size = sizeof(struct pipe_settings),
    .ops = &pipe_ops,
    .flags = TAP_PLUGIN_NO_RAW,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &pipe_plugin;
}
