/* align.c: see align.h. */
#include "transports/beam/node/align.h"

#include "transports/beam/net/wire.h"

#define DRIFT_USUAL INT64_C(200000)   /* two quartz clocks of 100 ppm */
#define DRIFT_LARGE INT64_C(15000000) /* the VM corrects its time by up to 1 %, and some */

/* By how much the offset may have changed in `span`, at so many ns a second. */
static int64_t widening(int64_t drift, int64_t span)
{
    if (span < 0)
        span = -span;
    if (span > 3600 * TAP_SECOND)
        span = 3600 * TAP_SECOND;
    return span / 1000 * (drift / 1000) / 1000 + 1;
}

static bool overlap(const struct tap_align_range *one, const struct tap_align_range *two)
{
    return one->low <= two->high && two->low <= one->high;
}

/* What is known, as it is `span` later, together with what was seen then. */
static struct tap_align_range narrowed(struct tap_align_range known, int64_t more,
                                       const struct tap_align_range *seen)
{
    known.low -= more;
    known.high += more;
    if (!overlap(&known, seen))
        return *seen;
    if (known.low < seen->low)
        known.low = seen->low;
    if (known.high > seen->high)
        known.high = seen->high;
    return known;
}

/* The most that `offset` can be away from the true one. */
static int64_t farthest(const struct tap_align_range *sure, int64_t offset)
{
    int64_t below = offset - sure->low, above = sure->high - offset;
    return below > above ? below : above;
}

static void likely_sample(struct tap_align *a, int64_t span, const struct tap_align_range *seen)
{
    int64_t more = widening(a->drift, span);
    struct tap_align_range known = {a->likely.low - more, a->likely.high + more};
    if (overlap(&known, seen)) {
        int64_t less = a->drift - a->drift / 8;
        a->drift = less > DRIFT_USUAL ? less : DRIFT_USUAL;
    } else { /* the clock was set, or runs at another speed: what was thought is void */
        a->drift = DRIFT_LARGE;
        a->contradictions++;
    }
    a->likely = narrowed(a->likely, more, seen);
}

void tap_align_sample(struct tap_align *a, int64_t asked, int64_t answered, int64_t monotonic)
{
    const int64_t far = INT64_MAX / 8; /* the answer comes from outside */
    if (answered < asked || monotonic < -far || monotonic > far)
        return;
    struct tap_align_range seen = {asked - monotonic, answered - monotonic};
    if (a->samples++ == 0) {
        *a = (struct tap_align){.likely = seen, .sure = seen, .drift = DRIFT_USUAL, .samples = 1};
    } else {
        int64_t before = tap_align_offset(a), span = monotonic - a->monotonic;
        int64_t told = tap_align_error(a, span);
        a->sure = narrowed(a->sure, widening(DRIFT_LARGE, span), &seen);
        likely_sample(a, span, &seen);
        a->behind = farthest(&a->sure, before);
        if (a->behind <= told)
            a->behind = 0;
    }
    a->monotonic = monotonic;
}

int64_t tap_align_offset(const struct tap_align *a)
{
    return a->likely.low + (a->likely.high - a->likely.low) / 2;
}

int64_t tap_align_error(const struct tap_align *a, int64_t ahead)
{
    int64_t now = farthest(&a->sure, tap_align_offset(a)) + widening(a->drift, ahead);
    return now > a->behind ? now : a->behind;
}
