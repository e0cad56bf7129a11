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
 *           not "ab"), a value, {Class,Reason}, a message, {M,F,Args}, a reason, a name, ...; of a
 *           lost or gap row {Count,Reason}, events or nanoseconds; of node_up its release, of
 *           node_down why it was lost. Empty: not carried
 * metadata  what a match spec's {message, X} gave, then flags: timeout nonexisting exiting major
 *           got moved call cast reply took=NS scheduler=N truncated=BYTES, separated by spaces
 *
 * flow      a number that a send and its receive have in common, and a spawn and its start
 *
 * process   only where `columns` names it: what the process is called (process_name.h), as far as
 *           that is known by then
 *
 * Cells are empty where there is nothing. A bare number in the columns from peer to metadata, and
 * in process, is written ((42)), a word that readers misunderstand 'null': see cells.h.
 */
#include "sinks/common/process_table.h"
#include "sinks/csv/cells.h"
#include "sinks/common/node_labels.h"

/* Those of a row unless others are chosen, and behind them what has to be asked for. */
enum csv_column {
    TS,
    NODE,
    EVENT,
    PID,
    MODULE,
    FUNCTION,
    ARITY,
    PEER,
    MESSAGE,
    METADATA,
    FLOW,
    PROCESS,
    COLUMNS
};
#define CSV_DEFAULT PROCESS /* so many */

static const char *const csv_names_of[COLUMNS] = {"ts",      "node",     "event", "pid",
                                                  "module",  "function", "arity", "peer",
                                                  "message", "metadata", "flow",  "process"};
#define CSV_ALL "ts, node, event, pid, module, function, arity, peer, message, metadata, flow"

struct csv_settings {
    const char *path;
    struct tap_text_list columns;
    int64_t max_message;
};

struct csv {
    const struct tap_host *host;
    const struct csv_settings *settings;
    struct tap_writer w;
    struct tap_sink_nodes nodes;
    struct csv_names names;
    struct tap_process_table *called; /* NULL: that column is not wanted */
    char kinds[TAP_KIND_COUNT][32];   /* ",function_call," */
    uint8_t kind_len[TAP_KIND_COUNT];
    /* the last event's ts in whole seconds, and its text: the first half of nearly every ts */
    int64_t second;
    char second_text[24];
    uint8_t second_len;
    uint8_t columns[COLUMNS], column_count; /* enum csv_column, in the order of the file */
    bool chosen;                            /* other ones than all, or in another order */
    bool begun;                             /* there is a row */
};

/* ---- Cells of an event */

static char *put_ts(struct csv *self, char *p, int64_t ts)
{
    if (__builtin_expect(ts < 1000000000, 0))
        return tap_text_i64(p, ts);
    int64_t second = ts / 1000000000;
    if (second != self->second) {
        self->second = second;
        self->second_len = (uint8_t)(tap_text_i64(self->second_text, second) - self->second_text);
    }
    memcpy(p, self->second_text, sizeof self->second_text);
    return tap_text_nine(p + self->second_len, (uint32_t)(ts - second * 1000000000));
}

static void put_pid(struct csv *self, const struct tap_event *e, const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    if (e->pid.node == print->node_name) {
        if (e->pid.node)
            tap_writer_pid(w, &e->pid, print);
    } else if (e->pid.node || e->pid.id || e->pid.serial) {
        size_t at = csv_cell_open(w);
        tap_writer_pid(w, &e->pid, print);
        csv_cell_close(w, at);
    }
}

static void put_peer(struct csv *self, const struct tap_batch *batch, const struct tap_event *e,
                     const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    if (e->peer_type == TAP_PEER_NONE)
        return;
    if (e->peer_type == TAP_PEER_PID && e->peer.node == print->node_name) {
        tap_writer_pid(w, &e->peer, print);
        return;
    }
    size_t at = csv_cell_open(w);
    tap_writer_peer(w, batch, e, print);
    csv_cell_guard(w, at, false);
    csv_cell_close(w, at);
}

static void put_loss(struct csv *self, const struct tap_event *e)
{
    struct tap_writer *w = &self->w;
    const char *reason = self->host->reason_name(e->reason);
    size_t at = csv_cell_open(w);
    char *p = tap_writer_reserve(w, 64);
    *p++ = '{';
    p = tap_text_u64(p, e->kind == TAP_LOST ? e->lost : e->gap);
    *p++ = ',';
    w->p = p;
    tap_writer_put(w, reason, strlen(reason));
    tap_writer_put(w, "}", 1);
    csv_cell_close(w, at);
}

