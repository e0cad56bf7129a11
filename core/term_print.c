/* term_print.c: prints external terms as the node would.
 *
 * One loop over the bytes: a leaf is printed where it stands, a container prints its opening and goes on a stack of
 * frames that says what is still to come. The stack begins inside the caller's frame and moves to the heap when a
 * term is deep, so nothing recurses and the common term allocates nothing. Bytes that are no term print as
 * #Bad<first bytes in hex>, and the output ends there.
 *
 * Order of maps: up to 32 keys the encoding is in the order in which they print. Above, maps:iterator (which io_lib
 * uses) goes through them in reverse of their encoding; maps:to_list, which Elixir uses, goes forward. (Held against
 * OTP 25. Since OTP 26 small maps are ordered by atom index, in the encoding as well.)
 *
 * Lists that a node cannot make, but bytes can (the tail of a list is a list again, or a string), print as the one
 * list that they are.
 *
 * Elixir: structs print as %Name{...} with their fields in the map's order (the node, which knows the definition,
 * prints them in that order; and types with an Inspect of their own, like Date, as themselves).
 */
#include "term_print.h"

#include <stdlib.h>

#include "term_out.h"

enum frame_kind { LIST, TAIL, TUPLE, MAP, BIG_MAP, KEY_LIST, KEY_MAP };

struct frame {
    uint64_t left;   /* terms to come; pairs in KEY_LIST and KEY_MAP; of a list without its tail */
    uint32_t *order; /* BIG_MAP: where each pair begins */
    uint32_t end;    /* BIG_MAP: where the term ends */
    uint8_t kind;
    bool first, is_struct;
};

#define FRAMES 24
struct walk {
    struct tap_cursor c;
    struct tap_out o;
    struct tap_home home;
    const uint8_t *term;
    struct frame *stack;
    size_t depth, cap;
    struct tap_shapes shapes; /* Elixir only */
    size_t shape;
    bool failed;
    struct frame inside[FRAMES];
};

enum step { LEAF, OPENED };

static enum step bad(struct walk *w, const uint8_t *at)
{
    static const char hex[] = "0123456789abcdef";
    size_t left = (size_t)(w->c.end - at);
    tap_out_lit(&w->o, "#Bad<");
    for (size_t i = 0; i < left && i < 8; i++)
        tap_out_put(&w->o, (char[]){hex[at[i] >> 4], hex[at[i] & 15]}, 2);
    tap_out_char(&w->o, '>');
    w->failed = true;
    return LEAF;
}

/* Out of memory: as where the limit cuts. */
static void give_up(struct walk *w)
{
    w->o.done = true;
    w->o.end = w->o.p;
}

static void separator(struct walk *w)
{
    if (w->o.elixir)
        tap_out_lit(&w->o, ", ");
    else
        tap_out_char(&w->o, ',');
}

static struct frame *push(struct walk *w, enum frame_kind kind, uint64_t left)
{
    if (w->depth == w->cap) {
        bool inside = w->stack == w->inside;
        struct frame *stack = realloc(inside ? NULL : w->stack, 2 * w->cap * sizeof *stack);
        if (!stack) {
            give_up(w);
            return NULL;
        }
        if (inside)
            memcpy(stack, w->inside, sizeof w->inside);
        w->stack = stack;
        w->cap *= 2;
    }
    struct frame *f = &w->stack[w->depth++];
    f->left = left;
    f->kind = kind;
    f->order = NULL;
    f->first = true;
    f->is_struct = false;
    return f;
}

static void pop(struct walk *w)
{
    free(w->stack[--w->depth].order);
}

static uint64_t next_shape(struct walk *w)
{
    return w->shape < w->shapes.n ? w->shapes.items[w->shape++] : TAP_SHAPE_PLAIN;
}

/* ---- Lists */

