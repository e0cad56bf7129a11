/* map_index.h: a large map's pairs by the hash of their keys: two maps of a thousand keys that
 * stand in another order are compared in a thousand steps. */
#ifndef TAP_FILTERS_MATCH_SPEC_MAP_INDEX_H
#define TAP_FILTERS_MATCH_SPEC_MAP_INDEX_H

#include "filters/match_spec/value.h"

struct ms_map_pair {
    struct ms_value key, value;
    uint32_t next; /* of its bucket: its place and 1, or 0 */
};

struct ms_map_index {
    struct ms_map_pair *pairs; /* NULL: it has not been made */
    uint32_t *buckets, mask;
    bool unsure; /* it has keys that nobody can compare: they are in no bucket */
};

/* False: the steps are used up, or there is no memory. */
bool ms_map_index_make(struct ms_context *, const struct ms_value *map, struct ms_map_index *);
/* The first pair whose key may be this one, and the next; NULL: there is no other. *known becomes
 * false where the key itself cannot be looked up. */
const struct ms_map_pair *ms_map_index_first(struct ms_context *, const struct ms_map_index *,
                                             const struct ms_value *key, bool *known);
const struct ms_map_pair *ms_map_index_next(const struct ms_map_index *,
                                            const struct ms_map_pair *);
void ms_map_index_free(struct ms_map_index *);

#endif
