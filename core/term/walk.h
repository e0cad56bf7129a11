/* walk.h: the walk over a term that term_print.c and term_list.c share: what is open, and what is
 * still to come. */
#ifndef TAP_TERM_WALK_H
#define TAP_TERM_WALK_H

#include "term/out.h"

enum tap_walk_kind {
    TAP_WALK_LIST,
    TAP_WALK_TAIL,
    TAP_WALK_TUPLE,
    TAP_WALK_MAP,
    TAP_WALK_BIG_MAP,
    TAP_WALK_KEY_LIST,
    TAP_WALK_KEY_MAP
};

struct tap_walk_frame {
    uint64_t left;   /* terms to come; pairs in KEY_LIST and KEY_MAP; of a list without its tail */
    uint32_t *order; /* BIG_MAP: where each pair begins */
    uint32_t end;    /* BIG_MAP: where the term ends */
    uint32_t told;   /* items so far, where they are bounded */
    uint8_t kind;
    bool first, is_struct;
};

#define TAP_WALK_FRAMES 24
struct tap_walk {
    struct tap_cursor c;
    struct tap_out o;
    struct tap_home home;
    const uint8_t *term;
    struct tap_walk_frame *stack;
    size_t depth, cap;
    struct tap_shapes shapes; /* Elixir only */
    size_t shape;
    uint32_t max_depth, max_items; /* 0: no bound */
    uint32_t nested;               /* how many walks this one is inside of */
    bool failed;
    bool as_lists; /* charlists too */
    struct tap_walk_frame inside[TAP_WALK_FRAMES];
};

/* What printing a term did: it is complete, or its first part stands at the cursor now. */
enum tap_step { TAP_LEAF, TAP_OPENED };

/* Says that there is no term at `at`, and ends the walk. */
enum tap_step tap_walk_bad(struct tap_walk *, const uint8_t *at);
/* Opens a container of which `left` more terms follow after the next; NULL: out of memory, and the
 * walk ends. */
struct tap_walk_frame *tap_walk_push(struct tap_walk *, enum tap_walk_kind, uint64_t left);
void tap_walk_pop(struct tap_walk *);
/* Must a container that is not empty be cut here, for its depth? */
static inline bool tap_walk_too_deep(const struct tap_walk *w)
{
    return w->max_depth && w->depth >= w->max_depth;
}
/* Writes "..." in the place of the term at `at`, and goes past it. */
enum tap_step tap_walk_cut(struct tap_walk *, const uint8_t *at);
/* Is one more item of this frame too many? Counts it. */
static inline bool tap_walk_full(const struct tap_walk *w, struct tap_walk_frame *f)
{
    return w->max_items && ++f->told >= w->max_items;
}
/* Closes the top frame before its next item: goes past `terms` of them and writes "..." and
 * `end`. */
void tap_walk_cut_short(struct tap_walk *, uint64_t terms, const char *end);

static inline void tap_walk_separator(struct tap_walk *w)
{
    if (w->o.elixir)
        tap_out_lit(&w->o, ", ");
    else
        tap_out_char(&w->o, ',');
}
static inline uint64_t tap_walk_shape(struct tap_walk *w)
{
    return w->shape < w->shapes.n ? w->shapes.items[w->shape++] : TAP_SHAPE_PLAIN;
}

/* Prints another term where this walk stands, charlists in it as lists. */
void tap_walk_nested(struct tap_walk *, const uint8_t *term, size_t len);

/* ---- Structs (term_inspect.c) */

/* Prints the map of so many pairs at the cursor, whose shape was read, as Elixir prints this
 * struct, and goes past it. False: as a struct, or it is not as these are; then nothing was
 * printed. */
bool tap_walk_inspect(struct tap_walk *, const char *module, size_t len, uint32_t pairs);

/* ---- Lists (term_list.c) */

/* The LIST at the cursor. */
enum tap_step tap_walk_list(struct tap_walk *, const uint8_t *at);
/* The STRING at the cursor. */
enum tap_step tap_walk_bytes(struct tap_walk *, const uint8_t *at);
/* The tail of a list whose elements are printed; true when a term is to be printed now. */
bool tap_walk_tail(struct tap_walk *, struct tap_walk_frame *);

#endif
