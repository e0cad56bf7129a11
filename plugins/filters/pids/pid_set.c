/* pid_set.c: the set of processes that filter:pids keeps.
 *
 * Open addressing with linear probing; a removal shifts its followers back, so that processes may
 * come and go for days without tombstones piling up. 20 bytes a slot, and never more than half of
 * the slots in use.
 */
#include "filters/pids/pid_set.h"

#include <sys/random.h>

static uint32_t pid_hash(const struct tap_pid_set *s, const struct tap_pid *p)
{
    uint64_t h = ((uint64_t)p->id << 32 | p->serial) * s->odd;
    h ^= (uint64_t)p->node * 0x9E3779B97F4A7C15u + p->creation;
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    return (uint32_t)(h >> 32);
}

/* The slot of a process, or the empty one where it would go. There must be slots. */
static uint32_t pid_find(const struct tap_pid_set *s, const struct tap_pid *pid)
{
    uint32_t i = pid_hash(s, pid) & s->mask;
    while (s->slots[i].bits && !tap_pid_same(&s->slots[i].pid, pid))
        i = (i + 1) & s->mask;
    return i;
}

void tap_pid_set_free(struct tap_pid_set *s)
{
    free(s->slots);
    memset(s, 0, sizeof *s);
}

uint32_t tap_pid_set_get(const struct tap_pid_set *s, const struct tap_pid *pid)
{
    return s->slots ? s->slots[pid_find(s, pid)].bits : 0;
}

/* Where a machine has no random numbers yet, the set's address is better than nothing. */
static uint64_t pid_set_odd(const struct tap_pid_set *s)
{
    uint64_t odd;
    if (getrandom(&odd, sizeof odd, GRND_NONBLOCK) != (ssize_t)sizeof odd)
        odd = (uint64_t)(uintptr_t)s * 0x9E3779B97F4A7C15u;
    return odd | 1;
}

static bool pid_set_grow(struct tap_pid_set *s)
{
    struct tap_pid_set more = {.odd = s->slots ? s->odd : pid_set_odd(s),
                               .mask = s->slots ? s->mask * 2 + 1 : 63,
                               .count = s->count};
    more.slots = calloc((size_t)more.mask + 1, sizeof *more.slots);
    if (!more.slots)
        return false;
    for (uint32_t i = 0; s->slots && i <= s->mask; i++)
        if (s->slots[i].bits)
            more.slots[pid_find(&more, &s->slots[i].pid)] = s->slots[i];
    free(s->slots);
    *s = more;
    return true;
}

bool tap_pid_set_add(struct tap_pid_set *s, const struct tap_pid *pid, uint32_t bits, uint32_t max)
{
    if (!s->slots && !pid_set_grow(s))
        return false;
    uint32_t i = pid_find(s, pid);
    if (!s->slots[i].bits) {
        if (s->count >= max)
            return false;
        if (s->count >= (s->mask + 1) / 2) {
            if (!pid_set_grow(s))
                return false;
            i = pid_find(s, pid);
        }
        s->slots[i].pid = *pid;
        s->count++;
    }
    s->slots[i].bits |= bits;
    return true;
}

void tap_pid_set_remove(struct tap_pid_set *s, const struct tap_pid *pid)
{
    if (!s->slots)
        return;
    uint32_t hole = pid_find(s, pid);
    if (!s->slots[hole].bits)
        return;
    s->slots[hole].bits = 0;
    s->count--;
    /* Whoever was pushed past the hole by a collision moves back into it. */
    for (uint32_t i = (hole + 1) & s->mask; s->slots[i].bits; i = (i + 1) & s->mask) {
        uint32_t home = pid_hash(s, &s->slots[i].pid) & s->mask;
        if (((i - home) & s->mask) >= ((i - hole) & s->mask)) {
            s->slots[hole] = s->slots[i];
            s->slots[i].bits = 0;
            hole = i;
        }
    }
}

/* Removes whatever is of this node (where it is not 0) or lacks all of these bits (where they are
 * not 0). A removal can move a later process into the slot, or one from the end around to the
 * front: look at a slot until it holds, and go round until nothing was removed. */
static void pid_set_sweep(struct tap_pid_set *s, uint32_t node, uint32_t bits)
{
    bool again = s->slots != NULL;
    while (again) {
        again = false;
        for (uint32_t i = 0; i <= s->mask; i++)
            while (s->slots[i].bits && ((node && s->slots[i].pid.node == node) ||
                                        (bits && !(s->slots[i].bits & bits)))) {
                struct tap_pid gone = s->slots[i].pid;
                tap_pid_set_remove(s, &gone);
                again = true;
            }
    }
}

void tap_pid_set_remove_node(struct tap_pid_set *s, uint32_t node)
{
    pid_set_sweep(s, node, 0);
}

void tap_pid_set_remove_without(struct tap_pid_set *s, uint32_t bits)
{
    pid_set_sweep(s, 0, bits);
}
