/* clock.c: this machine's clocks. */
#include "base/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * TAP_SECOND + t.tv_nsec;
}

int64_t tap_clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t tap_clock_steady(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