/* An integer that may be a character: its value, or UINT32_MAX. */
static inline uint32_t read_char(struct tap_cursor *c)
{
    int64_t v;
    if (c->p[0] == TAP_EXT_SMALL_INTEGER && tap_left(c) >= 2) {
        c->p += 2;
        return c->p[-1];
    }
    if (!tap_read_i64(c, &v) || v < 0 || v > 0x10FFFF)
        return UINT32_MAX;
    return (uint32_t)v;
}

/* Is the list of n elements at the cursor a string, to its end? Stops at the first element that is no character. */
static bool is_string(const struct walk *w, uint32_t n)
{
    struct tap_cursor c = w->c;
    for (;;) {
        for (; n > 0; n--) {
            if (c.p == c.end)
                return false;
            uint32_t cp = read_char(&c);
            if (cp == UINT32_MAX || !tap_is_printable(&w->o, cp))
                return false;
        }
        const uint8_t *bytes;
        uint32_t len;
        switch (tap_peek(&c)) {
        case TAP_EXT_NIL: return true;
        case TAP_EXT_STRING:
            return tap_read_string(&c, &bytes, &len) && tap_bytes_printable(&w->o, bytes, len);
        case TAP_EXT_LIST:
            if (!tap_read_list(&c, &n))
                return false;
            break;
        default: return false;
        }
    }
}

/* Prints what is_string has judged: nothing is checked again, but the rest of an Elixir interpolation. */
static enum step print_string(struct walk *w, uint32_t n)
{
    char quote = w->o.elixir ? '\'' : '"';
    struct tap_cursor *c = &w->c;
    const uint8_t *bytes = NULL;
    uint32_t len = 0, cp, before = 0;
    tap_out_escape(&w->o, &quote, 1);
    for (;;) {
        while (n > 0 || len > 0) {
            cp = n > 0 ? read_char(c) : *bytes++;
            n > 0 ? n-- : len--;
            /* Elixir escapes # before {: one character behind, as the lists come in pieces. */
            if (before == '#')
                tap_out_escape(&w->o, "\\#", cp == '{' ? 2 : 0),
                    cp == '{' ? (void)0 : tap_out_char(&w->o, '#');
            before = w->o.elixir ? cp : 0;
            if (before != '#')
                tap_out_quoted_cp(&w->o, cp, quote);
            if (w->o.done)
                return LEAF;
        }
        if (tap_peek(c) == TAP_EXT_STRING)
            tap_read_string(c, &bytes, &len);
        else if (!tap_read_list(c, &n) || n == 0)
            break;
        if (n == 0 && len == 0)
            break;
    }
    if (before == '#')
        tap_out_char(&w->o, '#');
    tap_out_escape(&w->o, &quote, 1);
    return LEAF;
}

static enum step print_list(struct walk *w, const uint8_t *at)
{
    uint32_t n;
    if (!tap_read_list(&w->c, &n))
        return bad(w, at);
    if (n == 0)
        return OPENED; /* nothing opened, but its tail is still to be printed in its place */
    uint64_t shape = next_shape(w);
    int tag = tap_peek(&w->c);
    if ((tag == TAP_EXT_SMALL_INTEGER || tag == TAP_EXT_INTEGER) && is_string(w, n))
        return print_string(w, n);
    tap_out_char(&w->o, '[');
    if (shape == TAP_SHAPE_PLAIN) {
        push(w, LIST, (uint64_t)n - 1);
        return OPENED;
    }
    push(w, KEY_LIST, n);
    return LEAF; /* the loop prints the key */
}

static enum step print_byte_list(struct walk *w, const uint8_t *at)
{
    const uint8_t *bytes;
    uint32_t n;
    if (!tap_read_string(&w->c, &bytes, &n))
        return bad(w, at);
    if (n == 0) {
        tap_out_lit(&w->o, "[]");
    } else if (tap_bytes_printable(&w->o, bytes, n)) {
        tap_out_quoted(&w->o, bytes, n, true, w->o.elixir ? '\'' : '"');
    } else {
        tap_out_char(&w->o, '[');
        for (uint32_t i = 0; i < n && !w->o.done; i++) {
            if (i > 0)
                separator(w);
            tap_out_u64(&w->o, bytes[i]);
        }
        tap_out_char(&w->o, ']');
    }
    return LEAF;
}

