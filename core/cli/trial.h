/* trial.h: `beamtap plugins --test KIND:NAME`: a plugin is driven through its whole life as the
 * core would drive it, and what it gets wrong is told.
 *
 * Each trial is a child process of its own, from the loading of the plugin on: what it does to the
 * process (a crash, exit, a descriptor that stays open) touches no other trial. What the child
 * found and which operation it is in stand in memory that it shares with the command, which tells
 * what became of it.
 *
 *     trial.c            the command's part: the list of trials, a child for each, the report
 *     trial_describe.c   the descriptor and the table of options
 *     trial_sink*.c, trial_filter.c, trial_transport.c   the trials of each kind
 *     trial_life.c       one instance, from its settings to its end
 *     trial_host.c       the host table that it gets; counts what the plugin says
 *     trial_batches.c, trial_events.c, trial_terms.c     what it is given
 *     trial_region.c     memory in which a wrong access is seen, and named
 *     trial_child.c      findings, and the signals of a crash
 */
#ifndef TAP_CLI_TRIAL_H
#define TAP_CLI_TRIAL_H

#include <stdatomic.h>
#include <sys/types.h>

#include "beamtap/filter.h"
#include "beamtap/sink.h"
#include "beamtap/term_write.h"
#include "config/config.h"
#include "names/intern.h"

/* What a child and the command both see. */
struct tap_trial_shared {
    atomic_uint steps;    /* operations begun: while this moves, it is not stuck */
    atomic_bool done;     /* it came to its end */
    char operation[64];   /* "consume"; "": in none of the plugin's */
    char crash[160];      /* how it crashed; "": it did not, or without a signal that is caught */
    char findings[16384]; /* sentences, each with its newline */
    atomic_uint used;     /* bytes of them */
    char plugin[512];     /* version and file, once it is loaded */
    unsigned flags;       /* of its descriptor */
    bool uncreated;       /* create fails with settings that should do */
    char skipped[256];    /* why there was nothing to try; "": there was */
    char said[256];       /* the first line of what it printed by itself */
    char logged[256];     /* what it told the log first */
};

struct tap_trial {
    enum tap_plugin_kind kind;
    const char *name, *section; /* "csv", "sink:csv" */
    const char *const *sets;    /* what --set says: SECTION.KEY=VALUE */
    size_t set_count;
    const char *recording; /* NULL: none */
    int64_t patience;      /* ns that one operation may take */
    struct tap_trial_shared *shared;
    char folder[64]; /* of this trial alone, empty when it begins */

    /* In the child. */
    const struct tap_loaded *loaded;
    struct tap_error *err;
};

/* ---- trial_child.c */

