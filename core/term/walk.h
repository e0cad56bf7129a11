/* walk.h: the walk over a term that the printer's files share: what is open, and what is still to
 * come. print.c has the loop, a file each prints a kind of container, walk.c has what they need. */
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
    TAP_WALK_KEY_MAP,
    TAP_WALK_RECORD, /* a native record: its values */
    TAP_WALK_SET,    /* an Elixir MapSet: the keys of the map inside of it, as a list */
    TAP_WALK_KEY_SET
};

struct tap_walk_frame {
    /* terms to come; pairs in KEY_LIST and KEY_MAP; keys in SETs; of a list without its tail */
    uint64_t left;
    const uint32_t *order; /* BIG_MAP: where each pair begins */
    /* BIG_MAP: where the term ends; SETs: pairs behind the keys; RECORD: the next field's name */
    uint32_t end;
    uint32_t told; /* items so far, where they are bounded */
    uint8_t kind;
    bool first, is_struct;
};

/* Where the pairs of maps with more than 32 keys begin, which print from the last to the first. All
 * that are in one another are found in one pass, for skipping the inner ones at each level would be
 * quadratic. */
struct tap_big_map {
    uint32_t at, end; /* offsets in the term */
    uint32_t count;
    size_t pairs; /* where its pairs stand in the other array */
};
struct tap_map_order {
    struct tap_big_map *maps; /* in the order in which they begin */
    size_t map_count, map_cap;
    uint32_t *pairs;
    size_t pair_count, pair_cap;
    uint32_t open; /* frames that are within what was passed over */
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
    struct tap_map_order order;
    uint32_t as_lists; /* not 0: charlists too */
    bool failed;
    struct tap_walk_frame inside[TAP_WALK_FRAMES];
};

/* What printing a term did: it is complete, or its first part stands at the cursor now. */
enum tap_step { TAP_LEAF, TAP_OPENED };

/* Says that there is no term at `at`, and ends the walk. */
enum tap_step tap_walk_bad(struct tap_walk *, const uint8_t *at);
/* Out of memory: as where the limit cuts. */
void tap_walk_give_up(struct tap_walk *);
/* Room for more frames; false: out of memory, and the walk ends. */
bool tap_walk_grow(struct tap_walk *);
/* Opens a container of which `left` more terms follow after the next; NULL: out of memory, and the
 * walk ends. */
static inline struct tap_walk_frame *tap_walk_push(struct tap_walk *w, enum tap_walk_kind kind,
                                                   uint64_t left)
{
    if (w->depth == w->cap && !tap_walk_grow(w))
        return NULL;
    struct tap_walk_frame *f = &w->stack[w->depth++];
    f->left = left;
    f->kind = kind;
    f->order = NULL;
    f->told = 0;
    f->first = true;
    f->is_struct = false;
    return f;
}
static inline void tap_walk_pop(struct tap_walk *w)
{
    const struct tap_walk_frame *f = &w->stack[--w->depth];
    w->order.open -= f->kind == TAP_WALK_BIG_MAP;
    w->as_lists -= f->kind == TAP_WALK_SET || f->kind == TAP_WALK_KEY_SET;
}
/* Passes over the term at the cursor, and over the shapes of what is in it. */
bool tap_walk_skip(struct tap_walk *);
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

/* ---- Structs (elixir_dates.c) */

/* Prints the map of so many pairs at the cursor, whose shape was read, as Elixir prints this
 * struct, and goes past it. False: as a struct, or it is not as these are; then nothing was
 * printed. */
bool tap_walk_inspect(struct tap_walk *, const char *module, size_t len, uint32_t pairs);

/* ---- Maps (map.c, map_order.c) */

/* The MAP at the cursor. */
enum tap_step tap_walk_map(struct tap_walk *, const uint8_t *at);
/* The next key of a keyword list or of a map with such keys; true when its value is to be printed
 * now. */
bool tap_walk_next_pair(struct tap_walk *, struct tap_walk_frame *);
/* The next one of a set; true when a term is to be printed now. */
bool tap_walk_next_of_set(struct tap_walk *, struct tap_walk_frame *);
/* Of the big map of n pairs at `at`, behind whose head the cursor stands. NULL: its bytes are no
 * term, or (which the walk notes) out of memory. */
const struct tap_big_map *tap_map_order(struct tap_walk *, uint32_t n, const uint8_t *at);

/* ---- Native records (record.c) */

/* The RECORD at the cursor. */
enum tap_step tap_walk_record(struct tap_walk *, const uint8_t *at);
/* Its next field's name; true when its value is to be printed now. */
bool tap_walk_next_field(struct tap_walk *, struct tap_walk_frame *);

/* ---- Lists (list.c) */

/* The LIST at the cursor. */
enum tap_step tap_walk_list(struct tap_walk *, const uint8_t *at);
/* The STRING at the cursor. */
enum tap_step tap_walk_bytes(struct tap_walk *, const uint8_t *at);
/* The tail of a list whose elements are printed; true when a term is to be printed now. */
bool tap_walk_tail(struct tap_walk *, struct tap_walk_frame *);

#endif
