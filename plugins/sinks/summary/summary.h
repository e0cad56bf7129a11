/* summary.h: the summary sink: who was busy, as text at the end of a run.
 *
 *     plugin.c    the plugin: options, life, what each event counts for
 *     functions.c calls: how many, how long, how much of it their own
 *     counted.c   a profile: what the VM has counted, by function and by process
 *     servers.c   gen_server calls: waiting for the server, handled by it, in all
 *     processes.c what they are called
 *     report.c    the text
 *     map.c       a hash table of numbers, and room in growing arrays
 *
 * Memory depends on what is open (frames of live processes) and on caps, never on the trace's
 * length.
 */
#ifndef TAP_SINKS_SUMMARY_SUMMARY_H
#define TAP_SINKS_SUMMARY_SUMMARY_H

#include "sinks/common/process_name.h"
#include "sinks/common/node_labels.h"
#include "beamtap/returns_off.h"
#include "sinks/common/writer.h"

#define SUMMARY_PROCESSES 65536u /* what comes after them is counted as one, the first */
#define SUMMARY_PAIRS 65536u
#define SUMMARY_DEPTH 1000000u /* frames of one process */
#define SUMMARY_CALLS 16384u   /* gen_server calls under way that are remembered */
#define SUMMARY_TEXT 120u      /* bytes of a request that are shown */
#define SUMMARY_TOP 100u

/* Keys are hashes of 64 bits, never 0; values are indexes or counts. */
struct sum_map {
    uint64_t *keys;
    uint32_t *values;
    uint32_t mask, count;
};
void sum_map_free(struct sum_map *);
/* The value's place; made with value 0 where `make`. NULL: there is none, or no memory. Until the
 * next call. */
uint32_t *sum_map_get(struct sum_map *, uint64_t key, bool make);
void sum_map_remove(struct sum_map *, uint64_t key);
static inline uint64_t sum_mix(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b << 32 | b >> 32)) * 0x9e3779b97f4a7c15ull;
    h = (h ^ (h >> 29) ^ b) * 0xd6e8feb86659fd93ull;
    h ^= h >> 32;
    return h ? h : 1;
}

static inline uint64_t sum_pid_key(const struct tap_pid *p)
{
    uint64_t h = tap_pid_hash64(p);
    return h ? h : 1;
}

/* Lengths are below 2^62, but there are many. */
static inline int64_t sum_times(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

struct sum_function {
    uint32_t module, function;
    int32_t arity;
    bool returns; /* a return of it was seen, or all are traced: its calls have a length */
    uint64_t calls, returned, thrown;
    int64_t total, own; /* ns; a call within a call of the same function counts for `own` alone */
};

struct sum_frame {
    uint32_t function;
    bool inside; /* of a call of the same function */
    int64_t start, inner;
};

struct sum_process {
    struct tap_pid pid;
    uint32_t node, epoch;
    struct tap_process_facts facts;
    uint32_t depth, cap;
    uint64_t beyond; /* calls deeper than frames are kept */
    uint64_t events, calls, sent, received;
    struct sum_frame *frames;
};

struct sum_pair {
    uint32_t from, name; /* a process's index; the receiver's registered name, or 0 */
    struct tap_pid to;
    uint64_t messages;
};

struct sum_node {
    uint32_t epoch; /* one more each time that stacks break */
    uint64_t lost, gap_ns;
};

/* A gen_server call: under way, or done. */
struct sum_call {
    uint64_t key, seen;                 /* seen: numbers the calls as they began */
    uint32_t from, server;              /* processes; 0: not seen */
    int64_t sent, taken, replied, done; /* ns since the epoch; 0: not seen */
    char request[SUMMARY_TEXT + 8];
    uint32_t request_len;
};

/* What the VM has counted of a function, or in a process. */
struct sum_counted {
    int64_t calls, ns, bytes;
    uint32_t module, function, process; /* process 0: all that have no row of their own */
    int32_t arity;
    bool is_process;
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
    struct tap_returns_off returns_off;
    bool returns, no_memory;
    int64_t first, last;
    uint64_t events, kinds[TAP_KIND_COUNT];
    struct sum_map function_at, process_at, pair_at, active;
    struct sum_function *functions;
    struct sum_process *processes; /* 0 stands for all that were too many */
    struct sum_pair *pairs;
    struct sum_node *nodes;
    uint32_t function_count, process_count, pair_count, node_count;
    struct sum_call *calls;            /* by key, in sets */
    struct sum_call slow[SUMMARY_TOP]; /* the slowest first */
    uint32_t slow_count;
    uint64_t calls_done, calls_seen;
    struct sum_map counted_at;
    struct sum_counted *counted, counted_all;
    uint32_t counted_count;
    unsigned counts; /* enum tap_counters: what was in the rows */
};

/* Room for one more item in a growing array; false: no memory, which is noted. */
bool sum_room(struct sum *, void *array, uint32_t count, size_t size);

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

void sum_function_call(struct sum *, struct sum_process *, uint32_t process,
                       const struct tap_event *);
void sum_function_end(struct sum *, struct sum_process *, uint32_t process,
                      const struct tap_event *);
/* Forgets the frames of a process. */
void sum_function_clear(struct sum *, struct sum_process *, uint32_t process);

/* A row of a profile. */
void sum_counted_row(struct sum *, uint32_t process, const struct tap_batch *,
                     const struct tap_event *);

/* A send or a receive that may be a gen_server's request or reply. */
void sum_server_message(struct sum *, uint32_t process, const struct tap_batch *,
                        const struct tap_event *);
/* No more will come: what came back without the server's part is done too. */
void sum_server_end(struct sum *);

void sum_report(struct sum *);

#endif
