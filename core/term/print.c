/* print.c: prints external terms as the node would.
 *
 * One loop over the bytes: a leaf is printed where it stands, a container prints its opening and
 * goes on a stack of frames that says what is still to come. The stack begins inside the caller's
 * frame and moves to the heap when a term is deep, so nothing recurses and the common term
 * allocates nothing. Bytes that are no term print as #Bad<first bytes in hex>, and the output ends
 * there.
 *
 * Order of maps: up to 32 keys the encoding is in the order in which they print. Above,
 * maps:iterator (which io_lib uses) goes through them in reverse of their encoding; maps:to_list,
 * which Elixir uses, goes forward. (Held against OTP 25. Since OTP 26 small maps are ordered by
 * atom index, in the encoding as well.)
 *
 * Lists that a node cannot make, but bytes can (the tail of a list is a list again, or a string),
 * print as the one list that they are.
 *
 * Elixir: structs print as %Name{...} with their fields in the map's order (the node, which knows
 * the definition, prints them in that order; of types with an Inspect of their own those in
 * elixir_dates.c print as themselves).
 */
#include "term/fast_path.h"
#include "term/print.h"

#include <stdlib.h>

#include "term/walk.h"

/* ---- Tuples */

/* What stands for a term that was left out within another one (beamtap/frame.h). */
static bool is_left_out(struct tap_walk *w)
{
    struct tap_cursor c = w->c;
    int64_t size;
    if (!tap_match_atom(&c, "$beamtap_cut") || !tap_read_i64(&c, &size))
        return false;
    w->c = c;
    return true;
}

static enum tap_step print_tuple(struct tap_walk *w, const uint8_t *at)
{
    uint32_t n;
    if (!tap_read_tuple(&w->c, &n))
        return tap_walk_bad(w, at);
    if (n == 2 && is_left_out(w)) {
        tap_out_lit(&w->o, "...");
        return TAP_LEAF;
    }
    if (n && tap_walk_too_deep(w))
        return tap_walk_cut(w, at);
    tap_out_char(&w->o, '{');
    if (n == 0) {
        tap_out_char(&w->o, '}');
        return TAP_LEAF;
    }
    tap_walk_push(w, TAP_WALK_TUPLE, (uint64_t)n - 1);
    return TAP_OPENED;
}

/* ---- Leaves */

static enum tap_step print_big(struct tap_walk *w, const uint8_t *at)
{
    size_t left = tap_left(&w->c), head = at[0] == TAP_EXT_SMALL_BIG ? 3 : 6;
    if (left < head)
        return tap_walk_bad(w, at);
    size_t n = head == 3 ? at[1] : tap_get_u32(at + 1);
    if (left - head < n)
        return tap_walk_bad(w, at);
    w->c.p += head + n;
    if (!tap_out_bignum(&w->o, at + head, n, at[head - 1] != 0))
        tap_walk_give_up(w);
    return TAP_LEAF;
}

static enum tap_step print_float(struct tap_walk *w, const uint8_t *at)
{
    double v;
    size_t need = at[0] == TAP_EXT_NEW_FLOAT ? 9 : 32;
    if (tap_left(&w->c) < need)
        return tap_walk_bad(w, at);
    if (need == 9) {
        uint64_t bits = tap_get_u64(at + 1);
        memcpy(&v, &bits, sizeof v);
        if ((bits >> 52 & 0x7FF) == 0x7FF) /* the VM has no infinities */
            return tap_walk_bad(w, at);
    } else if (!tap_float_parse(at + 1, &v)) {
        return tap_walk_bad(w, at);
    }
    w->c.p += need;
    tap_out_double(&w->o, v);
    return TAP_LEAF;
}

static enum tap_step print_binary(struct tap_walk *w, const uint8_t *at)
{
    size_t left = tap_left(&w->c), head = at[0] == TAP_EXT_BINARY ? 5 : 6;
    if (left < head)
        return tap_walk_bad(w, at);
    size_t n = tap_get_u32(at + 1);
    unsigned bits = head == 5 ? 8 : at[5];
    if (left - head < n || bits < 1 || bits > 8 || (n == 0 && head == 6))
        return tap_walk_bad(w, at);
    w->c.p += head + n;
    tap_out_binary(&w->o, at + head, n, bits);
    return TAP_LEAF;
}

static inline enum tap_step print_atom(struct tap_walk *w, const uint8_t *at)
{
    const char *text;
    uint32_t n;
    bool latin1;
    if (!tap_read_atom(&w->c, &text, &n, &latin1))
        return tap_walk_bad(w, at);
    tap_out_atom(&w->o, text, n, latin1, TAP_ATOM_LITERAL);
    return TAP_LEAF;
}

/* ---- The loop */

