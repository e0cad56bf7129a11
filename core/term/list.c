/* list.c: lists: as strings when they are, else element by element, whichever way their bytes are
 * packed. */
#include "term/walk.h"

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

/* Is the list of n elements at the cursor a string, to its end? Stops at the first element that is
 * no character. */
static bool is_string(const struct tap_walk *w, uint32_t n)
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

/* Prints what is_string has found: nothing is checked again, but the rest of an Elixir
 * interpolation. */
static enum tap_step print_string(struct tap_walk *w, uint32_t n)
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
                return TAP_LEAF;
        }
        if (bytes) /* the list's end: what follows is not of it */
            break;
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
    return TAP_LEAF;
}

enum tap_step tap_walk_list(struct tap_walk *w, const uint8_t *at)
{
    uint32_t n;
    if (!tap_read_list(&w->c, &n))
        return tap_walk_bad(w, at);
    if (n == 0)
        return TAP_OPENED; /* nothing opened, but its tail is still to be printed in its place */
    size_t shape_at = w->shape;
    uint64_t shape = tap_walk_shape(w);
    int tag = tap_peek(&w->c);
    if ((tag == TAP_EXT_SMALL_INTEGER || tag == TAP_EXT_INTEGER) && !w->as_lists && is_string(w, n))
        return print_string(w, n);
    if (tap_walk_too_deep(w)) {
        w->shape = shape_at;
        return tap_walk_cut(w, at);
    }
    tap_out_char(&w->o, '[');
    if (shape == TAP_SHAPE_PLAIN) {
        tap_walk_push(w, TAP_WALK_LIST, (uint64_t)n - 1);
        return TAP_OPENED;
    }
    tap_walk_push(w, TAP_WALK_KEY_LIST, n);
    return TAP_LEAF; /* the loop prints the key */
}

/* The rest of a list behind `told` elements, and its end. */
static void print_numbers(struct tap_walk *w, const uint8_t *bytes, uint32_t n, uint32_t told)
{
    uint32_t most = !w->max_items ? n : w->max_items > told ? w->max_items - told : 0;
    for (uint32_t i = 0; i < n && i < most && !w->o.done; i++) {
        tap_walk_separator(w);
        tap_out_u64(&w->o, bytes[i]);
    }
    if (most < n && w->o.elixir)
        tap_out_lit(&w->o, ", ...");
    else if (most < n)
        tap_out_lit(&w->o, "|...");
    tap_out_char(&w->o, ']');
}

enum tap_step tap_walk_bytes(struct tap_walk *w, const uint8_t *at)
{
    const uint8_t *bytes;
    uint32_t n;
    if (!tap_read_string(&w->c, &bytes, &n))
        return tap_walk_bad(w, at);
    if (n == 0) {
        tap_out_lit(&w->o, "[]");
    } else if (!w->as_lists && tap_bytes_printable(&w->o, bytes, n)) {
        tap_out_quoted(&w->o, bytes, n, true, w->o.elixir ? '\'' : '"');
    } else if (tap_walk_too_deep(w)) {
        tap_out_lit(&w->o, "...");
    } else {
        tap_out_char(&w->o, '[');
        tap_out_u64(&w->o, bytes[0]);
        print_numbers(w, bytes + 1, n - 1, 1);
    }
    return TAP_LEAF;
}

bool tap_walk_tail(struct tap_walk *w, struct tap_walk_frame *f)
{
    const uint8_t *bytes, *at = w->c.p;
    uint32_t n;
    switch (tap_peek(&w->c)) {
    case TAP_EXT_NIL:
        w->c.p++;
        tap_out_char(&w->o, ']');
        tap_walk_pop(w);
        return false;
    case TAP_EXT_LIST:
        if (!tap_read_list(&w->c, &n)) {
            tap_walk_bad(w, at);
            return false;
        }
        if (n > 0)
            tap_walk_shape(w);
        f->left = n;
        return false;
    case TAP_EXT_STRING:
        if (!tap_read_string(&w->c, &bytes, &n)) {
            tap_walk_bad(w, at);
            return false;
        }
        print_numbers(w, bytes, n, f->told + 1);
        tap_walk_pop(w);
        return false;
    default:
        if (w->o.elixir)
            tap_out_lit(&w->o, " | ");
        else
            tap_out_char(&w->o, '|');
        f->kind = TAP_WALK_TAIL;
        return true;
    }
}
