/* unnamed.h: the processes of a node that its events speak of and that nobody has named yet.
 *
 * Whoever can ask the node takes them from here, a few at a time. A process is given once: one that
 * ended meanwhile has no name any more. What is remembered is bounded, and while many wait to be
 * taken no more are noticed; those that live come again.
 */
#ifndef TAP_CORRELATE_UNNAMED_H
#define TAP_CORRELATE_UNNAMED_H

#include "decode/batch.h"

/* processes remembered as seen; beyond that all are forgotten, and some asked again */
#define TAP_UNNAMED_SEEN 65536u
#define TAP_UNNAMED_WAITING 1024u /* that may wait to be taken */

struct tap_unnamed;

/* `named_too`: also those whose names are known. NULL: out of memory. */
struct tap_unnamed *tap_unnamed_new(bool named_too);
void tap_unnamed_free(struct tap_unnamed *);
/* Looks at a batch of the node's events; `kinds`: TAP_KIND_BITs of the events that count. Spawns,
 * registrations and reports of the node name a process. */
void tap_unnamed_see(struct tap_unnamed *, const struct tap_batch *, uint32_t kinds);
/* Takes out at most `max`, those first that have waited longest; how many. */
size_t tap_unnamed_take(struct tap_unnamed *, struct tap_pid *pids, size_t max);
/* The node begins anew: its pids mean other processes. */
void tap_unnamed_forget(struct tap_unnamed *);

#endif