/* One more thing that the plugin gets wrong: a sentence. The same one is told once. */
void tap_trial_finds(struct tap_trial *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Nothing can be tried here, and why. */
void tap_trial_skips(struct tap_trial *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* From here on the plugin's operation of this name runs; NULL: none does. */
void tap_trial_enters(struct tap_trial *, const char *operation);
/* Makes this process the child: crashes are named, and what it prints goes to `said`. */
void tap_trial_begin_child(struct tap_trial *, int said);
/* Loads the plugin. False: it is refused, and that was found. */
bool tap_trial_loads(struct tap_trial *);

/* ---- trial_region.c */

enum tap_region_kind { TAP_REGION_BATCH, TAP_REGION_SETTINGS, TAP_REGION_KEEP };
/* `size` zeroed bytes whose end is the end of what may be touched. */
struct tap_region;
struct tap_region *tap_region_new(enum tap_region_kind, size_t size);
void tap_region_free(struct tap_region *); /* NULL is none */
void *tap_region_bytes(const struct tap_region *);
enum tap_region_access { TAP_REGION_WRITABLE, TAP_REGION_READABLE, TAP_REGION_GONE };
void tap_region_set(struct tap_region *, enum tap_region_access);
/* What an access of this address was, as the end of a sentence that begins with the plugin; NULL:
 * it is in none of them. In a handler of signals. */
const char *tap_region_blames(const void *address);

/* ---- trial_batches.c */

/* A batch that plugins are given, in a region. */
struct tap_trial_batch {
    const struct tap_batch *batch;
    const uint32_t *select;
    size_t n;
    uint32_t counted; /* of the selected ones */
    struct tap_region *region;
    unsigned held;
    bool lent; /* a call with it is under way */
};
/* A batch that is being made. */
struct tap_batch_plan {
    const struct tap_host *host;
    struct tap_buf arena;
    struct tap_event *events;
    uint32_t count, cap;
    bool raw; /* events say what they were made of */
    int64_t ts;
    uint64_t seq[2];
};
struct tap_event *tap_plan_event(struct tap_batch_plan *, uint32_t node, enum tap_kind,
                                 uint32_t id);
struct tap_pid tap_plan_pid(const struct tap_batch_plan *, uint32_t node, uint32_t id);
/* Of what is written to the arena from here on. */
static inline struct tap_span tap_plan_span(const struct tap_batch_plan *p, size_t from)
{
    return (struct tap_span){(uint32_t)from, (uint32_t)(p->arena.len - from)};
}
/* Makes it a batch; `leave_out`: every so many of the counted events is another sink's; 0: none is.
 * The plan is empty again, and its time and numbers go on. NULL: out of memory. */
struct tap_trial_batch *tap_plan_batch(struct tap_batch_plan *, uint32_t leave_out);
void tap_trial_batch_free(struct tap_trial_batch *);

/* ---- trial_events.c and trial_terms.c: what is put into them */

/* Every kind of event, as two nodes would tell them. */
void tap_events_every_kind(struct tap_batch_plan *);
/* Calls, returns and messages of a hundred processes. */
void tap_events_many(struct tap_batch_plan *, uint32_t count);
/* Stacks that go deep, returns without calls, exceptions, loops; all of it broken by losses. */
void tap_events_stacks(struct tap_batch_plan *);
/* Losses and gaps of every reason, while calls and waits are open; and a node that comes back. */
void tap_events_losses(struct tap_batch_plan *);
/* Terms that no node should send, and names, numbers and times at their bounds. */
void tap_events_hostile(struct tap_batch_plan *);
/* The i-th hostile term, into the arena; false: there are no more. */
bool tap_terms_hostile(struct tap_buf *, unsigned i);

/* ---- trial_host.c */

struct tap_trial_host {
    struct tap_host table; /* first */
    struct tap_trial *trial;
    struct tap_intern *intern;
    struct tap_run_info run_info;
    struct tap_plan plan;
    struct tap_node nodes[2];
    struct tap_sink_host sink;
    uint64_t given, written, bytes; /* counted events */
    unsigned causes;                /* that it gave */
    char cause[512];                /* the last one */
    bool expected;                  /* it is to fail: what it says of why is no finding */
    struct tap_trial_batch **batches;
    size_t batch_count;
};
struct tap_trial_host *tap_trial_host_new(struct tap_trial *);
void tap_trial_host_free(struct tap_trial_host *);
/* The batch may be held from now on. False: out of memory. */
bool tap_trial_host_knows(struct tap_trial_host *, struct tap_trial_batch *);
/* Batches that are held still. */
unsigned tap_trial_host_held(const struct tap_trial_host *);

/* ---- trial_life.c */

/* One instance. */
struct tap_life {
    struct tap_trial *trial;
    struct tap_trial_host *host;
    struct tap_mempool *pool;
    struct tap_region *settings;
    char path[128]; /* what `path` is set to; "": it has none, or it was set by --set */
    void *self;
    bool created, started, failed;
};
/* Settings: the defaults, what --set says, `more` (KEY=VALUE, space-separated; NULL: none), and
 * what is required. `file`: below the trial's folder, or an absolute path; NULL: "out". False: they
 * do not fill, and why was found. */
bool tap_life_begin(struct tap_life *, struct tap_trial *, const char *file, const char *more);
/* Does --set say what this option is? */
bool tap_life_is_set(const struct tap_trial *, const char *key);
/* Has it an option `path`, which --set leaves to us? */
bool tap_life_has_path(const struct tap_trial *);
/* A value that an option takes which must have one. */
const char *tap_life_sample(const struct tap_trial *, const struct tap_option *, char dst[64]);
/* The operations. False: it failed, which is a finding unless host->expected says that it must; a
 * failure without a cause always is. */
bool tap_life_create(struct tap_life *);
bool tap_life_start(struct tap_life *);
bool tap_life_consume(struct tap_life *, struct tap_trial_batch *);
bool tap_life_flush(struct tap_life *);
bool tap_life_stop(struct tap_life *);
/* How large the file at `path` is; -1: there is none. */
int64_t tap_life_size(const struct tap_life *);
/* For the events of its first batch; the same plan goes on for those that follow. */
struct tap_batch_plan tap_life_plan(const struct tap_life *);
/* destroy, and what is left of it here. */
void tap_life_end(struct tap_life *);
/* Once it was stopped without a failure: is every event accounted for? */
void tap_life_balance(struct tap_life *);

/* What a process has open, and how much memory is in use. */
struct tap_holdings {
    int descriptors, threads;
    size_t memory;
};
struct tap_holdings tap_holdings_now(void);

/* Lives of a plugin one after the other, and the memory in use after each quarter of them. What the
 * allocator keeps for itself grows at first, and stops; what is left behind never stops. */
#define TAP_LIVES 200
struct tap_lives {
    size_t memory[4];
};
void tap_lives_lived(struct tap_lives *, int lives);
/* Finds what each has left behind in every quarter. */
void tap_lives_judge(struct tap_trial *, const struct tap_lives *);

/* More descriptors or threads than before are found. */
void tap_holdings_compare(struct tap_trial *, const struct tap_holdings *before, const char *when);

/* ---- The trials */

struct tap_trial_case {
    const char *name; /* what is tried, for people */
    void (*run)(struct tap_trial *);
};
extern const struct tap_trial_case tap_describe_case; /* tried first, of every kind */
extern const struct tap_trial_case tap_sink_cases[], tap_filter_cases[], tap_transport_cases[];
/* Tried where there is a recording. */
extern const struct tap_trial_case tap_replay_case;

/* trial.c: the exit code. */
int tap_trial_run(struct tap_trial *);

#endif
