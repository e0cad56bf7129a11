/* arguments.c: the arguments of a call: a list's elements without its brackets, of which most are
 * simple. */
#include "term/fast_path.h"
#include "term/print.h"

struct arguments {
    const struct tap_names *names;
    const struct tap_print *print;
    struct tap_plain plain;
    char *dst;
    size_t cap, n; /* n: bytes needed so far, also beyond cap */
    const char *separator;
    size_t separator_len;
};

static inline void put(struct arguments *a, const char *text, size_t n)
{
    size_t room = a->n < a->cap ? a->cap - a->n : 0;
    if (room)
        memcpy(a->dst + a->n, text, n < room ? n : room);
    a->n += n;
}

/* The separator before all but the first. False: the limit is reached, nothing more fits. */
static inline bool next(struct arguments *a, bool first)
{
    if (!first && __builtin_expect(a->separator_len == 1 && a->n < a->cap, 1))
        a->dst[a->n++] = a->separator[0];
    else if (!first)
        put(a, a->separator, a->separator_len);
    if (!a->print->limit || a->n < a->print->limit)
        return true;
    put(a, "...", 3);
    return false;
}

static void print_one(struct arguments *a, const uint8_t *term, size_t len)
{
    struct tap_print rest = *a->print;
    rest.limit = a->print->limit ? a->print->limit - a->n : 0;
    size_t room = a->n < a->cap ? a->cap - a->n : 0;
    size_t need = tap_term_print(a->names, room ? a->dst + a->n : NULL, room, term, len, &rest);
    a->n += need;
}

static void print_packed(struct arguments *a, struct tap_cursor c)
{
    const uint8_t *bytes;
    uint32_t n = 0;
    char number[4];
    tap_read_string(&c, &bytes, &n);
    for (uint32_t i = 0; i < n && next(a, i == 0); i++)
        put(a, number, (size_t)(tap_plain_u32(number, bytes[i]) - number));
}

/* As many elements as are simple and fit, from the first on; how many. Leaves the cursor before the
 * next. */
static uint32_t print_plain(struct arguments *a, struct tap_cursor *c, uint32_t n)
{
    struct tap_cursor at = *c;
    char *p = a->dst, *to;
    uint32_t i = 0;
    for (; i < n; i++, *c = at, p = to) {
        char *from = p;
        if (i) { /* there is room behind a leaf for more than this */
            memcpy(from, a->separator, 2);
            from += a->separator_len;
        }
        to = a->plain.end - from >= (ptrdiff_t)TAP_PLAIN_LEAF_MAX
                 ? tap_plain_leaf(from, &at, &a->plain)
                 : NULL;
        if (!to && !(to = tap_plain_term(from, &at, &a->plain, 0)))
            break;
    }
    a->n = (size_t)(p - a->dst);
    return i;
}

/* False: this is no proper list after all. */
static bool print_listed(struct arguments *a, struct tap_cursor c)
{
    uint32_t n, i = 0;
    if (!tap_read_list(&c, &n))
        return false;
    bool short_separator = a->separator_len == 1 || a->separator_len == 2;
    bool bounded = a->print->max_depth || a->print->max_items;
    if (a->print->syntax == TAP_PRINT_ERLANG && !bounded && a->cap >= TAP_PLAIN_LEAF_MAX &&
        short_separator)
        i = print_plain(a, &c, n);
    for (; i < n; i++) {
        if (!next(a, i == 0))
            return true;
        const uint8_t *term = c.p;
        if (!tap_skip(&c))
            return false;
        print_one(a, term, (size_t)(c.p - term));
    }
    return n == 0 || tap_read_nil(&c);
}

size_t tap_arguments_print(const struct tap_names *names, char *dst, size_t cap,
                           const uint8_t *list, size_t len, const char *separator,
                           const struct tap_print *print)
{
    size_t separator_len = separator[0] && !separator[1] ? 1 : strlen(separator);
    struct arguments a = {names,     print,        tap_plain_of(names, print), dst, cap, 0,
                          separator, separator_len};
    size_t most = print->limit && print->limit < cap ? print->limit : cap;
    struct tap_cursor c = tap_cursor(list, len);
    if (most > 0) /* else there may be no memory at all, and nothing is written */
        a.plain.end = dst + most;
    if (tap_peek(&c) == TAP_EXT_STRING)
        print_packed(&a, c);
    else if (!print_listed(&a, c))
        return tap_term_print(names, dst, cap, list, len, print);
    return a.n;
}
