/* csv_columns.h: the columns of a table that the csv sink writes: it writes them, and `beamtap
 * repair` knows a table of ours by them. What they hold: plugins/sinks/csv/plugin.c. */
#ifndef TAP_FILES_CSV_COLUMNS_H
#define TAP_FILES_CSV_COLUMNS_H

/* Those of a row unless others are chosen, and behind them what has to be asked for. */
enum tap_csv_column {
    TAP_CSV_TS,
    TAP_CSV_NODE,
    TAP_CSV_EVENT,
    TAP_CSV_PID,
    TAP_CSV_MODULE,
    TAP_CSV_FUNCTION,
    TAP_CSV_ARITY,
    TAP_CSV_PEER,
    TAP_CSV_MESSAGE,
    TAP_CSV_METADATA,
    TAP_CSV_FLOW,
    TAP_CSV_PROCESS,
    TAP_CSV_MFA,
    TAP_CSV_COLUMNS
};
#define TAP_CSV_DEFAULT TAP_CSV_PROCESS /* so many */

static const char *const tap_csv_names[TAP_CSV_COLUMNS] = {
    [TAP_CSV_TS] = "ts",           [TAP_CSV_NODE] = "node",
    [TAP_CSV_EVENT] = "event",     [TAP_CSV_PID] = "pid",
    [TAP_CSV_MODULE] = "module",   [TAP_CSV_FUNCTION] = "function",
    [TAP_CSV_ARITY] = "arity",     [TAP_CSV_PEER] = "peer",
    [TAP_CSV_MESSAGE] = "message", [TAP_CSV_METADATA] = "metadata",
    [TAP_CSV_FLOW] = "flow",       [TAP_CSV_PROCESS] = "process",
    [TAP_CSV_MFA] = "mfa"};

#endif
