/* reasons.h: why processes ended, and what was raised, counted by reason. Bounded: what comes after
 * TAP_REASONS different ones is counted as one, the first.
 */
#ifndef TAP_SINKS_COMMON_REASONS_H
#define TAP_SINKS_COMMON_REASONS_H

#include "sinks/common/map.h"
#include "sinks/common/process_name.h"

#define TAP_REASONS 1024u
#define TAP_REASON_TEXT 160u /* bytes of a reason that are kept */

struct tap_reason_count {
    char *text;           /* as the node prints it; NULL: the others */
    struct tap_mfa where; /* the function that it came from; function 0: unknown */
    uint64_t count;
    uint32_t process;    /* the first that had it */
    int64_t first, last; /* ns since the epoch */
};

struct tap_reason_counts {
    struct tap_reason_count *at; /* 0 stands for the others */
    uint32_t count;
    struct tap_map by;
};

/* Counts the reason of an exit ({Reason, Stacktrace} without its stack, whose first function is
 * where it came from), or of an exception (Class:Reason, from the event's function). The number of
 * the reason; UINT32_MAX: no memory. */
uint32_t tap_reasons_add(struct tap_reason_counts *, const struct tap_host *,
                         const struct tap_batch *, const struct tap_event *, uint32_t process,
                         struct tap_print);
void tap_reasons_free(struct tap_reason_counts *);

#endif
