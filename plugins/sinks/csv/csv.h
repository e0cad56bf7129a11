/* csv.h: the csv sink's parts: plugin.c (what the columns hold; options and life), row.c (an event
 * as a row), cells.c (a text as a cell).
 */
#ifndef TAP_SINKS_CSV_CSV_H
#define TAP_SINKS_CSV_CSV_H

#include "files/csv_columns.h"
#include "sinks/common/node_labels.h"
#include "sinks/common/process_table.h"
#include "sinks/csv/cells.h"

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
    uint8_t columns[TAP_CSV_COLUMNS],
        column_count; /* enum tap_csv_column, in the order of the file */
    bool chosen;      /* other ones than all, or in another order */
    bool begun;       /* there is a row */
};

/* Writes these events, a row each. */
enum tap_status csv_consume(void *csv, const struct tap_batch *, const uint32_t *select, size_t n);

#endif
