/* player.h: the frames of one or more files to the core, as nodes would send them. Several files
 * take turns by their nodes' clocks: the core's own order (correlate/) does the rest. */
#ifndef TAP_TRANSPORTS_FILE_PLAYER_H
#define TAP_TRANSPORTS_FILE_PLAYER_H

#include "transports/file/source.h"

#define TAP_PLAYER_FRAMES 256u

struct tap_player {
    const struct tap_host *host;
    struct tap_source *sources;
    size_t source_count;
    bool real;                    /* as long after each other as they came */
    struct tap_pace pace;         /* of several files' events; one file's have their nodes' */
    struct tap_source_node **who; /* of each of the core's nodes: which one is alive as it */
    uint32_t who_count;
    /* Frames of one node that were not handed over yet. */
    struct tap_arena *arena;
    size_t used, count;
    uint32_t frames[TAP_PLAYER_FRAMES];
    struct tap_source_node *node; /* theirs */
    bool loss;                    /* the last that is an event tells of a loss */
    int64_t since;                /* when the first of them was */
};

/* Plays all of them to their ends, or until the run is stopped. */
enum tap_status tap_player_run(struct tap_player *);
void tap_player_free(struct tap_player *);

#endif