static void put_node(struct csv *self, const struct tap_event *e)
{
    const struct tap_node *node = self->host->node(self->host, e->node);
    const char *lost = e->reason ? self->host->reason_name(e->reason) : "";
    if (e->kind == TAP_NODE_UP && node && *node->release) {
        tap_writer_put(&self->w, "OTP ", 4);
        lost = node->release;
    }
    tap_writer_put(&self->w, lost, strlen(lost));
}

static void put_message(struct csv *self, const struct tap_batch *batch, const struct tap_event *e,
                        struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    if (e->kind == TAP_LOST || e->kind == TAP_GAP)
        put_loss(self, e);
    else if (e->kind == TAP_NODE_UP || e->kind == TAP_NODE_DOWN)
        put_node(self, e);
    if (e->kind > TAP_KIND_USER_LAST || !e->payload.len)
        return;
    const uint8_t *term = batch->arena + e->payload.off;
    size_t at = csv_cell_open(w);
    print->limit = (size_t)self->settings->max_message;
    if (e->kind == TAP_FUNCTION_CALL) {
        *tap_writer_reserve(w, 1) = '[';
        w->p++;
        tap_writer_arguments(w, term, e->payload.len, ",", print);
        *tap_writer_reserve(w, 1) = ']';
        w->p++;
    } else {
        tap_writer_term(w, term, e->payload.len, print);
        csv_cell_guard(w, at, false);
    }
    print->limit = 0;
    csv_cell_close(w, at);
}

static const struct {
    uint32_t flag;
    const char *text;
} csv_flags[] = {{TAP_EVENT_TIMEOUT, " timeout"}, {TAP_EVENT_NONEXISTING, " nonexisting"},
                 {TAP_EVENT_EXITING, " exiting"}, {TAP_EVENT_GC_MAJOR, " major"},
                 {TAP_EVENT_LINK_GOT, " got"},    {TAP_EVENT_MOVED, " moved"}};
#define CSV_FLAGS_MAX 192 /* bytes that all flags take */

/* Each flag with a space in front. */
static char *put_flags(char *p, const struct tap_event *e)
{
    for (size_t i = 0; i < sizeof csv_flags / sizeof *csv_flags; i++)
        if (e->flags & csv_flags[i].flag)
            p = tap_text_copy(p, csv_flags[i].text, strlen(csv_flags[i].text));
    static const char *const gens[] = {"", " call", " cast", " reply took="};
    p = tap_text_copy(p, gens[e->gen & 3], strlen(gens[e->gen & 3]));
    if (e->gen == TAP_GEN_REPLY)
        p = tap_text_u64(p, (uint64_t)e->took);
    if (e->scheduler)
        p = tap_text_u64(tap_text_lit(p, " scheduler="), e->scheduler);
    if (e->flags & TAP_EVENT_TRUNCATED)
        p = tap_text_u64(tap_text_lit(p, " truncated="), e->true_size);
    return p;
}

static void put_metadata(struct csv *self, const struct tap_batch *batch, const struct tap_event *e,
                         const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    if (!(e->flags & ~(uint32_t)TAP_EVENT_ARITY_ONLY) && !e->gen && !e->scheduler &&
        !e->metadata.len)
        return;
    char flags[CSV_FLAGS_MAX], *end = put_flags(flags, e), *from = flags;
    size_t at = csv_cell_open(w);
    if (e->metadata.len) {
        tap_writer_term(w, batch->arena + e->metadata.off, e->metadata.len, print);
        csv_cell_guard(w, at, true);
    } else if (end > from) {
        from++; /* no space before the first */
    }
    tap_writer_put(w, from, (size_t)(end - from));
    csv_cell_close(w, at);
}

/* ---- A row */

static inline void put_char(struct tap_writer *w, char c)
{
    *tap_writer_reserve(w, 1) = c;
    w->p++;
}

static void end_row(struct tap_writer *w, const struct tap_event *e)
{
    put_char(w, '\n');
    if (__builtin_expect(w->failed, 0)) /* out of memory drops what was begun: no half rows */
        tap_writer_drop(w);
    else
        tap_writer_end(w, e->kind <= TAP_KIND_USER_LAST);
}

static void put_name(struct csv *self, uint32_t id)
{
    const struct csv_cell cell = *csv_name(&self->names, self->host, id);
    tap_writer_put(&self->w, cell.text, cell.len);
}

/* What its process is called, as far as it is known by now. */
static void put_process(struct csv *self, const struct tap_event *e)
{
    const struct tap_process_facts *known = tap_process_table_find(self->called, &e->pid);
    size_t at = csv_cell_open(&self->w);
    if (known)
        tap_process_facts_put(known, &self->w);
    csv_cell_guard(&self->w, at, false);
    csv_cell_close(&self->w, at);
}

