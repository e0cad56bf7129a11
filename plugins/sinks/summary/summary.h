/* summary.h: the summary sink: who was busy, as text at the end of a run.
 *
 *     plugin.c    the plugin: options, life, what each event counts for
 *     processes.c what they are called, and how long their mailboxes were
 *     report.c    the text: who was busy, and how slow
 *     text.c      the text: its pieces
 *     profile.c   the text: a profile
 *     ends.c      the text: exceptions, exits, mailboxes, losses
 *
 * Calls with their times, gen_server calls and reasons are counted by what sinks share
 * (sinks/common). Memory depends on what is open (frames of live processes) and on caps, never on
 * the trace's length.
 */
#ifndef TAP_SINKS_SUMMARY_SUMMARY_H
#define TAP_SINKS_SUMMARY_SUMMARY_H

#include "sinks/common/call_times.h"
#include "sinks/common/counted_sums.h"
#include "sinks/common/marks.h"
#include "sinks/common/server_calls.h"
#include "sinks/common/process_name.h"
#include "sinks/common/reasons.h"
#include "sinks/common/writer.h"

#define SUMMARY_PROCESSES 65536u /* what comes after them is counted as one, the first */
#define SUMMARY_PAIRS 65536u
#define SUMMARY_TOP 100u

struct sum_process {
    struct tap_pid pid;
    uint32_t node;
    struct tap_process_facts facts;
    struct tap_call_stack stack;
    uint64_t events, calls, sent, received;
    uint64_t mailbox; /* the longest that it was seen */
    int64_t mailbox_at;
};

struct sum_pair {
    uint32_t from, name; /* a process's index; the receiver's registered name, or 0 */
    struct tap_pid to;
    uint64_t messages;
};

struct sum_node {
    uint32_t epoch; /* one more each time that stacks break */
    uint64_t lost, gap_ns, lost_by[TAP_REASON_COUNT], gap_by[TAP_REASON_COUNT];
};

struct sum_settings {
    const char *path;
    int64_t top;
    int syntax;
};

struct sum {
    const struct tap_host *host;
    const struct sum_settings *settings;
    struct tap_writer w;
    struct tap_sink_nodes names;
    struct tap_call_times times;
    struct tap_server_calls servers;
    struct tap_flow_times flows;
    struct tap_reason_counts exits, exceptions;
    bool no_memory;
    int64_t first, last;
    uint64_t events, kinds[TAP_KIND_COUNT];
    struct tap_map process_at, pair_at;
    struct sum_process *processes; /* 0 stands for all that were too many */
    struct sum_pair *pairs;
    struct sum_node *nodes;
    uint32_t process_count, pair_count, node_count;
    struct tap_server_call slow[SUMMARY_TOP]; /* the slowest first */
    uint32_t slow_count;
    struct tap_counted_sums counted;
    struct tap_marks marks;
};

/* Room for one more item in a growing array; false: no memory, which is noted. */
bool sum_room(struct sum *, void *array, uint32_t count, size_t size);

/* How terms of a node are printed. */
struct tap_print sum_print(struct sum *, uint32_t node);

/* A process's index; 0 stands for all those that are too many, or have no memory. Processes may
 * move in memory. */
uint32_t sum_process_get(struct sum *, const struct tap_pid *, uint32_t node);
void sum_processes_free(struct sum *);
/* A start, an exit, a spawn or a registration: what the process is called by that. Processes may
 * move. */
void sum_process_event(struct sum *, uint32_t process, const struct tap_batch *,
                       const struct tap_event *);
/* What a node tells of them. */
void sum_processes_learn(struct sum *, const struct tap_batch *, const struct tap_event *);

/* How many messages waited in mailboxes. */
void sum_processes_mailboxes(struct sum *, const struct tap_batch *, const struct tap_event *);

/* ---- The text */

void sum_report(struct sum *);
/* The pieces, in text.c: text, a time eleven columns wide, a process, and the
 * rows of a table: those with a value, the largest first and of equals the one that was seen first,
 * cut to `top`. The caller frees them. */
struct sum_rank {
    uint64_t value;
    uint32_t index;
};
struct sum_rank *sum_ranked(struct sum *, uint32_t count,
                            uint64_t (*value)(const struct sum *, uint32_t), uint32_t *n);
void sum_put(struct sum *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sum_put_time(struct sum *, int64_t ns);
void sum_put_seconds(struct sum *, int64_t ns);
void sum_put_name(struct sum *, uint32_t id);
void sum_put_pid(struct sum *, const struct tap_pid *, uint32_t node);
void sum_put_process(struct sum *, uint32_t index);
void sum_report_ends(struct sum *);
void sum_report_profile(struct sum *);

#endif
