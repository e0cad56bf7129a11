/* compile.h: the two halves of the compiler of readable lines: head.c has patterns, compile.c the
 * rest. */
#ifndef TAP_FILTERS_MATCH_SPEC_COMPILE_H
#define TAP_FILTERS_MATCH_SPEC_COMPILE_H

#include "filters/match_spec/spec.h"

struct ms_binding {
    const struct ms_binding *next;
    const char *name;
    struct tap_syn_node *value; /* the atom '$N', or what stands for a part of a binary */
};
struct ms_compiler {
    struct tap_syn_source *source;
    enum ms_target target;
    bool elixir;
    const struct ms_binding *bindings;
    unsigned count;
    /* Conditions that heads cannot say. */
    struct tap_syn_node **constraints;
    size_t constraint_count, constraint_cap;
};

/* Reports a mistake. NULL. */
struct tap_syn_node *ms_fail(struct ms_compiler *, size_t off, const char *message);
/* {Name, Items...} */
struct tap_syn_node *ms_call(struct ms_compiler *, const char *name, size_t off,
                             struct tap_syn_node *const *items, size_t n);
/* What a name stands for, and where it is used; NULL: it is not bound. */
struct tap_syn_node *ms_lookup(const struct ms_compiler *, const char *name);
struct tap_syn_node *ms_value_at(struct ms_compiler *, struct tap_syn_node *value, size_t off);
/* Is it an atom that means something in a match spec? */
bool ms_is_special(const struct tap_syn_node *);
/* The same compound of translated items. */
struct tap_syn_node *ms_translate(struct ms_compiler *, const struct tap_syn_node *,
                                  struct tap_syn_node *(*one)(struct ms_compiler *,
                                                              const struct tap_syn_node *));
struct tap_syn_node *ms_pattern(struct ms_compiler *, const struct tap_syn_node *);

#endif