static void put_flow(struct tap_writer *w, const struct tap_event *e)
{
    if (e->flow)
        w->p = tap_text_u64(tap_writer_reserve(w, 20), e->flow);
}

static void put_column(struct csv *self, enum csv_column column, const struct tap_batch *batch,
                       const struct tap_event *e, struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    switch (column) {
    case TS: w->p = put_ts(self, tap_writer_reserve(w, 64), e->ts); break;
    case NODE: put_name(self, print->node_name); break;
    case EVENT: tap_writer_put(w, self->kinds[e->kind] + 1, self->kind_len[e->kind] - 2u); break;
    case PID: put_pid(self, e, print); break;
    case MODULE: put_name(self, e->module); break;
    case FUNCTION: put_name(self, e->function); break;
    case ARITY: w->p = tap_text_i64(tap_writer_reserve(w, 24), e->arity); break;
    case PEER: put_peer(self, batch, e, print); break;
    case MESSAGE: put_message(self, batch, e, print); break;
    case FLOW: put_flow(w, e); break;
    case PROCESS: put_process(self, e); break;
    default: put_metadata(self, batch, e, print); break;
    }
}

/* A row of the columns that were chosen; always the first row. */
static void put_chosen(struct csv *self, const struct tap_batch *batch, const struct tap_event *e)
{
    const struct tap_sink_node *node = tap_sink_nodes_get(&self->nodes, self->host, e->node);
    struct tap_print print = {.struct_size = sizeof print,
                              .printable_unicode = node->printable_unicode,
                              .node_name = node->name_id};
    bool quoted = self->begun; /* a cell of the first row shows what quotes are (cells.h) */
    for (unsigned i = 0; i < self->column_count; i++) {
        if (i)
            put_char(&self->w, ',');
        size_t at = tap_writer_here(&self->w);
        put_column(self, self->columns[i], batch, e, &print);
        if (!quoted && self->columns[i] != TS && self->columns[i] != ARITY &&
            self->columns[i] != FLOW) {
            csv_cell_quote(&self->w, at);
            quoted = true;
        }
    }
    self->begun = true;
    end_row(&self->w, e);
}

/* The same for all of them in their own order, the way that most go. */
static void put_row(struct csv *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_writer *w = &self->w;
    const struct tap_sink_node *node = tap_sink_nodes_get(&self->nodes, self->host, e->node);
    struct tap_print print = {.struct_size = sizeof print,
                              .printable_unicode = node->printable_unicode,
                              .node_name = node->name_id};
    const struct csv_cell name = *csv_name(&self->names, self->host, node->name_id);
    const struct csv_cell module = *csv_name(&self->names, self->host, e->module);
    const struct csv_cell function = *csv_name(&self->names, self->host, e->function);
    char *p = tap_writer_reserve(w, 192 + (size_t)name.len + module.len + function.len);
    p = put_ts(self, p, e->ts);
    *p++ = ',';
    p = tap_text_copy(p, name.text, name.len);
    memcpy(p, self->kinds[e->kind], sizeof self->kinds[0]);
    p += self->kind_len[e->kind];
    if (__builtin_expect(e->pid.node == print.node_name && e->pid.node, 1)) {
        p = tap_text_pid(p, &e->pid);
    } else {
        w->p = p;
        put_pid(self, e, &print);
        p = tap_writer_reserve(w, 64 + (size_t)module.len + function.len);
    }
    *p++ = ',';
    p = tap_text_copy(p, module.text, module.len);
    *p++ = ',';
    p = tap_text_copy(p, function.text, function.len);
    *p++ = ',';
    p = tap_text_i64(p, e->arity);
    *p++ = ',';
    w->p = p;
    put_peer(self, batch, e, &print);
    put_char(w, ',');
    put_message(self, batch, e, &print);
    put_char(w, ',');
    put_metadata(self, batch, e, &print);
    put_char(w, ',');
    put_flow(w, e);
    end_row(w, e);
}

/* Reads the option: names of columns, each at most once. */
static enum tap_status choose_columns(struct csv *self)
{
    const struct tap_text_list *list = &self->settings->columns;
    for (size_t i = 0; i < list->count; i++) {
        const struct tap_text *item = &list->items[i];
        unsigned c = 0, j = 0;
        while (c < COLUMNS && strcmp(csv_names_of[c], item->text) != 0)
            c++;
        if (c == COLUMNS)
            return self->host->fail_at(
                self->host, item, 0, "%s is no column; there are " CSV_ALL ", process", item->text);
        while (j < self->column_count && self->columns[j] != c)
            j++;
        if (j < self->column_count)
            return self->host->fail_at(self->host, item, 0, "column %s is named twice", item->text);
        self->chosen |= c != i;
        self->columns[self->column_count++] = (uint8_t)c;
    }
    self->chosen |= self->column_count != CSV_DEFAULT;
    return TAP_OK;
}

