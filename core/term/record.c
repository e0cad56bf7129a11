/* record.c: native records (OTP 29), as io_lib prints them: #module:name{field = value}. In Elixir,
 * of which no release knows them yet, names are written so, too. */
#include "term/walk.h"

/* The atom at `c`, and past it. */
static bool print_name(struct tap_walk *w, struct tap_cursor *c)
{
    const char *text;
    uint32_t len;
    bool latin1, elixir = w->o.elixir;
    if (!tap_read_atom(c, &text, &len, &latin1))
        return false;
    w->o.elixir = false;
    tap_out_atom(&w->o, text, len, latin1, TAP_ATOM_LITERAL);
    w->o.elixir = elixir;
    return true;
}

/* Its name and a value follow each other here, and are apart in the term. */
static bool print_field(struct tap_walk *w, struct tap_walk_frame *f)
{
    struct tap_cursor name = tap_cursor(w->term + f->end, (size_t)(w->c.end - w->term) - f->end);
    if (!print_name(w, &name)) {
        tap_walk_bad(w, w->term + f->end);
        return false;
    }
    tap_out_lit(&w->o, " = ");
    f->end = (uint32_t)(name.p - w->term);
    return true;
}

enum tap_step tap_walk_record(struct tap_walk *w, const uint8_t *at)
{
    uint32_t n;
    struct tap_cursor c = w->c;
    if (!tap_read_record(&c, &n) || (size_t)(c.p - w->term) > UINT32_MAX / 2)
        return tap_walk_bad(w, at);
    if (n && tap_walk_too_deep(w))
        return tap_walk_cut(w, at);
    tap_out_char(&w->o, '#');
    if (!print_name(w, &c))
        return tap_walk_bad(w, at);
    tap_out_char(&w->o, ':');
    if (!print_name(w, &c))
        return tap_walk_bad(w, at);
    tap_out_char(&w->o, '{');
    if (n == 0) {
        w->c = c;
        tap_out_char(&w->o, '}');
        return TAP_LEAF;
    }
    struct tap_walk_frame *f = tap_walk_push(w, TAP_WALK_RECORD, (uint64_t)n - 1);
    if (!f)
        return TAP_LEAF;
    f->end = (uint32_t)(c.p - w->term);
    for (uint32_t i = 0; i < n && !c.bad; i++)
        tap_skip(&c);
    if (c.bad || c.p - w->term > UINT32_MAX)
        return tap_walk_bad(w, at);
    w->c = c;
    return print_field(w, f) ? TAP_OPENED : TAP_LEAF;
}

bool tap_walk_next_field(struct tap_walk *w, struct tap_walk_frame *f)
{
    if (f->left == 0) {
        tap_out_char(&w->o, '}');
        tap_walk_pop(w);
        return false;
    }
    if (tap_walk_full(w, f)) {
        tap_walk_cut_short(w, f->left, "}");
        return false;
    }
    f->left--;
    tap_walk_separator(w);
    return print_field(w, f);
}
