/* clock.c: see clock.h. */
#include "clock.h"

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

void tap_clock_set(struct tap_clock *clock, int64_t offset)
{
    clock->offset = offset;
    clock->told = true;
}

void tap_clock_guess(struct tap_clock *clock, int64_t monotonic)
{
    if (clock->told || clock->guessed)
        return;
    clock->offset = (int64_t)((uint64_t)tap_clock_now() - (uint64_t)monotonic);
    clock->guessed = true;
}
