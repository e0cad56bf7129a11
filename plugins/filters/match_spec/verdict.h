/* verdict.h: the filter itself, as plugin.c makes it and verdict.c uses it. */
#ifndef TAP_FILTERS_MATCH_SPEC_VERDICT_H
#define TAP_FILTERS_MATCH_SPEC_VERDICT_H

#include "filters/match_spec/calls.h"
#include "filters/match_spec/subject.h"

/* The function that an entry speaks of. */
struct match_target {
    const char *glob; /* of the module, when it has wildcards */
    uint32_t module;  /* name ids; 0: any (or glob) */
    uint32_t function;
    int arity;      /* -1: any */
    bool undecided; /* it has been said that not every event can be judged */
};

struct tap_match_spec {
    const struct tap_host *host;
    struct tap_syn_arena arena;
    struct ms_entry *entries; /* as configured: trace, then spec */
    struct match_target *targets;
    struct tap_buf *specs; /* of each entry: external term with version, which its judge reads */
    struct ms_judge *judges;
    size_t count;
    bool targeted[3]; /* by enum ms_target: is there an entry */
    size_t *order;    /* in which the node looks at them */
    bool ordered;
    bool drops_undecided; /* else they are kept */
    struct ms_calls *open;
};

/* See struct tap_filter_ops. */
void tap_ms_filter(void *self, const struct tap_batch *, uint8_t *keep);

#endif
