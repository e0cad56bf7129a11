/* counted_sums.c: see counted_sums.h. Sums alone are kept. */
#include "sinks/common/counted_sums.h"

#include "sinks/common/event_text.h"

#include <stdlib.h>

void tap_counted_sums_free(struct tap_counted_sums *s)
{
    tap_map_free(&s->at);
    free(s->rows);
}

static void add(struct tap_counted_sum *to, const struct tap_counted *row)
{
    to->calls = tap_times_add(to->calls, row->calls);
    to->ns = tap_times_add(to->ns, row->ns > 0 ? row->ns : 0);
    to->bytes = tap_times_add(to->bytes, row->bytes > 0 ? row->bytes : 0);
}

/* The row of this key, a new one as `like`. NULL: no memory. */
static struct tap_counted_sum *row_of(struct tap_counted_sums *s, uint64_t key,
                                      const struct tap_counted_sum *like)
{
    uint32_t *at = tap_map_get(&s->at, key, true);
    if (!at || (!*at && !tap_grow(&s->rows, s->count, sizeof *s->rows)))
        return NULL;
    if (!*at) {
        s->rows[s->count++] = *like;
        s->functions += !like->is_process;
        *at = s->count;
    }
    return &s->rows[*at - 1];
}

static struct tap_counted_sum *function_row(struct tap_counted_sums *s, const struct tap_event *e)
{
    uint64_t key = tap_map_mix((uint64_t)e->module << 32 | e->function, (uint32_t)e->arity);
    struct tap_counted_sum new = {.module = e->module, .function = e->function, .arity = e->arity};
    if (s->functions >= TAP_COUNTED_FUNCTIONS && !tap_map_get(&s->at, key, false))
        return row_of(s, tap_map_mix(0, UINT64_C(0x6f7468657273)), &(struct tap_counted_sum){0});
    return row_of(s, key, &new);
}

bool tap_counted_sums_add(struct tap_counted_sums *s, uint32_t process,
                          const struct tap_batch *batch, const struct tap_event *e)
{
    struct tap_counted counted;
    if (!tap_counted_read(batch->arena + e->payload.off, e->payload.len, &counted))
        return true;
    s->counts |= TAP_COUNT_CALLS | (counted.ns >= 0 ? TAP_COUNT_TIME : 0) |
                 (counted.bytes >= 0 ? TAP_COUNT_MEMORY : 0);
    add(&s->all, &counted);
    struct tap_counted_sum *row = function_row(s, e);
    if (!row)
        return false;
    add(row, &counted);
    process = tap_event_has_pid(e) ? process : 0;
    row = row_of(s, tap_map_mix(process, UINT64_C(0x70726f63)),
                 &(struct tap_counted_sum){.is_process = true, .process = process});
    if (!row)
        return false;
    add(row, &counted);
    return true;
}
