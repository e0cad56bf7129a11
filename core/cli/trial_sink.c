/* trial_sink.c: the trials of a sink in which nothing goes wrong outside of it. Those in which
 * something does are in trial_sink_faults.c.
 */
#include "cli/trial_sink.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "config/option_value.h"

#define MANY 2000u
#define ROUNDS 40
#define SETTLED 10 /* rounds after which its tables have their size */
#define NS_PER_EVENT INT64_C(50000)

/* ---- Batches */

static void no_events(struct tap_batch_plan *p)
{
    (void)p;
}
static void two_thousand(struct tap_batch_plan *p)
{
    tap_events_many(p, MANY);
}
static void twenty_thousand(struct tap_batch_plan *p)
{
    tap_events_many(p, 10 * MANY);
}
/* Clears what the batch before left open. */
static void one_call(struct tap_batch_plan *p)
{
    tap_events_many(p, 4);
}

static struct tap_trial_batch *batch(struct tap_batch_plan *plan,
                                     void (*make)(struct tap_batch_plan *), uint32_t leave_out)
{
    make(plan);
    return tap_plan_batch(plan, leave_out);
}

static const struct {
    const char *name;
    void (*make)(struct tap_batch_plan *);
    uint32_t leave_out;
} course[] = {{"every kind of event", tap_events_every_kind, 0},
              {"an empty batch", no_events, 0},
              {"a batch of which all is another sink's", one_call, 1},
              {"a batch of which some is another sink's", two_thousand, 7},
              {"a large batch", twenty_thousand, 0},
              {"deep stacks", tap_events_stacks, 0},
              {"losses and gaps", tap_events_losses, 0},
              {"hostile terms, names and numbers", tap_events_hostile, 0},
              {"one more call", one_call, 0}};

/* All of it, but the large ones where it was seen with them. Whether it came to its stop without a
 * failure. */
static bool go_through(struct tap_life *l, bool large)
{
    struct tap_batch_plan plan = tap_life_plan(l);
    bool good = tap_life_start(l);
    for (size_t i = 0; good && i < sizeof course / sizeof *course; i++) {
        if (course[i].make == twenty_thousand && !large)
            continue;
        struct tap_trial_batch *b = batch(&plan, course[i].make, course[i].leave_out);
        good = tap_life_consume(l, b);
        if (good && i % 2 == 0)
            good = tap_life_flush(l);
        if (!good)
            tap_trial_finds(l->trial, "that was in: %s", course[i].name);
    }
    good = good && tap_life_flush(l) && tap_life_flush(l);
    good = tap_life_stop(l) && good;
    if (good)
        tap_life_balance(l);
    return good;
}

/* ---- Files */

