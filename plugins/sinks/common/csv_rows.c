/* csv_rows.c: an event as a row: what stands in each column, and the columns behind each other.
 *
 * put_row, the way that nearly all rows go, writes all columns in their own order without asking
 * for each; put_chosen asks.
 */
#include "sinks/common/event_text.h"
#include "sinks/common/csv_rows.h"

/* ---- Cells of an event */

static char *put_ts(struct tap_csv *self, char *p, int64_t ts)
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

static void put_pid(struct tap_csv *self, const struct tap_event *e, const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    if (e->pid.node == print->node_name) {
        if (e->pid.node)
            tap_writer_pid(w, &e->pid, print);
    } else if (tap_event_has_pid(e)) {
        size_t at = tap_csv_cell_open(w);
        tap_writer_pid(w, &e->pid, print);
        tap_csv_cell_close(w, at);
    }
}

static void put_peer(struct tap_csv *self, const struct tap_batch *batch, const struct tap_event *e,
                     const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    if (e->peer_type == TAP_PEER_NONE)
        return;
    if (e->peer_type == TAP_PEER_PID && e->peer.node == print->node_name) {
        tap_writer_pid(w, &e->peer, print);
        return;
    }
    size_t at = tap_csv_cell_open(w);
    tap_writer_peer(w, batch, e, print);
    tap_csv_cell_guard(w, at, false);
    tap_csv_cell_close(w, at);
}

static void put_report(struct tap_writer *w, const struct tap_event *e)
{
    size_t at = tap_csv_cell_open(w);
    tap_event_report_put(w, e);
    tap_csv_cell_close(w, at);
}

static void put_message(struct tap_csv *self, const struct tap_batch *batch,
                        const struct tap_event *e, struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    if (!tap_event_has_term(e)) {
        if (tap_kind_is_control(e->kind))
            put_report(w, e);
        return;
    }
    const uint8_t *term = batch->arena + e->payload.off;
    size_t at = tap_csv_cell_open(w);
    print->limit = (size_t)self->max_message;
    if (e->kind == TAP_FUNCTION_CALL) {
        *tap_writer_reserve(w, 1) = '[';
        w->p++;
        tap_writer_arguments(w, term, e->payload.len,
                             print->syntax == TAP_PRINT_ELIXIR ? ", " : ",", print);
        *tap_writer_reserve(w, 1) = ']';
        w->p++;
    } else {
        tap_writer_term(w, term, e->payload.len, print);
        tap_csv_cell_guard(w, at, false);
    }
    print->limit = 0;
    tap_csv_cell_close(w, at);
}

static void put_metadata(struct tap_csv *self, const struct tap_batch *batch,
                         const struct tap_event *e, const struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    if (!(e->flags & ~(uint32_t)TAP_EVENT_ARITY_ONLY) && !e->gen && !e->scheduler &&
        !e->metadata.len)
        return;
    char flags[TAP_EVENT_FLAGS_MAX], *end = tap_event_flags_put(flags, e), *from = flags;
    size_t at = tap_csv_cell_open(w);
    if (e->metadata.len) {
        tap_writer_term(w, batch->arena + e->metadata.off, e->metadata.len, print);
        tap_csv_cell_guard(w, at, true);
    } else if (end > from) {
        from++; /* no space before the first */
    }
    tap_writer_put(w, from, (size_t)(end - from));
    if (e->flags & TAP_EVENT_STACK)
        tap_event_stack_put(w, batch, e, e->metadata.len || end > from, print);
    tap_csv_cell_close(w, at);
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
    tap_writer_end_event(w, e);
}

static void put_name(struct tap_csv *self, uint32_t id)
{
    const struct tap_csv_cell cell = *tap_csv_atom(&self->names, self->host, id);
    tap_writer_put(&self->w, cell.text, cell.len);
}

/* What its process is called, as far as it is known by now. */
static void put_process(struct tap_csv *self, const struct tap_event *e)
{
    const struct tap_process_facts *known = tap_process_table_find(self->called, &e->pid);
    size_t at = tap_csv_cell_open(&self->w);
    if (known)
        tap_process_facts_put(known, &self->w);
    tap_csv_cell_guard(&self->w, at, false);
    tap_csv_cell_close(&self->w, at);
}

/* What its function is called, with its arity. */
static void put_mfa(struct tap_csv *self, const struct tap_event *e)
{
    if (!e->module || !e->function)
        return;
    struct tap_writer *w = &self->w;
    size_t at = tap_csv_cell_open(w);
    tap_function_put_as(w, e->module, e->function, e->arity, self->syntax, false);
    tap_csv_cell_guard(w, at, false);
    tap_csv_cell_close(w, at);
}

static void put_flow(struct tap_writer *w, const struct tap_event *e)
{
    if (e->flow)
        w->p = tap_text_u64(tap_writer_reserve(w, 20), e->flow);
}

static void put_column(struct tap_csv *self, enum tap_csv_column column,
                       const struct tap_batch *batch, const struct tap_event *e,
                       struct tap_print *print)
{
    struct tap_writer *w = &self->w;
    switch (column) {
    case TAP_CSV_TS: w->p = put_ts(self, tap_writer_reserve(w, 64), e->ts); break;
    case TAP_CSV_NODE: put_name(self, print->node_name); break;
    case TAP_CSV_EVENT:
        tap_writer_put(w, self->kinds[e->kind] + 1, self->kind_len[e->kind] - 2u);
        break;
    case TAP_CSV_PID: put_pid(self, e, print); break;
    case TAP_CSV_MODULE: put_name(self, e->module); break;
    case TAP_CSV_FUNCTION: put_name(self, e->function); break;
    case TAP_CSV_ARITY: w->p = tap_text_i64(tap_writer_reserve(w, 24), e->arity); break;
    case TAP_CSV_PEER: put_peer(self, batch, e, print); break;
    case TAP_CSV_MESSAGE: put_message(self, batch, e, print); break;
    case TAP_CSV_FLOW: put_flow(w, e); break;
    case TAP_CSV_PROCESS: put_process(self, e); break;
    case TAP_CSV_MFA: put_mfa(self, e); break;
    default: put_metadata(self, batch, e, print); break;
    }
}

