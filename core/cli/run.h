/* run.h: what `beamtap run` is made of: the live line and the summary. */
#ifndef TAP_CLI_RUN_H
#define TAP_CLI_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"
#include "session/session.h"

/* All figures of a session at one moment. Names in it live as long as the session. */
struct tap_run_figures {
    struct tap_node_stats *nodes;
    size_t node_count;
    struct tap_sink_stats *sinks;
    size_t sink_count;
    uint64_t received, lost; /* over all nodes */
};
/* False when out of memory. Free with tap_run_figures_free. */
bool tap_run_figures(const struct tap_session *, struct tap_run_figures *);
void tap_run_figures_free(struct tap_run_figures *);
/* Events that a node or any sink lost. */
bool tap_run_lost(const struct tap_run_figures *);

/* run.c: a run from its configuration to its summary; the exit code. `config` NULL: `err` says why,
 * and is printed. Takes over SIGINT, SIGTERM and SIGHUP (signals.h). */
int tap_run_config(const struct tap_config *config, struct tap_error *err, bool quiet, bool json);

/* The same, of a configuration that is a command line. */
struct tap_cli_sets;
int tap_run_sets(const struct tap_cli_sets *, bool quiet, bool json);

/* live.c: one line on stderr that is written over and over, when stderr is a terminal, and log
 * lines that go above it. Log lines come from any thread. `taken`: a sink has the terminal for
 * itself: there is no such line, and what would be told on a terminal is told at the end. */
void tap_live_begin(bool quiet, int64_t duration, bool taken);
void tap_live_show(const struct tap_session *);
void tap_live_end(void);
void tap_live_log(void *arg, enum tap_log_level, const char *actor, const char *text);
/* Tells the causes that have come since the last call, so that a failure is told when it
 * happens. */
void tap_live_causes(const struct tap_error *);

/* summary.c */
void tap_summary_print(const struct tap_session *, const struct tap_run_figures *, FILE *);
/* The same as JSON and a newline; `code` is the exit code. False when out of memory. */
bool tap_summary_json(const struct tap_session *, const struct tap_run_figures *, int code, FILE *);

/* summary_flows.c: its part about messages; nothing where they are not paired. */
struct cJSON;
void tap_summary_flows(const struct tap_session *, FILE *);
void tap_summary_flows_json(const struct tap_session *, struct cJSON *);
/* summary_window.c: its part about start_on and stop_on; nothing where there is neither. */
void tap_summary_window(const struct tap_session *, FILE *);
void tap_summary_window_json(const struct tap_session *, struct cJSON *);

#endif
