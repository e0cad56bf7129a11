/* trial_sink.h: what the trials of sinks share. */
#ifndef TAP_CLI_TRIAL_SINK_H
#define TAP_CLI_TRIAL_SINK_H

#include "cli/trial.h"

/* trial_sink_faults.c */
void tap_sink_without_run(struct tap_trial *);
void tap_sink_unopened(struct tap_trial *);
void tap_sink_full_disk(struct tap_trial *);
void tap_sink_limited(struct tap_trial *);
void tap_sink_flushes(struct tap_trial *);

#endif
