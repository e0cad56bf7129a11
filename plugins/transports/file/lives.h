/* lives.h: the nodes of what is played come and go, each as often as its file tells. */
#ifndef TAP_TRANSPORTS_FILE_LIVES_H
#define TAP_TRANSPORTS_FILE_LIVES_H

#include "transports/file/player.h"

/* The file names a node, in the frame at hand. */
enum tap_status tap_life_named(struct tap_player *, struct tap_source *, struct tap_cursor *);
/* It is alive from here on, as a node of the core's. */
enum tap_status tap_life_begin(struct tap_player *, const struct tap_source *,
                               struct tap_source_node *);
/* Nothing happens to one that is not alive. */
void tap_life_end(struct tap_player *, struct tap_source_node *, bool failed);
/* At the end of all files: of a node that they only name, for its place among the others, nothing
 * is said. The run that was recorded had it under another name. */
void tap_life_of_none(struct tap_player *);
/* What a trace port writes to several files, one after the other, is one life of the node: true,
 * and it is the next file's. */
bool tap_life_goes_on(struct tap_player *, const struct tap_source *, struct tap_source_node *);

#endif