/* Prints the term at the cursor, or opens it. */
static inline enum tap_step print_term(struct tap_walk *w)
{
    const uint8_t *at = w->c.p;
    switch (tap_peek(&w->c)) {
    case TAP_EXT_SMALL_INTEGER:
        if (tap_left(&w->c) < 2)
            return tap_walk_bad(w, at);
        w->c.p += 2;
        tap_out_u64(&w->o, at[1]);
        return TAP_LEAF;
    case TAP_EXT_INTEGER:
        if (tap_left(&w->c) < 5)
            return tap_walk_bad(w, at);
        w->c.p += 5;
        tap_out_i64(&w->o, (int32_t)tap_get_u32(at + 1));
        return TAP_LEAF;
    case TAP_EXT_SMALL_ATOM_UTF8:
    case TAP_EXT_SMALL_ATOM:
    case TAP_EXT_ATOM_UTF8:
    case TAP_EXT_ATOM: return print_atom(w, at);
    case TAP_EXT_NIL:
        w->c.p++;
        tap_out_lit(&w->o, "[]");
        return TAP_LEAF;
    case TAP_EXT_LIST: return tap_walk_list(w, at);
    case TAP_EXT_SMALL_TUPLE:
    case TAP_EXT_LARGE_TUPLE: return print_tuple(w, at);
    case TAP_EXT_STRING: return tap_walk_bytes(w, at);
    case TAP_EXT_MAP: return tap_walk_map(w, at);
    case TAP_EXT_RECORD: return tap_walk_record(w, at);
    case TAP_EXT_BINARY:
    case TAP_EXT_BIT_BINARY: return print_binary(w, at);
    case TAP_EXT_SMALL_BIG:
    case TAP_EXT_LARGE_BIG: return print_big(w, at);
    case TAP_EXT_NEW_FLOAT:
    case TAP_EXT_FLOAT: return print_float(w, at);
    default:
        if (!tap_out_ident(&w->o, &w->c, &w->home))
            return tap_walk_bad(w, at);
        return TAP_LEAF;
    }
}

/* The next of a tuple's, or of a map's that has no keys of its own form; true when it is to be
 * printed now. */
static inline bool next_element(struct tap_walk *w, struct tap_walk_frame *f)
{
    bool ordered = f->kind == TAP_WALK_BIG_MAP;
    if (f->left == 0) {
        if (ordered)
            w->c.p = w->term + f->end;
        tap_out_char(&w->o, '}');
        tap_walk_pop(w);
        return false;
    }
    if ((f->kind == TAP_WALK_TUPLE || f->left % 2 == 0) && tap_walk_full(w, f)) {
        if (ordered)
            w->c.p = w->term + f->end;
        tap_walk_cut_short(w, ordered ? 0 : f->left, "}");
        return false;
    }
    f->left--;
    if (f->kind == TAP_WALK_TUPLE || f->left % 2) {
        tap_walk_separator(w);
        if (ordered)
            w->c.p = w->term + f->order[f->left / 2];
    } else {
        tap_out_lit(&w->o, " => ");
    }
    return true;
}

/* A list's; true when it is to be printed now. */
static inline bool next_of_list(struct tap_walk *w, struct tap_walk_frame *f)
{
    if (f->left == 0)
        return tap_walk_tail(w, f);
    if (tap_walk_full(w, f)) {
        tap_walk_cut_short(w, f->left + 1, "]");
        return false;
    }
    f->left--;
    tap_walk_separator(w);
    return true;
}

/* A term is complete: writes what comes after it, closing what ends with it. False when all is. */
static inline bool next_term(struct tap_walk *w)
{
    bool more = false;
    while (!more && w->depth > 0 && !w->o.done && !w->failed) {
        struct tap_walk_frame *f = &w->stack[w->depth - 1];
        switch (f->kind) {
        case TAP_WALK_LIST: more = next_of_list(w, f); break;
        case TAP_WALK_TAIL:
            tap_out_char(&w->o, ']');
            tap_walk_pop(w);
            break;
        case TAP_WALK_KEY_LIST:
        case TAP_WALK_KEY_MAP: more = tap_walk_next_pair(w, f); break;
        case TAP_WALK_RECORD: more = tap_walk_next_field(w, f); break;
        case TAP_WALK_SET:
        case TAP_WALK_KEY_SET: more = tap_walk_next_of_set(w, f); break;
        default: more = next_element(w, f);
        }
    }
    return more;
}

/* From the first byte to the last, where cursor, output, home and bounds are set. */
static void run(struct tap_walk *w)
{
    w->term = w->c.p;
    w->stack = w->inside;
    w->depth = 0;
    w->cap = TAP_WALK_FRAMES;
    w->shapes = (struct tap_shapes){0};
    w->shape = 0;
    w->order = (struct tap_map_order){0};
    w->failed = false;
    if (w->o.elixir)
        tap_shapes_find(&w->shapes, w->term, tap_left(&w->c));
    while (!w->failed && !w->o.done)
        if (print_term(w) == TAP_LEAF && !next_term(w))
            break;
    if (w->stack != w->inside)
        free(w->stack);
    free(w->shapes.items);
    free(w->order.maps);
    free(w->order.pairs);
}

size_t tap_term_print(const struct tap_names *names, char *dst, size_t cap, const uint8_t *term,
                      size_t len, const struct tap_print *print)
{
    if (print && print->syntax == TAP_PRINT_ERLANG && cap && !print->max_depth &&
        !print->max_items) {
        struct tap_plain how = tap_plain_of(names, print);
        struct tap_cursor c = tap_cursor(term, len);
        how.end = dst + (print->limit && print->limit < cap ? print->limit : cap);
        char *end = tap_plain_term(dst, &c, &how, 0);
        if (end)
            return (size_t)(end - dst);
    }
    struct tap_walk w; /* not zeroed: the frames inside are 1 KiB */
    w.c = tap_cursor(term, len);
    tap_read_version(&w.c);
    w.home = tap_home_of(names, print);
    w.max_depth = print ? print->max_depth : 0;
    w.max_items = print ? print->max_items : 0;
    w.as_lists = 0;
    tap_out_init(&w.o, dst, cap, print);
    run(&w);
    return tap_out_finish(&w.o);
}