/* The tail of a list whose elements are printed; true when a term is to be printed now. */
static bool list_tail(struct walk *w, struct frame *f)
{
    const uint8_t *bytes, *at = w->c.p;
    uint32_t n;
    switch (tap_peek(&w->c)) {
    case TAP_EXT_NIL:
        w->c.p++;
        tap_out_char(&w->o, ']');
        pop(w);
        return false;
    case TAP_EXT_LIST:
        if (!tap_read_list(&w->c, &n)) {
            bad(w, at);
            return false;
        }
        if (n > 0)
            next_shape(w);
        f->left = n;
        return false;
    case TAP_EXT_STRING:
        if (!tap_read_string(&w->c, &bytes, &n)) {
            bad(w, at);
            return false;
        }
        for (uint32_t i = 0; i < n && !w->o.done; i++) {
            separator(w);
            tap_out_u64(&w->o, bytes[i]);
        }
        tap_out_char(&w->o, ']');
        pop(w);
        return false;
    default:
        if (w->o.elixir)
            tap_out_lit(&w->o, " | ");
        else
            tap_out_char(&w->o, '|');
        f->kind = TAIL;
        return true;
    }
}

/* ---- Maps and tuples */

/* More than 32 keys, Erlang: finds where each pair begins, to print them from the last. */
static bool open_big_map(struct walk *w, uint32_t n, const uint8_t *at)
{
    struct tap_cursor c = w->c;
    if (n > tap_left(&c) / 2 || tap_left(&c) > UINT32_MAX) {
        bad(w, at);
        return false;
    }
    uint32_t *order = malloc(n * sizeof *order);
    if (!order) {
        give_up(w);
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        order[i] = (uint32_t)(c.p - w->term);
        tap_skip(&c);
        tap_skip(&c);
    }
    struct frame *f = c.bad ? NULL : push(w, BIG_MAP, 2 * (uint64_t)n - 1);
    if (!f) {
        free(order);
        if (c.bad)
            bad(w, at);
        return false;
    }
    f->order = order;
    f->end = (uint32_t)(c.p - w->term);
    w->c.p = w->term + order[n - 1];
    return true;
}

static enum step print_map(struct walk *w, const uint8_t *at)
{
    uint32_t n;
    if (!tap_read_map(&w->c, &n))
        return bad(w, at);
    tap_out_char(&w->o, w->o.elixir ? '%' : '#');
    uint64_t shape = n ? next_shape(w) : TAP_SHAPE_PLAIN;
    if (shape >= TAP_SHAPE_STRUCT) {
        struct tap_cursor c = tap_cursor(w->term + (shape - TAP_SHAPE_STRUCT),
                                         (size_t)(w->c.end - w->term) - (shape - TAP_SHAPE_STRUCT));
        const char *text;
        uint32_t len;
        bool latin1;
        if (tap_read_atom(&c, &text, &len, &latin1))
            tap_out_atom(&w->o, text, len, latin1, TAP_ATOM_LITERAL);
    }
    tap_out_char(&w->o, '{');
    if (n == 0) {
        tap_out_char(&w->o, '}');
        return LEAF;
    }
    if (shape == TAP_SHAPE_PLAIN) {
        if (n > 32 && !w->o.elixir) {
            open_big_map(w, n, at);
            return OPENED;
        }
        push(w, MAP, 2 * (uint64_t)n - 1);
        return OPENED;
    }
    struct frame *f = push(w, KEY_MAP, n);
    if (f)
        f->is_struct = shape >= TAP_SHAPE_STRUCT;
    return LEAF;
}

static enum step print_tuple(struct walk *w, const uint8_t *at)
{
    uint32_t n;
    if (!tap_read_tuple(&w->c, &n))
        return bad(w, at);
    tap_out_char(&w->o, '{');
    if (n == 0) {
        tap_out_char(&w->o, '}');
        return LEAF;
    }
    push(w, TUPLE, (uint64_t)n - 1);
    return OPENED;
}

