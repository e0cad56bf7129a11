/* process_table.h: what is known of processes, by pid, for a sink that keeps nothing else of them.
 * Bounded: of more than TAP_PROCESS_TABLE_MAX processes those are forgotten that were heard of
 * first.
 */
#ifndef TAP_SINKS_COMMON_PROCESS_TABLE_H
#define TAP_SINKS_COMMON_PROCESS_TABLE_H

#include "sinks/common/process_name.h"

#define TAP_PROCESS_TABLE_MAX 65536u

struct tap_process_table;

struct tap_process_table *tap_process_table_new(void); /* NULL: out of memory */
void tap_process_table_free(struct tap_process_table *);
/* Every event: what it tells of its process, of a child, or of any. Labels are printed so. */
void tap_process_table_learn(struct tap_process_table *, const struct tap_host *,
                             const struct tap_batch *, const struct tap_event *,
                             const struct tap_print *);
/* NULL: nothing is known. Until the next learn. */
const struct tap_process_facts *tap_process_table_find(const struct tap_process_table *,
                                                       const struct tap_pid *);

#endif
