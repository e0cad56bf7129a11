/* csv_rows.h: an event as a row of a table that every reader takes without options. What the
 * columns hold: plugins/sinks/csv/plugin.c.
 */
#ifndef TAP_SINKS_COMMON_CSV_ROWS_H
#define TAP_SINKS_COMMON_CSV_ROWS_H

#include "files/csv_columns.h"
#include "sinks/common/node_labels.h"
#include "sinks/common/process_table.h"
#include "sinks/common/csv_cells.h"

struct tap_csv {
    const struct tap_host *host;
    int64_t max_message;
    enum tap_print_syntax syntax;
    struct tap_writer w;
    struct tap_sink_nodes nodes;
    struct tap_csv_atoms names;
    struct tap_process_table *called; /* NULL: that column is not wanted */
    char kinds[TAP_KIND_COUNT][32];   /* ",function_call," */
    uint8_t kind_len[TAP_KIND_COUNT];
    /* the last event's ts in whole seconds, and its text: the first half of nearly every ts */
    int64_t second;
    char second_text[24];
    uint8_t second_len;
    uint8_t columns[TAP_CSV_COLUMNS],
        column_count; /* enum tap_csv_column, in the order of the file */
    bool chosen;      /* other ones than all, or in another order */
    bool begun;       /* there is a row */
};

/* For create, with all zero: all columns in their own order. */
void tap_csv_begin(struct tap_csv *, const struct tap_host *, int64_t max_message,
                   enum tap_print_syntax);
/* The line of the columns' names; its writer is open. */
void tap_csv_head(struct tap_csv *);
/* Writes these events, a row each. */
enum tap_status tap_csv_consume(struct tap_csv *, const struct tap_batch *, const uint32_t *select,
                                size_t n);
/* All but the writer. */
void tap_csv_free(struct tap_csv *);

#endif
