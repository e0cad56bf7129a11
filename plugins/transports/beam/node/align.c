/* align.c: see align.h. */
#include "transports/beam/node/align.h"

#include "transports/beam/net/wire.h"

#define DRIFT_USUAL INT64_C(200000)   /* two quartz clocks of 100 ppm */
#define DRIFT_LARGE INT64_C(15000000) /* the VM corrects its time by up to 1 %, and some */

static int64_t widening(const struct tap_align *a, int64_t span)
{
    if (span < 0)
        span = -span;
    if (span > 3600 * TAP_SECOND)
        span = 3600 * TAP_SECOND;
    return span / 1000 * (a->drift / 1000) / 1000 + 1;
}

void tap_align_sample(struct tap_align *a, int64_t asked, int64_t answered, int64_t monotonic)
{
    const int64_t far = INT64_MAX / 8; /* the answer comes from outside */
    if (answered < asked || monotonic < -far || monotonic > far)
        return;
    int64_t low = asked - monotonic, high = answered - monotonic;
    if (a->samples++ == 0) {
        a->drift = DRIFT_USUAL;
    } else {
        int64_t more = widening(a, monotonic - a->monotonic);
        int64_t known_low = a->low - more, known_high = a->high + more;
        if (known_low <= high && low <= known_high) {
            low = known_low > low ? known_low : low;
            high = known_high < high ? known_high : high;
            a->drift =
                a->drift - a->drift / 8 > DRIFT_USUAL ? a->drift - a->drift / 8 : DRIFT_USUAL;
        } else { /* the clock was set, or runs at another speed: what was known is void */
            a->drift = DRIFT_LARGE;
            a->contradictions++;
        }
    }
    a->low = low;
    a->high = high;
    a->monotonic = monotonic;
}

int64_t tap_align_offset(const struct tap_align *a)
{
    return a->low + (a->high - a->low) / 2;
}

int64_t tap_align_error(const struct tap_align *a, int64_t ahead)
{
    return (a->high - a->low + 1) / 2 + widening(a, ahead);
}
