/* fast_path.c: what most arguments and messages are, printed straight into memory: small integers,
 * bare atoms, the node's own pids, plain binaries and strings, and tuples and lists of those, in
 * Erlang syntax.
 *
 * The printer proper (term_print.c) prepares for everything that a term may be; here nothing is
 * prepared, and whatever is not so simple, or might not fit, is left to it. What is printed is the
 * same, which test_term_print holds against a node.
 */
#include "term/fast_path.h"

#define LEAF_MAX 300u /* bytes that any leaf takes at the most */
#define TEXT_MAX 128u
#define DEPTH_MAX 16

/* Stands for itself inside double quotes, JSON's included. */
static bool is_plain_text(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < 0x20 || p[i] > 0x7e || p[i] == '"' || p[i] == '\\' || p[i] == '#' ||
            p[i] == '\'')
            return false;
    return true;
}

static inline char *put_u32(char *p, uint32_t v)
{
    static const char pairs[201] =
        "000102030405060708091011121314151617181920212223242526272829303132333435363738394041424344"
        "454647484950515253545556575859606162636465666768697071727374757677787980818283848586878889"
        "90919293949596979899";
    static const uint32_t tens[11] = {0,       10,       100,       1000,       10000,     100000,
                                      1000000, 10000000, 100000000, 1000000000, UINT32_MAX};
    /* bits * log10(2), at most one too few */
    unsigned about = (32u - (unsigned)__builtin_clz(v | 1)) * 1233 >> 12;
    unsigned n = about + 1 - (v < tens[about]);
    char *t = p + n;
    for (; v >= 100; v /= 100) {
        t -= 2;
        memcpy(t, pairs + 2 * (v % 100), 2);
    }
    if (v >= 10)
        memcpy(p, pairs + 2 * v, 2);
    else
        *p = (char)('0' + v);
    return p + n;
}

/* At most 255 bytes, where there is room for 300: what is short takes no call. */
static inline char *put_short(char *p, const uint8_t *from, uint32_t n)
{
    if (n >= 8 && n <= 16) {
        memcpy(p, from, 8);
        memcpy(p + n - 8, from + n - 8, 8);
    } else if (n >= 4 && n < 8) {
        memcpy(p, from, 4);
        memcpy(p + n - 4, from + n - 4, 4);
    } else {
        memcpy(p, from, n);
    }
    return p + n;
}

static char *put_text(char *p, const uint8_t *text, size_t n, bool json)
{
    if (json)
        *p++ = '\\';
    *p++ = '"';
    memcpy(p, text, n);
    p += n;
    if (json)
        *p++ = '\\';
    *p++ = '"';
    return p;
}

static char *plain_pid(char *p, struct tap_cursor *c, const struct tap_plain *how)
{
    struct tap_pid pid;
    const char *node;
    uint32_t len;
    if (!how->home || !tap_read_pid(c, &node, &len, &pid) || len != how->home->len ||
        memcmp(node, how->home->text, len) != 0)
        return NULL;
    memcpy(p, "<0.", 3);
    p = put_u32(p + 3, pid.id);
    *p++ = '.';
    p = put_u32(p, pid.serial);
    *p++ = '>';
    return p;
}

/* STRING_EXT: characters when all of them are, else numbers. */
static char *plain_string(char *p, struct tap_cursor *c, const struct tap_plain *how)
{
    const uint8_t *bytes;
    uint32_t n;
    bool numbers = false;
    if (!tap_read_string(c, &bytes, &n) || n == 0 || n > TEXT_MAX / 2)
        return NULL;
    if (is_plain_text(bytes, n))
        return put_text(p, bytes, n, how->json);
    for (uint32_t i = 0; i < n; i++) {
        if (bytes[i] >= 0x80)
            return NULL;
        numbers |=
            bytes[i] < 8 || (bytes[i] > 13 && bytes[i] != 27 && bytes[i] < 0x20) || bytes[i] == 127;
    }
    if (!numbers)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        *p++ = i ? ',' : '[';
        p = put_u32(p, bytes[i]);
    }
    *p++ = ']';
    return p;
}

static char *plain_elements(char *p, struct tap_cursor *c, uint32_t n, char close,
                            const struct tap_plain *how, unsigned depth)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            *p++ = ',';
        if (!(p = tap_plain_term(p, c, how, depth + 1)))
            return NULL;
    }
    *p++ = close;
    return p;
}

