/* beamtap/stack.h: the stack of a call (tap_event_stack): who called, and who called them.
 *
 *     [{Module, Function, Arity} | {Module, Function, Arity, [{file, File}, {line, Line} | ...]}]
 *
 * Whoever called is first. How many there are is the node's affair: eight, unless its
 * backtrace_depth says otherwise. Before OTP 26 there are no places in files. A stack that was
 * above max_term is {'$beamtap_cut', TrueSize} in the list's place.
 */
#ifndef BEAMTAP_STACK_H
#define BEAMTAP_STACK_H

#include "event.h"
#include "term.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Parts of the event's arena. */
struct tap_frame_text {
    const uint8_t *module, *function; /* atoms, external terms */
    size_t module_len, function_len;
    int64_t arity;
    const char *file; /* latin1 or, where the node has it so, UTF-8; NULL: not known */
    uint32_t file_len;
    int64_t line; /* 0: not known */
};

/* Over the frames of a stack; `size` is set where it was cut. */
static inline struct tap_cursor tap_stack_begin(const uint8_t *term, size_t len, uint64_t *size)
{
    struct tap_cursor c = tap_cursor(term, len);
    uint32_t n;
    int64_t cut;
    *size = 0;
    if (tap_peek(&c) == TAP_EXT_SMALL_TUPLE) {
        if (tap_read_tuple(&c, &n) && n == 2 && tap_match_atom(&c, "$beamtap_cut") &&
            tap_read_i64(&c, &cut) && cut > 0)
            *size = (uint64_t)cut;
        tap_cursor_fail(&c);
    } else {
        tap_read_list(&c, &n);
    }
    return c;
}

/* [{file, File}, {line, Line} | ...] */
static inline bool tap_stack_place(struct tap_cursor *c, struct tap_frame_text *f)
{
    uint32_t n, two;
    if (!tap_read_list(c, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct tap_cursor at = *c;
        const uint8_t *text;
        int64_t line;
        if (!tap_skip(c))
            return false;
        if (tap_peek(&at) != TAP_EXT_SMALL_TUPLE || !tap_read_tuple(&at, &two) || two != 2)
            continue;
        if (tap_match_atom(&at, "file") && tap_read_string(&at, &text, &f->file_len))
            f->file = (const char *)text;
        else if (tap_match_atom(&at, "line") && tap_read_i64(&at, &line) && line > 0)
            f->line = line;
    }
    return n == 0 || tap_read_nil(c);
}

/* The next frame; false: there is none. */
static inline bool tap_stack_next(struct tap_cursor *c, struct tap_frame_text *f)
{
    uint32_t n, len;
    const char *text;
    bool latin1;
    memset(f, 0, sizeof *f);
    if (c->bad || tap_peek(c) != TAP_EXT_SMALL_TUPLE || !tap_read_tuple(c, &n) || n < 3 || n > 4)
        return false;
    f->module = c->p;
    if (!tap_read_atom(c, &text, &len, &latin1))
        return false;
    f->module_len = (size_t)(c->p - f->module);
    f->function = c->p;
    if (!tap_read_atom(c, &text, &len, &latin1))
        return false;
    f->function_len = (size_t)(c->p - f->function);
    return tap_read_i64(c, &f->arity) && f->arity >= 0 && (n == 3 || tap_stack_place(c, f));
}

#ifdef __cplusplus
}
#endif
#endif