/* ---- Leaves */

static enum step print_big(struct walk *w, const uint8_t *at)
{
    size_t left = tap_left(&w->c), head = at[0] == TAP_EXT_SMALL_BIG ? 3 : 6;
    if (left < head)
        return bad(w, at);
    size_t n = head == 3 ? at[1] : tap_get_u32(at + 1);
    if (left - head < n)
        return bad(w, at);
    w->c.p += head + n;
    if (!tap_out_bignum(&w->o, at + head, n, at[head - 1] != 0))
        give_up(w);
    return LEAF;
}

static enum step print_float(struct walk *w, const uint8_t *at)
{
    double v;
    size_t need = at[0] == TAP_EXT_NEW_FLOAT ? 9 : 32;
    if (tap_left(&w->c) < need)
        return bad(w, at);
    if (need == 9) {
        uint64_t bits = tap_get_u64(at + 1);
        memcpy(&v, &bits, sizeof v);
        if ((bits >> 52 & 0x7FF) == 0x7FF) /* the VM has no infinities */
            return bad(w, at);
    } else if (!tap_float_parse(at + 1, &v)) {
        return bad(w, at);
    }
    w->c.p += need;
    tap_out_double(&w->o, v);
    return LEAF;
}

static enum step print_binary(struct walk *w, const uint8_t *at)
{
    size_t left = tap_left(&w->c), head = at[0] == TAP_EXT_BINARY ? 5 : 6;
    if (left < head)
        return bad(w, at);
    size_t n = tap_get_u32(at + 1);
    unsigned bits = head == 5 ? 8 : at[5];
    if (left - head < n || bits < 1 || bits > 8 || (n == 0 && head == 6))
        return bad(w, at);
    w->c.p += head + n;
    tap_out_binary(&w->o, at + head, n, bits);
    return LEAF;
}

static inline enum step print_atom(struct walk *w, const uint8_t *at)
{
    const char *text;
    uint32_t n;
    bool latin1;
    if (!tap_read_atom(&w->c, &text, &n, &latin1))
        return bad(w, at);
    tap_out_atom(&w->o, text, n, latin1, TAP_ATOM_LITERAL);
    return LEAF;
}

/* ---- The loop */

/* Prints the term at the cursor, or opens it. */
static inline enum step print_term(struct walk *w)
{
    const uint8_t *at = w->c.p;
    switch (tap_peek(&w->c)) {
    case TAP_EXT_SMALL_INTEGER:
        if (tap_left(&w->c) < 2)
            return bad(w, at);
        w->c.p += 2;
        tap_out_u64(&w->o, at[1]);
        return LEAF;
    case TAP_EXT_INTEGER:
        if (tap_left(&w->c) < 5)
            return bad(w, at);
        w->c.p += 5;
        tap_out_i64(&w->o, (int32_t)tap_get_u32(at + 1));
        return LEAF;
    case TAP_EXT_SMALL_ATOM_UTF8:
    case TAP_EXT_SMALL_ATOM:
    case TAP_EXT_ATOM_UTF8:
    case TAP_EXT_ATOM: return print_atom(w, at);
    case TAP_EXT_NIL:
        w->c.p++;
        tap_out_lit(&w->o, "[]");
        return LEAF;
    case TAP_EXT_LIST: return print_list(w, at);
    case TAP_EXT_SMALL_TUPLE:
    case TAP_EXT_LARGE_TUPLE: return print_tuple(w, at);
    case TAP_EXT_STRING: return print_byte_list(w, at);
    case TAP_EXT_MAP: return print_map(w, at);
    case TAP_EXT_BINARY:
    case TAP_EXT_BIT_BINARY: return print_binary(w, at);
    case TAP_EXT_SMALL_BIG:
    case TAP_EXT_LARGE_BIG: return print_big(w, at);
    case TAP_EXT_NEW_FLOAT:
    case TAP_EXT_FLOAT: return print_float(w, at);
    default:
        if (!tap_out_ident(&w->o, &w->c, &w->home))
            return bad(w, at);
        return LEAF;
    }
}