static void judge_file(const struct tap_life *l)
{
    struct stat st;
    if (!l->path[0] || lstat(l->path, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    if (st.st_mode & 077)
        tap_trial_finds(l->trial,
                        "others can read the file that it makes (mode %04o), and traces hold "
                        "secrets: make it with mode 0600",
                        (unsigned)st.st_mode & 07777);
    if (l->host->bytes > (uint64_t)st.st_size)
        tap_trial_finds(l->trial, "it says that it wrote %llu bytes, and its file has %lld",
                        (unsigned long long)l->host->bytes, (long long)st.st_size);
}

/* ---- Trials */

static int files_in(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

static void create_alone(struct tap_trial *t)
{
    struct tap_life l;
    if (!tap_life_begin(&l, t, NULL, NULL))
        return;
    struct tap_holdings before = tap_holdings_now();
    if (tap_life_create(&l)) {
        tap_holdings_compare(t, &before, "after create, which is for no input or output,");
        if (files_in(t->folder))
            tap_trial_finds(t, "create makes a file; that is for start");
    }
    tap_life_end(&l);
    tap_holdings_compare(t, &before, "after destroy");
}

static void whole_life(struct tap_trial *t)
{
    struct tap_life l;
    struct tap_holdings before = tap_holdings_now();
    if (tap_life_begin(&l, t, NULL, NULL) && tap_life_create(&l) && go_through(&l, true))
        judge_file(&l);
    tap_life_end(&l);
    tap_holdings_compare(t, &before, "after destroy");
}

/* One life with these settings, which it may refuse in create. */
static void life_with(struct tap_trial *t, const char *file, const char *more)
{
    struct tap_life l;
    unsigned found = atomic_load(&t->shared->used);
    bool good = tap_life_begin(&l, t, file, more);
    if (good) {
        l.host->expected = true;
        good = tap_life_create(&l);
        l.host->expected = false;
    }
    if (good)
        go_through(&l, false);
    if (atomic_load(&t->shared->used) != found)
        tap_trial_finds(t, "(that was with %s)", more && *more ? more : file);
    tap_life_end(&l);
}

static void number_values(struct tap_trial *t, const struct tap_option *o)
{
    char more[128], value[64];
    const int64_t bounds[] = {o->min, o->max};
    for (int i = 0; i < 2; i++) {
        if (i == 1 && o->max == 0)
            continue;
        tap_option_number_print(o, bounds[i], value, sizeof value);
        snprintf(more, sizeof more, "%.50s=%s", o->name, value);
        life_with(t, o->name, more);
    }
}

static void every_value(struct tap_trial *t)
{
    char more[128];
    for (size_t i = 0; i < t->loaded->plugin->option_count; i++) {
        const struct tap_option *o = &t->loaded->options[i];
        if (tap_life_is_set(t, o->name)) /* a server's port, say: no other does */
            continue;
        static const char *const bools[] = {"false", "true", NULL};
        const char *const *values = o->type == TAP_OPT_CHOICE ? o->choices
                                    : o->type == TAP_OPT_BOOL ? bools
                                                              : NULL;
        for (size_t k = 0; values && values[k]; k++) {
            snprintf(more, sizeof more, "%.50s=%.60s", o->name, values[k]);
            life_with(t, o->name, more);
        }
        if (o->type == TAP_OPT_INT || o->type == TAP_OPT_SIZE || o->type == TAP_OPT_DURATION)
            number_values(t, o);
    }
}

/* FILE.gz is offered where FILE is: then it must be packed. */
static void judge_packed(struct tap_trial *t, const char *file)
{
    char path[128];
    unsigned char magic[2] = {0};
    snprintf(path, sizeof path, "%.60s/%.60s", t->folder, file);
    FILE *f = fopen(path, "r");
    if (f && (fread(magic, 1, 2, f) != 2 || magic[0] != 0x1f || magic[1] != 0x8b))
        tap_trial_finds(
            t, "a file whose name ends in .gz is not packed by it (nor refused in create)");
    if (f)
        fclose(f);
}

static void every_ending(struct tap_trial *t)
{
    const struct tap_plugin *p = t->loaded->plugin;
    const char *const *e = TAP_HAS(p, endings) ? p->endings : NULL;
    char file[80];
    if (!e || !*e || !tap_life_has_path(t)) {
        tap_trial_skips(t, "it names no endings of files");
        return;
    }
    for (; *e; e++) {
        int n = (int)strcspn(*e, " ");
        const char *more = *e + n + strspn(*e + n, " ");
        snprintf(file, sizeof file, "out.%.*s", n > 40 ? 40 : n, *e);
        life_with(t, file, more);
        snprintf(file, sizeof file, "out.%.*s.gz", n > 40 ? 40 : n, *e);
        life_with(t, file, more);
        judge_packed(t, file);
    }
}

static void two_at_once(struct tap_trial *t)
{
    struct tap_life a, b;
    bool good = tap_life_begin(&a, t, "a", NULL);
    good &= tap_life_begin(&b, t, "b", NULL);
    good = good && tap_life_create(&a) && tap_life_create(&b);
    good = good && tap_life_start(&a) && tap_life_start(&b);
    struct tap_batch_plan plan = {0}, other = {0};
    for (int i = 0; good && i < 2; i++) {
        plan = tap_life_plan(&a);
        other = tap_life_plan(&b);
        good = tap_life_consume(&a, batch(&plan, tap_events_every_kind, 0)) &&
               tap_life_consume(&b, batch(&other, i ? one_call : two_thousand, 0)) &&
               tap_life_flush(&a) && tap_life_flush(&b);
    }
    if (a.started)
        good &= tap_life_stop(&a);
    if (b.started)
        good &= tap_life_stop(&b);
    if (good) {
        tap_life_balance(&a);
        tap_life_balance(&b);
    }
    tap_life_end(&a);
    tap_life_end(&b);
}

/* ---- How much, how fast */

/* Memory is counted by glibc; where another allocator stands in, as a sanitizer's, it counts
 * nothing, and nothing is found. */
static void many_lives(struct tap_trial *t)
{
    struct tap_holdings before = tap_holdings_now();
    struct tap_lives lives = {{0}};
    for (int i = 0; i < TAP_LIVES; i++) {
        struct tap_life l;
        struct tap_batch_plan plan;
        struct tap_trial_batch *b = NULL;
        char file[16];
        snprintf(file, sizeof file, "out%d", i);
        bool good = tap_life_begin(&l, t, file, NULL) && tap_life_create(&l) && tap_life_start(&l);
        if (good) {
            plan = tap_life_plan(&l);
            b = batch(&plan, tap_events_every_kind, 0);
            good = tap_life_consume(&l, b) && tap_life_flush(&l);
        }
        if (l.started)
            good &= tap_life_stop(&l);
        tap_life_end(&l);
        tap_trial_batch_free(b);
        tap_error_free(t->err);
        t->err = tap_error_new();
        if (!good || !t->err)
            return;
        tap_lives_lived(&lives, i + 1);
    }
    tap_lives_judge(t, &lives);
    tap_holdings_compare(t, &before, "after many lives");
}

static void long_life(struct tap_trial *t)
{
    struct tap_life l;
    size_t settled = 0, memory = 0;
    bool good = tap_life_begin(&l, t, NULL, NULL) && tap_life_create(&l) && tap_life_start(&l);
    if (good) {
        struct tap_batch_plan plan = tap_life_plan(&l);
        struct tap_trial_batch *b = batch(&plan, two_thousand, 0);
        for (int i = 0; good && i < ROUNDS; i++) {
            int64_t began = tap_clock_steady();
            good = tap_life_consume(&l, b) && tap_life_flush(&l);
            if (tap_clock_steady() - began > MANY * NS_PER_EVENT) { /* told where speed is */
                tap_trial_skips(t, "it is too slow");
                good = false;
            }
            memory = tap_holdings_now().memory;
            settled = i == SETTLED ? memory : settled;
        }
    }
    size_t events = (ROUNDS - SETTLED - 1) * MANY;
    if (good && memory > settled + 2 * events)
        tap_trial_finds(t,
                        "it keeps about %zu bytes of each event that it takes: a long run eats the "
                        "machine's memory",
                        (memory - settled) / events);
    if (l.started)
        tap_life_stop(&l);
    tap_life_end(&l);
}

static void speed(struct tap_trial *t)
{
    struct tap_life l;
    int64_t best = INT64_MAX;
    bool good = tap_life_begin(&l, t, NULL, NULL) && tap_life_create(&l) && tap_life_start(&l);
    struct tap_batch_plan plan = {0};
    if (good)
        plan = tap_life_plan(&l);
    struct tap_trial_batch *b = good ? batch(&plan, two_thousand, 0) : NULL;
    int64_t all = 0; /* on a busy machine it takes a while until one is left alone */
    for (int i = 0; good && (i < 4 || (best > MANY * NS_PER_EVENT && all < 4 * TAP_SECOND)); i++) {
        int64_t began = tap_clock_steady();
        good = tap_life_consume(&l, b);
        int64_t took = tap_clock_steady() - began;
        best = took < best ? took : best;
        all += took;
    }
    if (good && best > MANY * NS_PER_EVENT)
        tap_trial_finds(t,
                        "consume takes %lld us an event, so it takes %lld events a second: a trace "
                        "may bring a million",
                        (long long)(best / 1000 / MANY), (long long)(MANY * TAP_SECOND / best));
    if (l.started)
        tap_life_stop(&l);
    tap_life_end(&l);
}

const struct tap_trial_case tap_sink_cases[] = {
    {"create, and destroy without a start", create_alone},
    {"a whole life, with every kind of event", whole_life},
    {"each value of its options", every_value},
    {"each ending of its files", every_ending},
    {"two of them at once", two_at_once},
    {"a start without a run", tap_sink_without_run},
    {"an output that cannot be opened", tap_sink_unopened},
    {"a disk that is full", tap_sink_full_disk},
    {"a file that may not grow", tap_sink_limited},
    {"flush, and flush when idle", tap_sink_flushes},
    {"one life after the other", many_lives},
    {"a long life", long_life},
    {"how fast it takes events", speed},
    {NULL, NULL}};
