/* pid_set.h: a set of processes with a few bits for each; open addressing, bounded. */
#ifndef TAP_FILTERS_PIDS_PID_SET_H
#define TAP_FILTERS_PIDS_PID_SET_H

#include "beamtap/filter.h"

struct tap_pid_slot {
    struct tap_pid pid;
    uint32_t bits; /* 0: the slot is empty */
};
struct tap_pid_set {
    struct tap_pid_slot *slots;
    uint64_t odd;         /* secret: where a process stands is nothing that a node can choose */
    uint32_t mask, count; /* mask + 1 slots, a power of two; at most half of them in use */
};

/* Zero it to begin. No function is safe to call from two threads at once. */
void tap_pid_set_free(struct tap_pid_set *);
/* The bits of a process; 0: it is not there. */
uint32_t tap_pid_set_get(const struct tap_pid_set *, const struct tap_pid *);
/* Adds bits (not 0) to a process. False: the set has `max` processes already, or there is no
 * memory. */
bool tap_pid_set_add(struct tap_pid_set *, const struct tap_pid *, uint32_t bits, uint32_t max);
void tap_pid_set_remove(struct tap_pid_set *, const struct tap_pid *);
/* Forgets every process of the node with this name id. */
void tap_pid_set_remove_node(struct tap_pid_set *, uint32_t node);
/* Forgets every process that has none of these bits. */
void tap_pid_set_remove_without(struct tap_pid_set *, uint32_t bits);

#endif
