/* node_clock.c: an offset that is a line: how it moves from one measured value to the next, so that
 * time never steps back. */
#include "decode/node_clock.h"

/* an event further ahead of its node's report has a broken time */
#define TAP_NODE_CLOCK_PLAUSIBLE (60 * TAP_SECOND)

/* ---- Lines */

static struct tap_node_clock_line flat(int64_t offset)
{
    return (struct tap_node_clock_line){INT64_MIN, INT64_MIN, offset, offset};
}

static int64_t line_offset(const struct tap_node_clock_line *line, int64_t monotonic)
{
    if (monotonic >= line->until)
        return line->target;
    if (monotonic <= line->at)
        return line->from;
    /* Both spans are below 2^63 (tap_node_clock_align sees to it), their product need not be. */
    __int128 moved = (__int128)(line->target - line->from) * (monotonic - line->at);
    return line->from + (int64_t)(moved / (line->until - line->at));
}

static int64_t offset_at(const struct tap_node_clock *clock, int64_t monotonic)
{
    return line_offset(monotonic < clock->now.at ? &clock->before : &clock->now, monotonic);
}

int64_t tap_node_clock_slewing(const struct tap_node_clock *clock, int64_t monotonic)
{
    return (int64_t)((uint64_t)monotonic + (uint64_t)offset_at(clock, monotonic));
}

/* ---- What is learned */

void tap_node_clock_set(struct tap_node_clock *clock, int64_t offset)
{
    if (clock->aligned)
        return;
    clock->now = clock->before = flat(offset);
    clock->told = true;
}

void tap_node_clock_align(struct tap_node_clock *clock, int64_t monotonic, int64_t offset)
{
    /* Nonsense from outside must not overflow. A node's monotonic time begins near -2^59, so that
     * the offset is about 2.4e18 these days, more than a quarter of what there is. */
    const int64_t far = INT64_MAX / 8, offset_far = INT64_MAX / 2;
    bool sound = monotonic > -far && monotonic < far && offset > -offset_far && offset < offset_far;
    if (!sound)
        return;
    if (!clock->aligned) {
        clock->now = clock->before = flat(offset);
        clock->aligned = clock->told = true;
        clock->latest = monotonic;
        return;
    }
    int64_t at = monotonic > clock->now.at ? monotonic : clock->now.at;
    if (clock->latest > at && clock->latest < monotonic + TAP_NODE_CLOCK_PLAUSIBLE)
        at = clock->latest;
    int64_t from = offset_at(clock, at), change = offset > from ? offset - from : from - offset;
    if (!change || change > far)
        return;
    int64_t span = 2 * change > TAP_NODE_CLOCK_SLEW ? 2 * change : TAP_NODE_CLOCK_SLEW;
    clock->before = clock->now;
    clock->now = (struct tap_node_clock_line){at, at + span, from, offset};
}

void tap_node_clock_guess(struct tap_node_clock *clock, int64_t monotonic)
{
    if (clock->told || clock->guessed)
        return;
    clock->now = clock->before = flat((int64_t)((uint64_t)tap_clock_now() - (uint64_t)monotonic));
    clock->guessed = true;
}