/* ---- The sink */

static enum tap_status csv_create(const struct tap_host *host, const void *settings, void **out)
{
    struct csv *self = calloc(1, sizeof *self);
    if (!self)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    self->host = host;
    self->settings = settings;
    self->second = -1;
    for (unsigned k = 0; k < TAP_KIND_COUNT; k++) {
        const char *name = host->kind_name(k);
        size_t n = strnlen(name, sizeof self->kinds[k] - 2);
        self->kinds[k][0] = ',';
        memcpy(self->kinds[k] + 1, name, n);
        self->kinds[k][n + 1] = ',';
        self->kind_len[k] = (uint8_t)(n + 2);
    }
    enum tap_status status = choose_columns(self);
    if (status == TAP_OK)
        status = tap_writer_claim(&self->w, host, self->settings->path);
    if (status != TAP_OK) {
        free(self);
        return status;
    }
    *out = self;
    return TAP_OK;
}

static enum tap_status csv_start(void *s)
{
    struct csv *self = s;
    if (memchr(self->columns, PROCESS, self->column_count) &&
        !(self->called = tap_process_table_new()))
        return TAP_FAIL(self->host, TAP_ERROR, "out of memory");
    enum tap_status status = tap_writer_open(&self->w);
    if (status != TAP_OK)
        return status;
    for (unsigned i = 0; i < self->column_count; i++) {
        const char *name = csv_names_of[self->columns[i]];
        tap_writer_put(&self->w, ",", i > 0);
        tap_writer_put(&self->w, name, strlen(name));
    }
    tap_writer_put(&self->w, "\n", 1);
    tap_writer_end(&self->w, 0);
    return tap_writer_status(&self->w);
}

/* Asks for the names of the events after this one, where there are more than the processor's caches
 * hold. */
static void fetch_names(const struct csv_names *names, const struct tap_batch *batch,
                        const uint32_t *select, size_t left)
{
    enum { SOON = 4, LATER = 8, MANY = 8192 };
    if (names->count <= MANY || left <= LATER)
        return;
    uint32_t soon = tap_batch_event(batch, select[SOON])->function,
             later = tap_batch_event(batch, select[LATER])->function;
    if (soon < names->count && names->at[soon].text)
        __builtin_prefetch(names->at[soon].text);
    if (later < names->count)
        __builtin_prefetch(&names->at[later]);
}

static void learn_process(struct csv *self, const struct tap_batch *batch,
                          const struct tap_event *e)
{
    const struct tap_sink_node *node = tap_sink_nodes_get(&self->nodes, self->host, e->node);
    struct tap_print print = {.struct_size = sizeof print,
                              .printable_unicode = node->printable_unicode,
                              .node_name = node->name_id};
    tap_process_table_learn(self->called, self->host, batch, e, &print);
}

static enum tap_status csv_consume(void *s, const struct tap_batch *batch, const uint32_t *select,
                                   size_t n)
{
    struct csv *self = s;
    for (size_t i = 0; i < n; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        fetch_names(&self->names, batch, select + i, n - i);
        if (self->called)
            learn_process(self, batch, e);
        if (e->kind == TAP_NODE_UP)
            tap_sink_nodes_learn(&self->nodes, self->host, e->node);
        if (e->kind <= TAP_NODE_DOWN && (self->chosen || !self->begun))
            put_chosen(self, batch, e);
        else if (e->kind <= TAP_NODE_DOWN)
            put_row(self, batch, e);
    }
    return tap_writer_status(&self->w);
}

static enum tap_status csv_flush(void *s)
{
    return tap_writer_flush(&((struct csv *)s)->w);
}

static enum tap_status csv_stop(void *s)
{
    return tap_writer_close(&((struct csv *)s)->w);
}

static void csv_destroy(void *s)
{
    struct csv *self = s;
    tap_writer_free(&self->w);
    tap_sink_nodes_free(&self->nodes);
    csv_names_free(&self->names);
    tap_process_table_free(self->called);
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
     .help = "which columns, in which order; besides these there is process: what the process is "
             "called, as far as that is known when the row is written"},
    {.name = "max_message",
     .type = TAP_OPT_SIZE,
     .def = "64k",
     .flags = TAP_OPT_BYTES,
     .offset = offsetof(struct csv_settings, max_message),
     .help = "the message column is cut with ... after about so many bytes; 0: never"},
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
};

const struct tap_plugin *beamtap_plugin_v1(void)
{
    return &csv_plugin;
}