/* Some readers take a line that begins so for a comment. */
static bool is_hash(struct tap_writer *w, size_t at)
{
    const char *s = tap_writer_begun(w) + at;
    return s < w->p && *s == '#';
}

/* A row of the columns that were chosen; always the first row. */
static void put_chosen(struct tap_csv *self, const struct tap_batch *batch,
                       const struct tap_event *e)
{
    const struct tap_sink_node *node = tap_sink_nodes_get(&self->nodes, self->host, e->node);
    struct tap_print print = tap_sink_print(node, self->syntax);
    bool quoted = self->begun; /* a cell of the first row shows what quotes are (csv_cells.h) */
    for (unsigned i = 0; i < self->column_count; i++) {
        if (i)
            put_char(&self->w, ',');
        size_t at = tap_writer_here(&self->w);
        put_column(self, self->columns[i], batch, e, &print);
        if (!quoted && self->columns[i] != TAP_CSV_TS && self->columns[i] != TAP_CSV_ARITY &&
            self->columns[i] != TAP_CSV_FLOW) {
            tap_csv_cell_quote(&self->w, at);
            quoted = true;
        } else if (i == 0 && is_hash(&self->w, at)) {
            tap_csv_cell_quote(&self->w, at);
        }
    }
    self->begun = true;
    end_row(&self->w, e);
}

/* The same for all of them in their own order, the way that most go. */
static void put_row(struct tap_csv *self, const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_writer *w = &self->w;
    const struct tap_sink_node *node = tap_sink_nodes_get(&self->nodes, self->host, e->node);
    struct tap_print print = tap_sink_print(node, self->syntax);
    const struct tap_csv_cell name = *tap_csv_atom(&self->names, self->host, node->name_id);
    const struct tap_csv_cell module = *tap_csv_atom(&self->names, self->host, e->module);
    const struct tap_csv_cell function = *tap_csv_atom(&self->names, self->host, e->function);
    char *p = tap_writer_reserve(w, 192 + (size_t)name.len + module.len + function.len);
    p = put_ts(self, p, e->ts);
    *p++ = ',';
    p = tap_text_copy(p, name.text, name.len);
    memcpy(p, self->kinds[e->kind], sizeof self->kinds[0]);
    p += self->kind_len[e->kind];
    if (__builtin_expect(
            e->pid.node == print.node_name && e->pid.node && print.syntax == TAP_PRINT_ERLANG, 1)) {
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

/* ---- Events */

/* Asks for the names of the events after this one, where there are more than the processor's caches
 * hold. */
static void fetch_names(const struct tap_csv_atoms *names, const struct tap_batch *batch,
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

static void learn_process(struct tap_csv *self, const struct tap_batch *batch,
                          const struct tap_event *e)
{
    const struct tap_sink_node *node = tap_sink_nodes_get(&self->nodes, self->host, e->node);
    struct tap_print print = tap_sink_print(node, self->syntax);
    tap_process_table_learn(self->called, self->host, batch, e, &print);
}

void tap_csv_begin(struct tap_csv *self, const struct tap_host *host, int64_t max_message,
                   enum tap_print_syntax syntax)
{
    self->host = host;
    self->max_message = max_message;
    self->syntax = syntax;
    self->second = -1;
    for (unsigned k = 0; k < TAP_KIND_COUNT; k++) {
        const char *name = host->kind_name(k);
        size_t n = strnlen(name, sizeof self->kinds[k] - 2);
        self->kinds[k][0] = ',';
        memcpy(self->kinds[k] + 1, name, n);
        self->kinds[k][n + 1] = ',';
        self->kind_len[k] = (uint8_t)(n + 2);
    }
    for (unsigned c = 0; c < TAP_CSV_DEFAULT; c++)
        self->columns[self->column_count++] = (uint8_t)c;
}

void tap_csv_head(struct tap_csv *self)
{
    for (unsigned i = 0; i < self->column_count; i++) {
        const char *name = tap_csv_names[self->columns[i]];
        tap_writer_put(&self->w, ",", i > 0);
        tap_writer_put(&self->w, name, strlen(name));
    }
    tap_writer_put(&self->w, "\n", 1);
    tap_writer_end(&self->w, 0);
}

void tap_csv_free(struct tap_csv *self)
{
    tap_sink_nodes_free(&self->nodes);
    tap_csv_atoms_free(&self->names);
    tap_process_table_free(self->called);
}

enum tap_status tap_csv_consume(struct tap_csv *self, const struct tap_batch *batch,
                                const uint32_t *select, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct tap_event *e = tap_batch_event(batch, select[i]);
        fetch_names(&self->names, batch, select + i, n - i);
        if (self->called)
            learn_process(self, batch, e);
        if (e->kind == TAP_NODE_UP)
            tap_sink_nodes_learn(&self->nodes, self->host, e->node);
        if (!tap_kind_has_row(e->kind))
            continue;
        if (self->chosen || !self->begun)
            put_chosen(self, batch, e);
        else
            put_row(self, batch, e);
    }
    return tap_writer_status(&self->w);
}
