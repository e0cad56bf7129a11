/* plugin.c: the csv sink: one row an event, which DuckDB, pandas, sqlite3 and spreadsheets read
 * without options.
 *
 *     ts,node,event,pid,module,function,arity,peer,message,metadata,flow
 *
 * ts        nanoseconds since the Unix epoch
 * node, module, function   bare names; as a quoted atom where a bare one would be misread ('null',
 *                          '+')
 * arity     -1 where there is none
 * message   a call's [Arguments] (a list also where the node would print it as a string: [97,98],
 *           not "ab"), a value, {Class,Reason}, a message, {M,F,Args}, a reason, a name, ...; of
 *           function_counters {Calls,Ns|none,Bytes|none}; of a lost or gap row {Count,Reason},
 *           events or nanoseconds; of node_up its release, of node_down why it was lost. Empty: not
 *           carried
 * metadata  what a match spec's {message, X} gave, then flags: timeout nonexisting exiting major
 *           got moved call cast reply took=NS scheduler=N truncated=BYTES, separated by spaces;
 *           last stack=m:f/1 (m.erl:12) < ..., whoever called first, or stack_truncated=BYTES
 * flow      a number that a send and its receive have in common, and a spawn and its start
 *
 * process   only where `columns` names it: what the process is called (process_name.h), as far as
 *           that is known by then
 *
 * mfa       likewise: what the function is called, with its arity: shop_cart:add/2, or, where
 *           `syntax` says so, Shop.Cart.add/2, anonymous fn/1 in Shop.Door.day/1
 *
 * Terms, pids and frames are printed as `syntax` says.
 *
 * Cells are empty where there is nothing. A bare number in the columns from peer to metadata, and
 * in process, is written ((42)), a word that readers misunderstand 'null': see
 * common/csv_cells.h. The rows are written in common/csv_rows.c.
 */
#include "sinks/common/csv_rows.h"

struct csv_settings {
    const char *path;
    struct tap_text_list columns;
    int64_t max_message;
    int syntax; /* enum tap_print_syntax */
};

struct csv_sink {
    struct tap_csv rows;
    const struct csv_settings *settings;
};

#define CSV_ALL "ts, node, event, pid, module, function, arity, peer, message, metadata, flow"

/* Reads the option: names of columns, each at most once. */
static enum tap_status choose_columns(struct tap_csv *self, const struct tap_text_list *list)
{
    self->column_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct tap_text *item = &list->items[i];
        unsigned c = 0, j = 0;
        while (c < TAP_CSV_COLUMNS && strcmp(tap_csv_names[c], item->text) != 0)
            c++;
        if (c == TAP_CSV_COLUMNS)
            return self->host->fail_at(self->host, item, 0,
                                       "%s is not a column; there are " CSV_ALL ", process, mfa",
                                       item->text);
        while (j < self->column_count && self->columns[j] != c)
            j++;
        if (j < self->column_count)
            return self->host->fail_at(self->host, item, 0, "column %s is named twice", item->text);
        self->chosen |= c != i;
        self->columns[self->column_count++] = (uint8_t)c;
    }
    self->chosen |= self->column_count != TAP_CSV_DEFAULT;
    return TAP_OK;
}

/* ---- The sink */

static enum tap_status csv_create(const struct tap_host *host, const void *settings, void **out)
{
    struct csv_sink *self = calloc(1, sizeof *self);
    if (!self)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    self->settings = settings;
    tap_csv_begin(&self->rows, host, self->settings->max_message,
                  (enum tap_print_syntax)self->settings->syntax);
    enum tap_status status = choose_columns(&self->rows, &self->settings->columns);
    if (status == TAP_OK)
        status = tap_writer_claim(&self->rows.w, host, self->settings->path);
    if (status != TAP_OK) {
        free(self);
        return status;
    }
    *out = self;
    return TAP_OK;
}

static enum tap_status csv_start(void *s)
{
    struct tap_csv *rows = &((struct csv_sink *)s)->rows;
    if (memchr(rows->columns, TAP_CSV_PROCESS, rows->column_count) &&
        !(rows->called = tap_process_table_new()))
        return TAP_FAIL(rows->host, TAP_ERROR, "out of memory");
    enum tap_status status = tap_writer_open(&rows->w);
    if (status != TAP_OK)
        return status;
    tap_csv_head(rows);
    return tap_writer_status(&rows->w);
}

static enum tap_status csv_consume(void *s, const struct tap_batch *batch, const uint32_t *select,
                                   size_t n)
{
    return tap_csv_consume(&((struct csv_sink *)s)->rows, batch, select, n);
}

static enum tap_status csv_flush(void *s)
{
    return tap_writer_flush(&((struct csv_sink *)s)->rows.w);
}

static enum tap_status csv_stop(void *s)
{
    return tap_writer_close(&((struct csv_sink *)s)->rows.w);
}

static void csv_destroy(void *s)
{
    struct csv_sink *self = s;
    tap_writer_free(&self->rows.w);
    tap_csv_free(&self->rows);
    free(self);
}

static const struct tap_option csv_options[] = {
    {.name = "path",
     .type = TAP_OPT_PATH,
     .flags = TAP_OPT_REQUIRED,
     .offset = offsetof(struct csv_settings, path),
     .help = "file to write, - for standard output; made with mode 0600, for traces hold secrets, "
             "and emptied when it exists"},
    {.name = "columns",
     .type = TAP_OPT_LIST,
     .def = CSV_ALL,
     .offset = offsetof(struct csv_settings, columns),
     .help = "which columns, in which order; besides these there are process: what the process is "
             "called, as far as that is known when the row is written; and mfa: what the function "
             "is called, in syntax"},
    {.name = "max_message",
     .type = TAP_OPT_SIZE,
     .def = "64k",
     .flags = TAP_OPT_BYTES,
     .offset = offsetof(struct csv_settings, max_message),
     .help = "the message column is cut with ... after about so many bytes; 0: never"},
    {.name = "syntax",
     .type = TAP_OPT_CHOICE,
     .def = "erlang",
     .choices = tap_print_syntaxes,
     .offset = offsetof(struct csv_settings, syntax),
     .help = "how terms and pids are printed; node, module and function are bare names in both"},
};

static const struct tap_sink_ops csv_ops = {
    .struct_size = sizeof(struct tap_sink_ops),
    .create = csv_create,
    .start = csv_start,
    .consume = csv_consume,
    .flush = csv_flush,
    .stop = csv_stop,
    .destroy = csv_destroy,
};

static const char *const endings[] = {"csv", NULL};

static const struct tap_plugin csv_plugin = {
    TAP_PLUGIN_HEADER,
    .kind = TAP_PLUGIN_SINK,
    .name = "csv",
    .version = TAP_VERSION,
    .summary =
        "one row an event: ts, node, event, pid, module, function, arity, peer, message, metadata, "
        "flow",
    .license = "Apache-2.0",
    .options = csv_options,
    .option_count = sizeof csv_options / sizeof *csv_options,
    .settings_size = sizeof(struct csv_settings),
    .ops = &csv_ops,
    .flags = TAP_PLUGIN_NO_RAW,
    .endings = endings,
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &csv_plugin;
}
