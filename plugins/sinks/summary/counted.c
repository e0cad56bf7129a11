/* counted.c: a profile's rows: what the VM has counted, by function and by process, as two tables.
 * Sums alone are kept.
 */
#include "beamtap/counters.h"
#include "sinks/summary/summary.h"

static struct sum_counted *counted_get(struct sum *s, uint64_t key)
{
    uint32_t *at = tap_map_get(&s->counted_at, key, true);
    if (!at || (!*at && !sum_room(s, &s->counted, s->counted_count, sizeof *s->counted))) {
        s->no_memory = true;
        return NULL;
    }
    if (!*at) {
        s->counted[s->counted_count++] = (struct sum_counted){0};
        *at = s->counted_count;
    }
    return &s->counted[*at - 1];
}

static void add(struct sum_counted *to, const struct tap_counted *row)
{
    to->calls = tap_times_add(to->calls, row->calls);
    to->ns = tap_times_add(to->ns, row->ns > 0 ? row->ns : 0);
    to->bytes = tap_times_add(to->bytes, row->bytes > 0 ? row->bytes : 0);
}

void sum_counted_row(struct sum *s, uint32_t process, const struct tap_batch *batch,
                     const struct tap_event *e)
{
    struct tap_counted row;
    if (!tap_counted_read(batch->arena + e->payload.off, e->payload.len, &row))
        return;
    s->counts |= TAP_COUNT_CALLS | (row.ns >= 0 ? TAP_COUNT_TIME : 0) |
                 (row.bytes >= 0 ? TAP_COUNT_MEMORY : 0);
    add(&s->counted_all, &row);
    uint64_t key = tap_map_mix((uint64_t)e->module << 32 | e->function, (uint32_t)e->arity);
    struct sum_counted *f = counted_get(s, key);
    if (!f)
        return;
    f->module = e->module, f->function = e->function, f->arity = e->arity;
    add(f, &row);
    bool one = e->pid.node || e->pid.id || e->pid.serial;
    struct sum_counted *p = counted_get(s, tap_map_mix(one ? process : 0, UINT64_C(0x70726f63)));
    if (!p)
        return;
    p->is_process = true;
    p->process = one ? process : 0;
    add(p, &row);
}