/* Skips the pairs of a struct that are in its name. */
static void skip_struct_pairs(struct walk *w, struct frame *f)
{
    while (f->left > 0) {
        struct tap_cursor c = w->c;
        if (!tap_match_atom(&c, "__struct__") && !tap_match_atom(&c, "__exception__"))
            return;
        const char *text;
        uint32_t n;
        bool latin1;
        if (!tap_read_atom(&c, &text, &n, &latin1)) /* another value would have shapes: print it */
            return;
        w->c = c;
        f->left--;
    }
}

/* The next key of a keyword list or of a map with such keys; true when its value is to be printed now. */
static bool next_pair(struct walk *w, struct frame *f)
{
    const uint8_t *at = w->c.p;
    uint32_t arity;
    const char *text;
    uint32_t n;
    bool latin1;
    if (f->is_struct)
        skip_struct_pairs(w, f);
    if (f->left == 0) {
        if (f->kind == KEY_LIST)
            tap_read_nil(&w->c);
        tap_out_char(&w->o, f->kind == KEY_LIST ? ']' : '}');
        pop(w);
        return false;
    }
    f->left--;
    if (!f->first)
        separator(w);
    f->first = false;
    if ((f->kind == KEY_LIST && !tap_read_tuple(&w->c, &arity)) ||
        !tap_read_atom(&w->c, &text, &n, &latin1)) {
        bad(w, at);
        return false;
    }
    tap_out_atom(&w->o, text, n, latin1, TAP_ATOM_KEY);
    tap_out_char(&w->o, ' ');
    return true;
}

/* A term is complete: writes what comes after it, closing what ends with it. False when all is. */
static inline bool next_term(struct walk *w)
{
    while (w->depth > 0 && !w->o.done && !w->failed) {
        struct frame *f = &w->stack[w->depth - 1];
        switch (f->kind) {
        case LIST:
            if (f->left > 0) {
                f->left--;
                separator(w);
                return true;
            }
            if (list_tail(w, f))
                return true;
            break;
        case TAIL:
            tap_out_char(&w->o, ']');
            pop(w);
            break;
        case KEY_LIST:
        case KEY_MAP:
            if (next_pair(w, f))
                return true;
            break;
        default:
            if (f->left == 0) {
                if (f->kind == BIG_MAP)
                    w->c.p = w->term + f->end;
                tap_out_char(&w->o, '}');
                pop(w);
                break;
            }
            f->left--;
            if (f->kind == TUPLE || f->left % 2) {
                separator(w);
                if (f->kind == BIG_MAP)
                    w->c.p = w->term + f->order[f->left / 2];
            } else {
                tap_out_lit(&w->o, " => ");
            }
            return true;
        }
    }
    return false;
}

size_t tap_term_print(const struct tap_names *names, char *dst, size_t cap, const uint8_t *term, size_t len,
                      const struct tap_print *print)
{
    struct walk w; /* not zeroed: the frames inside are 1 KiB */
    w.c = tap_cursor(term, len);
    tap_read_version(&w.c);
    w.term = w.c.p;
    w.home = tap_home_of(names, print);
    w.stack = w.inside;
    w.depth = 0;
    w.cap = FRAMES;
    w.shapes = (struct tap_shapes){0};
    w.shape = 0;
    w.failed = false;
    tap_out_init(&w.o, dst, cap, print);
    if (w.o.elixir)
        tap_shapes_find(&w.shapes, w.term, tap_left(&w.c));
    while (!w.failed && !w.o.done)
        if (print_term(&w) == LEAF && !next_term(&w))
            break;
    while (w.depth > 0)
        pop(&w);
    if (w.stack != w.inside)
        free(w.stack);
    free(w.shapes.items);
    return tap_out_finish(&w.o);
}
