/* histogram.c: see histogram.h. */
#include "sinks/common/histogram.h"

#include <stdlib.h>
#include <string.h>

uint32_t tap_histogram_step(int64_t value)
{
    uint64_t v = value < 0 ? 0 : (uint64_t)value;
    if (v < TAP_HISTOGRAM_STEPS)
        return (uint32_t)v;
    unsigned power = 63u - (unsigned)__builtin_clzll(v);
    uint32_t part = (uint32_t)(v >> (power - TAP_HISTOGRAM_BITS)) & (TAP_HISTOGRAM_STEPS - 1);
    return (power - TAP_HISTOGRAM_BITS + 1) * TAP_HISTOGRAM_STEPS + part;
}

int64_t tap_histogram_low(uint32_t step)
{
    uint32_t power = step / TAP_HISTOGRAM_STEPS, part = step % TAP_HISTOGRAM_STEPS;
    if (!power)
        return part;
    return (int64_t)((uint64_t)(TAP_HISTOGRAM_STEPS + part) << (power - 1));
}

/* Makes the steps reach as far as this one. */
static bool reach(struct tap_histogram *h, uint32_t step)
{
    uint32_t from = step / TAP_HISTOGRAM_STEPS * TAP_HISTOGRAM_STEPS;
    uint32_t to = from + TAP_HISTOGRAM_STEPS;
    if (h->at && from > h->first)
        from = h->first;
    if (h->at && to < h->first + h->len)
        to = h->first + h->len;
    uint64_t *at = calloc(to - from, sizeof *at);
    if (!at)
        return false;
    if (h->at)
        memcpy(at + (h->first - from), h->at, h->len * sizeof *at);
    free(h->at);
    h->at = at;
    h->first = from;
    h->len = to - from;
    return true;
}

bool tap_histogram_add(struct tap_histogram *h, int64_t value)
{
    value = value < 0 ? 0 : value;
    h->min = !h->count || value < h->min ? value : h->min;
    h->max = !h->count || value > h->max ? value : h->max;
    h->count++;
    uint32_t step = tap_histogram_step(value);
    if ((!h->at || step < h->first || step >= h->first + h->len) && !reach(h, step))
        return false;
    h->at[step - h->first]++;
    return true;
}

bool tap_histogram_merge(struct tap_histogram *h, const struct tap_histogram *other)
{
    if (!other->count)
        return true;
    if (!other->at || !reach(h, other->first) || !reach(h, other->first + other->len - 1))
        return false;
    for (uint32_t i = 0; i < other->len; i++)
        h->at[other->first + i - h->first] += other->at[i];
    h->min = !h->count || other->min < h->min ? other->min : h->min;
    h->max = !h->count || other->max > h->max ? other->max : h->max;
    h->count += other->count;
    return true;
}

int64_t tap_histogram_percentile(const struct tap_histogram *h, double percent)
{
    uint64_t seen = 0, want = (uint64_t)((double)h->count * percent / 100);
    if (!h->count)
        return 0;
    if ((double)want * 100 < (double)h->count * percent || !want) /* rounded up, at least one */
        want++;
    if (want >= h->count)
        return h->max;
    for (uint32_t i = 0; i < h->len; i++) {
        seen += h->at[i];
        if (seen < want)
            continue;
        int64_t low = tap_histogram_low(h->first + i), high = tap_histogram_low(h->first + i + 1);
        int64_t middle = low + (high - 1 - low) / 2;
        return middle < h->min ? h->min : middle > h->max ? h->max : middle;
    }
    return h->max;
}

void tap_histogram_free(struct tap_histogram *h)
{
    free(h->at);
    *h = (struct tap_histogram){0};
}