/* The most frequent leaves. NULL: it is another one, and the cursor stands where it stood. There is
 * room for a leaf. */
static inline char *plain_leaf(char *p, struct tap_cursor *c)
{
    const uint8_t *t = c->p;
    size_t left = tap_left(c);
    if (left >= 5 && t[0] == TAP_EXT_INTEGER) {
        int32_t v = (int32_t)tap_get_u32(t + 1);
        c->p += 5;
        if (v < 0)
            *p++ = '-';
        return put_u32(p, v < 0 ? 0u - (uint32_t)v : (uint32_t)v);
    }
    if (left < 2)
        return NULL;
    if (t[0] == TAP_EXT_SMALL_INTEGER) {
        c->p += 2;
        return put_u32(p, t[1]);
    }
    if (t[0] != TAP_EXT_SMALL_ATOM_UTF8 || left < 2u + t[1] ||
        !tap_atom_is_bare((const char *)t + 2, t[1]))
        return NULL;
    c->p += 2u + t[1];
    return put_short(p, t + 2, t[1]);
}

char *tap_plain_term(char *p, struct tap_cursor *c, const struct tap_plain *how, unsigned depth)
{
    size_t left = tap_left(c);
    if (left < 2) /* NIL at the very end is left to the others */
        return NULL;
    if (__builtin_expect(how->end - p < (ptrdiff_t)LEAF_MAX || depth > DEPTH_MAX, 0))
        return NULL;
    char *leaf = plain_leaf(p, c);
    if (leaf)
        return leaf;
    const uint8_t *t = c->p;
    switch (t[0]) {
    case TAP_EXT_ATOM: /* older nodes; ASCII is the same in latin1 */
        if (left < 3 || t[1] || left < 3u + t[2] || !tap_atom_is_bare((const char *)t + 3, t[2]))
            return NULL;
        c->p += 3u + t[2];
        return put_short(p, t + 3, t[2]);
    case TAP_EXT_NIL:
        c->p++;
        *p++ = '[';
        *p++ = ']';
        return p;
    case TAP_EXT_NEW_PID: return plain_pid(p, c, how);
    case TAP_EXT_STRING: return plain_string(p, c, how);
    case TAP_EXT_BINARY: {
        const uint8_t *bytes;
        uint32_t n;
        if (!tap_read_binary(c, &bytes, &n) || n == 0 || n > TEXT_MAX || !is_plain_text(bytes, n))
            return NULL;
        memcpy(p, "<<", 2);
        p = put_text(p + 2, bytes, n, how->json);
        memcpy(p, ">>", 2);
        return p + 2;
    }
    case TAP_EXT_SMALL_TUPLE:
        c->p += 2;
        *p++ = '{';
        return plain_elements(p, c, t[1], '}', how, depth);
    case TAP_EXT_LIST: {
        /* One that begins with a number may be a string. */
        uint32_t n;
        if (!tap_read_list(c, &n) || tap_peek(c) == TAP_EXT_SMALL_INTEGER ||
            tap_peek(c) == TAP_EXT_INTEGER)
            return NULL;
        *p++ = '[';
        p = plain_elements(p, c, n, ']', how, depth);
        return p && tap_read_nil(c) ? p : NULL;
    }
    default: return NULL;
    }
}

struct tap_plain tap_plain_of(const struct tap_names *names, const struct tap_print *print)
{
    struct tap_plain how = {.json = print->json};
    uint32_t id = print->node_name;
    if (names && id)
        how.home = &names->chunks[id / TAP_NAME_CHUNK][id % TAP_NAME_CHUNK];
    return how;
}

/* ---- The arguments of a call */

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
        put(a, number, (size_t)(put_u32(number, bytes[i]) - number));
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
        to = a->plain.end - from >= (ptrdiff_t)LEAF_MAX ? plain_leaf(from, &at) : NULL;
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
    if (a->print->syntax == TAP_PRINT_ERLANG && !bounded && a->cap >= LEAF_MAX && short_separator)
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
    a.plain.end = dst + most;
    if (tap_peek(&c) == TAP_EXT_STRING)
        print_packed(&a, c);
    else if (!print_listed(&a, c))
        return tap_term_print(names, dst, cap, list, len, print);
    return a.n;
}
