/* value.h: terms as a match spec's guards see them: read where they lie, as external terms of an
 * event or of the spec, or made by a guard.
 *
 * A value is one term's head: what it is, and where its items begin. Nothing is copied and nothing
 * is taken for checked: every read is bounded by `end`, and what cannot be read is unknown. Unknown
 * is also what only the node knows, and what would take more than a step budget to tell: a
 * comparison with it has no answer, and whoever asks says so instead of guessing.
 */
#ifndef TAP_FILTERS_MATCH_SPEC_VALUE_H
#define TAP_FILTERS_MATCH_SPEC_VALUE_H

#include "beamtap/term.h"

/* In the order of terms (https://www.erlang.org/doc/system/expressions.html#term-comparisons). */
enum ms_type {
    MS_UNKNOWN,
    MS_INTEGER, /* integer */
    MS_BIG,   /* an integer of more than 127 bits: its magnitude at p, length bytes, lowest first */
    MS_FLOAT, /* number */
    MS_ATOM,  /* p, length: its characters */
    MS_REFERENCE,
    MS_FUN,
    MS_PORT,
    MS_PID,
    MS_TUPLE, /* length items */
    MS_MAP,   /* length pairs */
    MS_NIL,
    MS_LIST, /* length items, and then the tail */
    MS_BITS  /* p, bits */
};

enum ms_source {
    MS_TERM,  /* items are external terms at p */
    MS_BYTES, /* of a list: small integers, a byte each, at p; the tail is [] */
    MS_MADE   /* items are the values at `made`, the tail of a list behind the others */
};

struct ms_value {
    uint8_t type, source;
    bool latin1;   /* an atom's characters; else they are UTF-8 */
    bool negative; /* MS_BIG */
    uint32_t length;
    const uint8_t *p, *end; /* `end` bounds the reading, it is not the term's end */
    union {
        __int128 integer;
        double number;
        uint64_t bits;
        const struct ms_value *made;
    };
};

/* Why something stayed unknown, beside what did not come with the event and what only the node
 * knows. */
enum ms_bound {
    MS_BOUND_STEPS = 1,
    MS_BOUND_VALUES = 2, /* a guard makes more than MS_SCRATCH of them */
    MS_BOUND_DEPTH = 4,
    MS_BOUND_KEYS = 8, /* two keys of a map that a guard makes are, or may be, the same */
    MS_BOUND_MEMORY = 16,
    MS_BOUND_UNREAD = 32 /* a term that nobody can read: a native record (OTP 29), or no term */
};

/* How terms are compared, and how much work may go into one event. */
struct ms_context {
    uint32_t steps; /* left */
    /* of the node's OTP: since 27 0.0 and -0.0 are two terms and bits that are no bytes have no
     * binary_part; in 29, and not in 27, the last of an andalso or orelse may be anything */
    int release;
    unsigned bounds; /* enum ms_bound: those that were met */
};

enum { MS_DEPTH = 400 }; /* of terms that are looked into; what is deeper is unknown */
enum { MS_STEPS = 200000 };

/* The term at the cursor, which stays there. */
struct ms_value ms_value_read(const struct tap_cursor *);
static inline struct ms_value ms_value_integer(__int128 integer)
{
    return (struct ms_value){.type = MS_INTEGER, .integer = integer};
}
static inline struct ms_value ms_value_unknown(void)
{
    return (struct ms_value){.type = MS_UNKNOWN};
}
struct ms_value ms_value_float(double);
struct ms_value ms_value_atom(const char *text);
static inline struct ms_value ms_value_bool(bool yes)
{
    return ms_value_atom(yes ? "true" : "false");
}
bool ms_value_is_atom(const struct ms_value *, const char *text);

/* Goes over the items of a tuple, of a map (key, value, key, ...), and of one cell of a list. */
struct ms_items {
    struct ms_value of;
    struct tap_cursor at;
    uint32_t index;
};
struct ms_items ms_items_of(const struct ms_value *);
/* The next one. False: it cannot be read, or the steps are used up. There must be one. */
bool ms_items_next(struct ms_context *, struct ms_items *, struct ms_value *);
/* A list's head and what comes behind it. False: unknown. */
bool ms_list_split(struct ms_context *, const struct ms_value *list, struct ms_value *head,
                   struct ms_value *rest);
/* What stands behind all its items; takes no steps. */
struct ms_value ms_list_tail(struct ms_context *, const struct ms_value *list);

/* ---- Order */

enum ms_order {
    MS_LESS = -1,
    MS_SAME = 0,
    MS_GREATER = 1,
    MS_DIFFERENT, /* not the same; which comes first only the node knows */
    MS_NOBODY_KNOWS
};
/* `exact`: as =:= and as keys of maps are compared, 1 and 1.0 are two. */
enum ms_order ms_compare(struct ms_context *, const struct ms_value *, const struct ms_value *,
                         bool exact);
/* Looks a key up; MS_SAME: it is there, and *value what it has, MS_DIFFERENT: it is not. */
enum ms_order ms_map_find(struct ms_context *, const struct ms_value *map,
                          const struct ms_value *key, struct ms_value *value);

/* compare_leaf.c: those that hold no others. */
enum ms_order ms_compare_numbers(const struct ms_context *, const struct ms_value *,
                                 const struct ms_value *, bool exact);
enum ms_order ms_compare_atoms(const struct ms_value *, const struct ms_value *);
enum ms_order ms_compare_bits(const struct ms_value *, const struct ms_value *);
enum ms_order ms_compare_identifiers(const struct ms_value *, const struct ms_value *);
/* What those that are the same have in common. False: it cannot be read. */
uint64_t ms_hash_atom(const struct ms_value *);
bool ms_hash_identifier(const struct ms_value *, uint64_t *hash);

/* Of a NEW_FUN, whose arity and module's hash (1 + 16 bytes) are at `facts`: is it one of the
 * native tracer's, which knows neither of them, nor what the fun holds? */
static inline bool ms_fun_is_bare(const uint8_t *facts)
{
    static const uint8_t none[16];
    return memcmp(facts + 1, none, sizeof none) == 0;
}

/* The node of a pid, port or reference, an atom. Unknown: it cannot be read. */
struct ms_value ms_value_node(const struct ms_value *);

#endif
