/* trial_filter.c: the trials of a filter: it sees what a sink sees, and may only clear.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/trial.h"

#define ROUNDS 40
#define SETTLED 10
#define MANY 2000u
#define NS_PER_EVENT INT64_C(50000)

static const struct tap_filter_ops *filter_ops(const struct tap_life *l)
{
    return l->trial->loaded->plugin->ops;
}

static bool plan(struct tap_life *l)
{
    unsigned before = l->host->causes;
    if (!filter_ops(l)->plan)
        return true;
    tap_trial_enters(l->trial, "plan");
    enum tap_status status = filter_ops(l)->plan(l->self, NULL);
    tap_trial_enters(l->trial, NULL);
    if (status != TAP_OK)
        tap_trial_finds(l->trial, "plan fails%s%s", l->host->causes > before ? ": " : "",
                        l->host->causes > before ? l->host->cause : " and does not say why");
    return status == TAP_OK;
}

static bool begin(struct tap_life *l, struct tap_trial *t)
{
    return tap_life_begin(l, t, NULL, NULL) && tap_life_create(l) && plan(l);
}

/* Filters a batch that so far passes, or does not. */
static void filter(struct tap_life *l, struct tap_trial_batch *b, bool pass)
{
    uint32_t n = b->batch ? b->n : 0;
    struct tap_region *region = tap_region_new(TAP_REGION_KEEP, n ? n : 1);
    if (!region)
        return;
    /* against the end, for whoever goes too far */
    uint8_t *keep =
        (uint8_t *)tap_region_bytes(region) + ((n ? n : 1) + 63) / 64 * 64 - (n ? n : 1);
    memset(keep, pass, n);
    tap_region_set(b->region, TAP_REGION_READABLE);
    tap_trial_enters(l->trial, "filter");
    filter_ops(l)->filter(l->self, b->batch, keep);
    tap_trial_enters(l->trial, NULL);
    tap_region_set(b->region, TAP_REGION_GONE);
    for (uint32_t i = 0; i < n; i++)
        if (keep[i] > pass)
            tap_trial_finds(
                l->trial, pass ? "filter sets keep[i] to something else than 0"
                               : "filter sets keep[i] of an event that does not pass: it may only "
                                 "clear");
    tap_region_free(region);
}

static struct tap_trial_batch *batch(struct tap_life *l, struct tap_batch_plan *p,
                                     void (*make)(struct tap_batch_plan *))
{
    make(p);
    struct tap_trial_batch *b = tap_plan_batch(p, 0);
    if (!b)
        tap_trial_finds(l->trial, "out of memory");
    return b;
}

static void no_events(struct tap_batch_plan *p)
{
    (void)p;
}
static void two_thousand(struct tap_batch_plan *p)
{
    tap_events_many(p, MANY);
}

/* ---- Trials */

static void create_alone(struct tap_trial *t)
{
    struct tap_life l;
    struct tap_holdings before = tap_holdings_now();
    if (begin(&l, t))
        tap_holdings_compare(t, &before,
                             "after create and plan, which are for no input or output,");
    tap_life_end(&l);
    tap_holdings_compare(t, &before, "after destroy");
}

static void everything(struct tap_trial *t)
{
    static void (*const course[])(struct tap_batch_plan *) = {
        tap_events_every_kind, no_events,         two_thousand,
        tap_events_stacks,     tap_events_losses, tap_events_hostile};
    struct tap_life l;
    if (begin(&l, t)) {
        struct tap_batch_plan p = tap_life_plan(&l);
        for (size_t i = 0; i < sizeof course / sizeof *course; i++) {
            struct tap_trial_batch *b = batch(&l, &p, course[i]);
            for (int pass = 1; b && pass >= 0; pass--)
                filter(&l, b, pass);
            tap_trial_batch_free(b);
        }
    }
    tap_life_end(&l);
}

static void many_lives(struct tap_trial *t)
{
    struct tap_lives lives = {{0}};
    struct tap_holdings before = tap_holdings_now();
    for (int i = 0; i < TAP_LIVES; i++) {
        struct tap_life l;
        bool good = begin(&l, t);
        if (good) {
            struct tap_batch_plan p = tap_life_plan(&l);
            struct tap_trial_batch *b = batch(&l, &p, tap_events_every_kind);
            if (b)
                filter(&l, b, true);
            tap_trial_batch_free(b);
        }
        tap_life_end(&l);
        if (!good)
            return;
        tap_lives_lived(&lives, i + 1);
    }
    tap_lives_judge(t, &lives);
    tap_holdings_compare(t, &before, "after many lives");
}

static void speed(struct tap_trial *t)
{
    struct tap_life l;
    int64_t best = INT64_MAX;
    size_t settled = 0;
    if (begin(&l, t)) {
        struct tap_batch_plan p = tap_life_plan(&l);
        struct tap_trial_batch *b = batch(&l, &p, two_thousand);
        for (int i = 0; b && i < ROUNDS; i++) {
            int64_t began = tap_clock_steady();
            filter(&l, b, true);
            int64_t took = tap_clock_steady() - began;
            best = took < best ? took : best;
            settled = i == SETTLED ? tap_holdings_now().memory : settled;
            if (i > 3 && best > MANY * NS_PER_EVENT)
                break;
        }
        size_t memory = tap_holdings_now().memory;
        if (best > MANY * NS_PER_EVENT)
            tap_trial_finds(t,
                            "filter takes %lld us an event: a trace may bring a million a second",
                            (long long)(best / 1000 / MANY));
        else if (memory > settled + (size_t)(ROUNDS - SETTLED - 1) * MANY)
            tap_trial_finds(t, "it keeps memory of each event: a long run eats the machine's");
    }
    tap_life_end(&l);
}

const struct tap_trial_case tap_filter_cases[] = {
    {"create, plan, and destroy", create_alone},
    {"every kind of event, and hostile ones", everything},
    {"one life after the other", many_lives},
    {"how fast it filters, and what it keeps", speed},
    {NULL, NULL}};
